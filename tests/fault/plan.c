#include "fault/plan.h"

static const char *const names[FAULT_CALLS] = {
    [FAULT_ACCEPT4] = "accept4",
    [FAULT_BIND] = "bind",
    [FAULT_CLOSE] = "close",
    [FAULT_EPOLL_CREATE1] = "epoll_create1",
    [FAULT_EPOLL_CTL] = "epoll_ctl",
    [FAULT_EPOLL_WAIT] = "epoll_wait",
    [FAULT_FCNTL] = "fcntl",
    [FAULT_GETSOCKNAME] = "getsockname",
    [FAULT_GETSOCKOPT] = "getsockopt",
    [FAULT_IOCTL] = "ioctl",
    [FAULT_LISTEN] = "listen",
    [FAULT_PIPE2] = "pipe2",
    [FAULT_READ] = "read",
    [FAULT_RECV] = "recv",
    [FAULT_RECVMMSG] = "recvmmsg",
    [FAULT_SEND] = "send",
    [FAULT_SENDMMSG] = "sendmmsg",
    [FAULT_SETSOCKOPT] = "setsockopt",
    [FAULT_SHUTDOWN] = "shutdown",
    [FAULT_SIGNALFD] = "signalfd",
    [FAULT_SOCKET] = "socket",
    [FAULT_SPLICE_IN] = "splice from a socket",
    [FAULT_SPLICE_OUT] = "splice to a socket",
    [FAULT_GETPWNAM] = "getpwnam",
    [FAULT_GETGRNAM] = "getgrnam",
    [FAULT_SETGROUPS] = "setgroups",
    [FAULT_SETRESGID] = "setresgid",
    [FAULT_SETRESUID] = "setresuid",
    [FAULT_CAPSET] = "capset",
    [FAULT_PRCTL] = "prctl",
    [FAULT_GETGROUPS] = "getgroups",
    [FAULT_GETRESGID] = "getresgid",
    [FAULT_GETRESUID] = "getresuid",
    [FAULT_CAPGET] = "capget",
    [FAULT_ALLOCATION] = "an allocation",
};

const char *fault_call_name(enum fault_call call)
{
    return names[call];
}
