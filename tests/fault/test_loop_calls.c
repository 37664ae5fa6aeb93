/* The calls of the event loop fail: libev's own, which it makes for us. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>

/* EBADF, EINVAL and ELOOP of epoll_ctl are left out: they tell of a descriptor that is not open or
 * not one to be watched, which libev takes for a mistake in the program and ends it. */
static const struct fault_sweep sweeps[] = {
    {FAULT_EPOLL_WAIT, FAULT_UNFELT, FAULT_ERRORS(EINTR), NULL},
    {FAULT_EPOLL_WAIT, FAULT_STOPS, FAULT_ERRORS(EBADF, EFAULT, EINVAL), NULL},
    {FAULT_EPOLL_CTL, FAULT_UNFELT, FAULT_ERRORS(EPERM), NULL},
    {FAULT_EPOLL_CTL, FAULT_HITS_ONE, FAULT_ERRORS(ENOENT, ENOMEM, ENOSPC), NULL},
    /* A socket that libev is told it watches already is not watched. */
    {FAULT_EPOLL_CTL, FAULT_HITS_ONE, FAULT_ERRORS(EEXIST), "tcp raw.idle_timeout=2s"},
};

START_TEST(a_failing_call_is_felt_by_no_other_connection)
{
    fault_sweep(&sweeps[_i]);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("fault/loop_calls");
    TCase *tcase = tcase_create("calls");
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, a_failing_call_is_felt_by_no_other_connection, 0,
                        sizeof sweeps / sizeof sweeps[0]);
    suite_add_tcase(suite, tcase);
    return suite;
}
