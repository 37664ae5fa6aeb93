/* Reads and writes that move a byte, or a datagram, at a time, and sockets that are seldom ready:
 * everything still comes out right. */
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>

/* A transfer at a byte a call; and one that is long enough to be spliced. */
enum { BYTES = 20480, BULK = 1024 * 1024 };

static void run(struct fault_plan plan, size_t bulk)
{
    ck_assert_int_eq(fault_run(&plan, FAULT_UNFELT, bulk, NULL) > 0, plan.every > 0);
}

/* What the other tests make fail must happen at all. */
START_TEST(the_scenario_makes_every_call)
{
    struct fault_plan plan = {.count = 0, .user = "nobody", .group = "nogroup"};
    struct fault_report report;
    fault_run(&plan, FAULT_UNFELT, BULK, &report);
    for (enum fault_call call = 0; call < FAULT_CALLS; call++) {
        ck_assert_msg(report.calls[call] > 0, "%s is never called", fault_call_name(call));
    }
}
END_TEST

START_TEST(a_byte_at_a_time_is_read)
{
    run((struct fault_plan){.most_received = 1}, BYTES);
}
END_TEST

START_TEST(a_byte_at_a_time_is_written)
{
    run((struct fault_plan){.most_sent = 1}, BYTES);
}
END_TEST

START_TEST(a_byte_at_a_time_is_read_and_written)
{
    run((struct fault_plan){.most_received = 1, .most_sent = 1}, BYTES);
}
END_TEST

START_TEST(a_few_bytes_at_a_time_are_read_and_fewer_written)
{
    run((struct fault_plan){.most_received = 7, .most_sent = 3}, BULK / 8);
}
END_TEST

START_TEST(a_byte_at_a_time_is_spliced)
{
    run((struct fault_plan){.most_spliced = 1}, BULK);
}
END_TEST

START_TEST(a_page_and_a_byte_at_a_time_are_spliced)
{
    run((struct fault_plan){.most_spliced = 4097}, BULK);
}
END_TEST

START_TEST(a_datagram_at_a_time_is_received_and_sent)
{
    run((struct fault_plan){.most_datagrams = 1}, 0);
}
END_TEST

static const struct fault_plan seldom[] = {
    {.call = FAULT_RECV, .error = EAGAIN, .every = 2},
    {.call = FAULT_RECV, .error = EINTR, .every = 3, .most_received = 1000},
    {.call = FAULT_SEND, .error = EAGAIN, .every = 2},
    {.call = FAULT_SEND, .error = EINTR, .every = 3, .most_sent = 1000},
    {.call = FAULT_SPLICE_IN, .error = EAGAIN, .every = 2},
    {.call = FAULT_SPLICE_IN, .error = EINTR, .every = 3, .most_spliced = 10000},
    {.call = FAULT_SPLICE_IN, .error = EINVAL, .every = 1}, /* sockets that cannot be spliced */
    {.call = FAULT_SPLICE_OUT, .error = EAGAIN, .every = 2},
    {.call = FAULT_SPLICE_OUT, .error = EINTR, .every = 3, .most_spliced = 10000},
    {.call = FAULT_ACCEPT4, .error = EINTR, .every = 2},
    {.call = FAULT_EPOLL_WAIT, .error = EINTR, .every = 2},
    {.call = FAULT_RECVMMSG, .error = EINTR, .every = 2},
    {.call = FAULT_SENDMMSG, .error = EINTR, .every = 2, .most_datagrams = 1},
};

START_TEST(a_socket_is_seldom_ready)
{
    run(seldom[_i], BULK);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("fault/short");
    TCase *tcase = tcase_create("short");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, the_scenario_makes_every_call);
    tcase_add_test(tcase, a_byte_at_a_time_is_read);
    tcase_add_test(tcase, a_byte_at_a_time_is_written);
    tcase_add_test(tcase, a_byte_at_a_time_is_read_and_written);
    tcase_add_test(tcase, a_few_bytes_at_a_time_are_read_and_fewer_written);
    tcase_add_test(tcase, a_byte_at_a_time_is_spliced);
    tcase_add_test(tcase, a_page_and_a_byte_at_a_time_are_spliced);
    tcase_add_test(tcase, a_datagram_at_a_time_is_received_and_sent);
    tcase_add_loop_test(tcase, a_socket_is_seldom_ready, 0, sizeof seldom / sizeof seldom[0]);
    suite_add_tcase(suite, tcase);
    return suite;
}
