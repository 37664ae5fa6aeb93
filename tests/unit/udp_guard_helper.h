/* What the tests of the UDP guard have in common: a guard whose memory ends at a page that must not
 * be touched, and short words for sources and questions. */
#ifndef ECHOTIMED_TESTS_UDP_GUARD_HELPER_H
#define ECHOTIMED_TESTS_UDP_GUARD_HELPER_H

#include "echotimed/udp_guard.h"

#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

#define SECOND UINT64_C(1000000000)
#define HOUR (3600 * SECOND)
#define YEAR (365 * 24 * HOUR)

struct guarded {
    struct etd_guard memory;
    struct etd_udp_guard guard;
};

static inline void guarded_begin(struct guarded *guarded, uint32_t sets, uint64_t secret)
{
    struct etd_siphash_key key = {{0}};
    memcpy(key.bytes, &secret, sizeof secret);
    guarded->memory = etd_guard_make(etd_udp_guard_size(sets));
    etd_udp_guard_init(&guarded->guard, guarded->memory.data, sets, &key);
}

static inline void guarded_end(struct guarded *guarded)
{
    etd_guard_free(&guarded->memory);
}

/* 10.x.y.z, always from port 4242. */
static inline struct etd_address source_number(uint32_t number)
{
    struct etd_address source = {.port = 4242};
    const uint8_t ip[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    etd_address_set_ipv4(&source, ip);
    return source;
}

static inline enum etd_drop_reason ask(struct guarded *guarded, const struct etd_udp_limits *limits,
                                       uint32_t source, const char *text, uint64_t now)
{
    struct etd_address address = source_number(source);
    return etd_udp_guard_admit(&guarded->guard, limits, &address, etd_bytes_text(text), now);
}

/* How many of `count` datagrams at one instant are answered. */
static inline uint32_t answered_of(struct guarded *guarded, const struct etd_udp_limits *limits,
                                   uint32_t source, uint32_t count, uint64_t now)
{
    uint32_t answered = 0;
    for (uint32_t i = 0; i < count; i++)
        answered += ask(guarded, limits, source, "time?", now) == ETD_DROP_NONE;
    return answered;
}

#endif
