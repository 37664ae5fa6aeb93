/* The server: what all listeners and connections of the process share, and its life from the opened
 * sockets to the last closed connection. */
#ifndef ECHOTIMED_DAEMON_SERVER_H
#define ECHOTIMED_DAEMON_SERVER_H

#include "daemon/connections.h"
#include "daemon/metrics.h"
#include "daemon/relay.h"
#include "daemon/tcp_listener.h"
#include "daemon/udp_endpoint.h"
#include "daemon/udp_shared.h"
#include "echotimed/buffer.h"
#include "echotimed/config.h"
#include "echotimed/sources.h"

#include <ev.h>
#include <stdbool.h>

struct etd_server {
    struct ev_loop *loop;
    const struct etd_config *config; /* outlives the server */
    uint32_t max_connections; /* the configured number, or what the descriptor limit allows; never
                                 more than there are records */

    struct etd_pool pool;
    struct etd_turn turn; /* its memory serves one connection at a time */
    struct etd_clock_reading clock;
    bool clock_is_fresh; /* `clock` was read in this turn of the loop */
    bool had_work;       /* this turn of the loop found something to do */
    bool ended;          /* the loop is not to be run any more */
    ev_check turn_start;

    struct etd_connections connections;
    struct etd_sources sources; /* its `slots`: owned; null when no listener limits sources */
    struct etd_relay relay;
    ev_timer deadline_timer;
    etd_tick deadline_at; /* what the timer is set to, while it is active */

    struct etd_tcp_listener *tcp;
    size_t tcp_count;
    struct etd_udp_endpoint *udp;
    size_t udp_count;
    struct etd_udp_shared udp_shared;

    ev_timer accept_timer; /* active: accepting pauses until then */
    uint64_t accept_pauses;
    struct etd_log_limit pause_log;

    struct etd_metrics metrics;
    uint64_t reloads_good; /* of the configuration, so far */
    uint64_t reloads_bad;
    struct etd_timestamp started;

    ev_timer watch_timer; /* active: something is not watched until then */
    struct etd_log_limit watch_log;

    ev_io signals;
    bool draining;
    etd_tick drain_reads_until;
    ev_timer drain_timer;
};

/* Opens every listener of the configuration, all or none. On failure it has logged each reason, has
 * closed what it opened, and gives false. */
bool etd_server_open(struct etd_server *server, struct ev_loop *loop,
                     const struct etd_config *config);

/* Serves until the end was asked for by TERM or INT and all connections are closed. */
void etd_server_run(struct etd_server *server);

/* Closes everything that is still open and gives back all memory. */
void etd_server_close(struct etd_server *server);

/* The wall clock, read once in a turn of the loop. */
const struct etd_clock_reading *etd_server_clock(struct etd_server *server);

/* Accepts nothing for a short while; for when the host is out of descriptors or memory. */
void etd_server_pause_accepting(struct etd_server *server, int error);

/* The kernel refused to watch a descriptor of the server's own, for want of memory or watches: tries
 * again in a short while. `what` is for the log. */
void etd_server_watch_again(struct etd_server *server, const char *what);

/* Sets the timer of deadlines to the first thing in the wheel. */
void etd_server_arm_deadlines(struct etd_server *server);

/* Begins the end: stops listening, answers what was received, closes idle connections. Again: ends
 * at once. */
void etd_server_drain(struct etd_server *server);

/* Leaves the loop. */
void etd_server_end(struct etd_server *server);

/* A connection was closed: the last one ends a drain. */
void etd_server_connection_closed(struct etd_server *server);

/* Writes all counters to the log. */
void etd_server_log_counters(struct etd_server *server, enum etd_log_level level);

#endif
