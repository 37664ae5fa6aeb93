/* Numbers for tests that try many ways: the same seed gives the same run.
 *
 * The seed is printed when a test begins. ETD_SEED=N in the environment repeats a run. */
#ifndef ECHOTIMED_TESTS_RANDOM_H
#define ECHOTIMED_TESTS_RANDOM_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct etd_random {
    uint64_t state;
};

/* The seed of the environment or a new one, and says which. */
static inline struct etd_random etd_random_begin(const char *test)
{
    const char *given = getenv("ETD_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given != NULL
                        ? strtoull(given, NULL, 0)
                        : (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 20 ^ (uint64_t)getpid();
    printf("%s: ETD_SEED=%" PRIu64 "\n", test, seed);
    fflush(stdout);
    return (struct etd_random){.state = seed};
}

/* splitmix64: a counter, well mixed. */
static inline uint64_t etd_random_next(struct etd_random *random)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* 0 to `bound` - 1; `bound` is not 0. */
static inline uint64_t etd_random_below(struct etd_random *random, uint64_t bound)
{
    return etd_random_next(random) % bound;
}

/* `least` to `most`. */
static inline uint64_t etd_random_between(struct etd_random *random, uint64_t least, uint64_t most)
{
    return least + etd_random_below(random, most - least + 1);
}

/* True once in `times`. */
static inline int etd_random_once_in(struct etd_random *random, uint64_t times)
{
    return etd_random_below(random, times) == 0;
}

#endif
