#include "client/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ev_loop *etd_client_loop_open(void)
{
    /* NOENV: LIBEV_FLAGS shall not choose another backend. */
    struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (loop == NULL)
        fprintf(stderr, "echotime: cannot open the event loop: the kernel refused epoll: %s\n",
                strerror(errno));
    return loop;
}

static void on_signal(EV_P_ ev_signal *watcher, int revents)
{
    struct etd_stop *stop = watcher->data;
    (void)loop;
    (void)revents;
    stop->act(stop->data);
}

void etd_stop_begin(struct etd_stop *stop, struct ev_loop *loop, void (*act)(void *data),
                    void *data)
{
    static const int signals[] = {SIGINT, SIGTERM};
    stop->act = act;
    stop->data = data;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        ev_signal_init(&stop->watchers[i], on_signal, signals[i]);
        stop->watchers[i].data = stop;
        ev_signal_start(loop, &stop->watchers[i]);
        ev_unref(loop);
    }
}

void etd_stop_end(struct etd_stop *stop, struct ev_loop *loop)
{
    for (size_t i = 0; i < sizeof stop->watchers / sizeof stop->watchers[0]; i++) {
        ev_ref(loop);
        ev_signal_stop(loop, &stop->watchers[i]);
    }
}
