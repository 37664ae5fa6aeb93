/* Times and histograms as text for people. Plain ASCII, so that it looks the same in any locale. */
#ifndef ECHOTIMED_HISTOGRAM_TEXT_H
#define ECHOTIMED_HISTOGRAM_TEXT_H

#include "echotimed/bytes.h"
#include "echotimed/histogram.h"

#include <stdbool.h>

enum {
    ETD_DURATION_TEXT = 16,        /* bytes of the longest time that etd_write_duration gives */
    ETD_HISTOGRAM_WIDTH_MIN = 44,  /* columns that a histogram takes at least */
    ETD_HISTOGRAM_TEXT = 16 * 1024 /* bytes that hold any text below, for widths up to 512 */
};

/* Writes a time in the unit that suits it, to three digits: "850 ns", "12.3 us", "4.56 ms", "78.9 s",
 * "1234 s". Rounded to the nearest. */
void etd_write_duration(struct etd_writer *writer, uint64_t nanoseconds);

struct etd_histogram_style {
    unsigned width;   /* columns; more than 512 and less than ETD_HISTOGRAM_WIDTH_MIN are those */
    bool colour;      /* with the escape sequences of ECMA-48 for terminals */
    const char *noun; /* what was counted, in the plural: "messages"; at most 20 characters */
};

/* Writes a line each for mean, deviation, least, quantiles and greatest, aligned, each indented by two
 * columns and ended by LF. Nothing when nothing was counted. */
void etd_write_quantiles(struct etd_writer *writer, const struct etd_histogram *histogram,
                         const struct etd_histogram_style *style);

/* Writes the distribution as rows of bars, at most 16 of them under a heading, none longer than the
 * width: bounds at round times, how many, their share, a bar. A row that has any has a bar. Nothing
 * when nothing was counted. */
void etd_write_histogram(struct etd_writer *writer, const struct etd_histogram *histogram,
                         const struct etd_histogram_style *style);

#endif
