/* What keeps UDP answers from being abused: a rate limit for each source, and a guard against
 * loops.
 *
 * The source address of a datagram can be forged. So whoever is answered may be a victim who never
 * asked, and whoever asks may have as many addresses as he likes. One table of fixed size serves
 * all endpoints of the process; each counts by itself.
 *
 * The rate limit is a token bucket for each source (an IPv4 address, an IPv6 /64), kept as one
 * number: the theoretical arrival time of GCRA (ITU-T I.371, annex A). A datagram is answered
 * unless that time is more than the burst's tolerance ahead, and each answer moves it on by one
 * interval, from now at least. A time that has passed says nothing, so an idle source needs no
 * place: only sources in debt do, and a flood of R answers a second keeps at most R / rate_limit of
 * them in debt.
 *
 * A set of the table has ETD_RATE_WAYS places, and which set is a source's own is a secret. A
 * source without a place takes the one whose time is the earliest, and it takes over the debt that
 * stood there, but is answered this once whatever the debt. It follows, with N = 5 x sets places:
 *
 *   - No silence. A source that sends no faster than rate_limit (at least one interval from each
 *     datagram to the next) is always answered, whatever comes from any other address: its debt
 *     never goes beyond the tolerance by more than the interval that it waits. What others can take
 *     from it is its burst, and only by keeping all places of its set in debt, which without the
 *     secret takes N x rate_limit datagrams a second (41 million at the defaults).
 *   - No laundering. The earliest time in a set never falls, so a source that lost its place comes
 *     back to at least the debt it had. It gains the one answer, and loses its place only while all
 *     the others of its set are deeper in debt: beyond its rate_limit and burst it gets R / N a
 *     second, and nothing unless R, the datagrams of the flood, reaches N x rate_limit.
 *   - What is over the limit is dropped and costs the source nothing more.
 *
 * No limit by address can tell a source from one who forges that very address: he can spend its
 * allowance, and no other's.
 *
 * The loop guard counts the answers for the very same bytes from the very same address and port, at
 * whatever pace; after loop_guard of them one datagram is dropped, and the count begins anew. Two
 * responders that answer each other pass the same bytes round, so K datagrams that somebody forged
 * to start a loop end after K x loop_guard answers. The port counts, since a loop has one, and
 * clients behind one NAT that ask the same have many. Other datagrams in between do not end a row:
 * two packets going round together would protect each other for ever. An ordinary client that
 * repeats itself from one port loses one datagram in loop_guard + 1.
 *
 * A count has its row in a set of ETD_LOOP_WAYS, in the order of their use: what is new enters in
 * the middle, what comes again goes to the front, and what falls off the end is forgotten. So
 * datagrams that are all different cannot push out a loop that has been round twice. While a flood
 * of F of them a second lasts, a loop of fewer than F / (4 x sets) rounds a second may not be
 * noticed; it is still within its rate limit. */
#ifndef ECHOTIMED_UDP_GUARD_H
#define ECHOTIMED_UDP_GUARD_H

#include "echotimed/address.h"
#include "echotimed/bytes.h"
#include "echotimed/counters.h"
#include "echotimed/siphash.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ETD_UDP_GUARD_SETS = 8192, /* what a daemon takes: 1 MiB for 40,960 sources and 65,536 rows */
    ETD_UDP_GUARD_LINE = 64,   /* a set of either kind is one cache line */
    ETD_RATE_WAYS = 5,
    ETD_LOOP_WAYS = 8
};

/* Zeros are free places: of a time that has passed, and of no answers. A tag stands for its source
 * or message, with the set; that two of a set have the same is one chance in 2^32, and harmless. */
struct etd_rate_set {
    alignas(ETD_UDP_GUARD_LINE) uint64_t due[ETD_RATE_WAYS]; /* theoretical arrival times, ns */
    uint32_t tags[ETD_RATE_WAYS];
};

struct etd_loop_row {
    uint32_t tag;
    uint32_t answers; /* in the row, at most loop_guard */
};

struct etd_loop_set {
    alignas(ETD_UDP_GUARD_LINE) struct etd_loop_row rows[ETD_LOOP_WAYS]; /* the last used first */
};

/* Who sends again is known by what was made of him the last time. */
struct etd_udp_last {
    uint64_t block;
    uint64_t hash;
    uint16_t endpoint;
    bool ipv4;
    bool known;
};

struct etd_udp_guard {
    struct etd_rate_set *rates; /* `mask` + 1 of each, of the caller's memory */
    struct etd_loop_set *loops;
    uint32_t mask;
    uint64_t stir; /* secret and odd */
    struct etd_siphash_key key;
    struct etd_udp_last last;
};

/* Bytes of memory that a guard of `sets` takes. */
size_t etd_udp_guard_size(uint32_t sets);

/* `memory` is zeroed, of etd_udp_guard_size bytes, however aligned, and outlives the guard; pages
 * of it that nobody falls into need never be touched. `sets` is a power of two. */
void etd_udp_guard_init(struct etd_udp_guard *guard, void *memory, uint32_t sets,
                        const struct etd_siphash_key *key);

/* What one endpoint asks of the guard. It may change at any time: the debts and rows stay, as far
 * as they fit under the new values. */
struct etd_udp_limits {
    uint64_t interval;   /* ns from an answer to the next at rate_limit, rounded down; 0: none */
    uint64_t tolerance;  /* ns that rate_burst lets answers be ahead of that */
    uint32_t loop_guard; /* 0: off */
    uint16_t endpoint;   /* a number that no other endpoint has */
};

/* From the values of the configuration: rate_limit 0 to 10^9 and loop_guard, each 0 for off,
 * rate_burst at least 1. */
struct etd_udp_limits etd_udp_limits_make(uint16_t endpoint, uint32_t rate_limit,
                                          uint32_t rate_burst, uint32_t loop_guard);

/* Whether a datagram may be answered: ETD_DROP_NONE, and then the answer is counted; or
 * ETD_DROP_RATE_LIMIT or ETD_DROP_LOOP_GUARD. Ask it last, of datagrams that have an answer. `now`
 * is in nanoseconds of a clock that never goes back, below 2^63; a burst evens out how finely it
 * ticks. If it does go back, a source in debt loses at most one interval by it. */
enum etd_drop_reason etd_udp_guard_admit(struct etd_udp_guard *guard,
                                         const struct etd_udp_limits *limits,
                                         const struct etd_address *source, struct etd_bytes payload,
                                         uint64_t now);

#endif
