/* The event loop of a command, and the signals that end it early. */
#ifndef ECHOTIMED_CLIENT_LOOP_H
#define ECHOTIMED_CLIENT_LOOP_H

#include <ev.h>
#include <stdbool.h>

/* Null after saying why on standard error. Destroy it by ev_loop_destroy. */
struct ev_loop *etd_client_loop_open(void);

/* SIGINT (Ctrl-C) and SIGTERM. */
struct etd_stop {
    ev_signal watchers[2];
    void (*act)(void *data);
    void *data;
};

/* Calls `act` from the loop at either signal, instead of dying from it; the loop does not wait for
 * them. `stop` must not move until it is ended. */
void etd_stop_begin(struct etd_stop *stop, struct ev_loop *loop, void (*act)(void *data),
                    void *data);
void etd_stop_end(struct etd_stop *stop, struct ev_loop *loop);

#endif
