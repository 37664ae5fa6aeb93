/* Times as text: the forms of daytime servers, those that tell no instant, and the text query's. */
#include "echotimed/daytime_text.h"
#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

static const int64_t afternoon = 1795354415; /* 2026-11-22 13:33:35 UTC */

static bool parse(const char *text, struct etd_timestamp *time)
{
    /* Behind its last byte memory ends. */
    struct etd_guard guard = etd_guard_copy(text, strlen(text));
    bool good = etd_daytime_parse(etd_bytes(guard.data, guard.size), time);
    etd_guard_free(&guard);
    return good;
}

START_TEST(dates_and_seconds_agree_both_ways)
{
    struct etd_random random = etd_random_begin("dates_and_seconds");
    for (int i = 0; i < 100000; i++) {
        int64_t told, seconds = (int64_t)etd_random_below(&random, 315569520000) - 62167219200;
        struct etd_civil date = etd_civil_from_seconds(seconds, 0);
        ck_assert(etd_civil_to_seconds(&date, &told));
        ck_assert_int_eq(told, seconds);
    }
}
END_TEST

START_TEST(days_that_there_are_not)
{
    static const struct etd_civil none[] = {
        {2026, 2, 29, 0, 0, 0, 0}, {1900, 2, 29, 0, 0, 0, 0}, {2026, 4, 31, 0, 0, 0, 0},
        {2026, 0, 1, 0, 0, 0, 0},  {2026, 13, 1, 0, 0, 0, 0}, {2026, 1, 0, 0, 0, 0, 0},
        {2026, 1, 1, 24, 0, 0, 0}, {2026, 1, 1, 0, 60, 0, 0}, {2026, 1, 1, 0, 0, 61, 0},
        {10000, 1, 1, 0, 0, 0, 0}, {-1, 1, 1, 0, 0, 0, 0},
    };
    int64_t seconds;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(!etd_civil_to_seconds(&none[i], &seconds), "%zu", i);
    const struct etd_civil leap_day = {2000, 2, 29, 23, 59, 60, 0};
    ck_assert(etd_civil_to_seconds(&leap_day, &seconds));
    ck_assert_int_eq(seconds, 951868800); /* 2000-03-01 */
}
END_TEST

START_TEST(forms_of_daytime_servers)
{
    static const char *const forms[] = {
        "22 NOV 2026 13:33:35 UTC\r\n",
        "22 NOV 2026 13:33:35 UTC",
        "Sun Nov 22 13:33:35 UTC 2026\n",
        "Sun, 22 Nov 2026 14:33:35 +0100\r\n",
        "Sun, 22 Nov 2026 13:33:35 GMT",
        "Sunday, November 22, 2026 05:33:35-0800",
        "2026-11-22T13:33:35Z",
        "2026-11-22T13:33:35.987654Z\n",
        "2026-11-22T19:03:35.123456789+05:30",
        "2026-11-22 13:33:35 UTC",
        "61366 26-11-22 13:33:35 00 0 0  50.0 UTC(NIST) *\r\n",
        "\r\n61366 26-11-22 13:33:35 00 0 0  50.0 UTC(NIST) *\r\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct etd_timestamp time;
        ck_assert_msg(parse(forms[i], &time), "%s", forms[i]);
        ck_assert_msg(time.seconds == afternoon, "%s: %lld", forms[i], (long long)time.seconds);
        ck_assert_uint_eq(time.nanoseconds, 0);
    }
}
END_TEST

START_TEST(texts_that_tell_no_instant)
{
    static const char *const forms[] = {
        "",
        "hello",
        "Sun Nov 22 13:33:35 2026", /* without a zone, as inetd has it */
        "22 NOV 2026 13:33:35 CET", /* of which there may be several */
        "22 NOV 26 13:33:35 UTC",   /* a year of two digits */
        "NOV 2026 13:33:35 UTC",    /* no day */
        "22 2026 13:33:35 UTC",     /* no month */
        "22 NOV 2026 UTC",          /* no time of day */
        "31 NOV 2026 13:33:35 UTC", /* no such day */
        "22 NOV 2026 25:33:35 UTC", /* no such hour */
        "2026-11-22T13:33:35",
        "22-11-2026 13:33:35 UTC",
        "22 NOV 2026 13:33:35 +99:00",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct etd_timestamp time;
        ck_assert_msg(!parse(forms[i], &time), "%s", forms[i]);
    }
}
END_TEST

/* Nothing to see but that memory is not left: any bytes may come. */
START_TEST(any_bytes)
{
    struct etd_random random = etd_random_begin("any_bytes");
    static const char likely[] = "0123456789:-+TZ .,UTCNOVnov\r\n";
    for (int i = 0; i < 20000; i++) {
        uint8_t data[100];
        size_t size = etd_random_below(&random, sizeof data);
        for (size_t at = 0; at < size; at++)
            data[at] = etd_random_once_in(&random, 10)
                           ? (uint8_t)etd_random_next(&random)
                           : (uint8_t)likely[etd_random_below(&random, sizeof likely)];
        struct etd_guard guard = etd_guard_copy(data, size);
        struct etd_timestamp time = {.nanoseconds = 0};
        (void)etd_daytime_parse(etd_bytes(guard.data, size), &time);
        (void)etd_unix_ns_parse(etd_bytes(guard.data, size), &time);
        ck_assert_uint_lt(time.nanoseconds, 1000000000);
        etd_guard_free(&guard);
    }
}
END_TEST

static void expect_ns(const char *text, int64_t seconds, uint32_t nanoseconds)
{
    struct etd_timestamp time;
    ck_assert_msg(etd_unix_ns_parse(etd_bytes_text(text), &time), "%s", text);
    ck_assert_int_eq(time.seconds, seconds);
    ck_assert_uint_eq(time.nanoseconds, nanoseconds);
}

START_TEST(nanoseconds_since_1970)
{
    struct etd_timestamp time;
    expect_ns("1795354415123456789\n", afternoon, 123456789);
    expect_ns("0", 0, 0);
    expect_ns("-1\r\n", -1, 999999999);
    expect_ns("-9223372036854775807", -9223372037, 145224193);
    static const char *const none[] = {
        "", "\n", "-", "1 ", "+1", "1x", "9223372036854775808", "error: send time?"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(!etd_unix_ns_parse(etd_bytes_text(none[i]), &time), "%s", none[i]);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("daytime_text");
    TCase *all = tcase_create("all");
    tcase_add_test(all, dates_and_seconds_agree_both_ways);
    tcase_add_test(all, days_that_there_are_not);
    tcase_add_test(all, forms_of_daytime_servers);
    tcase_add_test(all, texts_that_tell_no_instant);
    tcase_add_test(all, any_bytes);
    tcase_add_test(all, nanoseconds_since_1970);
    suite_add_tcase(suite, all);
    return suite;
}
