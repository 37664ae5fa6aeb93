/* What all UDP endpoints of a loop share: memory for batches, the guard against abuse, and what is
 * known of the process's own sockets and the host's addresses. */
#ifndef ECHOTIMED_DAEMON_UDP_SHARED_H
#define ECHOTIMED_DAEMON_UDP_SHARED_H

#include "echotimed/source_rules.h"
#include "echotimed/stamp_sessions.h"
#include "echotimed/udp_guard.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etd_udp_batch;
struct etd_udp_endpoint;

/* Where sockets are bound. */
struct etd_udp_bound {
    struct etd_address *list; /* owned */
    size_t count;
};

struct etd_udp_shared {
    struct etd_udp_batch *batch;
    struct etd_udp_guard guard;
    void *guard_memory;
    struct etd_stamp_sessions *stamp_sessions; /* null unless an endpoint is, or was, stateful */
    struct etd_own_sockets own;
    struct etd_udp_bound bound;
    struct etd_address *host; /* owned */
    uint64_t host_read_at;    /* monotonic milliseconds; 0: never */
};

/* Makes what endpoints need before they are opened. False: logged; close it all the same. */
bool etd_udp_shared_open(struct etd_udp_shared *shared);

/* Makes the sessions of stateful reflectors, unless they are there. False: logged. */
bool etd_udp_shared_open_sessions(struct etd_udp_shared *shared);

/* Asks where the sockets of these endpoints are bound. False: out of memory, logged. */
bool etd_udp_bound_find(struct etd_udp_bound *bound, struct etd_udp_endpoint *const *endpoints,
                        size_t count);

/* Takes it over: these are the process's sockets now. */
void etd_udp_shared_set_bound(struct etd_udp_shared *shared, struct etd_udp_bound *bound);

/* Where a datagram comes from a port that one of our sockets has: reads the host's addresses anew, at
 * most once a second, since that port may be forged. `now` is in monotonic milliseconds. */
void etd_udp_shared_refresh_host(struct etd_udp_shared *shared, uint64_t now);

void etd_udp_shared_close(struct etd_udp_shared *shared);

#endif
