/* The histogram against a sorted array of all that was recorded. */
#include "echotimed/histogram.h"

#include "support/random.h"
#include "support/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES = 20000 };

static struct etd_histogram histogram;
static uint64_t values[VALUES];

static void begin(void)
{
    memset(&histogram, 0, sizeof histogram);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(an_empty_one_gives_nothing)
{
    ck_assert_uint_eq(etd_histogram_quantile(&histogram, 0.5), 0);
    ck_assert_double_eq(etd_histogram_mean(&histogram), 0);
    ck_assert_double_eq(etd_histogram_deviation(&histogram), 0);
    ck_assert_uint_eq(etd_histogram_between(&histogram, 0, UINT64_MAX), 0);
    etd_histogram_record(&histogram, 5, 0);
    ck_assert_uint_eq(histogram.count, 0);
}
END_TEST

/* At every edge of a bucket, and beside it: buckets follow one another without a hole, and what
 * stands for one is in it and near to all that it has. */
START_TEST(buckets_are_contiguous_and_narrow)
{
    const uint64_t top = UINT64_C(1) << ETD_HISTOGRAM_BITS;
    size_t last = 0;
    uint64_t value = 0;
    while (value < top) {
        size_t bucket = etd_histogram_bucket(value);
        ck_assert_msg(bucket == last || bucket == last + 1, "a hole before %" PRIu64, value);
        ck_assert_uint_lt(bucket, ETD_HISTOGRAM_BUCKETS);
        uint64_t middle = etd_histogram_bucket_value(bucket);
        ck_assert_uint_eq(etd_histogram_bucket(middle), bucket);
        ck_assert_double_le(fabs((double)middle - (double)value), 0.005 * (double)value);
        last = bucket;
        value += value < 4096 ? 1 : value / 997;
    }
    ck_assert_uint_eq(etd_histogram_bucket(top - 1), ETD_HISTOGRAM_BUCKETS - 1);
    ck_assert_uint_eq(etd_histogram_bucket(top), ETD_HISTOGRAM_BUCKETS - 1);
    ck_assert_uint_eq(etd_histogram_bucket(INT64_MAX), ETD_HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(small_values_are_exact)
{
    for (uint64_t value = 0; value < 2 * ETD_HISTOGRAM_STEPS; value++)
        ck_assert_uint_eq(etd_histogram_bucket_value(etd_histogram_bucket(value)), value);
}
END_TEST

/* Times of all lengths: the exponent is drawn first. */
static uint64_t draw(struct etd_random *random)
{
    uint64_t bits = etd_random_between(random, 1, ETD_HISTOGRAM_BITS);
    return etd_random_below(random, UINT64_C(1) << bits);
}

static void check_against_sorted(size_t count)
{
    static const double shares[] = {0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    double sum = 0, squares = 0;
    qsort(values, count, sizeof *values, by_value);
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i];
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)values[i] - mean) * ((double)values[i] - mean);
    double deviation = sqrt(squares / (double)count);
    ck_assert_uint_eq(histogram.count, count);
    ck_assert_uint_eq(histogram.least, values[0]);
    ck_assert_uint_eq(histogram.greatest, values[count - 1]);
    ck_assert_double_le(fabs(etd_histogram_mean(&histogram) - mean), 1e-9 * mean);
    ck_assert_double_le(fabs(etd_histogram_deviation(&histogram) - deviation),
                        0.005 * (mean + deviation));
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double rank = ceil(shares[i] * (double)count);
        uint64_t right = values[rank < 1 ? 0 : (size_t)rank - 1];
        uint64_t got = etd_histogram_quantile(&histogram, shares[i]);
        ck_assert_msg(fabs((double)got - (double)right) <= 0.005 * (double)right,
                      "share %g of %zu: %" PRIu64 ", not %" PRIu64, shares[i], count, got, right);
    }
    ck_assert_uint_eq(etd_histogram_quantile(&histogram, 0), values[0]);
    ck_assert_uint_eq(etd_histogram_quantile(&histogram, 1), values[count - 1]);
}

START_TEST(quantiles_are_those_of_the_sorted_values)
{
    struct etd_random random = etd_random_begin("quantiles_are_those_of_the_sorted_values");
    static const size_t counts[] = {1, 2, 3, 10, 99, 1000, VALUES};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        memset(&histogram, 0, sizeof histogram);
        for (size_t n = 0; n < counts[i]; n++)
            etd_histogram_record(&histogram, values[n] = draw(&random), 1);
        check_against_sorted(counts[i]);
    }
}
END_TEST

START_TEST(recording_several_at_once_and_merging_change_nothing)
{
    struct etd_random random = etd_random_begin("recording_several_at_once_and_merging");
    static struct etd_histogram parts[3];
    memset(parts, 0, sizeof parts);
    size_t count = 0;
    while (count + 8 < VALUES) {
        uint64_t value = draw(&random), times = etd_random_below(&random, 8);
        etd_histogram_record(&parts[etd_random_below(&random, 2)], value, times);
        for (uint64_t i = 0; i < times; i++)
            values[count++] = value;
    }
    for (size_t i = 0; i < 3; i++) /* the last one is empty */
        etd_histogram_merge(&histogram, &parts[i]);
    check_against_sorted(count);
}
END_TEST

START_TEST(what_is_longer_than_the_buckets_reach_is_not_lost)
{
    const uint64_t day = UINT64_C(86400000000000);
    etd_histogram_record(&histogram, 1000, 98);
    etd_histogram_record(&histogram, day, 2);
    ck_assert_uint_eq(histogram.greatest, day);
    ck_assert_uint_eq(etd_histogram_quantile(&histogram, 0.99), day);
    ck_assert_uint_eq(etd_histogram_between(&histogram, 2000, day + 1), 2);
    ck_assert_uint_eq(etd_histogram_between(&histogram, 0, 2000), 98);
}
END_TEST

START_TEST(between_counts_each_value_once)
{
    struct etd_random random = etd_random_begin("between_counts_each_value_once");
    for (size_t i = 0; i < VALUES; i++)
        etd_histogram_record(&histogram, draw(&random), 1);
    uint64_t count = 0, bound = 0;
    while (bound < histogram.greatest + 1) {
        uint64_t next = bound * 2 + 1 + etd_random_below(&random, 100);
        count += etd_histogram_between(&histogram, bound, next);
        bound = next;
    }
    ck_assert_uint_eq(count, VALUES);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tests = tcase_create("histogram");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, an_empty_one_gives_nothing);
    tcase_add_test(tests, buckets_are_contiguous_and_narrow);
    tcase_add_test(tests, small_values_are_exact);
    tcase_add_test(tests, quantiles_are_those_of_the_sorted_values);
    tcase_add_test(tests, recording_several_at_once_and_merging_change_nothing);
    tcase_add_test(tests, what_is_longer_than_the_buckets_reach_is_not_lost);
    tcase_add_test(tests, between_counts_each_value_once);
    suite_add_tcase(suite, tests);
    return suite;
}
