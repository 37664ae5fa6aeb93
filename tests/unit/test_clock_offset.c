/* Offsets between clocks: exact where they can be, and within their bound always. */
#include "echotimed/clock_offset.h"
#include "support/random.h"
#include "support/suite.h"

static struct etd_timestamp at(int64_t seconds, uint32_t nanoseconds)
{
    return (struct etd_timestamp){.seconds = seconds, .nanoseconds = nanoseconds};
}

START_TEST(differences_and_moves)
{
    ck_assert_int_eq(etd_time_between(at(5, 1), at(4, 999999999)), 2);
    ck_assert_int_eq(etd_time_between(at(-1, 999999999), at(0, 0)), -1);
    ck_assert_int_eq(etd_time_between(at(INT64_MAX, 0), at(0, 0)), INT64_MAX);
    ck_assert_int_eq(etd_time_between(at(INT64_MIN, 0), at(5, 0)), -INT64_MAX);
    ck_assert_int_eq(etd_time_between(at(0, 0), at(10000000000, 0)), -INT64_MAX);
    struct etd_timestamp moved = etd_time_moved(at(0, 0), -1);
    ck_assert_int_eq(moved.seconds, -1);
    ck_assert_uint_eq(moved.nanoseconds, 999999999);
    moved = etd_time_moved(at(7, 999999999), 1000000001);
    ck_assert_int_eq(moved.seconds, 9);
    ck_assert_uint_eq(moved.nanoseconds, 0);
    moved = etd_time_moved(at(7, 5), INT64_MIN);
    ck_assert_int_eq(etd_time_between(moved, at(7, 5)), -INT64_MAX);
}
END_TEST

START_TEST(four_times_on_an_even_path_give_the_offset_itself)
{
    /* The other clock is 5 s ahead; 10 ns there, 100 ns of work, 10 ns back. */
    struct etd_clock_offset offset =
        etd_offset_of_four(at(100, 0), at(105, 10), at(105, 110), at(100, 120));
    ck_assert_int_eq(offset.offset, 5000000000);
    ck_assert_int_eq(offset.delay, 20);
    ck_assert_uint_eq(offset.bound, 10);
}
END_TEST

START_TEST(one_time_in_steps_has_a_bound_of_a_step_more)
{
    struct etd_clock_offset offset =
        etd_offset_of_one(at(100, 0), at(90, 0), 1000000000, at(100, 200));
    ck_assert_int_eq(offset.offset, -9500000100);
    ck_assert_uint_eq(offset.bound, 1000000100);
    offset = etd_offset_of_one(at(100, 0), at(100, 100), 1, at(100, 200));
    ck_assert_int_eq(offset.offset, 0);
    ck_assert_uint_eq(offset.bound, 101);
}
END_TEST

/* Whatever the path does, and whether the server cuts or rounds: the truth is within the bound. */
START_TEST(the_bound_holds)
{
    struct etd_random random = etd_random_begin("the_bound_holds");
    for (int i = 0; i < 100000; i++) {
        int64_t ahead = (int64_t)etd_random_below(&random, 40000000000) - 20000000000;
        int64_t there = (int64_t)etd_random_below(&random, 1000000);
        int64_t work = (int64_t)etd_random_below(&random, 1000000);
        int64_t back = (int64_t)etd_random_below(&random, 1000000);
        struct etd_timestamp t1 = at(1795354800, (uint32_t)etd_random_below(&random, 1000000000));
        struct etd_timestamp t2 = etd_time_moved(t1, there + ahead);
        struct etd_timestamp t3 = etd_time_moved(t2, work);
        struct etd_timestamp t4 = etd_time_moved(t1, there + work + back);
        struct etd_clock_offset four = etd_offset_of_four(t1, t2, t3, t4);
        ck_assert_int_le(llabs(four.offset - ahead), (int64_t)four.bound + 1);
        struct etd_timestamp cut = {.seconds = t3.seconds};
        struct etd_timestamp rounded = {.seconds = t3.seconds + (t3.nanoseconds >= 500000000)};
        struct etd_clock_offset one = etd_offset_of_one(t1, cut, 1000000000, t4);
        ck_assert_int_le(llabs(one.offset - ahead), (int64_t)one.bound + 1);
        one = etd_offset_of_one(t1, rounded, 1000000000, t4);
        ck_assert_int_le(llabs(one.offset - ahead), (int64_t)one.bound + 1);
    }
}
END_TEST

/* No overflow, which the sanitizers would tell. */
START_TEST(clocks_of_other_ages)
{
    struct etd_timestamp ends[] = {at(INT64_MIN, 0), at(INT64_MAX, 999999999), at(0, 0),
                                   at(1795354800, 1)};
    for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
            (void)etd_offset_of_four(ends[i], ends[j], ends[j], ends[i]);
            (void)etd_offset_of_four(ends[i], ends[j], ends[i], ends[j]);
            (void)etd_offset_of_one(ends[i], ends[j], 1000000000, ends[i]);
        }
    }
    ck_assert_int_eq(etd_offset_of_one(at(0, 0), at(INT64_MAX, 0), 0, at(0, 0)).offset, INT64_MAX);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("clock_offset");
    TCase *all = tcase_create("all");
    tcase_add_test(all, differences_and_moves);
    tcase_add_test(all, four_times_on_an_even_path_give_the_offset_itself);
    tcase_add_test(all, one_time_in_steps_has_a_bound_of_a_step_more);
    tcase_add_test(all, the_bound_holds);
    tcase_add_test(all, clocks_of_other_ages);
    suite_add_tcase(suite, all);
    return suite;
}
