/* Which sources of datagrams are never answered, whatever they ask: those where another responder
 * is likely to answer the answer, and addresses that stand for more than one host. */
#ifndef ECHOTIMED_SOURCE_RULES_H
#define ECHOTIMED_SOURCE_RULES_H

#include "echotimed/address.h"
#include "echotimed/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ETD_LOW_PORTS = 1024, /* below it services answer (RFC 6335 section 6) */
    ETD_NTP_PORT = 123,   /* from which NTP servers ask each other, too */
    ETD_PORTS = 65536
};

/* Where the UDP sockets of this process are bound, of all its endpoints. */
struct etd_own_sockets {
    const struct etd_address *bound; /* the caller's, as are `host`; they outlive this */
    size_t bound_count;
    /* The host's own addresses, for sockets that are bound to all of them; ports mean nothing. May
     * be replaced at any time. 127.0.0.0/8 and ::1 need not be among them. */
    const struct etd_address *host;
    size_t host_count;
    uint64_t
        ports[ETD_PORTS / 64]; /* a bit for each port that one is bound to: nearly always enough */
};

/* The addresses as getsockname(2) tells them, with real ports. `host` is empty then. */
void etd_own_sockets_init(struct etd_own_sockets *own, const struct etd_address *bound,
                          size_t count);

/* Whether a datagram from there may come from one of the sockets. `::` is taken to have IPv4, too,
 * as a socket from a service manager may. */
bool etd_own_sockets_hold(const struct etd_own_sockets *own, const struct etd_address *source);

/* Whether a datagram from there would meet one, if `host` has its address: only then do the host's
 * addresses matter, and whether they are fresh. */
static inline bool etd_own_sockets_share_port(const struct etd_own_sockets *own, uint16_t port)
{
    return (own->ports[port / 64] >> port % 64 & 1) != 0;
}

/* What one endpoint asks. */
struct etd_source_rules {
    const struct etd_own_sockets *own;
    bool refuse_low_ports;
    bool serves_ntp; /* its service is ntp, which port 123 may always ask */
};

/* ETD_DROP_NONE, or why a datagram from `source` is not answered. `to_one_host`: the address that
 * it was sent to is neither a broadcast nor a multicast address. */
enum etd_drop_reason etd_source_judge(const struct etd_source_rules *rules,
                                      const struct etd_address *source, bool to_one_host);

#endif
