/* The metrics as pairs of key and value, for lines of the log. */
#include "echotimed/metrics.h"

#include "metrics_figure.h"

/* All or nothing. */
static bool append(struct etd_writer *writer, const struct etd_metric *metric, unsigned index,
                   uint64_t figure)
{
    uint8_t *before = writer->at;
    etd_write_text(writer, " ");
    etd_write_text(writer, metric->log_name);
    if (metric->label != NULL)
        etd_write_text(writer, metric->value_name(index));
    etd_write_text(writer, "=");
    etd_metric_write_figure(metric, figure, writer);
    if (!writer->failed)
        return true;
    writer->at = before;
    writer->failed = false;
    return false;
}

bool etd_metrics_write_pairs(enum etd_metrics_scope scope, const void *figures,
                             struct etd_metrics_place *place, struct etd_writer *writer)
{
    const uint8_t *start = writer->at;
    for (; place->row < etd_metrics_count; place->row++, place->index = 0) {
        const struct etd_metric *metric = &etd_metrics[place->row];
        if (metric->scope != scope)
            continue;
        if (place->index < metric->first)
            place->index = metric->first;
        for (; place->index < etd_metric_indices(metric); place->index++) {
            uint64_t figure = etd_metric_figure(metric, figures, place->index);
            if (figure == 0 && scope != ETD_METRICS_PROCESS)
                continue;
            if (!append(writer, metric, place->index, figure))
                return writer->at != start;
        }
    }
    return writer->at != start;
}
