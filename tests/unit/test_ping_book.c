/* The books of a ping: lost, late, duplicated, reordered and damaged are told apart, and the sums hold
 * whatever comes in whatever order. */
#include "client/ping_book.h"
#include "support/random.h"
#include "support/suite.h"

enum { MS = 1000000, TIMEOUT = 100 * MS };

static struct etd_ping_book book;

static void begin(void)
{
    etd_ping_book_begin(&book, TIMEOUT);
}

static struct etd_moment at(uint64_t ms)
{
    return (struct etd_moment){.ns = 5000000000 + ms * MS,
                               .wall = {.seconds = 1795354415, .nanoseconds = 0}};
}

static struct etd_ping_reply reply(uint32_t number, uint64_t ms)
{
    return etd_ping_book_reply(&book, number, at(ms), false);
}

/* The promise in the header. */
static void check(void)
{
    ck_assert_uint_eq(book.sent,
                      book.received + book.late + book.damaged + book.lost + book.waiting);
    ck_assert_uint_eq(book.round_trips.count, book.received + book.late);
    ck_assert_uint_eq(book.sent, book.next - 1);
}

START_TEST(an_answer_in_time)
{
    ck_assert_uint_eq(etd_ping_book_send(&book, at(0)), 1);
    struct etd_ping_reply one = reply(1, 7);
    ck_assert(one.known && !one.late && !one.duplicate && !one.reordered && !one.damaged);
    ck_assert_uint_eq(one.round_trip, 7 * MS);
    ck_assert_uint_eq(book.received, 1);
    ck_assert_ptr_null(etd_ping_book_oldest(&book));
    check();
}
END_TEST

START_TEST(lost_and_then_late_after_all)
{
    etd_ping_book_send(&book, at(0));
    etd_ping_book_send(&book, at(50));
    ck_assert_uint_eq(etd_ping_book_expire(&book, at(99).ns), 0);
    ck_assert_uint_eq(etd_ping_book_expire(&book, at(100).ns), 1);
    ck_assert_uint_eq(etd_ping_book_expire(&book, at(100).ns), 0);
    ck_assert_uint_eq(book.lost, 1);
    struct etd_ping_reply one = reply(1, 130);
    ck_assert(one.late && !one.duplicate && !one.reordered);
    ck_assert_uint_eq(one.round_trip, 130 * MS);
    ck_assert_uint_eq(book.lost, 0);
    ck_assert_uint_eq(book.late, 1);
    check();
}
END_TEST

/* The answer is read before the timer has had its turn. */
START_TEST(late_though_not_yet_given_up)
{
    etd_ping_book_send(&book, at(0));
    ck_assert(reply(1, 101).late);
    ck_assert_uint_eq(book.late, 1);
    ck_assert_uint_eq(book.lost, 0);
    check();
}
END_TEST

START_TEST(copies_count_once_as_received)
{
    etd_ping_book_send(&book, at(0));
    ck_assert(!reply(1, 1).duplicate);
    ck_assert(reply(1, 2).duplicate);
    ck_assert(reply(1, 200).duplicate);
    ck_assert_uint_eq(book.received, 1);
    ck_assert_uint_eq(book.duplicates, 2);
    check();
}
END_TEST

START_TEST(the_one_that_was_overtaken_is_reordered)
{
    for (uint64_t i = 0; i < 4; i++)
        etd_ping_book_send(&book, at(i));
    ck_assert(!reply(2, 10).reordered);
    ck_assert(!reply(4, 11).reordered);
    ck_assert(reply(1, 12).reordered);
    ck_assert(reply(3, 13).reordered);
    ck_assert_uint_eq(book.reordered, 2);
    ck_assert_uint_eq(book.received, 4);
    check();
}
END_TEST

START_TEST(damaged_is_neither_received_nor_lost)
{
    etd_ping_book_send(&book, at(0));
    struct etd_ping_reply one = etd_ping_book_reply(&book, 1, at(5), true);
    ck_assert(one.known && one.damaged);
    ck_assert_uint_eq(book.damaged, 1);
    ck_assert_uint_eq(book.round_trips.count, 0);
    ck_assert_uint_eq(etd_ping_book_expire(&book, at(500).ns), 0);
    check();
}
END_TEST

START_TEST(what_nobody_asked_is_a_stray)
{
    etd_ping_book_send(&book, at(0));
    ck_assert(!reply(0, 1).known);
    ck_assert(!reply(2, 1).known);
    ck_assert(!reply(1 + ETD_PING_WINDOW, 1).known);
    ck_assert_uint_eq(book.strays, 3);
    check();
}
END_TEST

