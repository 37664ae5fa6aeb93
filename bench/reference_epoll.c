/* The smallest TCP echo on epoll: no time-outs, no framing, no limits, no counters. What a peer does
 * not take at once is kept in a buffer of its own. The daemon is measured against it. */
#include "reference.h"

#include <sys/epoll.h>

enum { EVENTS = 256 };

struct peer {
    int fd;
    uint8_t *unsent;
    size_t begin;
    size_t end;
};

static void change(int epoll, struct peer *peer, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = peer}};
    epoll_ctl(epoll, EPOLL_CTL_MOD, peer->fd, &event);
}

static void end(struct peer *peer)
{
    close(peer->fd);
    free(peer->unsent);
    free(peer);
}

static void write_unsent(int epoll, struct peer *peer)
{
    ssize_t size =
        send(peer->fd, peer->unsent + peer->begin, peer->end - peer->begin, MSG_NOSIGNAL);
    if (size < 0) {
        if (errno != EAGAIN)
            end(peer);
        return;
    }
    peer->begin += (size_t)size;
    if (peer->begin == peer->end) {
        free(peer->unsent);
        peer->unsent = NULL;
        change(epoll, peer, EPOLLIN);
    }
}

static void echo(int epoll, struct peer *peer)
{
    static uint8_t buffer[REFERENCE_BUFFER];
    ssize_t size = recv(peer->fd, buffer, sizeof buffer, 0);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN)
            end(peer);
        return;
    }
    ssize_t sent = send(peer->fd, buffer, (size_t)size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        end(peer);
        return;
    }
    if (sent < size) {
        peer->begin = 0;
        peer->end = (size_t)(size - (sent < 0 ? 0 : sent));
        peer->unsent = malloc(peer->end);
        memcpy(peer->unsent, buffer + size - peer->end, peer->end);
        change(epoll, peer, EPOLLOUT);
    }
}

static void take(int epoll, int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct peer *peer = calloc(1, sizeof *peer);
    peer->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = peer}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(void)
{
    int listening = reference_open(SOCK_STREAM);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer == NULL)
                take(epoll, listening);
            else if (peer->unsent != NULL)
                write_unsent(epoll, peer);
            else
                echo(epoll, peer);
        }
    }
}
