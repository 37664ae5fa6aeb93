/* A failing call of a UDP endpoint loses at most a datagram, and the next one is answered. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>
#include <string.h>

static const struct fault_sweep sweeps[] = {
    {FAULT_RECVMMSG, FAULT_UNFELT,
     FAULT_ERRORS(EAGAIN, EBADF, ECONNREFUSED, EFAULT, EINTR, EINVAL, ENOMEM, ENOTCONN, ENOTSOCK)},
    {FAULT_SENDMMSG, FAULT_UNFELT,
     FAULT_ERRORS(EACCES, EAGAIN, EALREADY, EBADF, ECONNREFUSED, ECONNRESET, EDESTADDRREQ, EFAULT,
                  EHOSTUNREACH, EINTR, EINVAL, EISCONN, EMSGSIZE, ENETUNREACH, ENOBUFS, ENOMEM,
                  ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPERM, EPIPE)},
};

START_TEST(a_failing_call_loses_a_datagram_at_most)
{
    fault_sweep(&sweeps[_i]);
}
END_TEST

/* A full send buffer is told apart from what has another reason. */
static const struct {
    struct fault_plan plan;
    const char *counted;
} losses[] = {
    {{.call = FAULT_SENDMMSG, .error = EAGAIN, .at = 1, .count = 1}, " dropped_send-buffer-full=1"},
    {{.call = FAULT_SENDMMSG, .error = ENOBUFS, .at = 1, .count = 1},
     " dropped_send-buffer-full=1"},
    {{.call = FAULT_SENDMMSG, .error = EHOSTUNREACH, .at = 1, .count = 1}, " dropped_send-error=1"},
    {{.cut_at = 1}, " dropped_truncated=1"},
};

START_TEST(a_datagram_that_is_lost_is_counted)
{
    struct fault_daemon daemon;
    struct fault_scenario scenario = {.count = 0};
    fault_daemon_start(&daemon, &losses[_i].plan);
    fault_scenario_play(&scenario, &daemon, 0);
    fault_judge_end(&daemon, FAULT_UNFELT);
    ck_assert(scenario.datagrams_answered);
    const char *log = fault_daemon_log(&daemon);
    ck_assert_msg(strstr(log, losses[_i].counted) != NULL, "%s", log);
    fault_daemon_free(&daemon);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = fault_sweep_suite("fault/udp_calls", a_failing_call_loses_a_datagram_at_most,
                                     sizeof sweeps / sizeof sweeps[0]);
    TCase *tcase = tcase_create("losses");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_datagram_that_is_lost_is_counted, 0,
                        sizeof losses / sizeof losses[0]);
    suite_add_tcase(suite, tcase);
    return suite;
}
