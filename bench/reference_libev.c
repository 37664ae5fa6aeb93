/* A TCP echo as a user of libev would write it first: a watcher and a timer for each connection, the
 * timer restarted for each message. Shows what the daemon's way of keeping time saves. */
#include "reference.h"

#include <ev.h>

static const double idle_timeout = 60;

struct peer {
    ev_io io;
    ev_timer timer;
    uint8_t *unsent;
    size_t begin;
    size_t end;
};

static void end(EV_P_ struct peer *peer)
{
    ev_io_stop(EV_A_ & peer->io);
    ev_timer_stop(EV_A_ & peer->timer);
    close(peer->io.fd);
    free(peer->unsent);
    free(peer);
}

static void wait_for(EV_P_ struct peer *peer, int events)
{
    ev_io_stop(EV_A_ & peer->io);
    ev_io_set(&peer->io, peer->io.fd, events);
    ev_io_start(EV_A_ & peer->io);
}

static void on_timeout(EV_P_ ev_timer *timer, int revents)
{
    (void)revents;
    end(EV_A_ timer->data);
}

static void on_ready(EV_P_ ev_io *io, int revents)
{
    static uint8_t buffer[REFERENCE_BUFFER];
    struct peer *peer = io->data;
    ev_timer_again(EV_A_ & peer->timer);
    if (revents & EV_WRITE) {
        ssize_t sent =
            send(io->fd, peer->unsent + peer->begin, peer->end - peer->begin, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN)
                end(EV_A_ peer);
            return;
        }
        peer->begin += (size_t)sent;
        if (peer->begin == peer->end) {
            free(peer->unsent);
            peer->unsent = NULL;
            wait_for(EV_A_ peer, EV_READ);
        }
        return;
    }
    ssize_t size = recv(io->fd, buffer, sizeof buffer, 0);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN)
            end(EV_A_ peer);
        return;
    }
    ssize_t sent = send(io->fd, buffer, (size_t)size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        end(EV_A_ peer);
        return;
    }
    if (sent < size) {
        peer->begin = 0;
        peer->end = (size_t)(size - (sent < 0 ? 0 : sent));
        peer->unsent = malloc(peer->end);
        memcpy(peer->unsent, buffer + size - peer->end, peer->end);
        wait_for(EV_A_ peer, EV_WRITE);
    }
}

static void on_acceptable(EV_P_ ev_io *listening, int revents)
{
    (void)revents;
    int fd = accept4(listening->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct peer *peer = calloc(1, sizeof *peer);
    ev_io_init(&peer->io, on_ready, fd, EV_READ);
    ev_timer_init(&peer->timer, on_timeout, 0, idle_timeout);
    peer->io.data = peer->timer.data = peer;
    ev_io_start(EV_A_ & peer->io);
    ev_timer_again(EV_A_ & peer->timer);
}

int main(void)
{
    struct ev_loop *loop = ev_default_loop(EVBACKEND_EPOLL | EVFLAG_NOENV);
    ev_io listening;
    ev_io_init(&listening, on_acceptable, reference_open(SOCK_STREAM), EV_READ);
    ev_io_start(loop, &listening);
    ev_run(loop, 0);
    return EXIT_FAILURE;
}
