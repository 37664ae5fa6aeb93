/* Tallies: one for each section, as long as anybody uses it, each with a number of its own. */
#include "daemon/tcp_tally.h"
#include "support/suite.h"

#include <stdio.h>

static struct etd_tcp_tallies tallies;

START_TEST(a_section_has_one_tally)
{
    struct etd_tcp_tally *first = etd_tcp_tally_take(&tallies, "tcp");
    struct etd_tcp_tally *other = etd_tcp_tally_take(&tallies, "tcp other");
    ck_assert_ptr_ne(first, other);
    ck_assert_uint_ne(first->number, other->number);
    ck_assert_str_eq(other->title, "tcp other");
    ck_assert_ptr_eq(etd_tcp_tally_take(&tallies, "tcp"), first);
    first->counters.accepted = 5;
    etd_tcp_tally_give(&tallies, first);
    ck_assert_ptr_eq(tallies.first, first);
    ck_assert_uint_eq(first->counters.accepted, 5);
    etd_tcp_tally_give(&tallies, first);
    ck_assert_ptr_eq(tallies.first, other);
    etd_tcp_tally_give(&tallies, other);
    ck_assert_ptr_null(tallies.first);
}
END_TEST

START_TEST(what_was_given_back_begins_anew)
{
    struct etd_tcp_tally *tally = etd_tcp_tally_take(&tallies, "tcp");
    uint16_t number = tally->number;
    tally->counters.messages = 5;
    etd_tcp_tally_give(&tallies, tally);
    tally = etd_tcp_tally_take(&tallies, "tcp");
    ck_assert_uint_eq(tally->counters.messages, 0);
    ck_assert_uint_ne(tally->number, number);
    etd_tcp_tally_give(&tallies, tally);
}
END_TEST

/* Around the end of the numbers, too, nobody gets one that is in use. */
START_TEST(no_number_is_given_twice)
{
    struct etd_tcp_tally *lasting = etd_tcp_tally_take(&tallies, "lasting");
    for (unsigned i = 0; i < 2 * UINT16_MAX; i++) {
        struct etd_tcp_tally *tally = etd_tcp_tally_take(&tallies, "passing");
        ck_assert_msg(tally->number != lasting->number, "after %u", i);
        etd_tcp_tally_give(&tallies, tally);
    }
    etd_tcp_tally_give(&tallies, lasting);
}
END_TEST

START_TEST(those_in_the_middle_can_go)
{
    enum { ALL = 5 };
    struct etd_tcp_tally *all[ALL];
    char title[ETD_SECTION_TITLE];
    for (int i = 0; i < ALL; i++) {
        snprintf(title, sizeof title, "%d", i);
        all[i] = etd_tcp_tally_take(&tallies, title);
    }
    etd_tcp_tally_give(&tallies, all[2]);
    etd_tcp_tally_give(&tallies, all[4]);
    ck_assert_ptr_eq(tallies.first, all[0]);
    ck_assert_ptr_eq(all[0]->next, all[1]);
    ck_assert_ptr_eq(all[1]->next, all[3]);
    ck_assert_ptr_null(all[3]->next);
    etd_tcp_tally_give(&tallies, all[0]);
    etd_tcp_tally_give(&tallies, all[1]);
    etd_tcp_tally_give(&tallies, all[3]);
    ck_assert_ptr_null(tallies.first);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("tcp_tally");
    TCase *tests = tcase_create("tally");
    tcase_add_test(tests, a_section_has_one_tally);
    tcase_add_test(tests, what_was_given_back_begins_anew);
    tcase_add_test(tests, no_number_is_given_twice);
    tcase_add_test(tests, those_in_the_middle_can_go);
    suite_add_tcase(suite, tests);
    return suite;
}
