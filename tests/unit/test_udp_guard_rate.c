/* The rate limit of the UDP guard, of sources that have their places for themselves. */
#include "udp_guard_helper.h"

static struct guarded guarded;

static void begin(void)
{
    guarded_begin(&guarded, 1024, 1);
}

static void end(void)
{
    guarded_end(&guarded);
}

START_TEST(a_burst_and_then_the_rate)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1000, 2000, 0);
    const uint64_t start = 5 * SECOND, interval = SECOND / 1000;
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 3000, start), 2000);
    ck_assert_int_eq(ask(&guarded, &limits, 1, "x", start + interval - 1), ETD_DROP_RATE_LIMIT);
    ck_assert_int_eq(ask(&guarded, &limits, 1, "x", start + interval), ETD_DROP_NONE);
    ck_assert_int_eq(ask(&guarded, &limits, 1, "x", start + interval), ETD_DROP_RATE_LIMIT);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 3000, start + 11 * interval), 10);
}
END_TEST

/* Even the loudest gets its rate, for the service is never switched off for anybody. */
START_TEST(what_is_over_the_limit_costs_nothing_more)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 100, 10, 0);
    uint32_t answered = 0;
    for (uint64_t now = SECOND; now < 101 * SECOND; now += SECOND / 10000)
        answered += ask(&guarded, &limits, 1, "x", now) == ETD_DROP_NONE;
    ck_assert_uint_ge(answered, 100 * 100 + 10 - 1);
    ck_assert_uint_le(answered, 100 * 100 + 10);
}
END_TEST

START_TEST(a_burst_of_one_is_one_an_interval)
{
    static const uint32_t rates[] = {1, 2, 3, 7, 1000, 999983, 10000000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct etd_udp_limits limits = etd_udp_limits_make((uint16_t)i, rates[i], 1, 0);
        uint64_t now = YEAR, interval = SECOND / rates[i];
        for (int j = 0; j < 1000; j++, now += interval) {
            ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 2, now), 1);
            ck_assert_int_eq(ask(&guarded, &limits, 1, "x", now + interval - 1),
                             ETD_DROP_RATE_LIMIT);
        }
    }
}
END_TEST

START_TEST(zero_is_no_limit)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 0, 1, 0);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 100000, 5), 100000);
    for (size_t i = 0; i < guarded.memory.size; i++)
        ck_assert_uint_eq(guarded.memory.data[i], 0);
}
END_TEST

START_TEST(the_largest_values_hold)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1, 10000000, 0);
    const uint64_t start = (UINT64_C(1) << 63) - 3 * YEAR;
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 10000001, start), 10000000);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 100, start + 7 * SECOND), 7);
    limits = etd_udp_limits_make(0, 10000000, 10000000, 0);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 2, 10000001, start), 10000000);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 2, 100, start + 700), 7);
}
END_TEST

START_TEST(idleness_fills_the_burst_and_no_more)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 10, 5, 0);
    uint64_t now = 0; /* the clock may well begin there */
    static const uint64_t pauses[] = {SECOND / 2, SECOND, HOUR, YEAR, 200 * YEAR};
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 20, now), 5);
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        now += pauses[i];
        ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 20, now), 5);
    }
}
END_TEST

START_TEST(a_clock_that_goes_back_costs_an_interval_at_most)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 10, 5, 0);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 20, 10 * YEAR), 5);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 20, YEAR), 0);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 20, YEAR + SECOND / 10), 1);
}
END_TEST

static struct etd_address address(const char *ip)
{
    struct etd_address address = {.port = 4242};
    ck_assert(etd_address_parse_ip(&address, ip));
    return address;
}

/* Whether the second source still has an allowance when the first has spent its own. */
static bool are_apart(const struct etd_udp_limits *limits, const char *first, const char *second)
{
    static uint64_t now;
    struct etd_address sources[] = {address(first), address(second)};
    struct etd_bytes nothing = etd_bytes(NULL, 0);
    now += HOUR;
    sources[1].port = 4243; /* means nothing here */
    ck_assert_int_eq(etd_udp_guard_admit(&guarded.guard, limits, &sources[0], nothing, now),
                     ETD_DROP_NONE);
    return etd_udp_guard_admit(&guarded.guard, limits, &sources[1], nothing, now) == ETD_DROP_NONE;
}

START_TEST(a_source_is_an_ipv4_address_or_an_ipv6_64)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1, 1, 0);
    ck_assert(!are_apart(&limits, "192.0.2.1", "192.0.2.1"));
    ck_assert(!are_apart(&limits, "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
    ck_assert(are_apart(&limits, "192.0.2.1", "192.0.2.2"));
    ck_assert(are_apart(&limits, "192.0.2.1", "193.0.2.1"));
    ck_assert(are_apart(&limits, "2001:db8::1", "2001:db8:0:1::1"));
    ck_assert(are_apart(&limits, "0.0.0.0", "::"));
    ck_assert(are_apart(&limits, "0.0.0.1", "0:0:0:1::"));
}
END_TEST

START_TEST(each_endpoint_counts_by_itself)
{
    for (uint32_t endpoint = 0; endpoint <= UINT16_MAX; endpoint += 255) {
        struct etd_udp_limits limits = etd_udp_limits_make((uint16_t)endpoint, 1, 3, 0);
        ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 5, SECOND), 3);
    }
}
END_TEST

START_TEST(new_limits_keep_what_is_owed)
{
    struct etd_udp_limits slow = etd_udp_limits_make(0, 10, 10, 0),
                          fast = etd_udp_limits_make(0, 1000, 2000, 0);
    ck_assert_uint_eq(answered_of(&guarded, &slow, 1, 20, SECOND), 10);
    ck_assert_uint_eq(answered_of(&guarded, &fast, 1, 2000, SECOND), 1000); /* owed 1 s of 2 */
    ck_assert_uint_eq(answered_of(&guarded, &slow, 1, 20, SECOND), 0);
}
END_TEST

