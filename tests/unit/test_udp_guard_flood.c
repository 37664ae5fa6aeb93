/* The rate limit of the UDP guard against more sources than it has places for. Time is the test's
 * own, so seconds of a flood pass in a moment. */
#include "udp_guard_helper.h"

enum {
    FORGED = 1000000,
    HONEST = 1 << 22,
    ABUSER = HONEST + 1000,
    PLACES = ETD_UDP_GUARD_SETS * ETD_RATE_WAYS
};

static struct guarded guarded;
static struct etd_random dice;
static uint64_t now;
static uint64_t forged_answered;

static void begin(void)
{
    dice = etd_random_begin("udp_guard_flood");
    guarded_begin(&guarded, ETD_UDP_GUARD_SETS, etd_random_next(&dice));
    now = SECOND;
    forged_answered = 0;
}

static void end(void)
{
    guarded_end(&guarded);
}

/* Datagrams from any of a million addresses, evenly over that time. */
static void flood(const struct etd_udp_limits *limits, uint64_t per_second, uint64_t duration)
{
    for (uint64_t i = 0, pace = SECOND / per_second; i < duration / pace; i++) {
        now += pace;
        forged_answered += ask(&guarded, limits, (uint32_t)etd_random_below(&dice, FORGED), "time?",
                               now) == ETD_DROP_NONE;
    }
}

/* At the defaults a million datagrams a second are far from what the table holds: nobody in it
 * feels them, not even with a whole burst. */
START_TEST(an_honest_source_among_a_million_has_its_rate_and_burst)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1000, 2000, 0);
    flood(&limits, FORGED, SECOND);
    ck_assert_uint_eq(forged_answered, FORGED);
    for (uint32_t i = 0; i < 100; i++) {
        flood(&limits, FORGED, SECOND / 100);
        ck_assert_uint_eq(answered_of(&guarded, &limits, HONEST + i, 10, now), 10);
    }
    /* One interval less, for a forged source in debt may stand in each place of its set. */
    ck_assert_uint_ge(answered_of(&guarded, &limits, HONEST + 500, 3000, now), 1999);
}
END_TEST

/* Five times what keeps the whole table deep in debt. Whoever keeps to the limit is answered. */
START_TEST(keeping_to_the_limit_is_enough_in_any_flood)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1, 10, 0);
    flood(&limits, 5 * PLACES, 11 * SECOND);
    for (size_t set = 0; set < ETD_UDP_GUARD_SETS; set++) {
        for (size_t way = 0; way < ETD_RATE_WAYS; way++)
            ck_assert_uint_gt(guarded.guard.rates[set].due[way], now + 8 * SECOND);
    }
    for (int second = 0; second < 6; second++) {
        flood(&limits, 5 * PLACES, SECOND / 2);
        for (uint32_t i = 0; i < 100; i++)
            ck_assert_int_eq(ask(&guarded, &limits, HONEST + i, "time?", now), ETD_DROP_NONE);
        flood(&limits, 5 * PLACES, SECOND / 2);
    }
}
END_TEST

/* Answers to a source that asks as often as it can, while a flood goes on for ten seconds. */
static uint32_t abuse(const struct etd_udp_limits *limits, uint64_t per_second)
{
    uint32_t answered = 0;
    for (int i = 0; i < 1000; i++) {
        flood(limits, per_second, SECOND / 100);
        answered += answered_of(&guarded, limits, ABUSER, 30, now);
    }
    return answered;
}

START_TEST(an_abuser_cannot_hide_in_a_flood)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1000, 2000, 0);
    uint32_t answered = abuse(&limits, 400000);
    ck_assert_uint_ge(answered, 10 * 1000 + 2000 - 20);
    ck_assert_uint_le(answered, 10 * 1000 + 2000);
}
END_TEST

START_TEST(a_flood_beyond_the_table_hardly_helps_an_abuser)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1, 10, 0);
    flood(&limits, 5 * PLACES, 11 * SECOND);
    uint32_t answered = abuse(&limits, 5 * PLACES), more = 10 * 5;
    ck_assert_uint_le(answered, 10 + 10 + 2 * more);
}
END_TEST

/* One set: who keeps the pace is always answered, however the others jostle, and so is who was
 * never seen before. */
START_TEST(a_crowd_in_one_set_silences_nobody)
{
    enum { CROWD = 30, PACED = 5 };
    for (int run = 0; run < 50; run++) {
        struct guarded small;
        guarded_begin(&small, 1, etd_random_next(&dice));
        uint32_t burst = (uint32_t)etd_random_between(&dice, 1, 20), fresh = HONEST;
        struct etd_udp_limits limits = etd_udp_limits_make(0, 1000, burst, 0);
        uint64_t last[PACED] = {0};
        now = SECOND;
        for (int step = 0; step < 20000; step++) {
            now += etd_random_below(&dice, UINT64_C(1) << etd_random_below(&dice, 20));
            uint32_t source = (uint32_t)etd_random_below(&dice, CROWD);
            if (source < PACED && now - last[source] < limits.interval)
                continue;
            enum etd_drop_reason reason = ask(&small, &limits, source, "time?", now);
            if (source < PACED) {
                ck_assert_int_eq(reason, ETD_DROP_NONE);
                last[source] = now;
            }
            if (etd_random_once_in(&dice, 50))
                ck_assert_int_eq(ask(&small, &limits, fresh++, "time?", now), ETD_DROP_NONE);
        }
        guarded_end(&small);
    }
}
END_TEST

/* The places are chosen under the secret: what crowds one set of a guard is spread in another. */
START_TEST(another_secret_is_another_order)
{
    struct guarded other;
    guarded_begin(&other, ETD_UDP_GUARD_SETS, etd_random_next(&dice));
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1, 10, 0);
    uint32_t both = 0;
    for (uint32_t i = 0; i < 100; i++) {
        ask(&guarded, &limits, i, "time?", SECOND);
        ask(&other, &limits, i, "time?", SECOND);
    }
    for (size_t set = 0; set < ETD_UDP_GUARD_SETS; set++)
        both += guarded.guard.rates[set].due[0] > 0 && other.guard.rates[set].due[0] > 0;
    ck_assert_uint_lt(both, 20);
    guarded_end(&other);
}
END_TEST

/* The sets fill evenly: 20,000 sources in 8,192 sets. */
START_TEST(sources_spread_evenly)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1, 10, 0);
    uint32_t held = 0;
    for (uint32_t i = 0; i < 20000; i++)
        ask(&guarded, &limits, i, "time?", SECOND);
    for (size_t set = 0; set < ETD_UDP_GUARD_SETS; set++) {
        for (size_t way = 0; way < ETD_RATE_WAYS; way++)
            held += guarded.guard.rates[set].due[way] > SECOND;
    }
    ck_assert_uint_ge(held, 19000);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("udp_guard_flood");
    TCase *tests = tcase_create("udp_guard_flood");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, an_honest_source_among_a_million_has_its_rate_and_burst);
    tcase_add_test(tests, keeping_to_the_limit_is_enough_in_any_flood);
    tcase_add_test(tests, an_abuser_cannot_hide_in_a_flood);
    tcase_add_test(tests, a_flood_beyond_the_table_hardly_helps_an_abuser);
    tcase_add_test(tests, a_crowd_in_one_set_silences_nobody);
    tcase_add_test(tests, another_secret_is_another_order);
    tcase_add_test(tests, sources_spread_evenly);
    suite_add_tcase(suite, tests);
    return suite;
}
