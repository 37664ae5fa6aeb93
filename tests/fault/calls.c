/* The system calls that the daemon and libev make. Outside of the daemon's process, and where the plan
 * says nothing, they are passed on. */
#include "fault/interpose.h"
#include "fault/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Small ones, so that a peer that reads nothing soon stops the daemon. Enough can be received to fill
 * a whole read of the daemon's. */
enum { SEND_BUFFER = 16 * 1024, RECEIVE_BUFFER = 256 * 1024 };

const struct fault_plan *fault_plan;
struct fault_report *fault_report;
static int ready_end = -1;
static int last_socket = -1; /* what the daemon worked on last */

void fault_arm(const struct fault_plan *plan, struct fault_report *report, int ready)
{
    fault_plan = plan;
    ready_end = ready;
    fault_report = report;
}

void fault_disarm(void)
{
    fault_report = NULL;
}

static unsigned port_of(const struct sockaddr_in *address)
{
    return address->sin_family == AF_INET ? ntohs(address->sin_port) : 0;
}

static unsigned client_port(int fd)
{
    struct sockaddr_in peer = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof peer;
    int saved = errno;
    unsigned port =
        fd >= 0 && getpeername(fd, (struct sockaddr *)&peer, &length) == 0 ? port_of(&peer) : 0;
    errno = saved;
    return port;
}

static bool is_planned(const struct fault_plan *plan, unsigned number)
{
    if (plan->every != 0)
        return number % plan->every == 0;
    return number >= plan->at && number - plan->at < plan->count;
}

bool fault_strikes(enum fault_call call, int fd)
{
    if (fault_report == NULL)
        return false;
    if (fd >= 0)
        last_socket = fd;
    unsigned number = ++fault_report->calls[call];
    const struct fault_plan *plan = fault_plan;
    if (plan->call != call || !is_planned(plan, number) || fault_report->lifted)
        return false;
    fault_report->fired++;
    fault_report->hit = client_port(fd >= 0 || call != FAULT_ALLOCATION ? fd : last_socket);
    errno = plan->error;
    return true;
}

/* What of `size` may pass. */
static size_t shorten(size_t size, size_t most)
{
    return fault_report != NULL && most != 0 && size > most ? most : size;
}

static void note_blocked(int fd)
{
    if (fault_report != NULL)
        fault_report->blocked = client_port(fd);
}

EXPORT int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    NEXT(accept4);
    if (fault_strikes(FAULT_ACCEPT4, -1))
        return -1;
    int accepted = next(fd, address, length, flags);
    if (accepted >= 0 && fault_report != NULL) {
        int send_buffer = SEND_BUFFER, receive_buffer = RECEIVE_BUFFER;
        (void)!syscall(SYS_setsockopt, accepted, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                       sizeof send_buffer);
        (void)!syscall(SYS_setsockopt, accepted, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                       sizeof receive_buffer);
        last_socket = accepted;
    }
    return accepted;
}

EXPORT int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    NEXT(bind);
    if (fault_strikes(FAULT_BIND, -1))
        return -1;
    int result = next(fd, address, length);
    if (result == 0 && fault_report != NULL && fault_report->bound_count < FAULT_PORTS) {
        struct sockaddr_in bound = {.sin_family = AF_UNSPEC};
        socklen_t size = sizeof bound;
        (void)!syscall(SYS_getsockname, fd, &bound, &size);
        fault_report->bound[fault_report->bound_count++] = port_of(&bound);
    }
    return result;
}

EXPORT int close(int fd)
{
    NEXT(close);
    bool strikes = fault_strikes(FAULT_CLOSE, fd);
    int result = next(fd);
    if (!strikes)
        return result;
    errno = fault_plan->error;
    return -1;
}

EXPORT int epoll_create1(int flags)
{
    NEXT(epoll_create1);
    return fault_strikes(FAULT_EPOLL_CREATE1, -1) ? -1 : next(flags);
}

EXPORT int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    NEXT(epoll_ctl);
    /* To forget a descriptor takes nothing that could be short. */
    if (operation != EPOLL_CTL_DEL && fault_strikes(FAULT_EPOLL_CTL, fd))
        return -1;
    return next(epoll, operation, fd, event);
}

EXPORT int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
    NEXT(epoll_wait);
    if (fault_report != NULL && ready_end >= 0) {
        (void)!write(ready_end, "", 1);
        ready_end = -1;
    }
    return fault_strikes(FAULT_EPOLL_WAIT, -1) ? -1 : next(epoll, events, most, timeout);
}

EXPORT int fcntl(int fd, int command, ...)
{
    NEXT(fcntl);
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return fault_strikes(FAULT_FCNTL, -1) ? -1 : next(fd, command, argument);
}

EXPORT int getsockname(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    NEXT(getsockname);
    return fault_strikes(FAULT_GETSOCKNAME, -1) ? -1 : next(fd, address, length);
}

