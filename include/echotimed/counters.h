/* What is counted for each listener. Counters only grow, from 0 at the start of the process. */
#ifndef ECHOTIMED_COUNTERS_H
#define ECHOTIMED_COUNTERS_H

#include "echotimed/session.h"

#include <stdint.h>

/* Why an accepted connection was closed before it was served. */
enum etd_reject_reason {
    ETD_REJECT_NONE,            /* it is served */
    ETD_REJECT_MAX_CONNECTIONS, /* max_connections were open */
    ETD_REJECT_MAX_PER_SOURCE,  /* max_connections_per_source were open from its source */
    ETD_REJECT_DENIED,          /* by allow and deny */
    ETD_REJECT_REASONS
};

const char *etd_reject_reason_name(enum etd_reject_reason reason);

struct etd_tcp_counters {
    /* And served. Rejected ones are not among them, but for those of which only their PROXY header
     * said whom they are from: these are closed for ETD_CLOSE_REJECTED. */
    uint64_t accepted;
    uint64_t rejected[ETD_REJECT_REASONS];
    uint64_t closed[ETD_CLOSE_REASONS];
    uint64_t open; /* now */
    uint64_t messages;
    uint64_t bytes_in;
    uint64_t bytes_out;
};

/* Why a datagram was not answered. */
enum etd_drop_reason {
    ETD_DROP_NONE,        /* it is answered */
    ETD_DROP_TRUNCATED,   /* longer than any answer could be (MSG_TRUNC) */
    ETD_DROP_DENIED,      /* by allow and deny */
    ETD_DROP_PORT_ZERO,   /* from port 0, which nothing can be sent to */
    ETD_DROP_LOW_PORT,    /* from a port below 1024, under refuse_low_ports */
    ETD_DROP_NOT_UNICAST, /* sent to a broadcast or multicast address */
    ETD_DROP_NO_ANSWER,   /* the service has none: no valid request, or the clock is not trusted */
    ETD_DROP_SEND_FULL,   /* the socket's send buffer was full */
    ETD_DROP_SEND_ERROR,  /* the kernel refused to send: no route, a firewall's rule */
    ETD_DROP_REASONS
};

const char *etd_drop_reason_name(enum etd_drop_reason reason);

struct etd_udp_counters {
    uint64_t received;
    uint64_t answered;
    uint64_t dropped[ETD_DROP_REASONS];
    uint64_t bytes_in;
    uint64_t bytes_out;
};

#endif
