/* The texts of metrics: their grammar in both formats, escapes, bounds, and which one is wanted. */
#include "echotimed/metrics.h"
#include "support/guard.h"
#include "support/suite.h"

#include <stdio.h>

static struct etd_tcp_counters tcp;
static struct etd_process_figures process;
static const char *title;

static bool next(const void *context, enum etd_metrics_scope scope,
                 struct etd_metrics_subject *subject)
{
    ck_assert_ptr_eq(context, &tcp);
    bool first = subject->place == NULL;
    if (scope == ETD_METRICS_TCP)
        *subject = (struct etd_metrics_subject){title, &tcp, &tcp};
    else
        *subject = (struct etd_metrics_subject){NULL, &process, &process};
    return first && scope != ETD_METRICS_UDP;
}

static const struct etd_metrics_source source = {
    .next = next, .context = &tcp, .version = "1.2\"3"};

static void begin(void)
{
    tcp = (struct etd_tcp_counters){.accepted = 3, .bytes_in = UINT64_MAX};
    tcp.rejected[ETD_REJECT_DENIED] = 7;
    process = (struct etd_process_figures){.start_time_us = 1795354415000042, .connections = 2};
    title = "tcp";
}

static char *text_in(enum etd_metrics_format format)
{
    static uint8_t text[64 * 1024];
    struct etd_writer writer = etd_writer(text, sizeof text - 1);
    etd_metrics_write(&source, format, &writer);
    ck_assert(!writer.failed);
    *writer.at = '\0';
    return (char *)text;
}

static void has(enum etd_metrics_format format, const char *lines)
{
    const char *text = text_in(format);
    ck_assert_msg(strstr(text, lines) != NULL, "no\n%s\nin\n%s", lines, text);
}

static void lacks(enum etd_metrics_format format, const char *piece)
{
    ck_assert_msg(strstr(text_in(format), piece) == NULL, "there is %s", piece);
}

START_TEST(a_counter_in_the_format_of_prometheus_is_one_family_with_its_suffix)
{
    has(ETD_METRICS_PROMETHEUS, "# HELP echotimed_tcp_received_bytes_total Bytes that were "
                                "received over TCP.\n"
                                "# TYPE echotimed_tcp_received_bytes_total counter\n"
                                "echotimed_tcp_received_bytes_total{listener=\"tcp\"} "
                                "18446744073709551615\n# HELP");
    has(ETD_METRICS_PROMETHEUS, "# TYPE echotimed_build_info gauge\n"
                                "echotimed_build_info{version=\"1.2\\\"3\"} 1\n");
    lacks(ETD_METRICS_PROMETHEUS, "# UNIT");
    lacks(ETD_METRICS_PROMETHEUS, "# EOF");
}
END_TEST

START_TEST(in_openmetrics_the_family_lacks_the_suffix_and_has_its_unit)
{
    has(ETD_METRICS_OPENMETRICS, "# HELP echotimed_tcp_received_bytes Bytes that were received "
                                 "over TCP.\n"
                                 "# TYPE echotimed_tcp_received_bytes counter\n"
                                 "# UNIT echotimed_tcp_received_bytes bytes\n"
                                 "echotimed_tcp_received_bytes_total{listener=\"tcp\"} "
                                 "18446744073709551615\n# HELP");
    has(ETD_METRICS_OPENMETRICS, "# TYPE echotimed_build info\n"
                                 "echotimed_build_info{version=\"1.2\\\"3\"} 1\n");
    const char *text = text_in(ETD_METRICS_OPENMETRICS);
    ck_assert_str_eq(text + strlen(text) - 7, "\n# EOF\n");
    ck_assert_ptr_eq(strstr(text, "# EOF"), text + strlen(text) - 6);
}
END_TEST

START_TEST(labels_tell_reasons_apart_and_fractions_are_written_out)
{
    has(ETD_METRICS_PROMETHEUS,
        "echotimed_tcp_connections_rejected_total{listener=\"tcp\",reason=\"denied\"} 7\n");
    lacks(ETD_METRICS_PROMETHEUS, "reason=\"none\"");
    has(ETD_METRICS_PROMETHEUS, "\nprocess_start_time_seconds 1795354415.000042\n");
    has(ETD_METRICS_PROMETHEUS, "\nechotimed_connections_open 2\n");
    has(ETD_METRICS_PROMETHEUS, "\nechotimed_reloads_total{result=\"bad\"} 0\n");
}
END_TEST

START_TEST(whatever_a_listener_is_called_stays_within_its_quotes)
{
    title = "a\"} 1\n\\";
    has(ETD_METRICS_PROMETHEUS,
        "echotimed_tcp_connections_accepted_total{listener=\"a\\\"} 1\\n\\\\\"} 3\n");
    has(ETD_METRICS_OPENMETRICS,
        "echotimed_tcp_connections_accepted_total{listener=\"a\\\"} 1\\n\\\\\"} 3\n");
}
END_TEST

START_TEST(families_that_nobody_has_are_left_out)
{
    lacks(ETD_METRICS_PROMETHEUS, "_udp_");
    lacks(ETD_METRICS_OPENMETRICS, "_udp_");
}
END_TEST

