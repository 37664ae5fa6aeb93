/* What the texts of metrics share. */
#ifndef ECHOTIMED_CORE_METRICS_FIGURE_H
#define ECHOTIMED_CORE_METRICS_FIGURE_H

#include "echotimed/metrics.h"

static inline unsigned etd_metric_indices(const struct etd_metric *metric)
{
    return metric->label != NULL ? metric->count : 1;
}

static inline void etd_metric_write_figure(const struct etd_metric *metric, uint64_t figure,
                                           struct etd_writer *writer)
{
    enum { MILLION = 1000000, MILLION_DIGITS = 6 };
    etd_write_decimal(writer, metric->micro ? figure / MILLION : figure, 1);
    if (metric->micro) {
        etd_write_text(writer, ".");
        etd_write_decimal(writer, figure % MILLION, MILLION_DIGITS);
    }
}

#endif