START_TEST(turns_go_to_the_oldest_that_waits)
{
    ck_assert_ptr_null(etd_ping_book_turn(&book, true));
    for (uint64_t i = 0; i < 3; i++)
        etd_ping_book_send(&book, at(i * 60));
    ck_assert_uint_eq(etd_ping_book_expire(&book, at(170).ns), 1);
    ck_assert_uint_eq(etd_ping_book_expire(&book, at(170).ns), 2);
    /* Over UDP what was given up is taken for lost; a stream loses nothing. */
    ck_assert_uint_eq(etd_ping_book_turn(&book, false)->number, 3);
    ck_assert_uint_eq(etd_ping_book_turn(&book, true)->number, 1);
    (void)reply(1, 171);
    ck_assert_uint_eq(etd_ping_book_turn(&book, true)->number, 2);
    (void)reply(2, 172);
    ck_assert_uint_eq(etd_ping_book_turn(&book, true)->number, 3);
    (void)reply(3, 173);
    ck_assert_ptr_null(etd_ping_book_turn(&book, true));
    ck_assert_ptr_null(etd_ping_book_turn(&book, false));
    check();
}
END_TEST

START_TEST(jitter_is_that_of_rfc_3550)
{
    static const uint64_t round_trips[] = {10, 20, 10, 10};
    double expected = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t number = etd_ping_book_send(&book, at(i * 1000));
        (void)reply(number, i * 1000 + round_trips[i]);
        if (i > 0) {
            double d = (double)(round_trips[i] > round_trips[i - 1]
                                    ? round_trips[i] - round_trips[i - 1]
                                    : round_trips[i - 1] - round_trips[i]) *
                       MS;
            expected += (d - expected) / 16;
        }
    }
    ck_assert_double_eq_tol((double)book.jitter / 16, expected, 2);
}
END_TEST

START_TEST(the_sums_hold_whatever_comes)
{
    struct etd_random random = etd_random_begin("the_sums_hold");
    uint64_t now = 0;
    for (int i = 0; i < 200000; i++) {
        now += etd_random_below(&random, 20);
        switch (etd_random_below(&random, 4)) {
        case 0:
            (void)etd_ping_book_send(&book, at(now));
            break;
        case 1:
            while (etd_ping_book_expire(&book, at(now).ns) != 0)
                ;
            break;
        case 2:
            if (etd_ping_book_turn(&book, true) != NULL)
                (void)reply(etd_ping_book_turn(&book, true)->number, now);
            break;
        default: {
            uint32_t number = (uint32_t)etd_random_below(&random, book.next + 2u);
            (void)etd_ping_book_reply(&book, number, at(now), etd_random_once_in(&random, 5));
        }
        }
        check();
    }
    ck_assert_uint_gt(book.next, ETD_PING_WINDOW); /* numbers came round */
    ck_assert(book.lost > 0 && book.late > 0 && book.damaged > 0 && book.duplicates > 0 &&
              book.reordered > 0 && book.strays > 0);
}
END_TEST

/* Faster than any window: the oldest give way, as lost. */
START_TEST(more_than_the_window_remembers)
{
    for (uint32_t i = 0; i < ETD_PING_WINDOW + 10; i++)
        (void)etd_ping_book_send(&book, at(0));
    ck_assert_uint_eq(book.lost, 10);
    ck_assert_uint_eq(etd_ping_book_oldest(&book)->number, 11);
    check();
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("ping_book");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, begin, NULL);
    tcase_add_test(all, an_answer_in_time);
    tcase_add_test(all, lost_and_then_late_after_all);
    tcase_add_test(all, late_though_not_yet_given_up);
    tcase_add_test(all, copies_count_once_as_received);
    tcase_add_test(all, the_one_that_was_overtaken_is_reordered);
    tcase_add_test(all, damaged_is_neither_received_nor_lost);
    tcase_add_test(all, what_nobody_asked_is_a_stray);
    tcase_add_test(all, turns_go_to_the_oldest_that_waits);
    tcase_add_test(all, jitter_is_that_of_rfc_3550);
    tcase_add_test(all, the_sums_hold_whatever_comes);
    tcase_add_test(all, more_than_the_window_remembers);
    suite_add_tcase(suite, all);
    return suite;
}
