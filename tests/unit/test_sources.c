/* Counting by source: what one source is, that counts are exact whatever comes and goes, and that
 * the table neither grows nor wears out. */
#include "echotimed/sources.h"
#include "support/random.h"
#include "support/require.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

static const struct etd_siphash_key key = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static struct etd_sources sources;

static void begin(uint32_t connections)
{
    size_t count = etd_sources_slots(connections);
    struct etd_source_slot *slots = calloc(count, sizeof *slots);
    ck_assert_ptr_nonnull(slots);
    etd_sources_init(&sources, slots, count, &key);
}

/* Nothing is left of what came and went. */
static void end(void)
{
    ck_assert_uint_eq(sources.used, 0);
    for (size_t i = 0; i <= sources.mask; i++)
        ck_assert_uint_eq(sources.slots[i].open, 0);
    free(sources.slots);
}

static struct etd_address address_of(const char *text)
{
    struct etd_address address = {.port = 1};
    ck_assert(etd_address_parse_ip(&address, text));
    return address;
}

static bool is_one_source(const char *a, const char *b)
{
    struct etd_address first = address_of(a), second = address_of(b);
    second.port = 2;
    begin(4);
    bool one =
        etd_sources_take(&sources, 0, &first, 1) && !etd_sources_take(&sources, 0, &second, 1);
    if (!one)
        etd_sources_give(&sources, 0, &second);
    etd_sources_give(&sources, 0, &first);
    end();
    return one;
}

START_TEST(a_source_is_an_ipv4_address_or_a_64)
{
    ck_assert(is_one_source("192.0.2.1", "192.0.2.1"));
    ck_assert(is_one_source("192.0.2.1", "::ffff:192.0.2.1"));
    ck_assert(!is_one_source("192.0.2.1", "192.0.2.2"));
    ck_assert(!is_one_source("192.0.2.1", "193.0.2.1"));
    ck_assert(is_one_source("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"));
    ck_assert(!is_one_source("2001:db8::1", "2001:db8:0:1::1"));
    ck_assert(!is_one_source("2001:db8::1", "2001:db9::1"));
    /* Of equal bits, and still not the same. */
    ck_assert(!is_one_source("0.0.0.0", "::"));
    ck_assert(!is_one_source("0.0.0.1", "0:0:0:1::"));
    ck_assert(!is_one_source("192.0.2.1", "0:0:c000:201::"));
}
END_TEST

START_TEST(the_limit_is_exact_and_a_place_given_back_is_there_again)
{
    struct etd_address source = address_of("192.0.2.1"), other = address_of("192.0.2.2");
    begin(100);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(etd_sources_open(&sources, 0, &source), i);
        ck_assert(etd_sources_take(&sources, 0, &source, 5));
    }
    for (int i = 0; i < 3; i++)
        ck_assert(!etd_sources_take(&sources, 0, &source, 5));
    ck_assert_uint_eq(etd_sources_open(&sources, 0, &source), 5);
    ck_assert(etd_sources_take(&sources, 0, &other, 5));
    etd_sources_give(&sources, 0, &source);
    ck_assert(etd_sources_take(&sources, 0, &source, 5));
    ck_assert(!etd_sources_take(&sources, 0, &source, 5));
    for (int i = 0; i < 5; i++)
        etd_sources_give(&sources, 0, &source);
    etd_sources_give(&sources, 0, &other);
    end();
}
END_TEST

START_TEST(each_listener_counts_for_itself)
{
    struct etd_address source = address_of("2001:db8::1");
    begin(100);
    for (uint16_t listener = 0; listener < 10; listener++) {
        ck_assert(etd_sources_take(&sources, listener, &source, 1));
        ck_assert(!etd_sources_take(&sources, listener, &source, 1));
    }
    for (uint16_t listener = 0; listener < 10; listener++)
        etd_sources_give(&sources, listener, &source);
    end();
}
END_TEST

START_TEST(giving_what_was_not_taken_changes_nothing)
{
    struct etd_address source = address_of("192.0.2.1"), other = address_of("192.0.2.2");
    begin(4);
    ck_assert(etd_sources_take(&sources, 0, &source, 9));
    etd_sources_give(&sources, 0, &other);
    etd_sources_give(&sources, 1, &source);
    ck_assert_uint_eq(etd_sources_open(&sources, 0, &source), 1);
    ck_assert_uint_eq(etd_sources_open(&sources, 0, &other), 0);
    etd_sources_give(&sources, 0, &source);
    end();
}
END_TEST

START_TEST(as_many_sources_as_connections_fit_and_never_more_than_half)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 4, 5, 31, 32, 33, 1000};
    uint32_t connections = sizes[_i];
    struct etd_address source = address_of("10.0.0.0");
    begin(connections);
    ck_assert_uint_ge(sources.mask + 1, 2 * (size_t)connections);
    ck_assert(connections == 0 || sources.mask + 1 < 4 * (size_t)connections + 1);
    ck_assert_uint_eq(sources.mask & (sources.mask + 1), 0);
    uint32_t taken = 0;
    for (; taken < 5000; taken++) {
        source.ip[14] = (uint8_t)(taken >> 8);
        source.ip[15] = (uint8_t)taken;
        if (!etd_sources_take(&sources, 0, &source, 1))
            break;
    }
    ck_assert_uint_ge(taken, connections);
    ck_assert_uint_eq(taken, (sources.mask + 1) / 2);
    while (taken > 0) {
        taken--;
        source.ip[14] = (uint8_t)(taken >> 8);
        source.ip[15] = (uint8_t)taken;
        etd_sources_give(&sources, 0, &source);
    }
    end();
}
END_TEST

