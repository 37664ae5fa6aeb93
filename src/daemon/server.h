/* The server: what all listeners and connections of the process share, and its life from the opened
 * sockets to the last closed connection. */
#ifndef ECHOTIMED_DAEMON_SERVER_H
#define ECHOTIMED_DAEMON_SERVER_H

#include "daemon/connections.h"
#include "daemon/listeners.h"
#include "daemon/relay.h"
#include "daemon/retry.h"
#include "daemon/tcp_tally.h"
#include "daemon/udp_shared.h"
#include "echotimed/buffer.h"
#include "echotimed/config.h"
#include "echotimed/sources.h"
#include "platform/config_file.h"

#include <ev.h>
#include <stdbool.h>

struct etd_server {
    struct ev_loop *loop;
    const struct etd_config *config;   /* the one in force */
    struct etd_config_loaded *loaded;  /* the caller's: where that stands; a reload replaces it */
    struct etd_config_request request; /* what a reload loads */
    uint64_t reloads_good, reloads_bad;
    struct etd_timestamp started;
    uint32_t max_connections; /* the configured number, or what the descriptor limit allows; never
                                 more than there are records */

    struct etd_pool pool;
    uint64_t now_us;      /* monotonic; read once in a turn of the loop, behind its wait */
    struct etd_turn turn; /* its memory serves one connection at a time */
    struct etd_clock_reading clock;
    bool clock_is_fresh; /* `clock` was read in this turn of the loop */
    bool had_work; /* this turn of the loop found something to do; told while polling busily */
    bool ended;    /* the loop is not to be run any more */
    ev_check busy_turn;

    struct etd_connections connections;
    struct etd_sources sources; /* its `slots`: owned; null when no listener limits sources */
    struct etd_relay relay;
    ev_timer deadline_timer;
    etd_tick deadline_at; /* what the timer is set to, while it is active */

    struct etd_listeners listeners;
    struct etd_tcp_tallies tallies; /* of these, and of earlier ones that have connections */
    uint16_t udp_number;            /* of the endpoint that got one last */
    struct etd_udp_shared udp_shared;
    struct etd_metrics *metrics; /* owned; null: off */

    struct etd_retry accept_retry; /* waits: accepting pauses until then */
    struct etd_retry watch_retry;  /* waits: something is not watched until then */
    uint64_t accept_pauses;

    ev_io signals;
    bool draining;
    etd_tick drain_reads_until;
    ev_timer drain_timer;
};

/* Opens every listener of the configuration, all or none. A reload loads what `request` says, the texts
 * of which outlive the server as `loaded` does, and replaces `*loaded`. On failure it has logged each
 * reason, has closed what it opened, and gives false. */
bool etd_server_open(struct etd_server *server, struct ev_loop *loop,
                     struct etd_config_loaded *loaded, const struct etd_config_request *request);

/* Serves until the end was asked for by TERM or INT and all connections are closed. */
void etd_server_run(struct etd_server *server);

/* Closes everything that is still open and gives back all memory. */
void etd_server_close(struct etd_server *server);

/* The wall clock, read once in a turn of the loop. */
const struct etd_clock_reading *etd_server_clock(struct etd_server *server);

/* Gets ready for the three below. */
void etd_server_expect_shortage(struct etd_server *server);

/* For the loop: runs when it is about to wait. */
void etd_server_before_wait(EV_P) EV_NOEXCEPT;

/* Accepts nothing for a short while; for when the host is out of descriptors or memory. */
void etd_server_pause_accepting(struct etd_server *server, int error);

bool etd_server_accepting_pauses(const struct etd_server *server);

/* The kernel refused to watch a descriptor of the server's own, for want of memory or watches: tries
 * again in a short while. `what` is for the log. */
void etd_server_watch_again(struct etd_server *server, const char *what);

/* Sets the timer of deadlines to the first thing in the wheel. */
void etd_server_arm_deadlines(struct etd_server *server);

/* Tells the service manager that it serves. */
void etd_server_tell_ready(const struct etd_server *server);

/* Loads the configuration again, and serves by it from now on: all of it, or when anything is wrong
 * with it nothing of it, which is logged. Connections go on under the settings with which they
 * began. */
void etd_server_reload(struct etd_server *server);

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
