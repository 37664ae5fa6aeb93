#include "client/send.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum etd_send_kind etd_send_kind_of(int fd)
{
    struct stat status;
    /* O_PATH: main put it where a stream was closed. */
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_PATH) != 0 || fstat(fd, &status) != 0)
        return ETD_SEND_ABSENT;
    if (S_ISSOCK(status.st_mode))
        return ETD_SEND_SOCKET;
    if (S_ISFIFO(status.st_mode) || isatty(fd))
        return ETD_SEND_PIPE;
    return ETD_SEND_FILE;
}

static bool is_ready(int fd, short events)
{
    struct pollfd watched = {.fd = fd, .events = events};
    return poll(&watched, 1, 0) > 0;
}

ssize_t etd_send_read(int fd, enum etd_send_kind kind, void *to, size_t size)
{
    switch (kind) {
    case ETD_SEND_SOCKET:
        return recv(fd, to, size, MSG_DONTWAIT);
    case ETD_SEND_PIPE:
        /* Another reader may have been quicker. */
        if (!is_ready(fd, POLLIN)) {
            errno = EAGAIN;
            return -1;
        }
        break;
    case ETD_SEND_FILE:
    case ETD_SEND_ABSENT:
        break;
    }
    return read(fd, to, size);
}

ssize_t etd_send_write(int fd, enum etd_send_kind kind, const void *from, size_t size)
{
    switch (kind) {
    case ETD_SEND_SOCKET:
        return send(fd, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    case ETD_SEND_PIPE:
        if (!is_ready(fd, POLLOUT)) {
            errno = EAGAIN;
            return -1;
        }
        /* A pipe that is ready has room for so many bytes; for more, write would wait. */
        size = size < PIPE_BUF ? size : PIPE_BUF;
        break;
    case ETD_SEND_FILE:
    case ETD_SEND_ABSENT:
        break;
    }
    return write(fd, from, size);
}