/* Every family stands in one piece, as both formats demand. */
START_TEST(no_family_is_opened_twice)
{
    char *text = text_in(ETD_METRICS_OPENMETRICS);
    for (char *type = strstr(text, "# TYPE "); type != NULL; type = strstr(type + 1, "# TYPE ")) {
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(type, "\n") + 1, type);
        ck_assert_msg(strstr(type + 1, line) == NULL, "twice: %s", line);
    }
}
END_TEST

START_TEST(a_text_that_does_not_fit_fails_and_stays_in_its_memory)
{
    size_t needed = strlen(text_in(ETD_METRICS_OPENMETRICS));
    for (size_t size = 0; size <= needed; size += size + 32 < needed ? 31 : 1) {
        struct etd_guard guard = etd_guard_make(size);
        struct etd_writer writer = etd_writer(guard.data, size);
        etd_metrics_write(&source, ETD_METRICS_OPENMETRICS, &writer);
        ck_assert_int_eq(writer.failed, size < needed);
        etd_guard_free(&guard);
    }
}
END_TEST

START_TEST(pairs_of_a_listener_leave_out_what_did_not_happen)
{
    uint8_t text[512];
    struct etd_writer writer = etd_writer(text, sizeof text - 1);
    struct etd_metrics_place place = {0};
    ck_assert(etd_metrics_write_pairs(ETD_METRICS_TCP, &tcp, &place, &writer));
    *writer.at = '\0';
    ck_assert_str_eq((char *)text, " accepted=3 rejected_denied=7 bytes_in=18446744073709551615");
    ck_assert(!etd_metrics_write_pairs(ETD_METRICS_TCP, &tcp, &place, &writer));
}
END_TEST

START_TEST(pairs_that_do_not_fit_come_in_the_next_piece)
{
    char whole[1024] = "";
    struct etd_metrics_place place = {0};
    for (unsigned pieces = 0;; pieces++) {
        struct etd_guard guard = etd_guard_make(32);
        struct etd_writer writer = etd_writer(guard.data, guard.size);
        bool more = etd_metrics_write_pairs(ETD_METRICS_TCP, &tcp, &place, &writer);
        struct etd_bytes piece = etd_writer_bytes(&writer);
        ck_assert_int_eq(more, piece.size > 0);
        strncat(whole, (const char *)piece.data, piece.size);
        etd_guard_free(&guard);
        if (!more) {
            ck_assert_uint_eq(pieces, 2);
            break;
        }
    }
    ck_assert_str_eq(whole, " accepted=3 rejected_denied=7 bytes_in=18446744073709551615");
}
END_TEST

static const struct {
    const char *accept;
    enum etd_metrics_format format;
} wishes[] = {
    {NULL, ETD_METRICS_PROMETHEUS},
    {"", ETD_METRICS_PROMETHEUS},
    {"*/*", ETD_METRICS_PROMETHEUS},
    {"text/html, text/plain;q=0.5", ETD_METRICS_PROMETHEUS},
    {"application/openmetrics-text", ETD_METRICS_OPENMETRICS},
    {"Application/OpenMetrics-Text ; version=1.0.0", ETD_METRICS_OPENMETRICS},
    {"application/openmetrics-textual", ETD_METRICS_PROMETHEUS},
    /* As Prometheus asks since its version 2.5, and from 2.49 on. */
    {"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     ETD_METRICS_OPENMETRICS},
    {"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
     ETD_METRICS_OPENMETRICS},
    {"text/plain;q=0.6,application/openmetrics-text;q=0.5", ETD_METRICS_PROMETHEUS},
    {"text/plain;q=0.05,application/openmetrics-text;q=0.5", ETD_METRICS_OPENMETRICS},
    {"application/openmetrics-text;q=0", ETD_METRICS_PROMETHEUS},
    {"application/openmetrics-text;q=0.000", ETD_METRICS_PROMETHEUS},
    {"application/openmetrics-text;q=0.001", ETD_METRICS_OPENMETRICS},
    {"application/openmetrics-text;q=99999999999999999999,text/plain", ETD_METRICS_OPENMETRICS},
    {",,;;,\t, application/openmetrics-text", ETD_METRICS_OPENMETRICS},
    {";q=", ETD_METRICS_PROMETHEUS},
};

START_TEST(the_format_that_a_client_wants)
{
    ck_assert_msg(etd_metrics_format_wanted(wishes[_i].accept) == wishes[_i].format, "Accept: %s",
                  wishes[_i].accept);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("texts");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, a_counter_in_the_format_of_prometheus_is_one_family_with_its_suffix);
    tcase_add_test(tests, in_openmetrics_the_family_lacks_the_suffix_and_has_its_unit);
    tcase_add_test(tests, labels_tell_reasons_apart_and_fractions_are_written_out);
    tcase_add_test(tests, whatever_a_listener_is_called_stays_within_its_quotes);
    tcase_add_test(tests, families_that_nobody_has_are_left_out);
    tcase_add_test(tests, no_family_is_opened_twice);
    tcase_add_test(tests, a_text_that_does_not_fit_fails_and_stays_in_its_memory);
    tcase_add_test(tests, pairs_of_a_listener_leave_out_what_did_not_happen);
    tcase_add_test(tests, pairs_that_do_not_fit_come_in_the_next_piece);
    tcase_add_loop_test(tests, the_format_that_a_client_wants, 0,
                        (int)(sizeof wishes / sizeof wishes[0]));
    suite_add_tcase(suite, tests);
    return suite;
}
