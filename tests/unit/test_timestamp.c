/* Dates and the text forms of the wall clock. */
#include "echotimed/timestamp.h"

#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

#include <inttypes.h>
#include <time.h>

START_TEST(known_dates)
{
    static const struct {
        int64_t seconds;
        int64_t year;
        int month, day, hour, minute, second, weekday;
    } cases[] = {
        {0, 1970, 1, 1, 0, 0, 0, 4},
        {-1, 1969, 12, 31, 23, 59, 59, 3},
        {86399, 1970, 1, 1, 23, 59, 59, 4},
        {86400, 1970, 1, 2, 0, 0, 0, 5},
        {-86400, 1969, 12, 31, 0, 0, 0, 3},
        {-86401, 1969, 12, 30, 23, 59, 59, 2},
        {68169599, 1972, 2, 28, 23, 59, 59, 1},
        {68169600, 1972, 2, 29, 0, 0, 0, 2},
        {951782400, 2000, 2, 29, 0, 0, 0, 2}, /* 400 divides 2000: a leap year */
        {951868800, 2000, 3, 1, 0, 0, 0, 3},
        {-2208988800, 1900, 1, 1, 0, 0, 0, 1}, /* the epoch of NTP */
        {-2203977600, 1900, 2, 28, 0, 0, 0, 3},
        {-2203891200, 1900, 3, 1, 0, 0, 0, 4}, /* 1900 was none */
        {INT32_MAX, 2038, 1, 19, 3, 14, 7, 2},
        {INT64_C(1) << 31, 2038, 1, 19, 3, 14, 8, 2},
        {INT32_MIN, 1901, 12, 13, 20, 45, 52, 5},
        {4107542399, 2100, 2, 28, 23, 59, 59, 0},
        {4107542400, 2100, 3, 1, 0, 0, 0, 1}, /* nor will 2100 be one */
        {1795354415, 2026, 11, 22, 13, 33, 35, 0},
        {253402300799, 9999, 12, 31, 23, 59, 59, 5},
        {253402300800, 10000, 1, 1, 0, 0, 0, 6},
        {-62135596800, 1, 1, 1, 0, 0, 0, 1},
        {-62135596801, 0, 12, 31, 23, 59, 59, 0},
        {-62162121600, 0, 2, 29, 0, 0, 0, 2},
        {-62167219201, -1, 12, 31, 23, 59, 59, 5},
        {INT64_MAX, 292277026596, 12, 4, 15, 30, 7, 0},
        {INT64_MIN, -292277022657, 1, 27, 8, 29, 52, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etd_civil date = etd_civil_from_seconds(cases[i].seconds, 0);
        ck_assert_msg(date.year == cases[i].year && date.month == cases[i].month &&
                          date.day == cases[i].day && date.hour == cases[i].hour &&
                          date.minute == cases[i].minute && date.second == cases[i].second &&
                          date.weekday == cases[i].weekday,
                      "%" PRId64 " gave %" PRId64 "-%d-%d %d:%d:%d weekday %d", cases[i].seconds,
                      date.year, date.month, date.day, date.hour, date.minute, date.second,
                      date.weekday);
    }
}
END_TEST

START_TEST(offsets_move_the_date_even_at_the_ends_of_time)
{
    struct etd_civil date = etd_civil_from_seconds(0, -1);
    ck_assert_int_eq(date.year, 1969);
    ck_assert_int_eq(date.second, 59);
    date = etd_civil_from_seconds(86399, 1);
    ck_assert_int_eq(date.day, 2);
    ck_assert_int_eq(date.hour, 0);
    /* Neither sum fits 64 bits: 15:30:07 on December 4th and 08:29:52 on January 27th, moved by
     * nearly a day. */
    date = etd_civil_from_seconds(INT64_MAX, 86399);
    ck_assert_int_eq(date.year, 292277026596);
    ck_assert_int_eq(date.month, 12);
    ck_assert_int_eq(date.day, 5);
    ck_assert_int_eq(date.hour, 15);
    ck_assert_int_eq(date.second, 6);
    date = etd_civil_from_seconds(INT64_MIN, -86399);
    ck_assert_int_eq(date.year, -292277022657);
    ck_assert_int_eq(date.month, 1);
    ck_assert_int_eq(date.day, 26);
    ck_assert_int_eq(date.hour, 8);
    ck_assert_int_eq(date.second, 53);
}
END_TEST

static void check_against_libc(int64_t seconds)
{
    struct tm tm;
    time_t time = seconds;
    if (gmtime_r(&time, &tm) == NULL)
        return; /* the year does not fit an int */
    struct etd_civil date = etd_civil_from_seconds(seconds, 0);
    /* Not ck_assert: each of those writes to a file. */
    if (date.year != (int64_t)tm.tm_year + 1900 || date.month != tm.tm_mon + 1 ||
        date.day != tm.tm_mday || date.hour != tm.tm_hour || date.minute != tm.tm_min ||
        date.second != tm.tm_sec || date.weekday != tm.tm_wday)
        ck_abort_msg("%" PRId64 " is not what gmtime_r says", seconds);
}

START_TEST(random_instants_agree_with_gmtime)
{
    struct etd_random random = etd_random_begin("random_instants_agree_with_gmtime");
    for (int i = 0; i < 300000; i++) {
        /* Of every size, from seconds to thousands of millions of years. */
        int64_t seconds = (int64_t)(etd_random_next(&random) >> etd_random_below(&random, 64));
        check_against_libc(seconds);
        check_against_libc(-seconds);
    }
}
END_TEST

START_TEST(every_day_of_nine_centuries_agrees_with_gmtime)
{
    for (int64_t day = -150000; day < 180000; day++) {
        check_against_libc(day * 86400);
        check_against_libc(day * 86400 + 86399);
    }
}
END_TEST

/* The text in an exact room, which ends at the guard page. */
static void check_text(enum etd_time_format format, const struct etd_clock_reading *reading,
                       const char *wanted)
{
    struct etd_guard guard = etd_guard_make(ETD_TIME_TEXT);
    struct etd_writer writer = etd_writer(guard.data, guard.size);
    etd_time_write(&writer, format, reading);
    struct etd_bytes text = etd_writer_bytes(&writer);
    ck_assert(!writer.failed);
    ck_assert_msg(etd_bytes_equal(text, etd_bytes_text(wanted)), "%s: wanted %s, got %.*s",
                  etd_time_format_name(format), wanted, (int)text.size, (const char *)text.data);
    etd_guard_free(&guard);
}

START_TEST(every_format_as_written_down)
{
    static const struct {
        int64_t seconds;
        uint32_t nanoseconds;
        int32_t utc_offset;
        const char *text[ETD_TIME_FORMATS];
    } cases[] = {
        {1795354415,
         123456789,
         3600,
         {"2026-11-22T13:33:35.123456Z", "2026-11-22T14:33:35.123456+01:00", "1795354415",
          "1795354415123", "1795354415123456", "1795354415123456789",
          "Sun, 22 Nov 2026 13:33:35 GMT"}},
        /* The example of RFC 9110 section 5.6.7; fractions are cut and never rounded up. */
        {784111777,
         999999999,
         0,
         {"1994-11-06T08:49:37.999999Z", "1994-11-06T08:49:37.999999+00:00", "784111777",
          "784111777999", "784111777999999", "784111777999999999",
          "Sun, 06 Nov 1994 08:49:37 GMT"}},
        {0,
         0,
         20700,
         {"1970-01-01T00:00:00.000000Z", "1970-01-01T05:45:00.000000+05:45", "0", "0", "0", "0",
          "Thu, 01 Jan 1970 00:00:00 GMT"}},
        {0,
         1000000,
         -12600,
         {"1970-01-01T00:00:00.001000Z", "1969-12-31T20:30:00.001000-03:30", "0", "1", "1000",
          "1000000", "Thu, 01 Jan 1970 00:00:00 GMT"}},
        {1,
         1,
         86399,
         {"1970-01-01T00:00:01.000000Z", "1970-01-01T23:59:01.000000+23:59", "1", "1000", "1000000",
          "1000000001", "Thu, 01 Jan 1970 00:00:01 GMT"}},
        /* One nanosecond before 1970. */
        {-1,
         999999999,
         -86399,
         {"1969-12-31T23:59:59.999999Z", "1969-12-31T00:00:59.999999-23:59", "-1", "-1", "-1", "-1",
          "Wed, 31 Dec 1969 23:59:59 GMT"}},
        {-1,
         0,
         0,
         {"1969-12-31T23:59:59.000000Z", "1969-12-31T23:59:59.000000+00:00", "-1", "-1000",
          "-1000000", "-1000000000", "Wed, 31 Dec 1969 23:59:59 GMT"}},
        {-2,
         250000000,
         0,
         {"1969-12-31T23:59:58.250000Z", "1969-12-31T23:59:58.250000+00:00", "-2", "-1750",
          "-1750000", "-1750000000", "Wed, 31 Dec 1969 23:59:58 GMT"}},
        {-2208988800,
         0,
         0,
         {"1900-01-01T00:00:00.000000Z", "1900-01-01T00:00:00.000000+00:00", "-2208988800",
          "-2208988800000", "-2208988800000000", "-2208988800000000000",
          "Mon, 01 Jan 1900 00:00:00 GMT"}},
        {253402300800,
         0,
         0,
         {"10000-01-01T00:00:00.000000Z", "10000-01-01T00:00:00.000000+00:00", "253402300800",
          "253402300800000", "253402300800000000", "253402300800000000000",
          "Sat, 01 Jan 10000 00:00:00 GMT"}},
        {-62167219201,
         0,
         0,
         {"-0001-12-31T23:59:59.000000Z", "-0001-12-31T23:59:59.000000+00:00", "-62167219201",
          "-62167219201000", "-62167219201000000", "-62167219201000000000",
          "Fri, 31 Dec -0001 23:59:59 GMT"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etd_clock_reading reading = {
            .now = {.seconds = cases[i].seconds, .nanoseconds = cases[i].nanoseconds},
            .utc_offset = cases[i].utc_offset};
        for (size_t f = 0; f < ETD_TIME_FORMATS; f++)
            check_text((enum etd_time_format)f, &reading, cases[i].text[f]);
    }
}
END_TEST

/* RFC 3339 keeps "-00:00" for an offset that is not known: it must never be written. An offset with
 * seconds is cut to minutes, and the time is that of the offset that is written. */
START_TEST(offsets_of_less_than_a_minute_are_none)
{
    static const struct {
        int32_t utc_offset;
        const char *text;
    } cases[] = {
        {-59, "1970-01-01T00:00:00.000000+00:00"},   {59, "1970-01-01T00:00:00.000000+00:00"},
        {-60, "1969-12-31T23:59:00.000000-00:01"},   {-1172, "1969-12-31T23:41:00.000000-00:19"},
        {1172, "1970-01-01T00:19:00.000000+00:19"}, /* Amsterdam until 1937 */
        {50400, "1970-01-01T14:00:00.000000+14:00"}, {-43200, "1969-12-31T12:00:00.000000-12:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etd_clock_reading reading = {.utc_offset = cases[i].utc_offset};
        check_text(ETD_TIME_RFC3339_LOCAL, &reading, cases[i].text);
    }
}
END_TEST

START_TEST(no_instant_is_longer_than_promised)
{
    struct etd_random random = etd_random_begin("no_instant_is_longer_than_promised");
    for (int i = 0; i < 100000; i++) {
        int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1,
                              (int64_t)etd_random_next(&random)};
        struct etd_clock_reading reading = {
            .now = {.seconds = extremes[i % 5],
                    .nanoseconds =
                        i % 2 ? 999999999 : (uint32_t)etd_random_below(&random, 1000000000)},
            .utc_offset = (int32_t)etd_random_between(&random, 0, 2 * 86399) - 86399};
        for (size_t f = 0; f < ETD_TIME_FORMATS; f++) {
            uint8_t text[ETD_TIME_TEXT];
            struct etd_writer writer = etd_writer(text, sizeof text);
            etd_time_write(&writer, (enum etd_time_format)f, &reading);
            if (writer.failed)
                ck_abort_msg("%s at %" PRId64 " is too long",
                             etd_time_format_name((enum etd_time_format)f), reading.now.seconds);
        }
    }
    struct etd_clock_reading last = {.now = {INT64_MAX, 999999999}};
    check_text(ETD_TIME_UNIX_NS, &last, "9223372036854775807999999999");
    struct etd_clock_reading first = {.now = {INT64_MIN, 1}};
    check_text(ETD_TIME_UNIX_NS, &first, "-9223372036854775807999999999");
}
END_TEST

START_TEST(formats_are_found_by_their_exact_names_only)
{
    for (size_t f = 0; f < ETD_TIME_FORMATS; f++) {
        const char *name = etd_time_format_name((enum etd_time_format)f);
        enum etd_time_format found = (enum etd_time_format)((f + 1) % ETD_TIME_FORMATS);
        ck_assert(etd_time_format_find(etd_bytes_text(name), &found));
        ck_assert_int_eq(found, (int)f);
    }
    static const char *const wrong[] = {"",      "rfc333",  "rfc33390", "RFC3339", "unix ",
                                        " unix", "unix_",   "unix_s",   "https",   "Http",
                                        "local", "iso8601", "unix\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        enum etd_time_format found = ETD_TIME_HTTP;
        ck_assert_msg(!etd_time_format_find(etd_bytes_text(wrong[i]), &found), "%s", wrong[i]);
        ck_assert_int_eq(found, ETD_TIME_HTTP);
    }
    enum etd_time_format found;
    ck_assert(!etd_time_format_find(etd_bytes("unix", 5), &found)); /* its NUL is a byte, too */
    ck_assert(!etd_time_format_find(etd_bytes(NULL, 0), &found));
}
END_TEST

START_TEST(months_have_their_english_names)
{
    ck_assert_str_eq(etd_month_name(1), "Jan");
    ck_assert_str_eq(etd_month_name(5), "May");
    ck_assert_str_eq(etd_month_name(12), "Dec");
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("timestamp");
    TCase *tests = tcase_create("timestamp");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, known_dates);
    tcase_add_test(tests, offsets_move_the_date_even_at_the_ends_of_time);
    tcase_add_test(tests, random_instants_agree_with_gmtime);
    tcase_add_test(tests, every_day_of_nine_centuries_agrees_with_gmtime);
    tcase_add_test(tests, every_format_as_written_down);
    tcase_add_test(tests, offsets_of_less_than_a_minute_are_none);
    tcase_add_test(tests, no_instant_is_longer_than_promised);
    tcase_add_test(tests, formats_are_found_by_their_exact_names_only);
    tcase_add_test(tests, months_have_their_english_names);
    suite_add_tcase(suite, tests);
    return suite;
}
