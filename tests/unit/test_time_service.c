/* The text query of the time service, to the byte. */
#include "echotimed/service.h"

#include "support/suite.h"

#include <stdio.h>

#define HINT                                                                                       \
    "error: send time? or time? FORMAT, FORMAT one of rfc3339, rfc3339_local, unix, unix_ms, "     \
    "unix_us, unix_ns, http"

/* Sunday, 22 November 2026, 13:33:35.123456789 UTC, in a zone one hour east. */
static const struct etd_clock_reading reading = {
    .now = {.seconds = 1795354415, .nanoseconds = 123456789}, .utc_offset = 3600};

static const char *const texts[ETD_TIME_FORMATS] = {
    [ETD_TIME_RFC3339] = "2026-11-22T13:33:35.123456Z",
    [ETD_TIME_RFC3339_LOCAL] = "2026-11-22T14:33:35.123456+01:00",
    [ETD_TIME_UNIX] = "1795354415",
    [ETD_TIME_UNIX_MS] = "1795354415123",
    [ETD_TIME_UNIX_US] = "1795354415123456",
    [ETD_TIME_UNIX_NS] = "1795354415123456789",
    [ETD_TIME_HTTP] = "Sun, 22 Nov 2026 13:33:35 GMT",
};

/* Asks, and checks the answer; null: none is given. */
static void check(enum etd_transport transport, struct etd_bytes query, bool terminated,
                  enum etd_time_format format, const char *wanted)
{
    const struct etd_service *service = etd_services[ETD_SERVICE_TIME];
    struct etd_request request = {.transport = transport,
                                  .payload = query,
                                  .terminated = terminated,
                                  .time_format = format,
                                  .clock = &reading};
    uint8_t room[512];
    ck_assert_uint_le(service->reply_max, sizeof room);
    struct etd_writer reply = etd_writer(room, service->reply_max);
    enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
    struct etd_bytes got = etd_writer_bytes(&reply);
    ck_assert_int_eq(verdict, wanted != NULL ? ETD_VERDICT_REPLY : ETD_VERDICT_SILENT);
    ck_assert_msg(etd_bytes_equal(got, etd_bytes_text(wanted != NULL ? wanted : "")),
                  "\"%.*s\" is answered \"%.*s\", not \"%s\"", (int)query.size,
                  (const char *)query.data, (int)got.size, (const char *)got.data,
                  wanted != NULL ? wanted : "");
}

static void check_text(enum etd_transport transport, const char *query, bool terminated,
                       const char *wanted)
{
    check(transport, etd_bytes_text(query), terminated, ETD_TIME_RFC3339, wanted);
}

/* A query and its answer, each with the same ending. */
static void check_ended(enum etd_transport transport, const char *query, const char *answer,
                        enum etd_time_format format)
{
    static const char *const endings[] = {"", "\n", "\r\n"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char asked[128], wanted[128];
        snprintf(asked, sizeof asked, "%s%s", query, endings[i]);
        snprintf(wanted, sizeof wanted, "%s%s", answer, endings[i]);
        check(transport, etd_bytes_text(asked), false, format, wanted);
    }
}

START_TEST(every_format_can_be_asked_for_with_every_ending)
{
    for (int transport = 0; transport < ETD_TRANSPORT_COUNT; transport++) {
        for (size_t f = 0; f < ETD_TIME_FORMATS; f++) {
            char query[64];
            snprintf(query, sizeof query, "time? %s",
                     etd_time_format_name((enum etd_time_format)f));
            check_ended((enum etd_transport)transport, query, texts[f], ETD_TIME_RFC3339);
        }
    }
}
END_TEST

START_TEST(a_bare_query_gets_the_format_of_the_listener)
{
    for (int transport = 0; transport < ETD_TRANSPORT_COUNT; transport++) {
        for (size_t f = 0; f < ETD_TIME_FORMATS; f++)
            check_ended((enum etd_transport)transport, "time?", texts[f], (enum etd_time_format)f);
    }
    check(ETD_UDP, etd_bytes_text("time? unix"), false, ETD_TIME_HTTP, texts[ETD_TIME_UNIX]);
}
END_TEST

