/* The metrics: one table of everything that is counted, and the texts that are made of it.
 *
 * A row of the table says what a counter is called, what it means and where it stands. Both the text
 * that a scraper gets and the lines that USR1 writes to the log go through the table, so what is in
 * one is in the other. */
#ifndef ECHOTIMED_METRICS_H
#define ECHOTIMED_METRICS_H

#include "echotimed/bytes.h"
#include "echotimed/counters.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How reloads of the configuration ended. */
enum etd_reload_result { ETD_RELOAD_GOOD, ETD_RELOAD_BAD, ETD_RELOAD_RESULTS };

const char *etd_reload_result_name(enum etd_reload_result result);

/* What there is once in a process. */
struct etd_process_figures {
    uint64_t connections; /* TCP, open now, of all listeners */
    uint64_t max_connections;
    uint64_t accept_pauses;
    uint64_t buffer_memory_in_use; /* bytes */
    uint64_t buffer_memory;        /* bytes; the limit */
    uint64_t buffer_memory_refused;
    uint64_t log_lines_lost;
    uint64_t reloads[ETD_RELOAD_RESULTS];
    uint64_t draining;           /* 0 or 1 */
    uint64_t clock_synchronised; /* 0 or 1 */
    uint64_t clock_error_us;     /* the bound that the kernel gives; 0 while not synchronised */
    uint64_t start_time_us;      /* POSIX time */
};

/* Whose the figures are, and so the struct that a row points into. */
enum etd_metrics_scope {
    ETD_METRICS_TCP,     /* a listener's struct etd_tcp_counters */
    ETD_METRICS_UDP,     /* a listener's struct etd_udp_counters */
    ETD_METRICS_PROCESS, /* the struct etd_process_figures */
    ETD_METRICS_SCOPES
};

enum etd_metric_type { ETD_METRIC_COUNTER, ETD_METRIC_GAUGE };

/* One row. Every figure is a uint64_t. */
struct etd_metric {
    enum etd_metrics_scope scope;
    enum etd_metric_type type;
    const char *name; /* of the family, complete but for the _total of a counter */
    const char *unit; /* what the name ends in, where that is a unit; or null */
    const char *help; /* one sentence */
    const char
        *log_name; /* the key in the log; a family with a label has the label's value behind */
    bool micro;    /* the figure is in millionths of what is told */
    size_t offset;

    /* A family of several figures in a row, which a label tells apart; otherwise null. */
    const char *label;
    const char *(*value_name)(unsigned index);
    unsigned first; /* the indices below say that there was nothing to count */
    unsigned count; /* of all indices */
};

extern const struct etd_metric etd_metrics[];
extern const size_t etd_metrics_count;

/* One that has figures. */
struct etd_metrics_subject {
    const char *listener; /* "tcp NAME"; null for the process */
    const void *figures;  /* the struct of the scope */
    const void *place;    /* where the source has come to; its own business, null at first */
};

/* Where figures are found. */
struct etd_metrics_source {
    /* Goes from one subject of the scope to the next, from one that is all zeros to the first; what it
     * points to is valid until the texts are made. False: there are no more. */
    bool (*next)(const void *context, enum etd_metrics_scope scope,
                 struct etd_metrics_subject *subject);
    const void *context;
    const char *version; /* of the program */
};

/* The figure of a row; `index` is 0 for a family without a label. */
uint64_t etd_metric_figure(const struct etd_metric *metric, const void *figures, unsigned index);

enum etd_metrics_format {
    ETD_METRICS_PROMETHEUS,  /* the text format 0.0.4 of Prometheus */
    ETD_METRICS_OPENMETRICS, /* OpenMetrics 1.0.0 */
    ETD_METRICS_FORMATS
};

/* The value of Content-Type. */
const char *etd_metrics_content_type(enum etd_metrics_format format);

/* The format that an HTTP client wants by its Accept header (RFC 9110 section 12.5.1), which may be
 * null: OpenMetrics when it is named, and no less welcome than text/plain. */
enum etd_metrics_format etd_metrics_format_wanted(const char *accept);

/* Writes all metrics. Where the writer has failed the text is of no use. */
void etd_metrics_write(const struct etd_metrics_source *source, enum etd_metrics_format format,
                       struct etd_writer *writer);

/* Where in the figures of a subject the lines of the log have come to; starts as all zeros. */
struct etd_metrics_place {
    size_t row;
    unsigned index;
};

/* Writes " key=value" for the figures of a subject from `place` on, as many as fit, and moves the
 * place on; one always fits into 64 bytes. A listener's zeros are left out, so that a line says what has happened. False when there
 * was nothing left to write; then nothing was written. */
bool etd_metrics_write_pairs(enum etd_metrics_scope scope, const void *figures,
                             struct etd_metrics_place *place, struct etd_writer *writer);

#endif
