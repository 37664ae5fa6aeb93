/* All that a configuration needs: made while the one before it serves, and then put in its place, or
 * thrown away. The first one at the start replaces nothing. */
#ifndef ECHOTIMED_DAEMON_GENERATION_H
#define ECHOTIMED_DAEMON_GENERATION_H

#include "daemon/listeners.h"
#include "daemon/udp_shared.h"
#include "echotimed/sources.h"

struct etd_server;

struct etd_generation {
    const struct etd_config *config; /* outlives it */
    struct etd_listeners listeners;
    struct etd_udp_bound bound;
    uint32_t max_connections;   /* what is asked for, or what the descriptor limit allows */
    struct etd_sources sources; /* its `slots`: owned; null when those of the server will do */
};

/* Makes all that can fail. False: each reason is logged, the server is as it was, and there is nothing
 * to give back. */
bool etd_generation_open(struct etd_generation *generation, struct etd_server *server,
                         const struct etd_config *config);

/* Puts it into the server, whose `config` it becomes. Connections go on under the settings with which
 * they began. */
void etd_generation_begin(struct etd_generation *generation, struct etd_server *server);

#endif
