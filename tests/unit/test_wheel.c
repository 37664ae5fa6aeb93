/* The timer wheel against a naive model. */
#include "echotimed/wheel.h"

#include "support/random.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 300, ROUND = ETD_WHEEL_SLOTS * ETD_WHEEL_SLOT_MS };

static struct etd_wheel wheel;
static struct etd_wheel_node *nodes;

static void begin(void)
{
    nodes = calloc(COUNT + ETD_WHEEL_SLOTS, sizeof *nodes); /* exact: sanitizers watch its end */
    ck_assert_ptr_nonnull(nodes);
    etd_wheel_init(&wheel, nodes, COUNT);
}

static void end(void)
{
    free(nodes);
}

/* The tick at which the one thing in the wheel comes up, found a millisecond at a time. */
static etd_tick comes_up(uint32_t id, etd_tick from)
{
    for (etd_tick now = from; now - from <= 2 * ROUND; now++) {
        uint32_t got = etd_wheel_expire(&wheel, now);
        if (got == ETD_WHEEL_NONE)
            continue;
        ck_assert_uint_eq(got, id);
        ck_assert_uint_eq(etd_wheel_expire(&wheel, now), ETD_WHEEL_NONE);
        return now;
    }
    ck_abort_msg("it never came up");
}

START_TEST(an_empty_wheel_has_nothing)
{
    etd_tick when;
    ck_assert(!etd_wheel_next(&wheel, &when));
    ck_assert_uint_eq(etd_wheel_expire(&wheel, 12345), ETD_WHEEL_NONE);
    etd_wheel_remove(&wheel, 0);
    etd_wheel_remove(&wheel, COUNT - 1);
    ck_assert_uint_eq(wheel.held, 0);
}
END_TEST

/* Every place in a slot, at many distances, and before and behind the wrap. */
START_TEST(never_early_and_at_most_a_slot_late)
{
    static const etd_tick starts[] = {0,
                                      1,
                                      15,
                                      16,
                                      1000003,
                                      (etd_tick)-1,
                                      (etd_tick)-16,
                                      (etd_tick)-ROUND,
                                      (etd_tick)-ROUND / 2,
                                      1u << 31};
    static const uint32_t delays[] = {
        0, 1, 2, 15, 16, 17, 31, 32, 100, 1023, 1024, 5000, ROUND - 2 * ETD_WHEEL_SLOT_MS - 1};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        for (size_t d = 0; d < sizeof delays / sizeof *delays; d++) {
            for (uint32_t offset = 0; offset < ETD_WHEEL_SLOT_MS; offset += 5) {
                etd_tick now = starts[s] + offset, due = now + delays[d], next;
                etd_wheel_add(&wheel, 7, due, now);
                ck_assert(etd_wheel_next(&wheel, &next));
                etd_tick at = comes_up(7, now);
                ck_assert_uint_eq(at, next);
                ck_assert_msg(at - due <= ETD_WHEEL_SLOT_MS, "at %u: due %u, came up %u", now, due,
                              at);
            }
        }
    }
}
END_TEST

START_TEST(what_has_passed_comes_up_within_a_slot)
{
    etd_wheel_add(&wheel, 7, 1000, 5000);
    ck_assert_uint_le(comes_up(7, 5000), 5000 + ETD_WHEEL_SLOT_MS);
    etd_wheel_add(&wheel, 7, (etd_tick)-1000, 5000); /* passed before the wrap */
    ck_assert_uint_le(comes_up(7, 5000), 5000 + ETD_WHEEL_SLOT_MS);
}
END_TEST

START_TEST(what_is_more_than_a_round_away_is_looked_at_on_each)
{
    const etd_tick due = 10 * ROUND + 77;
    etd_tick now = 0;
    int looks = 0;
    do {
        etd_wheel_add(&wheel, 7, due, now);
        now = comes_up(7, now);
        looks++;
    } while (now < due);
    ck_assert_uint_le(now - due, ETD_WHEEL_SLOT_MS);
    ck_assert_int_ge(looks, 11);
    ck_assert_int_le(looks, 12);
}
END_TEST

