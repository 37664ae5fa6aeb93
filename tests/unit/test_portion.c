/* How many to take at once. */
#include "echotimed/portion.h"
#include "support/suite.h"

enum { LIMIT = 64 };

static unsigned take(struct etd_portion *portion, unsigned waiting)
{
    unsigned most = portion->most, count = waiting < most ? waiting : most;
    etd_portion_took(portion, count, LIMIT);
    ck_assert_uint_ge(portion->most, 1);
    ck_assert_uint_le(portion->most, LIMIT);
    return most;
}

START_TEST(a_second_one_is_looked_for_only_now_and_then)
{
    struct etd_portion portion = {.most = 1};
    unsigned in_vain = 0;
    for (int i = 0; i < 10 * ETD_PORTION_SINGLE; i++)
        in_vain += take(&portion, 1) > 1;
    ck_assert_uint_ge(in_vain, 1); /* or a flood would never be noticed */
    ck_assert_uint_le(in_vain, 10);
}
END_TEST

START_TEST(a_flood_is_soon_taken_in_whole_portions)
{
    struct etd_portion portion = {.most = 1};
    for (int i = 0; i < ETD_PORTION_SINGLE + 6; i++)
        take(&portion, 1000);
    ck_assert_uint_eq(portion.most, LIMIT);
    take(&portion, 1000);
    ck_assert_uint_eq(portion.most, LIMIT);
}
END_TEST

START_TEST(the_portion_shrinks_to_what_there_was)
{
    struct etd_portion portion = {.most = LIMIT};
    take(&portion, 5);
    ck_assert_uint_eq(portion.most, 5);
    take(&portion, 5);
    ck_assert_uint_eq(portion.most, 10);
    take(&portion, 0);
    ck_assert_uint_eq(portion.most, 1);
}
END_TEST

START_TEST(a_limit_that_is_no_power_of_two_is_reached_and_kept)
{
    struct etd_portion portion = {.most = 24};
    etd_portion_took(&portion, 24, 33);
    ck_assert_uint_eq(portion.most, 33);
    etd_portion_took(&portion, 33, 33);
    ck_assert_uint_eq(portion.most, 33);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("portion");
    TCase *tcase = tcase_create("portion");
    tcase_add_test(tcase, a_second_one_is_looked_for_only_now_and_then);
    tcase_add_test(tcase, a_flood_is_soon_taken_in_whole_portions);
    tcase_add_test(tcase, the_portion_shrinks_to_what_there_was);
    tcase_add_test(tcase, a_limit_that_is_no_power_of_two_is_reached_and_kept);
    suite_add_tcase(suite, tcase);
    return suite;
}
