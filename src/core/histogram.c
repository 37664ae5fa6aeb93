#include "echotimed/histogram.h"

void etd_histogram_merge(struct etd_histogram *histogram, const struct etd_histogram *other)
{
    if (other->count == 0)
        return;
    if (histogram->count == 0 || other->least < histogram->least)
        histogram->least = other->least;
    if (other->greatest > histogram->greatest)
        histogram->greatest = other->greatest;
    histogram->count += other->count;
    histogram->sum += other->sum;
    for (size_t i = 0; i < ETD_HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += other->buckets[i];
}

uint64_t etd_histogram_bucket_value(size_t bucket)
{
    if (bucket < 2 * ETD_HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = (unsigned)(bucket >> ETD_HISTOGRAM_STEP_BITS) - 1;
    uint64_t first = (uint64_t)(bucket - ((size_t)shift << ETD_HISTOGRAM_STEP_BITS)) << shift;
    return first + (UINT64_C(1) << shift) / 2;
}

/* What stands for a bucket of this histogram: nothing outside of what was recorded. */
static uint64_t value_of(const struct etd_histogram *histogram, size_t bucket)
{
    uint64_t value = etd_histogram_bucket_value(bucket);
    if (value < histogram->least)
        return histogram->least;
    /* The last bucket has all that is longer, too. */
    if (value > histogram->greatest || bucket == ETD_HISTOGRAM_BUCKETS - 1)
        return histogram->greatest;
    return value;
}

uint64_t etd_histogram_quantile(const struct etd_histogram *histogram, double share)
{
    if (histogram->count == 0)
        return 0;
    double exact = share * (double)histogram->count;
    uint64_t rank = exact > 0 ? (uint64_t)exact : 0;
    if ((double)rank < exact || rank == 0)
        rank++;
    if (rank == 1)
        return histogram->least;
    if (rank >= histogram->count)
        return histogram->greatest;
    uint64_t seen = 0;
    size_t bucket = 0;
    while ((seen += histogram->buckets[bucket]) < rank)
        bucket++;
    return value_of(histogram, bucket);
}

double etd_histogram_mean(const struct etd_histogram *histogram)
{
    return histogram->count == 0 ? 0 : histogram->sum / (double)histogram->count;
}

/* By Newton's method: the core names no mathematics library. */
static double square_root(double square)
{
    if (square <= 0)
        return 0;
    double root = square > 1 ? square : 1, better;
    while ((better = (root + square / root) / 2) < root)
        root = better;
    return root;
}

double etd_histogram_deviation(const struct etd_histogram *histogram)
{
    double mean = etd_histogram_mean(histogram), squares = 0;
    if (histogram->count == 0)
        return 0;
    for (size_t i = 0; i < ETD_HISTOGRAM_BUCKETS; i++) {
        double off = (double)value_of(histogram, i) - mean;
        squares += off * off * (double)histogram->buckets[i];
    }
    return square_root(squares / (double)histogram->count);
}

uint64_t etd_histogram_between(const struct etd_histogram *histogram, uint64_t from, uint64_t below)
{
    uint64_t count = 0;
    for (size_t i = 0; i < ETD_HISTOGRAM_BUCKETS; i++) {
        uint64_t value = value_of(histogram, i);
        if (value >= from && value < below)
            count += histogram->buckets[i];
    }
    return count;
}