START_TEST(adding_again_moves)
{
    etd_wheel_add(&wheel, 7, 1000, 0);
    etd_wheel_add(&wheel, 7, 3000, 0);
    ck_assert_uint_eq(wheel.held, 1);
    ck_assert_uint_ge(comes_up(7, 0), 3000);
    etd_wheel_add(&wheel, 7, 3000 + 3000, 3000);
    etd_wheel_add(&wheel, 7, 3000 + 1000, 3000);
    ck_assert_uint_le(comes_up(7, 3000), 4000 + ETD_WHEEL_SLOT_MS);
}
END_TEST

START_TEST(one_of_many_in_a_slot_leaves_alone)
{
    for (uint32_t id = 0; id < 4; id++)
        etd_wheel_add(&wheel, id, 1000, 0);
    etd_wheel_remove(&wheel, 1);
    etd_wheel_remove(&wheel, 1);
    etd_wheel_remove(&wheel, 3);
    ck_assert_uint_eq(wheel.held, 2);
    uint32_t sum = etd_wheel_expire(&wheel, 1016);
    sum += etd_wheel_expire(&wheel, 1016);
    ck_assert_uint_eq(sum, 0 + 2);
    ck_assert_uint_eq(etd_wheel_expire(&wheel, 1016), ETD_WHEEL_NONE);
    etd_tick when;
    ck_assert(!etd_wheel_next(&wheel, &when));
}
END_TEST

/* The wheel was last touched long ago: by what is held when the clock goes on over a whole round,
 * and, empty, over more than half of the clock's range. */
START_TEST(long_idleness_leaves_nothing_behind)
{
    etd_wheel_add(&wheel, 1, 100, 0);
    etd_wheel_add(&wheel, 2, 9000, 0);
    etd_tick late = 50 * ROUND + 5;
    ck_assert_uint_eq(etd_wheel_expire(&wheel, late), 1);
    ck_assert_uint_eq(etd_wheel_expire(&wheel, late), 2);
    ck_assert_uint_eq(etd_wheel_expire(&wheel, late), ETD_WHEEL_NONE);
    etd_tick later = late + 3000000000u;
    etd_wheel_add(&wheel, 3, later + 500, later);
    etd_tick at = comes_up(3, later);
    ck_assert_uint_ge(at - later, 500);
    ck_assert_uint_le(at - later, 500 + ETD_WHEEL_SLOT_MS);
}
END_TEST

/* A loop that sleeps until the next thing is due asks the wheel for nothing in between, while new
 * things are added all the time. Those must not come up early for it. */
START_TEST(things_added_while_the_wheel_was_not_asked_come_up_in_time)
{
    etd_wheel_add(&wheel, 1, 15000, 0);
    etd_wheel_add(&wheel, 2, 10000 + 14000, 10000); /* 24 s, more than a round from the last look */
    etd_tick next;
    ck_assert(etd_wheel_next(&wheel, &next));
    ck_assert_uint_eq(etd_wheel_expire(&wheel, next), 1);
    ck_assert_uint_eq(etd_wheel_expire(&wheel, next), ETD_WHEEL_NONE);
    etd_tick at = comes_up(2, next);
    ck_assert_uint_ge(at, 24000);
    ck_assert_uint_le(at, 24000 + ETD_WHEEL_SLOT_MS);
}
END_TEST

/* The model: for each thing when it was said to be due, in 64 bits that never wrap. */
struct model {
    bool held[COUNT];
    int64_t due[COUNT];
    int64_t added[COUNT];
    uint32_t count;
};

static int64_t latest(const struct model *model, uint32_t id)
{
    int64_t due = model->due[id] > model->added[id] ? model->due[id] : model->added[id];
    return due + ETD_WHEEL_SLOT_MS;
}

static void check_expired(struct model *model, uint32_t id, int64_t now)
{
    bool far = model->due[id] - model->added[id] >= ROUND - 2 * ETD_WHEEL_SLOT_MS;
    if (id >= COUNT || !model->held[id])
        ck_abort_msg("%u came up, which is not held", id);
    if (now < model->due[id] && !far)
        ck_abort_msg("%u came up early", id);
    model->held[id] = false;
    model->count--;
}

