/* A TCP listener: one [tcp] section of one configuration, with all the sockets that it listens at.
 *
 * After a reload it listens no more, and lives on for the connections that it has accepted: they go on
 * under its settings. */
#ifndef ECHOTIMED_DAEMON_TCP_LISTENER_H
#define ECHOTIMED_DAEMON_TCP_LISTENER_H

#include "daemon/section.h"
#include "daemon/tcp_tally.h"
#include "echotimed/access.h"
#include "echotimed/config.h"
#include "echotimed/session.h"
#include "platform/log.h"

#include <ev.h>
#include <stdbool.h>

struct etd_server;

struct etd_tcp_listener {
    struct etd_server *server;
    struct etd_tcp_tally *tally;
    uint32_t users; /* connections, and whoever made it */
    struct etd_session_settings settings;
    struct etd_access access;
    uint32_t max_per_source; /* 0: no limit */
    struct etd_sockets sockets;
    struct etd_log_limit rejected_log;
};

/* Opens the section's sockets, but for those that are open already (`kept`, as etd_sockets_open has
 * it). Nothing is accepted yet. Null: logged, and nothing is left open but these. */
struct etd_tcp_listener *etd_tcp_listener_open(struct etd_server *server,
                                               const struct etd_config_listener *config,
                                               struct etd_opening *const *kept);

/* Takes over the sockets that were kept, and begins to accept unless accepting pauses. */
void etd_tcp_listener_begin(struct etd_tcp_listener *listener,
                            const struct etd_config_listener *config);

/* Stops accepting for now, and goes on. */
void etd_tcp_listener_pause(struct etd_tcp_listener *listener);
void etd_tcp_listener_resume(struct etd_tcp_listener *listener);

/* Accepts what waits already, then closes the sockets, but for those that another one took over. */
void etd_tcp_listener_close(struct etd_tcp_listener *listener);

/* One user fewer. The last one's is freed. */
void etd_tcp_listener_release(struct etd_tcp_listener *listener);

#endif
