/* The table of TCP connections: their records, and the wheel that knows their deadlines.
 *
 * Records stand in one range of addresses, so that a record never moves (libev points to its watcher)
 * and its place is its number in the wheel. Addresses are reserved for as many as a configuration can
 * ask for, and made usable as it does; pages are touched as they are used, the lowest first. */
#ifndef ECHOTIMED_DAEMON_CONNECTIONS_H
#define ECHOTIMED_DAEMON_CONNECTIONS_H

#include "echotimed/session.h"
#include "echotimed/wheel.h"

#include <ev.h>
#include <stdbool.h>

struct etd_tcp_listener;

/* One TCP connection; an idle one needs no more. */
struct etd_connection {
    ev_io watcher; /* its `data`: the listener, or, of a record not in use, the next such record */
    struct etd_session session; /* its `settings`: null for a record not in use */
};
_Static_assert(sizeof(struct etd_connection) <= 120, "each byte more counts for every connection");

struct etd_connections {
    struct etd_connection *records;
    uint32_t capacity;           /* records that are usable */
    uint32_t used;               /* records in use at some time so far: the first ones */
    uint32_t open;               /* in use now */
    struct etd_connection *free; /* those given back */
    struct etd_wheel wheel;
    struct etd_wheel_node *nodes;
};

/* Reserves the table, with no capacity yet. False: the kernel refused; errno says why. */
bool etd_connections_open(struct etd_connections *connections);

/* Raises the capacity, up to ETD_CONNECTIONS_MAX; it is never lowered. False: likewise. */
bool etd_connections_make_room(struct etd_connections *connections, uint32_t capacity);

/* All records must have been given back. */
void etd_connections_close(struct etd_connections *connections);

/* A zeroed record; null only when as many as the capacity are open. */
struct etd_connection *etd_connections_take(struct etd_connections *connections);

/* Gives a record back. It must not be in the loop any more. */
void etd_connections_give(struct etd_connections *connections, struct etd_connection *connection);

/* The record's number in the wheel. */
static inline uint32_t etd_connections_id(const struct etd_connections *connections,
                                          const struct etd_connection *connection)
{
    return (uint32_t)(connection - connections->records);
}

static inline bool etd_connection_in_use(const struct etd_connection *connection)
{
    return connection->session.settings != NULL;
}

#endif
