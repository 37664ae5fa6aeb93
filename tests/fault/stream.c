#include "fault/stream.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A lost datagram is asked for again after so long. */
enum { ASK_AGAIN_MS = 40, LOOK_MS = 1 };

static const char *const end_names[] = {
    [FAULT_OPEN] = "open",
    [FAULT_COMPLETE] = "complete",
    [FAULT_CUT_RESET] = "cut off by a reset",
    [FAULT_CUT_CLEAN] = "cut off by a clean end",
    [FAULT_REFUSED] = "refused",
    [FAULT_WRONG] = "given wrong bytes",
    [FAULT_STUCK] = "stuck",
};

const char *fault_end_name(enum fault_end end)
{
    return end_names[end];
}

int64_t fault_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void end(struct fault_stream *stream, enum fault_end how)
{
    stream->end = how;
    if (stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

static struct sockaddr_in address_of(const struct fault_daemon *daemon,
                                     enum fault_listener listener)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(fault_daemon_port(daemon, listener)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Bound before connect, so that the port is known whatever becomes of that. From 127.0.0.2: at the
 * daemon's own address the kernel could give us the port of a listener that is gone, and we would
 * connect to ourselves. */
static uint16_t bind_somewhere(int fd)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
    socklen_t length = sizeof own;
    int on = 1; /* ports of earlier connections will do */
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &length), 0);
    return ntohs(own.sin_port);
}

void fault_stream_open(struct fault_stream *stream, const char *name,
                       const struct fault_daemon *daemon, enum fault_listener listener)
{
    struct sockaddr_in address = address_of(daemon, listener);
    int on = 1, segment = 1400;
    *stream = (struct fault_stream){.name = name, .daemon = daemon};
    stream->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(stream->fd, 0);
    /* As on a network: the long segments of loopback wait for room where buffers are small. */
    ck_assert_int_eq(setsockopt(stream->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), 0);
    stream->port = bind_somewhere(stream->fd);
    /* A daemon that is quick may have accepted and reset it before connect has returned. */
    if (connect(stream->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        end(stream, errno == ECONNRESET ? FAULT_CUT_RESET : FAULT_REFUSED);
        return;
    }
    ck_assert_int_eq(setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
}

/* Receives a part of what is due; gives how much, 0 when there was nothing, or the stream ended. */
static size_t receive(struct fault_stream *stream, struct etd_bytes due)
{
    static uint8_t data[256 * 1024];
    ssize_t size = recv(stream->fd, data, sizeof data, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN)
        return 0;
    if (size < 0)
        end(stream, FAULT_CUT_RESET);
    else if (size == 0)
        end(stream, due.size == 0 ? FAULT_COMPLETE : FAULT_CUT_CLEAN);
    else if ((size_t)size > due.size || memcmp(data, due.data, (size_t)size) != 0)
        end(stream, FAULT_WRONG);
    else
        return (size_t)size;
    return 0;
}

/* Whether the daemon has nothing more to do for us unless we read. */
static bool is_pressed(const struct fault_stream *stream)
{
    return stream->daemon->report->blocked == stream->port;
}

static void exchange(struct fault_stream *stream, struct etd_bytes send_bytes, struct etd_bytes due,
                     bool press)
{
    int64_t deadline = fault_now_ms() + FAULT_DEADLINE_MS;
    while (stream->end == FAULT_OPEN && (send_bytes.size > 0 || due.size > 0)) {
        press = press && send_bytes.size > 0 && !is_pressed(stream);
        struct pollfd wait = {
            .fd = stream->fd,
            .events = (short)((send_bytes.size > 0 ? POLLOUT : 0) | (press ? 0 : POLLIN))};
        int ready = poll(&wait, 1, press ? LOOK_MS : FAULT_DEADLINE_MS);
        if (fault_now_ms() > deadline) {
            end(stream, FAULT_STUCK);
            return;
        }
        if (ready > 0 && (wait.revents & POLLOUT) != 0) {
            ssize_t sent =
                send(stream->fd, send_bytes.data, send_bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent > 0)
                send_bytes = etd_bytes(send_bytes.data + sent, send_bytes.size - (size_t)sent);
            else if (errno != EAGAIN)
                end(stream, FAULT_CUT_RESET);
        }
        if (stream->end == FAULT_OPEN && (wait.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            size_t received = receive(stream, due);
            if (received > 0)
                due = etd_bytes(due.data + received, due.size - received);
        }
    }
}

void fault_stream_exchange(struct fault_stream *stream, struct etd_bytes send, struct etd_bytes due)
{
    exchange(stream, send, due, false);
}

void fault_stream_press(struct fault_stream *stream, struct etd_bytes send, struct etd_bytes due)
{
    exchange(stream, send, due, true);
}

void fault_stream_half_close(struct fault_stream *stream, struct etd_bytes due)
{
    if (stream->end != FAULT_OPEN)
        return;
    (void)shutdown(stream->fd, SHUT_WR); /* how it ends is read */
    exchange(stream, etd_bytes(NULL, 0), due, false);
}

void fault_stream_finish(struct fault_stream *stream, bool half_close)
{
    if (stream->end != FAULT_OPEN)
        return;
    if (half_close)
        (void)shutdown(stream->fd, SHUT_WR); /* how it ends is read */
    struct pollfd wait = {.fd = stream->fd, .events = POLLIN};
    if (poll(&wait, 1, FAULT_DEADLINE_MS) == 1)
        (void)receive(stream, etd_bytes(NULL, 0));
    else
        end(stream, FAULT_STUCK);
}

static bool is_number(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] < '0' || data[i] > '9')
            return false;
    }
    return true;
}

bool fault_datagram_ask(const struct fault_daemon *daemon, enum fault_listener listener,
                        struct etd_bytes query, size_t digits)
{
    struct sockaddr_in address = address_of(daemon, listener);
    uint8_t data[2048];
    bool answered = false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    bind_somewhere(fd); /* likewise: never from the address and port that it asks */
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    int64_t deadline = fault_now_ms() + FAULT_DEADLINE_MS;
    while (!answered && fault_now_ms() < deadline) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (send(fd, query.data, query.size, MSG_NOSIGNAL) < 0)
            break;
        if (poll(&wait, 1, ASK_AGAIN_MS) != 1)
            continue;
        ssize_t size = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (size < 0)
            break;
        answered = (size_t)size == digits && is_number(data, digits);
        ck_assert_msg(answered, "a wrong datagram of %zd bytes came", size);
    }
    close(fd);
    return answered;
}