/* Without the key it cannot be told where an address falls. */
/* A table that got too small hands its counts to a larger one, under another key. */
START_TEST(a_copy_counts_the_same_and_goes_on)
{
    enum { SOURCES = 50 };
    static const struct etd_siphash_key other_key = {{9, 8, 7}};
    struct etd_address address = address_of("192.0.2.0");
    begin(SOURCES);
    for (uint8_t i = 0; i < SOURCES; i++) {
        address.ip[15] = i;
        for (int times = 0; times <= i % 3; times++)
            ck_assert(etd_sources_take(&sources, i % 2, &address, 3));
    }
    struct etd_sources old = sources;
    size_t count = etd_sources_slots(4 * SOURCES);
    struct etd_source_slot *slots = calloc(count, sizeof *slots);
    ck_assert_ptr_nonnull(slots);
    etd_sources_init(&sources, slots, count, &other_key);
    etd_sources_copy(&sources, &old);
    free(old.slots);
    ck_assert_uint_eq(sources.used, SOURCES);
    for (uint8_t i = 0; i < SOURCES; i++) {
        address.ip[15] = i;
        ck_assert_uint_eq(etd_sources_open(&sources, i % 2, &address), i % 3 + 1);
        ck_assert_uint_eq(etd_sources_open(&sources, 1 - i % 2, &address), 0);
        for (int times = 0; times <= i % 3; times++)
            etd_sources_give(&sources, i % 2, &address);
    }
    end();
}
END_TEST

START_TEST(places_depend_on_the_key)
{
    struct etd_address source = address_of("192.0.2.1");
    size_t different = 0, place = SIZE_MAX;
    for (uint8_t i = 0; i < 64; i++) {
        begin(1000);
        sources.key.bytes[7] = i;
        ck_assert(etd_sources_take(&sources, 0, &source, 1));
        for (size_t at = 0; at <= sources.mask; at++) {
            if (sources.slots[at].open > 0) {
                different += place != SIZE_MAX && at != place;
                place = at;
            }
        }
        etd_sources_give(&sources, 0, &source);
        end();
    }
    ck_assert_uint_gt(different, 50);
}
END_TEST

enum { CONNECTIONS = 16, SOURCES = 24, LISTENERS = 2, MOST = 3, STEPS = 200000 };

/* What the table should say. */
struct model {
    struct etd_address sources[SOURCES];
    uint32_t open[LISTENERS][SOURCES];
    uint32_t total;
};

static void model_init(struct model *model)
{
    *model = (struct model){.total = 0};
    for (unsigned i = 0; i < SOURCES; i++) {
        bool ipv4 = i % 2;
        model->sources[i] = address_of(ipv4 ? "10.0.0.0" : "2001:db8::");
        model->sources[i].ip[ipv4 ? 15 : 7] = (uint8_t)i;
    }
}

static void compare(const struct model *model, bool counts)
{
    size_t used = 0;
    for (uint16_t listener = 0; listener < LISTENERS; listener++) {
        for (unsigned i = 0; i < SOURCES; i++) {
            uint32_t open = model->open[listener][i];
            used += open > 0;
            if (counts)
                ETD_REQUIRE(etd_sources_open(&sources, listener, &model->sources[i]) == open);
        }
    }
    ETD_REQUIRE(sources.used == used);
}

/* A small table and many sources: every chain of neighbours forms and falls apart. */
START_TEST(counts_are_exact_whatever_comes_and_goes)
{
    struct etd_random random = etd_random_begin("counts_are_exact_whatever_comes_and_goes");
    struct model model;
    model_init(&model);
    begin(CONNECTIONS);
    for (int step = 0; step < STEPS || model.total > 0; step++) {
        /* It fills up and empties in turns, and empties at the end. */
        bool takes = step < STEPS && etd_random_below(&random, 100) < (step / 200 % 2 ? 70u : 30u);
        uint16_t listener = (uint16_t)etd_random_below(&random, LISTENERS);
        size_t i = etd_random_below(&random, SOURCES);
        uint32_t *open = &model.open[listener][i];
        if (takes && model.total < CONNECTIONS) {
            bool taken = etd_sources_take(&sources, listener, &model.sources[i], MOST);
            ETD_REQUIRE(taken == (*open < MOST));
            *open += taken;
            model.total += taken;
        } else if (!takes && *open > 0) {
            etd_sources_give(&sources, listener, &model.sources[i]);
            *open -= 1;
            model.total -= 1;
        }
        compare(&model, step % 8 == 0);
    }
    end();
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("sources");
    TCase *tests = tcase_create("counts");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_source_is_an_ipv4_address_or_a_64);
    tcase_add_test(tests, the_limit_is_exact_and_a_place_given_back_is_there_again);
    tcase_add_test(tests, each_listener_counts_for_itself);
    tcase_add_test(tests, giving_what_was_not_taken_changes_nothing);
    tcase_add_loop_test(tests, as_many_sources_as_connections_fit_and_never_more_than_half, 0, 10);
    tcase_add_test(tests, a_copy_counts_the_same_and_goes_on);
    tcase_add_test(tests, places_depend_on_the_key);
    tcase_add_test(tests, counts_are_exact_whatever_comes_and_goes);
    suite_add_tcase(suite, tests);
    return suite;
}