/* Owed are 1000 s, of which the new limits know nothing. */
START_TEST(new_limits_silence_nobody_for_longer_than_an_interval)
{
    struct etd_udp_limits slow = etd_udp_limits_make(0, 1, 1000, 0),
                          fast = etd_udp_limits_make(0, 1000, 1, 0);
    ck_assert_uint_eq(answered_of(&guarded, &slow, 1, 2000, SECOND), 1000);
    ck_assert_int_eq(ask(&guarded, &fast, 1, "x", SECOND), ETD_DROP_RATE_LIMIT);
    ck_assert_int_eq(ask(&guarded, &fast, 1, "x", SECOND + SECOND / 1000), ETD_DROP_NONE);
}
END_TEST

START_TEST(memory_may_begin_anywhere)
{
    struct etd_siphash_key key = {{1}};
    uint8_t bytes[3 * ETD_UDP_GUARD_LINE + 2 * 2 * ETD_UDP_GUARD_LINE];
    size_t size = etd_udp_guard_size(2);
    for (size_t at = 0; at < ETD_UDP_GUARD_LINE; at++) {
        memset(bytes, 0, sizeof bytes);
        struct etd_udp_guard guard;
        etd_udp_guard_init(&guard, bytes + at, 2, &key);
        ck_assert_uint_eq((uintptr_t)guard.rates % ETD_UDP_GUARD_LINE, 0);
        ck_assert_uint_eq((uintptr_t)guard.loops % ETD_UDP_GUARD_LINE, 0);
        ck_assert((uint8_t *)guard.rates >= bytes + at);
        ck_assert((uint8_t *)guard.loops >= (uint8_t *)(guard.rates + 2));
        ck_assert((uint8_t *)(guard.loops + 2) <= bytes + at + size);
    }
}
END_TEST

/* The model: buckets that fill, without end. */
enum { SOURCES = 40, ENDPOINTS = 3 };

struct bucket {
    uint64_t tokens; /* in ns of filling */
    uint64_t filled_at;
};

static struct bucket buckets[ENDPOINTS][SOURCES];

static bool model_admits(struct bucket *bucket, uint32_t rate, uint32_t burst, uint64_t now)
{
    uint64_t token = SECOND / rate, full = token * burst;
    uint64_t tokens = bucket->tokens + (now - bucket->filled_at);
    *bucket = (struct bucket){.tokens = tokens < full ? tokens : full, .filled_at = now};
    if (bucket->tokens < token)
        return false;
    bucket->tokens -= token;
    return true;
}

static void run_model(struct etd_random *random, uint64_t now, int steps)
{
    uint32_t rates[ENDPOINTS], bursts[ENDPOINTS];
    struct etd_udp_limits limits[ENDPOINTS];
    for (uint16_t e = 0; e < ENDPOINTS; e++) {
        rates[e] = (uint32_t)(1 + etd_random_below(random, UINT64_C(1) << (1 + 8 * e)));
        bursts[e] =
            (uint32_t)(1 + etd_random_below(random, UINT64_C(1) << etd_random_below(random, 8)));
        limits[e] = etd_udp_limits_make(e, rates[e], bursts[e], 0);
        for (size_t s = 0; s < SOURCES; s++)
            buckets[e][s] = (struct bucket){bursts[e] * (SECOND / rates[e]), now};
    }
    for (int step = 0; step < steps; step++) {
        uint64_t e = etd_random_below(random, ENDPOINTS), s = etd_random_below(random, SOURCES);
        if (etd_random_once_in(random, 3))
            now += etd_random_below(random, UINT64_C(1) << etd_random_below(random, 34));
        bool expected = model_admits(&buckets[e][s], rates[e], bursts[e], now);
        enum etd_drop_reason got = ask(&guarded, &limits[e], (uint32_t)s, "x", now);
        if (got != (expected ? ETD_DROP_NONE : ETD_DROP_RATE_LIMIT))
            ck_abort_msg("step %d at %" PRIu64 ": %s", step, now, etd_drop_reason_name(got));
    }
}

START_TEST(random_use_is_what_the_model_says)
{
    struct etd_random random = etd_random_begin("random_use_is_what_the_model_says");
    for (int run = 0; run < 20; run++) {
        end();
        guarded_begin(&guarded, ETD_UDP_GUARD_SETS, etd_random_next(&random));
        run_model(&random, etd_random_below(&random, UINT64_C(1) << 62), 20000);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("udp_guard_rate");
    TCase *tests = tcase_create("udp_guard_rate");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_burst_and_then_the_rate);
    tcase_add_test(tests, what_is_over_the_limit_costs_nothing_more);
    tcase_add_test(tests, a_burst_of_one_is_one_an_interval);
    tcase_add_test(tests, zero_is_no_limit);
    tcase_add_test(tests, the_largest_values_hold);
    tcase_add_test(tests, idleness_fills_the_burst_and_no_more);
    tcase_add_test(tests, a_clock_that_goes_back_costs_an_interval_at_most);
    tcase_add_test(tests, a_source_is_an_ipv4_address_or_an_ipv6_64);
    tcase_add_test(tests, each_endpoint_counts_by_itself);
    tcase_add_test(tests, new_limits_keep_what_is_owed);
    tcase_add_test(tests, new_limits_silence_nobody_for_longer_than_an_interval);
    tcase_add_test(tests, memory_may_begin_anywhere);
    tcase_add_test(tests, random_use_is_what_the_model_says);
    suite_add_tcase(suite, tests);
    return suite;
}
