/* A TCP listener: one [tcp] section, with all the sockets that it listens at. */
#ifndef ECHOTIMED_DAEMON_TCP_LISTENER_H
#define ECHOTIMED_DAEMON_TCP_LISTENER_H

#include "daemon/section.h"
#include "echotimed/access.h"
#include "echotimed/config.h"
#include "echotimed/counters.h"
#include "echotimed/portion.h"
#include "echotimed/session.h"
#include "platform/log.h"

#include <ev.h>
#include <stdbool.h>

struct etd_server;

struct etd_tcp_listener {
    struct etd_server *server;
    char title[ETD_SECTION_TITLE];
    struct etd_session_settings settings; /* of its connections, which must not outlive it */
    struct etd_access access;
    uint32_t max_per_source; /* 0: no limit */
    uint16_t number;         /* by which the server counts its sources */
    struct etd_tcp_counters counters;
    struct etd_portion portion; /* connections to accept in one turn */
    unsigned silent;            /* connections to come that are not read at once */
    struct etd_sockets sockets;
    struct etd_log_limit rejected_log;
    struct etd_log_limit error_log;
};

/* Opens the section's sockets and begins to accept. False: logged, and nothing is left open. */
bool etd_tcp_listener_open(struct etd_tcp_listener *listener, struct etd_server *server,
                           const struct etd_config_listener *config);

/* Stops accepting for now, and goes on. */
void etd_tcp_listener_pause(struct etd_tcp_listener *listener);
void etd_tcp_listener_resume(struct etd_tcp_listener *listener);

/* Accepts what waits already, then closes the sockets. */
void etd_tcp_listener_close(struct etd_tcp_listener *listener);

/* Gives back what its connections needed, too: there are none any more. Does nothing to one that was
 * never opened (all zeros). */
void etd_tcp_listener_free(struct etd_tcp_listener *listener);

#endif
