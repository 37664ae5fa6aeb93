/* How often which time was measured, in constant memory: for latencies and round trips.
 *
 * Buckets are linear within each power of two (ETD_HISTOGRAM_STEPS of them), so that a value read
 * from the histogram is off by less than half a percent, whether it is a microsecond or a minute.
 * Values below 2 * ETD_HISTOGRAM_STEPS ns are kept exactly. Count, least, greatest and sum are exact
 * however long the times. Times are whole nanoseconds, at most
 * INT64_MAX. */
#ifndef ECHOTIMED_HISTOGRAM_H
#define ECHOTIMED_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    ETD_HISTOGRAM_STEP_BITS = 7,
    ETD_HISTOGRAM_STEPS = 1 << ETD_HISTOGRAM_STEP_BITS, /* buckets for each power of two */
    ETD_HISTOGRAM_BITS = 42, /* times up to 2^42 ns, 73 minutes; longer ones count as that long */
    ETD_HISTOGRAM_BUCKETS = (ETD_HISTOGRAM_BITS - ETD_HISTOGRAM_STEP_BITS + 1) * ETD_HISTOGRAM_STEPS
};

/* 37 KiB; zeroed memory is an empty histogram. */
struct etd_histogram {
    uint64_t count;
    uint64_t least; /* as recorded; meaningless while count is 0 */
    uint64_t greatest;
    double sum;
    uint64_t buckets[ETD_HISTOGRAM_BUCKETS]; /* their sum is count */
};

/* The bucket of a value. */
static inline size_t etd_histogram_bucket(uint64_t value)
{
    const uint64_t top = (UINT64_C(1) << ETD_HISTOGRAM_BITS) - 1;
    if (value > top)
        value = top;
    /* The lowest bit is set so that there is a highest one; a small value is its own bucket. */
    unsigned highest = 63 - (unsigned)__builtin_clzll(value | ETD_HISTOGRAM_STEPS);
    unsigned shift = highest - ETD_HISTOGRAM_STEP_BITS;
    return ((size_t)shift << ETD_HISTOGRAM_STEP_BITS) + (size_t)(value >> shift);
}

/* Counts a time `times` times. A few instructions, no division. */
static inline void etd_histogram_record(struct etd_histogram *histogram, uint64_t value,
                                        uint64_t times)
{
    if (times == 0)
        return;
    if (histogram->count == 0 || value < histogram->least)
        histogram->least = value;
    if (value > histogram->greatest)
        histogram->greatest = value;
    histogram->count += times;
    histogram->sum += (double)value * (double)times;
    histogram->buckets[etd_histogram_bucket(value)] += times;
}

/* Adds what `other` has counted. */
void etd_histogram_merge(struct etd_histogram *histogram, const struct etd_histogram *other);

/* The value that stands for all in a bucket, its middle. */
uint64_t etd_histogram_bucket_value(size_t bucket);

/* The least value that `share` (0 to 1) of what was counted is not above; 0 when nothing was. The
 * least and the greatest are exact, what is between is off by less than half a percent. */
uint64_t etd_histogram_quantile(const struct etd_histogram *histogram, double share);

/* 0 when nothing was counted. */
double etd_histogram_mean(const struct etd_histogram *histogram);

/* Of all that was counted (not of a sample of more), to within half a percent of the values. */
double etd_histogram_deviation(const struct etd_histogram *histogram);

/* How many were at least `from` and below `below`, as far as buckets tell. */
uint64_t etd_histogram_between(const struct etd_histogram *histogram, uint64_t from,
                               uint64_t below);

#endif