/* The framing cut the LF, which it puts behind the answer again; the CR is the message's. */
START_TEST(over_line_framing_the_cr_belongs_to_the_message)
{
    check_text(ETD_TCP, "time?", true, "2026-11-22T13:33:35.123456Z");
    check_text(ETD_TCP, "time?\r", true, "2026-11-22T13:33:35.123456Z\r");
    check_text(ETD_TCP, "time? unix\r", true, "1795354415\r");
    check_text(ETD_TCP, "time?\r\r", true, HINT "\r");
    check_text(ETD_TCP, "what\r", true, HINT "\r");
    check_text(ETD_TCP, "\r", true, HINT "\r");
    check_text(ETD_TCP, "", true, HINT);
}
END_TEST

START_TEST(a_lone_cr_is_no_ending)
{
    check_text(ETD_TCP, "time?\r", false,
               HINT); /* an unterminated last line, or a length's payload */
    check_text(ETD_UDP, "time?\r", false, NULL);
    check_text(ETD_TCP, "time? unix\r", false, HINT);
    check_text(ETD_UDP, "time?\n\r", false, NULL);
    check_text(ETD_UDP, "time?\r\r\n", false, NULL);
    check_text(ETD_TCP, "time?\r\r\n", false, HINT "\r\n");
    check_text(ETD_TCP, "time?\n\n", false, HINT "\n"); /* only the last LF ends it */
    check_text(ETD_TCP, "time?\r\n\r\n", false, HINT "\r\n");
}
END_TEST

START_TEST(queries_match_exactly)
{
    static const char *const wrong[] = {
        "",
        "time",
        "TIME?",
        "Time?",
        "time??",
        " time?",
        "time? ",
        "time?  unix",
        "time? unix ",
        "time?\tunix",
        "time?unix",
        "time? UNIX",
        "time? iso",
        "time? unix unix_ms",
        "time? unix,http",
        "time!",
        "time?x",
        "time? \n unix",
        "xtime?",
        "time? rfc3339_loca",
        "time? rfc3339_locale",
        "\ntime?",
        "time?\v",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        check_text(ETD_UDP, wrong[i], false, NULL);
        check_text(ETD_TCP, wrong[i], false, HINT);
        check_text(ETD_TCP, wrong[i], true, HINT);
    }
    /* A NUL is a byte like any other. */
    check(ETD_UDP, etd_bytes("time?", 6), false, ETD_TIME_RFC3339, NULL);
    check(ETD_UDP, etd_bytes("time? unix", 11), false, ETD_TIME_RFC3339, NULL);
    check(ETD_UDP, etd_bytes("time?\0\n", 7), false, ETD_TIME_RFC3339, NULL);
    check(ETD_TCP, etd_bytes("time?\0unix", 10), false, ETD_TIME_RFC3339, HINT);
}
END_TEST

START_TEST(errors_end_as_the_query_did)
{
    check_text(ETD_TCP, "what", false, HINT);
    check_text(ETD_TCP, "what\n", false, HINT "\n");
    check_text(ETD_TCP, "what\r\n", false, HINT "\r\n");
    check_text(ETD_TCP, "\n", false, HINT "\n");
    check_text(ETD_TCP, "\r\n", false, HINT "\r\n");
    check_text(ETD_UDP, "what\r\n", false, NULL);
    check_text(ETD_UDP, "\n", false, NULL);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("time service");
    TCase *tests = tcase_create("text query");
    tcase_add_test(tests, every_format_can_be_asked_for_with_every_ending);
    tcase_add_test(tests, a_bare_query_gets_the_format_of_the_listener);
    tcase_add_test(tests, over_line_framing_the_cr_belongs_to_the_message);
    tcase_add_test(tests, a_lone_cr_is_no_ending);
    tcase_add_test(tests, queries_match_exactly);
    tcase_add_test(tests, errors_end_as_the_query_did);
    suite_add_tcase(suite, tests);
    return suite;
}
