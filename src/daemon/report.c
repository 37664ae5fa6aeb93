#include "daemon/report.h"

#include "daemon/server.h"
#include "platform/clock.h"
#include "platform/log.h"

/* The time, the level, the message and the listener stand before the pairs in a line. */
enum { PAIRS_TEXT = ETD_LOG_LINE - 128 };

void etd_report_begin(struct etd_report *report, struct etd_server *server)
{
    const struct etd_clock_quality *quality = &etd_server_clock(server)->quality;
    *report = (struct etd_report){
        .server = server,
        .process =
            {.connections = server->connections.open,
             .max_connections = server->max_connections,
             .accept_pauses = server->accept_pauses,
             .buffer_memory_in_use = server->pool.in_use,
             .buffer_memory = server->pool.limit,
             .buffer_memory_refused = server->pool.refusals,
             .log_lines_lost = etd_log_lost(),
             .reloads =
                 {[ETD_RELOAD_GOOD] = server->reloads_good, [ETD_RELOAD_BAD] = server->reloads_bad},
             .draining = server->draining,
             .clock_synchronised = quality->synchronised,
             .clock_error_us = quality->synchronised ? quality->max_error_us : 0,
             .start_time_us =
                 (uint64_t)server->started.seconds * 1000000 + server->started.nanoseconds / 1000},
    };
}

static bool next_tcp(const struct etd_server *server, struct etd_metrics_subject *subject)
{
    const struct etd_tcp_listener *listener = subject->place;
    listener = listener == NULL ? server->tcp : listener + 1;
    if (listener == server->tcp + server->tcp_count)
        return false;
    *subject = (struct etd_metrics_subject){listener->title, &listener->counters, listener};
    return true;
}

static bool next_udp(const struct etd_server *server, struct etd_metrics_subject *subject)
{
    const struct etd_udp_endpoint *endpoint = subject->place;
    endpoint = endpoint == NULL ? server->udp : endpoint + 1;
    if (endpoint == server->udp + server->udp_count)
        return false;
    *subject = (struct etd_metrics_subject){endpoint->title, &endpoint->counters, endpoint};
    return true;
}

static bool next(const void *context, enum etd_metrics_scope scope,
                 struct etd_metrics_subject *subject)
{
    const struct etd_report *report = context;
    switch (scope) {
    case ETD_METRICS_TCP:
        return next_tcp(report->server, subject);
    case ETD_METRICS_UDP:
        return next_udp(report->server, subject);
    case ETD_METRICS_PROCESS: {
        bool first = subject->place == NULL;
        *subject = (struct etd_metrics_subject){NULL, &report->process, &report->process};
        return first;
    }
    case ETD_METRICS_SCOPES:
        break;
    }
    return false;
}

struct etd_metrics_source etd_report_source(const struct etd_report *report)
{
    return (struct etd_metrics_source){.next = next, .context = report, .version = ETD_VERSION};
}

static void log_line(enum etd_log_level level, const char *listener, struct etd_bytes pairs)
{
    /* A pair begins with a blank, and what stands before the first has one of its own. */
    if (listener != NULL)
        etd_log(level, "counters", "listener=\"%s\"%.*s", listener, (int)pairs.size,
                (const char *)pairs.data);
    else
        etd_log(level, "counters", "%.*s", (int)pairs.size - 1, (const char *)pairs.data + 1);
}

/* In one line, or in several where there is that much to say. */
static void log_subject(enum etd_log_level level, enum etd_metrics_scope scope,
                        const struct etd_metrics_subject *one)
{
    struct etd_metrics_place place = {0};
    uint8_t text[PAIRS_TEXT];
    struct etd_writer line = etd_writer(text, sizeof text);
    bool said = etd_metrics_write_pairs(scope, one->figures, &place, &line);
    do {
        log_line(level, one->listener, etd_writer_bytes(&line));
        line = etd_writer(text, sizeof text);
        said = said && etd_metrics_write_pairs(scope, one->figures, &place, &line);
    } while (said);
}

void etd_server_log_counters(struct etd_server *server, enum etd_log_level level)
{
    struct etd_report report;
    etd_report_begin(&report, server);
    for (unsigned i = 0; i < ETD_METRICS_SCOPES; i++) {
        enum etd_metrics_scope scope = (enum etd_metrics_scope)i;
        struct etd_metrics_subject one = {0};
        while (next(&report, scope, &one))
            log_subject(level, scope, &one);
    }
}
