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

Suite *etd_suite(void)
{
    return fault_sweep_suite("fault/loop_calls", a_failing_call_is_felt_by_no_other_connection,
                             sizeof sweeps / sizeof sweeps[0]);
}