EXPORT int getsockopt(int fd, int level, int option, void *restrict value,
                      socklen_t *restrict length)
{
    NEXT(getsockopt);
    return fault_strikes(FAULT_GETSOCKOPT, fd) ? -1 : next(fd, level, option, value, length);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    NEXT(ioctl);
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return fault_strikes(FAULT_IOCTL, fd) ? -1 : next(fd, request, argument);
}

EXPORT int listen(int fd, int backlog)
{
    NEXT(listen);
    return fault_strikes(FAULT_LISTEN, -1) ? -1 : next(fd, backlog);
}

EXPORT int pipe2(int ends[2], int flags)
{
    NEXT(pipe2);
    return fault_strikes(FAULT_PIPE2, -1) ? -1 : next(ends, flags);
}

EXPORT ssize_t read(int fd, void *data, size_t size)
{
    NEXT(read);
    bool configured = ready_end < 0;
    return configured && fault_strikes(FAULT_READ, -1) ? -1 : next(fd, data, size);
}

EXPORT ssize_t recv(int fd, void *data, size_t size, int flags)
{
    NEXT(recv);
    if (fault_strikes(FAULT_RECV, fd))
        return -1;
    return next(fd, data, fault_report == NULL ? size : shorten(size, fault_plan->most_received),
                flags);
}

/* No payload over IP is longer than the daemon's room, so this cannot be had from the network. */
static void cut(struct msghdr *message)
{
    if (fault_report != NULL && fault_plan->cut_at != 0 &&
        fault_report->calls[FAULT_RECVMMSG] == fault_plan->cut_at)
        message->msg_flags |= MSG_TRUNC;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout)
{
    NEXT(recvmmsg);
    if (fault_strikes(FAULT_RECVMMSG, -1))
        return -1;
    if (fault_report != NULL)
        count = (unsigned)shorten(count, fault_plan->most_datagrams);
    int received = next(fd, messages, count, flags, timeout);
    if (received > 0)
        cut(&messages->msg_hdr);
    return received;
}

/* One datagram or several: the same call to the plan. Over other sockets it is the manager's library. */
static bool is_udp(int fd)
{
    NEXT(getsockopt); /* the function above would count it */
    int type = 0, family = 0;
    socklen_t length = sizeof type;
    return next(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_DGRAM &&
           next(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 &&
           (family == AF_INET || family == AF_INET6);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    NEXT(recvmsg);
    bool ours = fault_report != NULL && is_udp(fd);
    if (ours && fault_strikes(FAULT_RECVMMSG, -1))
        return -1;
    ssize_t size = next(fd, message, flags);
    if (ours && size >= 0)
        cut(message);
    return size;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    NEXT(sendmsg);
    if (fault_report != NULL && is_udp(fd) && fault_strikes(FAULT_SENDMMSG, -1))
        return -1;
    return next(fd, message, flags);
}

EXPORT ssize_t send(int fd, const void *data, size_t size, int flags)
{
    NEXT(send);
    if (fault_strikes(FAULT_SEND, fd))
        return -1;
    ssize_t sent =
        next(fd, data, fault_report == NULL ? size : shorten(size, fault_plan->most_sent), flags);
    if (sent < 0 && errno == EAGAIN)
        note_blocked(fd);
    return sent;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    NEXT(sendmmsg);
    if (fault_strikes(FAULT_SENDMMSG, -1))
        return -1;
    if (fault_report != NULL)
        count = (unsigned)shorten(count, fault_plan->most_datagrams);
    return next(fd, messages, count, flags);
}

EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    NEXT(setsockopt);
    if (fault_strikes(FAULT_SETSOCKOPT, fd))
        return -1;
    if (fault_report != NULL && option == SO_LINGER)
        fault_report->reset = client_port(fd);
    return next(fd, level, option, value, length);
}

EXPORT int shutdown(int fd, int how)
{
    NEXT(shutdown);
    return fault_strikes(FAULT_SHUTDOWN, fd) ? -1 : next(fd, how);
}

EXPORT int signalfd(int fd, const sigset_t *mask, int flags)
{
    NEXT(signalfd);
    return fault_strikes(FAULT_SIGNALFD, -1) ? -1 : next(fd, mask, flags);
}

EXPORT int socket(int domain, int type, int protocol)
{
    NEXT(socket);
    return fault_strikes(FAULT_SOCKET, -1) ? -1 : next(domain, type, protocol);
}

EXPORT ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t size,
                      unsigned flags)
{
    NEXT(splice);
    /* One of the two is a pipe. */
    bool gives = client_port(to) != 0;
    if (fault_strikes(gives ? FAULT_SPLICE_OUT : FAULT_SPLICE_IN, gives ? to : from))
        return -1;
    ssize_t moved =
        next(from, from_at, to, to_at,
             fault_report == NULL ? size : shorten(size, fault_plan->most_spliced), flags);
    if (gives && moved < 0 && errno == EAGAIN)
        note_blocked(to);
    return moved;
}
