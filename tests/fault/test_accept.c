/* Accepting fails: at every call with each error, and for a while, when the host is out of something. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>
#include <string.h>

static const int passing_errors[] = {
    EAGAIN, ECONNABORTED, EHOSTDOWN,  EHOSTUNREACH, EINTR,  ENETDOWN,  ENETUNREACH,
    ENONET, ENOPROTOOPT,  EOPNOTSUPP, EPERM,        EPROTO, ETIMEDOUT, 0};
static const int pausing_errors[] = {EBADF,   EFAULT, EINVAL, EMFILE,   ENFILE,
                                     ENOBUFS, ENOMEM, ENOSR,  ENOTSOCK, 0};

START_TEST(an_error_that_passes_is_not_felt)
{
    fault_sweep(&(struct fault_sweep){FAULT_ACCEPT4, FAULT_UNFELT, passing_errors});
}
END_TEST

START_TEST(an_error_that_pauses_is_not_felt)
{
    fault_sweep(&(struct fault_sweep){FAULT_ACCEPT4, FAULT_UNFELT, pausing_errors});
}
END_TEST

/* The first connection takes one call of accept4: a second one is not looked for behind a single one. */
enum { WITHIN = 1, WORDS = 200, FOR_EVER = 1000000, PAUSES = 3 };

static const int exhaustions[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};

START_TEST(accepting_pauses_without_spinning_and_goes_on_by_itself)
{
    const struct etd_bytes word = etd_bytes_text("word");
    struct fault_plan plan = {
        .call = FAULT_ACCEPT4, .error = exhaustions[_i], .at = WITHIN + 1, .count = FOR_EVER};
    struct fault_daemon daemon;
    struct fault_stream within, beyond;
    fault_daemon_start(&daemon, &plan);
    ck_assert(daemon.serves);
    fault_stream_open(&within, "within", &daemon, FAULT_RAW);
    fault_stream_exchange(&within, word, word);
    fault_daemon_await(&daemon, &daemon.report->calls[FAULT_ACCEPT4], WITHIN);
    int64_t begin = fault_now_ms();
    fault_stream_open(&beyond, "beyond", &daemon, FAULT_RAW);
    fault_stream_exchange(&beyond, word, etd_bytes(NULL, 0));
    unsigned waits = daemon.report->calls[FAULT_EPOLL_WAIT];
    fault_daemon_await(&daemon, &daemon.report->fired, PAUSES);
    waits = daemon.report->calls[FAULT_EPOLL_WAIT] - waits;
    unsigned fired = daemon.report->fired;
    ck_assert_int_le(fired, 2 + (fault_now_ms() - begin) / FAULT_PAUSE_MS);
    /* For each pause: the connection, the old news of it, the end of the pause. */
    ck_assert_uint_le(waits, 3 * fired + 3);
    for (int i = 0; i < WORDS; i++)
        fault_stream_exchange(&within, word, word);
    ck_assert_int_eq(within.end, FAULT_OPEN);
    daemon.report->lifted = true;
    fault_stream_exchange(&beyond, etd_bytes(NULL, 0), word);
    fault_stream_finish(&beyond, true);
    fault_stream_finish(&within, true);
    ck_assert_int_eq(beyond.end, FAULT_COMPLETE);
    ck_assert_int_eq(within.end, FAULT_COMPLETE);
    fault_daemon_terminate(&daemon);
    fault_daemon_wait(&daemon);
    fault_judge_end(&daemon, FAULT_UNFELT);
    /* It is said, and not said again for each pause: a line a second. */
    unsigned said = 0;
    const char *line = fault_daemon_log(&daemon);
    for (; (line = strstr(line, "accepting pauses")) != NULL; line++)
        said++;
    ck_assert_uint_ge(said, 1);
    ck_assert_int_le(said, 2 + (fault_now_ms() - begin) / 1000);
    fault_daemon_free(&daemon);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("fault/accept");
    TCase *tcase = tcase_create("accept");
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, an_error_that_passes_is_not_felt);
    tcase_add_test(tcase, an_error_that_pauses_is_not_felt);
    tcase_add_loop_test(tcase, accepting_pauses_without_spinning_and_goes_on_by_itself, 0,
                        sizeof exhaustions / sizeof exhaustions[0]);
    suite_add_tcase(suite, tcase);
    return suite;
}
