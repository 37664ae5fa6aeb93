/* A call that fails at the start either is done without, or the daemon says what it was and ends with
 * status 71. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>

static const struct fault_sweep sweeps[] = {
    {FAULT_SOCKET, FAULT_PREVENTS,
     FAULT_ERRORS(EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTONOSUPPORT)},
    {FAULT_BIND, FAULT_PREVENTS,
     FAULT_ERRORS(EACCES, EADDRINUSE, EADDRNOTAVAIL, EBADF, EFAULT, EINVAL, ENOMEM, ENOTSOCK)},
    {FAULT_LISTEN, FAULT_PREVENTS, FAULT_ERRORS(EADDRINUSE, EBADF, ENOTSOCK, EOPNOTSUPP)},
    {FAULT_SETSOCKOPT, FAULT_PREVENTS,
     FAULT_ERRORS(EBADF, EFAULT, EINVAL, ENOBUFS, ENOMEM, ENOPROTOOPT, ENOTSOCK, EPERM)},
    {FAULT_GETSOCKOPT, FAULT_UNFELT, FAULT_ERRORS(EBADF, EFAULT, EINVAL, ENOPROTOOPT, ENOTSOCK)},
    {FAULT_GETSOCKNAME, FAULT_UNFELT, FAULT_ERRORS(EBADF, EFAULT, EINVAL, ENOBUFS, ENOTSOCK)},
    {FAULT_EPOLL_CREATE1, FAULT_PREVENTS, FAULT_ERRORS(EMFILE, ENFILE, ENOMEM)},
    {FAULT_SIGNALFD, FAULT_PREVENTS, FAULT_ERRORS(EBADF, EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM)},
};

START_TEST(a_failing_call_is_done_without_or_ends_the_start)
{
    fault_sweep(&sweeps[_i]);
}
END_TEST

Suite *etd_suite(void)
{
    return fault_sweep_suite("fault/start_calls", a_failing_call_is_done_without_or_ends_the_start,
                             sizeof sweeps / sizeof sweeps[0]);
}
