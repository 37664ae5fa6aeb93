#include "platform/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* So that a pipe with any room at all takes a whole line (pipe(7)). */
_Static_assert(ETD_LOG_LINE <= PIPE_BUF, "a line fits a pipe");

static ssize_t by_poll(int fd, const char *data, size_t size)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(fd, data, size);
}

static ssize_t by_write(int fd, const char *data, size_t size)
{
    return write(fd, data, size);
}

static ssize_t by_send(int fd, const char *data, size_t size)
{
    return send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t to_nowhere(int fd, const char *data, size_t size)
{
    (void)fd, (void)data, (void)size;
    errno = EBADF;
    return -1;
}

static ssize_t (*const ways[ETD_LOG_WAYS])(int fd, const char *data, size_t size) = {
    [ETD_LOG_WAY_POLL] = by_poll,
    [ETD_LOG_WAY_WRITE] = by_write,
    [ETD_LOG_WAY_SEND] = by_send,
    [ETD_LOG_WAY_NOWHERE] = to_nowhere,
};

/* Gives how many bytes got out, 0 for none. */
static size_t put(const struct etd_log_sink *sink, const char *data, size_t size)
{
    ssize_t written;
    do
        written = ways[sink->way](sink->fd, data, size);
    while (written < 0 && errno == EINTR);
    return written < 0 ? 0 : (size_t)written;
}

/* True when nothing of an earlier line is left to be written. */
static bool put_rest(struct etd_log_sink *sink)
{
    if (sink->rest_size > 0) {
        size_t written = put(sink, sink->rest, sink->rest_size);
        sink->rest_size -= written;
        memmove(sink->rest, sink->rest + written, sink->rest_size);
    }
    return sink->rest_size == 0;
}

/* JOURNAL_STREAM is "DEVICE:INODE" of the socket that leads to the journal (systemd.exec(5)); it is
 * inherited by children whose standard error is something else. */
static bool leads_to_journal(const struct stat *status)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status->st_dev, (uintmax_t)status->st_ino);
    return stream != NULL && strcmp(stream, own) == 0;
}

/* O_NONBLOCK belongs to the open file description, which others share: a shell whose terminal
 * stopped blocking would break. So a pipe or a terminal is opened once more, for us alone. */
static void open_again(struct etd_log_sink *sink)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    sink->way = ETD_LOG_WAY_WRITE;
    sink->fd = fd;
    sink->own = true;
}

void etd_log_sink_open(struct etd_log_sink *sink)
{
    struct stat status;
    *sink = (struct etd_log_sink)ETD_LOG_SINK_INIT;
    if (fstat(sink->fd, &status) != 0) {
        sink->way = ETD_LOG_WAY_NOWHERE;
        return;
    }
    sink->journal = leads_to_journal(&status);
    if (S_ISSOCK(status.st_mode))
        sink->way = ETD_LOG_WAY_SEND;
    else if (S_ISREG(status.st_mode))
        sink->way = ETD_LOG_WAY_WRITE;
    else
        open_again(sink);
}

void etd_log_sink_close(struct etd_log_sink *sink)
{
    (void)put_rest(sink);
    if (sink->own)
        close(sink->fd);
    *sink = (struct etd_log_sink)ETD_LOG_SINK_INIT;
}

bool etd_log_sink_write(struct etd_log_sink *sink, const char *line, size_t size)
{
    if (!put_rest(sink))
        return false;
    size_t written = put(sink, line, size);
    if (written == 0)
        return false;
    sink->rest_size = size - written;
    memcpy(sink->rest, line + written, sink->rest_size);
    return true;
}
