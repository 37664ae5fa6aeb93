/* What the UDP guard costs for each datagram, in nanoseconds.
 *
 *     bench_udp_guard
 *
 * "hot": one source again and again. "cold": every datagram from another of four million sources,
 * so that nothing that is needed is in a cache. A batch as the daemon receives it lies in between.
 */
#include "echotimed/udp_guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SOURCES = 1 << 22, ROUNDS = 5, LARGEST = 65507, PACE = 1000 /* ns */ };

static const struct etd_siphash_key key = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static uint8_t payload[LARGEST];

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The best of some rounds: what else the machine does only adds to it. */
static void measure(struct etd_udp_guard *guard, const char *what,
                    const struct etd_udp_limits *limits, struct etd_address *sources, size_t mask,
                    size_t size)
{
    const size_t count = size > 256 ? 200000 : 4000000;
    uint64_t best = UINT64_MAX, admitted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begin = now_ns();
        for (size_t i = 0; i < count; i++)
            admitted +=
                etd_udp_guard_admit(guard, limits, &sources[i & mask], etd_bytes(payload, size),
                                    begin + i * PACE) == ETD_DROP_NONE;
        uint64_t took = now_ns() - begin;
        best = took < best ? took : best;
    }
    printf("%-28s %6zu bytes  %8.1f ns  %3.0f %% admitted\n", what, size,
           (double)best / (double)count, 100.0 * (double)admitted / (double)(ROUNDS * count));
}

int main(void)
{
    struct etd_udp_guard guard;
    void *memory = calloc(1, etd_udp_guard_size(ETD_UDP_GUARD_SETS));
    struct etd_address *sources = calloc(SOURCES, sizeof *sources);
    if (memory == NULL || sources == NULL) {
        fputs("not enough memory\n", stderr);
        return EXIT_FAILURE;
    }
    for (uint32_t i = 0; i < SOURCES; i++) {
        uint8_t ip[4] = {(uint8_t)(10 + (i >> 24)), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                         (uint8_t)i};
        etd_address_set_ipv4(&sources[i], ip);
        sources[i].port = 4242;
    }
    etd_udp_guard_init(&guard, memory, ETD_UDP_GUARD_SETS, &key);
    printf("%zu bytes of memory\n", etd_udp_guard_size(ETD_UDP_GUARD_SETS));

    const struct etd_udp_limits off = etd_udp_limits_make(0, 0, 1, 0),
                                rate = etd_udp_limits_make(0, 10000000, 10000000, 0),
                                loops = etd_udp_limits_make(0, 0, 1, 1000),
                                both = etd_udp_limits_make(0, 10000000, 10000000, 1000),
                                strict = etd_udp_limits_make(1, 1000, 2000, 1000);
    measure(&guard, "both off", &off, sources, 0, 5);
    measure(&guard, "rate limit, hot", &rate, sources, 0, 5);
    measure(&guard, "loop guard, hot", &loops, sources, 0, 5);
    measure(&guard, "both, hot", &both, sources, 0, 0);
    measure(&guard, "both, hot", &both, sources, 0, 5);
    measure(&guard, "both, hot", &both, sources, 0, 48);
    measure(&guard, "both, hot", &both, sources, 0, 1400);
    measure(&guard, "both, hot", &both, sources, 0, LARGEST);
    measure(&guard, "over the limit, hot", &strict, sources, 0, 5);
    measure(&guard, "both, 64 sources", &both, sources, 63, 5);
    measure(&guard, "both, cold", &both, sources, SOURCES - 1, 5);
    measure(&guard, "over the limit, cold", &strict, sources, SOURCES - 1, 5);
    free(sources);
    free(memory);
    return EXIT_SUCCESS;
}
