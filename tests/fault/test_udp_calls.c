/* A failing call of a UDP endpoint loses at most a datagram, and the next one is answered. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>

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

Suite *etd_suite(void)
{
    return fault_sweep_suite("fault/udp_calls", a_failing_call_loses_a_datagram_at_most,
                             sizeof sweeps / sizeof sweeps[0]);
}
