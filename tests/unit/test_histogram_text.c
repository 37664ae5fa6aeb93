/* Times and histograms as text: aligned, no wider than asked, and nothing left out. */
#include "echotimed/histogram_text.h"

#include "support/random.h"
#include "support/suite.h"

#include <string.h>

static struct etd_histogram histogram;
static char text[ETD_HISTOGRAM_TEXT + 1];

static void begin(void)
{
    memset(&histogram, 0, sizeof histogram);
}

static const char *duration(uint64_t nanoseconds)
{
    struct etd_writer writer = etd_writer((uint8_t *)text, ETD_DURATION_TEXT);
    etd_write_duration(&writer, nanoseconds);
    ck_assert_msg(!writer.failed, "%" PRIu64 " ns take more room", nanoseconds);
    *writer.at = '\0';
    return text;
}

START_TEST(times_have_three_digits_and_a_unit)
{
    static const struct {
        uint64_t nanoseconds;
        const char *text;
    } rows[] = {
        {0, "0 ns"},
        {1, "1 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {1004, "1.00 us"},
        {1005, "1.01 us"},
        {9994, "9.99 us"},
        {9995, "10.0 us"},
        {12345, "12.3 us"},
        {99949, "99.9 us"},
        {99950, "100 us"},
        {999499, "999 us"},
        {999500, "1.00 ms"},
        {4560000, "4.56 ms"},
        {78900000000, "78.9 s"},
        {3600000000000, "3600 s"},
        {INT64_MAX, "9223372037 s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(duration(rows[i].nanoseconds), rows[i].text);
}
END_TEST

static const char *render(unsigned width, bool colour)
{
    struct etd_histogram_style style = {.width = width, .colour = colour, .noun = "messages"};
    struct etd_writer writer = etd_writer((uint8_t *)text, ETD_HISTOGRAM_TEXT);
    etd_write_histogram(&writer, &histogram, &style);
    ck_assert(!writer.failed);
    *writer.at = '\0';
    return text;
}

START_TEST(a_histogram_looks_as_it_should)
{
    etd_histogram_record(&histogram, 55000, 10);
    etd_histogram_record(&histogram, 120000, 5000);
    etd_histogram_record(&histogram, 250000, 10000);
    etd_histogram_record(&histogram, 4000000, 1);
    ck_assert_str_eq(render(60, false), //
                     "  time               messages    share\n"
                     "  50.0 us - 70.0 us        10    0.1 %  #\n"
                     "  70.0 us -  100 us         0    0.0 %\n"
                     "   100 us -  150 us      5000   33.3 %  ##########\n"
                     "   150 us -  200 us         0    0.0 %\n"
                     "   200 us -  300 us     10000   66.6 %  ####################\n"
                     "   300 us -  500 us         0    0.0 %\n"
                     "   500 us -  700 us         0    0.0 %\n"
                     "   700 us - 1.00 ms         0    0.0 %\n"
                     "  1.00 ms - 1.50 ms         0    0.0 %\n"
                     "  1.50 ms - 2.00 ms         0    0.0 %\n"
                     "  2.00 ms - 3.00 ms         0    0.0 %\n"
                     "  3.00 ms - 5.00 ms         1  < 0.1 %  #\n");
}
END_TEST

START_TEST(quantiles_look_as_they_should)
{
    struct etd_histogram_style style = {.width = 80, .noun = "messages"};
    struct etd_writer writer = etd_writer((uint8_t *)text, ETD_HISTOGRAM_TEXT);
    for (uint64_t i = 1; i <= 200; i++)
        etd_histogram_record(&histogram, i, 1);
    etd_write_quantiles(&writer, &histogram, &style);
    *writer.at = '\0';
    ck_assert_str_eq(text, "  mean          101 ns\n"
                           "  deviation      58 ns\n"
                           "  min             1 ns\n"
                           "  p50           100 ns\n"
                           "  p90           180 ns\n"
                           "  p99           198 ns\n"
                           "  p99.9         200 ns\n"
                           "  max           200 ns\n");
}
END_TEST

START_TEST(nothing_counted_gives_no_text)
{
    ck_assert_str_eq(render(80, true), "");
}
END_TEST

START_TEST(colour_is_there_only_when_asked_for_and_changes_nothing_else)
{
    static char plain[sizeof text];
    etd_histogram_record(&histogram, 55000, 10);
    etd_histogram_record(&histogram, 550000, 10);
    strcpy(plain, render(80, false));
    ck_assert_ptr_null(strchr(plain, '\033'));
    const char *from = render(80, true);
    ck_assert_ptr_nonnull(strstr(from, "\033[36m###"));
    char *to = text;
    while (*from != '\0') {
        if (*from == '\033')
            from = strchr(from, 'm') + 1;
        else
            *to++ = *from++;
    }
    *to = '\0';
    ck_assert_str_eq(text, plain);
}
END_TEST

/* Any distribution up to some hours, at any width: the lines fit, are as many as may be, and their counts sum up. */
static void check_table(const char *table, unsigned width)
{
    uint64_t sum = 0, count;
    size_t rows = 0;
    const char *line = strchr(table, '\n') + 1;
    for (const char *end; *line != '\0'; line = end + 1, rows++) {
        end = strchr(line, '\n');
        ck_assert_msg(end - line <= (ptrdiff_t)width, "wider than %u:\n%s", width, table);
        ck_assert_msg(end[-1] != ' ', "trailing blanks:\n%s", table);
        ck_assert_int_eq(sscanf(line, " %*s %*s - %*s %*s %" SCNu64, &count), 1);
        sum += count;
    }
    ck_assert_msg(rows >= 1 && rows <= 16, "%zu rows:\n%s", rows, table);
    ck_assert_msg(sum == histogram.count, "%" PRIu64 " of %" PRIu64 ":\n%s", sum, histogram.count,
                  table);
}

START_TEST(any_distribution_fits_any_width)
{
    struct etd_random random = etd_random_begin("any_distribution_fits_any_width");
    for (int round = 0; round < 3000; round++) {
        begin();
        uint64_t base = etd_random_next(&random) >> etd_random_between(&random, 20, 63);
        uint64_t spread = etd_random_next(&random) >> etd_random_between(&random, 20, 63);
        for (uint64_t i = etd_random_between(&random, 1, 50); i > 0; i--) {
            uint64_t value = base / 2 + etd_random_below(&random, spread + 1) / 2;
            uint64_t times = etd_random_below(&random, 1000000);
            etd_histogram_record(&histogram, value, times + 1);
        }
        unsigned asked = (unsigned)etd_random_below(&random, 700);
        unsigned width = asked < ETD_HISTOGRAM_WIDTH_MIN ? ETD_HISTOGRAM_WIDTH_MIN : asked;
        check_table(render(asked, false), width > 512 ? 512 : width);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("histogram_text");
    TCase *tests = tcase_create("histogram_text");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, times_have_three_digits_and_a_unit);
    tcase_add_test(tests, a_histogram_looks_as_it_should);
    tcase_add_test(tests, quantiles_look_as_they_should);
    tcase_add_test(tests, nothing_counted_gives_no_text);
    tcase_add_test(tests, colour_is_there_only_when_asked_for_and_changes_nothing_else);
    tcase_add_test(tests, any_distribution_fits_any_width);
    suite_add_tcase(suite, tests);
    return suite;
}
