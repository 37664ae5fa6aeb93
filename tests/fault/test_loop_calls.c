/* The calls of the event loop fail, most of them libev's, which it makes for us. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>

/* Of epoll_ctl some are left out that the kernel gives to mistakes in a program alone: for EBADF, EINVAL
 * and ELOOP libev ends the process, and EEXIST it believes, so that it does not watch. */
static const struct fault_sweep sweeps[] = {
    {FAULT_EPOLL_WAIT, FAULT_UNFELT, FAULT_ERRORS(EINTR)},
    {FAULT_EPOLL_WAIT, FAULT_STOPS, FAULT_ERRORS(EBADF, EFAULT, EINVAL)},
    {FAULT_READ, FAULT_UNFELT, FAULT_ERRORS(EAGAIN, EBADF, EINTR, EINVAL, EIO)},
    {FAULT_EPOLL_CTL, FAULT_UNFELT, FAULT_ERRORS(EPERM)},
    {FAULT_EPOLL_CTL, FAULT_HITS_ONE, FAULT_ERRORS(ENOENT, ENOMEM, ENOSPC)},
};

START_TEST(a_failing_call_is_felt_by_no_other_connection)
{
    fault_sweep(&sweeps[_i]);
}
END_TEST

/* Nobody has to ask it to: a loop that cannot wait would spin for ever. */
START_TEST(a_loop_that_cannot_wait_ends_the_daemon)
{
    struct fault_plan plan = {.call = FAULT_EPOLL_WAIT, .error = EBADF, .at = 2, .count = 1};
    struct fault_daemon daemon;
    struct fault_stream stream;
    fault_daemon_start(&daemon, &plan);
    ck_assert(daemon.serves);
    fault_stream_open(&stream, "what wakes it", &daemon, FAULT_RAW);
    fault_daemon_wait(&daemon);
    fault_judge_end(&daemon, FAULT_STOPS);
    fault_stream_finish(&stream, false);
    fault_daemon_free(&daemon);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite =
        fault_sweep_suite("fault/loop_calls", a_failing_call_is_felt_by_no_other_connection,
                          sizeof sweeps / sizeof sweeps[0]);
    TCase *tcase = tcase_create("end");
    tcase_add_test(tcase, a_loop_that_cannot_wait_ends_the_daemon);
    suite_add_tcase(suite, tcase);
    return suite;
}
