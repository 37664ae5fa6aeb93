/* The text that a scraper gets, in the format of Prometheus and in that of OpenMetrics. They differ in
 * what a counter's family is called, in units, in the type of what only informs, and in the end. */
#include "echotimed/metrics.h"

#include "metrics_figure.h"

static const struct {
    const char *content_type;
    bool family_has_suffix; /* a counter's family is named as its figure, with _total */
    bool units;             /* lines # UNIT */
    bool info;              /* type info; otherwise such a family is a gauge */
    bool escapes_quotes;    /* in help; in labels both do */
    const char *end;
} formats[ETD_METRICS_FORMATS] = {
    [ETD_METRICS_PROMETHEUS] = {.content_type = "text/plain; version=0.0.4; charset=utf-8",
                                .family_has_suffix = true,
                                .end = ""},
    [ETD_METRICS_OPENMETRICS] = {.content_type =
                                     "application/openmetrics-text; version=1.0.0; charset=utf-8",
                                 .units = true,
                                 .info = true,
                                 .escapes_quotes = true,
                                 .end = "# EOF\n"},
};

const char *etd_metrics_content_type(enum etd_metrics_format format)
{
    return formats[format].content_type;
}

static void write_escaped(struct etd_writer *writer, const char *text, bool quotes)
{
    for (;;) {
        size_t plain = strcspn(text, quotes ? "\\\n\"" : "\\\n");
        etd_write_bytes(writer, etd_bytes(text, plain));
        text += plain;
        switch (*text++) {
        case '\0':
            return;
        case '\n':
            etd_write_text(writer, "\\n");
            break;
        case '"':
            etd_write_text(writer, "\\\"");
            break;
        case '\\':
            etd_write_text(writer, "\\\\");
            break;
        }
    }
}

static const char *suffix_of(const struct etd_metric *metric)
{
    switch (metric->type) {
    case ETD_METRIC_COUNTER:
        return "_total";
    case ETD_METRIC_GAUGE:
        return "";
    }
    return "";
}

static const char *type_name(enum etd_metric_type type)
{
    switch (type) {
    case ETD_METRIC_COUNTER:
        return "counter";
    case ETD_METRIC_GAUGE:
        return "gauge";
    }
    return "";
}

/* A line "# WHAT NAMESUFFIX TEXT". */
static void write_comment(struct etd_writer *writer, const char *what, const char *name,
                          const char *suffix, const char *text, bool quotes)
{
    etd_write_text(writer, "# ");
    etd_write_text(writer, what);
    etd_write_text(writer, " ");
    etd_write_text(writer, name);
    etd_write_text(writer, suffix);
    etd_write_text(writer, " ");
    write_escaped(writer, text, quotes);
    etd_write_text(writer, "\n");
}

static void write_head(struct etd_writer *writer, enum etd_metrics_format format,
                       const struct etd_metric *metric)
{
    const char *suffix = formats[format].family_has_suffix ? suffix_of(metric) : "";
    bool quotes = formats[format].escapes_quotes;
    write_comment(writer, "HELP", metric->name, suffix, metric->help, quotes);
    write_comment(writer, "TYPE", metric->name, suffix, type_name(metric->type), quotes);
    if (metric->unit != NULL && formats[format].units)
        write_comment(writer, "UNIT", metric->name, suffix, metric->unit, quotes);
}

static void write_label(struct etd_writer *writer, bool *first, const char *name, const char *value)
{
    etd_write_text(writer, *first ? "{" : ",");
    etd_write_text(writer, name);
    etd_write_text(writer, "=\"");
    write_escaped(writer, value, true);
    etd_write_text(writer, "\"");
    *first = false;
}

static void write_samples(struct etd_writer *writer, const struct etd_metric *metric,
                          const struct etd_metrics_subject *subject)
{
    for (unsigned i = metric->first; i < etd_metric_indices(metric); i++) {
        bool bare = true;
        etd_write_text(writer, metric->name);
        etd_write_text(writer, suffix_of(metric));
        if (subject->listener != NULL)
            write_label(writer, &bare, "listener", subject->listener);
        if (metric->label != NULL)
            write_label(writer, &bare, metric->label, metric->value_name(i));
        etd_write_text(writer, bare ? " " : "} ");
        etd_metric_write_figure(metric, etd_metric_figure(metric, subject->figures, i), writer);
        etd_write_text(writer, "\n");
    }
}

static void write_build(struct etd_writer *writer, enum etd_metrics_format format,
                        const char *version)
{
    static const char name[] = "echotimed_build";
    bool info = formats[format].info, bare = true;
    const char *suffix = info ? "" : "_info";
    write_comment(writer, "HELP", name, suffix, "Which echotimed this is.", false);
    write_comment(writer, "TYPE", name, suffix, info ? "info" : "gauge", false);
    etd_write_text(writer, name);
    etd_write_text(writer, "_info");
    write_label(writer, &bare, "version", version);
    etd_write_text(writer, "} 1\n");
}

void etd_metrics_write(const struct etd_metrics_source *source, enum etd_metrics_format format,
                       struct etd_writer *writer)
{
    for (size_t row = 0; row < etd_metrics_count; row++) {
        const struct etd_metric *metric = &etd_metrics[row];
        struct etd_metrics_subject subject = {0};
        bool headed = false;
        while (source->next(source->context, metric->scope, &subject)) {
            if (!headed)
                write_head(writer, format, metric);
            headed = true;
            write_samples(writer, metric, &subject);
        }
    }
    write_build(writer, format, source->version);
    etd_write_text(writer, formats[format].end);
}