/* Nothing is left whose time has passed, and the wheel knows when to be asked again. */
static void check_rest(const struct model *model, int64_t now)
{
    if (model->count != wheel.held)
        ck_abort_msg("%u are held, not %u", model->count, wheel.held);
    etd_tick next = 0;
    if (etd_wheel_next(&wheel, &next) != (model->count > 0))
        ck_abort_msg("it does not know whether something is held");
    for (uint32_t id = 0; id < COUNT; id++) {
        if (!model->held[id])
            continue;
        if (now >= latest(model, id))
            ck_abort_msg("%u did not come up", id);
        if (!etd_tick_reached((etd_tick)latest(model, id), next))
            ck_abort_msg("the wheel sleeps longer than %u can wait", id);
    }
}

/* A loop that looks now and then, or exactly when the wheel says, and that is sometimes late. Like a
 * sleeping one it asks for nothing before the wheel's time. */
static void run_model(struct etd_random *random, int64_t now, int steps)
{
    struct model model = {.count = 0};
    for (int step = 0; step < steps; step++) {
        static const int64_t paces[] = {1, 3, 16, 100, 2000, 12000};
        now += (int64_t)etd_random_below(random, (uint64_t)paces[etd_random_below(random, 6)]);
        etd_tick next;
        if (etd_random_once_in(random, 4) && etd_wheel_next(&wheel, &next))
            now += (int32_t)(next - (etd_tick)now) > 0 ? (int32_t)(next - (etd_tick)now) : 0;
        uint32_t id = 0;
        if (etd_wheel_next(&wheel, &next) && etd_tick_reached((etd_tick)now, next))
            while ((id = etd_wheel_expire(&wheel, (etd_tick)now)) != ETD_WHEEL_NONE)
                check_expired(&model, id, now);
        check_rest(&model, now);
        for (uint64_t i = etd_random_below(random, 6); i > 0; i--) {
            id = (uint32_t)etd_random_below(random, COUNT);
            model.count -= model.held[id];
            model.held[id] = !etd_random_once_in(random, 3);
            if (model.held[id]) {
                model.count++;
                model.added[id] = now;
                model.due[id] =
                    now - 20 + (int64_t)etd_random_below(random, 1 << etd_random_below(random, 17));
                etd_wheel_add(&wheel, id, (etd_tick)model.due[id], (etd_tick)now);
            } else {
                etd_wheel_remove(&wheel, id);
            }
        }
        check_rest(&model, now);
    }
    for (uint32_t id = 0; id < COUNT; id++)
        etd_wheel_remove(&wheel, id);
    ck_assert_uint_eq(wheel.held, 0);
}

START_TEST(random_use_is_what_the_model_says)
{
    struct etd_random random = etd_random_begin("random_use_is_what_the_model_says");
    run_model(&random, 0, 20000);
    for (int i = 0; i < 20; i++) /* across the wrap, from any distance */
        run_model(&random, (INT64_C(1) << 32) - (int64_t)etd_random_below(&random, 500000), 2000);
    run_model(&random, INT64_C(1) << 31, 5000); /* and after idleness of half the range */
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("wheel");
    TCase *tests = tcase_create("wheel");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_empty_wheel_has_nothing);
    tcase_add_test(tests, never_early_and_at_most_a_slot_late);
    tcase_add_test(tests, what_has_passed_comes_up_within_a_slot);
    tcase_add_test(tests, what_is_more_than_a_round_away_is_looked_at_on_each);
    tcase_add_test(tests, adding_again_moves);
    tcase_add_test(tests, one_of_many_in_a_slot_leaves_alone);
    tcase_add_test(tests, long_idleness_leaves_nothing_behind);
    tcase_add_test(tests, things_added_while_the_wheel_was_not_asked_come_up_in_time);
    tcase_add_test(tests, random_use_is_what_the_model_says);
    suite_add_tcase(suite, tests);
    return suite;
}
