/* Each system call of a TCP connection fails, with each error that its manual page lists, at every
 * call of the scenario in turn. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>

static const struct fault_sweep sweeps[] = {
    {FAULT_RECV, FAULT_UNFELT, FAULT_ERRORS(EAGAIN, EINTR)},
    {FAULT_RECV, FAULT_HITS_ONE,
     FAULT_ERRORS(EBADF, ECONNREFUSED, ECONNRESET, EFAULT, EHOSTUNREACH, EINVAL, ENETUNREACH,
                  ENOMEM, ENOTCONN, ENOTSOCK, ETIMEDOUT)},
    {FAULT_SEND, FAULT_UNFELT, FAULT_ERRORS(EAGAIN, EINTR)},
    {FAULT_SEND, FAULT_HITS_ONE,
     FAULT_ERRORS(EACCES, EALREADY, EBADF, ECONNRESET, EDESTADDRREQ, EFAULT, EINVAL, EISCONN,
                  EMSGSIZE, ENOBUFS, ENOMEM, ENOTCONN, ENOTSOCK, EOPNOTSUPP, EPIPE, ETIMEDOUT)},
    {FAULT_SPLICE_IN, FAULT_UNFELT, FAULT_ERRORS(EAGAIN, EINTR, EINVAL, ENOMEM)},
    {FAULT_SPLICE_IN, FAULT_HITS_ONE, FAULT_ERRORS(EBADF, ECONNRESET, EPIPE, ESPIPE, ETIMEDOUT)},
    {FAULT_SPLICE_OUT, FAULT_UNFELT, FAULT_ERRORS(EAGAIN, EINTR)},
    {FAULT_SPLICE_OUT, FAULT_HITS_ONE,
     FAULT_ERRORS(EBADF, ECONNRESET, EINVAL, ENOMEM, EPIPE, ESPIPE, ETIMEDOUT)},
    {FAULT_SHUTDOWN, FAULT_HITS_ONE, FAULT_ERRORS(EBADF, EINVAL, ENOTCONN, ENOTSOCK)},
    {FAULT_IOCTL, FAULT_UNFELT, FAULT_ERRORS(EBADF, EFAULT, EINVAL, ENOTTY)},
    {FAULT_PIPE2, FAULT_UNFELT, FAULT_ERRORS(EFAULT, EINVAL, EMFILE, ENFILE)},
    {FAULT_FCNTL, FAULT_UNFELT, FAULT_ERRORS(EBUSY, EPERM)},
    {FAULT_CLOSE, FAULT_UNFELT, FAULT_ERRORS(EINTR, EIO)},
};

START_TEST(a_failing_call_is_felt_by_no_other_connection)
{
    fault_sweep(&sweeps[_i]);
}
END_TEST

Suite *etd_suite(void)
{
    return fault_sweep_suite("fault/tcp_calls", a_failing_call_is_felt_by_no_other_connection,
                             sizeof sweeps / sizeof sweeps[0]);
}
