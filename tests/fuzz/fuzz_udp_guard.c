/* The UDP guard with one set, so that all sources jostle for the same few places: the promises of
 * include/echotimed/udp_guard.h hold for any sequence of datagrams.
 *
 * Input: rate, burst, loop guard, and then four bytes for each datagram: source, message, and the
 * time since the last. */
#include "echotimed/udp_guard.h"
#include "fuzz/fuzz.h"
#include "support/require.h"

enum { SOURCES = 16, PACED = 4, MESSAGES = 4, HEADER = 3, STEP = 4 };

static struct etd_udp_limits limits;
static uint64_t last[PACED];                /* when a source that keeps the pace asked last */
static uint32_t answers[SOURCES][MESSAGES]; /* since that message was dropped last */
static uint64_t taken[SOURCES];             /* answers since the beginning */

static uint64_t earliest(const struct etd_rate_set *set)
{
    uint64_t least = set->due[0];
    for (size_t i = 1; i < ETD_RATE_WAYS; i++)
        least = set->due[i] < least ? set->due[i] : least;
    return least;
}

static void check_places(const struct etd_udp_guard *guard, uint64_t least, uint64_t now)
{
    uint64_t most = now + limits.tolerance + limits.interval;
    ETD_REQUIRE(limits.interval == 0 || earliest(guard->rates) >= least);
    for (size_t i = 0; i < ETD_RATE_WAYS; i++)
        ETD_REQUIRE(guard->rates->due[i] <= most);
    for (size_t i = 0; i < ETD_LOOP_WAYS; i++)
        ETD_REQUIRE(guard->loops->rows[i].answers <= limits.loop_guard);
}

static void ask(struct etd_udp_guard *guard, size_t source, size_t message, uint64_t now)
{
    static const char text[] = "a message, and longer ones of the same beginning";
    struct etd_address address = {.ip = {0x20, 0x01, [7] = (uint8_t)source}, .port = 4242};
    if (source < PACED && now - last[source] < limits.interval)
        return;
    uint64_t least = earliest(guard->rates);
    enum etd_drop_reason reason =
        etd_udp_guard_admit(guard, &limits, &address, etd_bytes(text, message * 13), now);
    check_places(guard, least, now);
    ETD_REQUIRE(source >= PACED || reason != ETD_DROP_RATE_LIMIT);
    ETD_REQUIRE(limits.interval > 0 || reason != ETD_DROP_RATE_LIMIT);
    if (reason == ETD_DROP_LOOP_GUARD) {
        /* Never early; late only when the row was forgotten. */
        ETD_REQUIRE(limits.loop_guard > 0 && answers[source][message] >= limits.loop_guard);
        answers[source][message] = 0;
    } else if (reason == ETD_DROP_NONE) {
        answers[source][message]++;
        taken[source]++;
    }
    if (source < PACED)
        last[source] = now;
}

/* A source that is alone keeps its place, and so gets what the exact bucket gives. */
static void check_total(uint64_t begin, uint64_t now, uint64_t asked)
{
    uint64_t total = 0;
    for (size_t i = 0; i < SOURCES; i++)
        total += taken[i];
    ETD_REQUIRE(total <= asked);
    if (limits.interval == 0)
        return;
    for (size_t i = 0; i < SOURCES; i++) {
        if (taken[i] == total)
            ETD_REQUIRE(total <= 1 + (now - begin + limits.tolerance) / limits.interval);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER)
        return 0;
    struct etd_siphash_key key = {{data[0]}};
    size_t memory_size = etd_udp_guard_size(1);
    uint8_t *memory = calloc(1, memory_size);
    ETD_REQUIRE(memory != NULL);
    struct etd_udp_guard guard;
    etd_udp_guard_init(&guard, memory, 1, &key);
    limits = etd_udp_limits_make(7, data[0] * 37u, 1u + data[1], data[2] % 32);
    memset(last, 0, sizeof last);
    memset(answers, 0, sizeof answers);
    memset(taken, 0, sizeof taken);
    const uint64_t begin = UINT64_C(1) << 34; /* an interval and more from where `last` begins */
    uint64_t now = begin, asked = 0;
    for (size_t at = HEADER; at + STEP <= size; at += STEP, asked++) {
        now += (uint64_t)data[at + 2] << data[at + 3] % 32;
        ask(&guard, data[at] % SOURCES, data[at + 1] % MESSAGES, now);
    }
    check_total(begin, now, asked);
    free(memory);
    return 0;
}
