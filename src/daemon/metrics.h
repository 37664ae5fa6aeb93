/* Metrics and health over HTTP, on the server's own loop.
 *
 * They are served little by little: after each piece of work the room rests for a moment, so that no
 * crowd of scrapers takes much of the loop from those whom the daemon is for. */
#ifndef ECHOTIMED_DAEMON_METRICS_H
#define ECHOTIMED_DAEMON_METRICS_H

#include "echotimed/config.h"
#include "echotimed/metrics.h"
#include "platform/log.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etd_http;
struct etd_server;

/* A text that was made in this piece of work serves all who ask for it meanwhile. */
struct etd_metrics_page {
    uint8_t *text; /* owned; kept for the next time */
    size_t capacity;
    size_t size; /* 0: not made yet */
};

struct etd_metrics {
    struct etd_server *server;
    struct etd_http *http; /* null: not open */
    ev_io *listening;      /* one for each socket; owned */
    size_t listening_count;
    ev_io working;  /* the HTTP server has something to do */
    ev_timer timer; /* the end of a rest, or what the HTTP server waits for */
    bool resting;   /* nothing is watched but the timer */
    struct etd_log_limit room_log;
    struct etd_metrics_page pages[ETD_METRICS_FORMATS];
};

/* Opens the sockets of an endpoint and begins to serve. Null: logged, and nothing is left open. */
struct etd_metrics *etd_metrics_make(struct etd_server *server,
                                     const struct etd_endpoint *endpoint);

/* Logs where it listens. Null is allowed. */
void etd_metrics_announce(const struct etd_metrics *metrics);

/* Closes everything, answered or not, and gives the memory back. Null is allowed. */
void etd_metrics_free(struct etd_metrics *metrics);

/* Whether it still serves: it ends by itself when the HTTP server cannot go on. Null does not. */
bool etd_metrics_serves(const struct etd_metrics *metrics);

/* The most descriptors that it may have open at one time; null: 0. */
size_t etd_metrics_descriptors(const struct etd_metrics *metrics);

#endif
