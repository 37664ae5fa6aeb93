/* The listeners of one configuration, of both transports: made beside those that serve, and put in
 * their place. */
#ifndef ECHOTIMED_DAEMON_LISTENERS_H
#define ECHOTIMED_DAEMON_LISTENERS_H

#include "daemon/tcp_listener.h"
#include "daemon/udp_endpoint.h"

#include <stdbool.h>
#include <stddef.h>

struct etd_server;

struct etd_listeners {
    struct etd_tcp_listener **tcp; /* in the order of the configuration */
    size_t tcp_count;
    struct etd_udp_endpoint **udp;
    size_t udp_count;
};

/* Opens every listener, and of their sockets those that the server does not have yet; nothing is
 * served yet. All addresses that cannot be had are logged. False: nothing is left but what the server
 * had before. */
bool etd_listeners_open(struct etd_listeners *listeners, struct etd_server *server,
                        const struct etd_config *config);

/* New sockets are opened before the old ones are closed, so an address that overlaps with one that is
 * served, metrics included, cannot be had. Whether that is so of an endpoint, which it logs then. */
bool etd_listeners_explain_overlap(const struct etd_server *server, enum etd_transport transport,
                                   const struct etd_endpoint *wanted);

/* Makes them those of the server, and ends its old ones: who waits there is served first. */
void etd_listeners_begin(struct etd_listeners *listeners, struct etd_server *server,
                         const struct etd_config *config);

/* Stops listening: who waits is served first. */
void etd_listeners_stop(const struct etd_listeners *listeners);

/* Closes the sockets that are theirs, and gives them back; connections go on. */
void etd_listeners_free(struct etd_listeners *listeners);

/* How many sockets they have. */
size_t etd_listeners_sockets(const struct etd_listeners *listeners);

#endif
