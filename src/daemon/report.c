/* The counters, as lines of the log. */
#include "daemon/server.h"
#include "platform/log.h"

#include <inttypes.h>
#include <stdio.h>

/* The time, the level and the listener stand before them in the line. */
enum { COUNTERS_TEXT = ETD_LOG_LINE - 128 };

/* Appends " key=value" for a counter that is not 0, so that a line says what has happened. */
static void append(struct etd_writer *line, const char *prefix, const char *name, uint64_t value)
{
    if (value == 0)
        return;
    etd_write_text(line, " ");
    etd_write_text(line, prefix);
    etd_write_text(line, name);
    etd_write_text(line, "=");
    etd_write_decimal(line, value, 1);
}

static void log_line(enum etd_log_level level, const char *title, struct etd_writer *line)
{
    struct etd_bytes text = etd_writer_bytes(line);
    etd_log(level, "counters", "listener=\"%s\"%.*s", title, (int)text.size,
            (const char *)text.data);
}

static void log_tcp(enum etd_log_level level, const struct etd_tcp_tally *tally)
{
    const struct etd_tcp_counters *counters = &tally->counters;
    uint8_t text[COUNTERS_TEXT];
    struct etd_writer line = etd_writer(text, sizeof text);
    append(&line, "", "open", counters->open);
    append(&line, "", "accepted", counters->accepted);
    append(&line, "", "messages", counters->messages);
    append(&line, "", "bytes_in", counters->bytes_in);
    append(&line, "", "bytes_out", counters->bytes_out);
    for (int i = 0; i < ETD_REJECT_REASONS; i++)
        append(&line, "rejected_", etd_reject_reason_name((enum etd_reject_reason)i),
               counters->rejected[i]);
    for (int i = 0; i < ETD_CLOSE_REASONS; i++)
        append(&line, "closed_", etd_close_reason_name((enum etd_close_reason)i),
               counters->closed[i]);
    log_line(level, tally->title, &line);
}

static void log_udp(enum etd_log_level level, const struct etd_udp_endpoint *endpoint)
{
    const struct etd_udp_counters *counters = &endpoint->counters;
    uint8_t text[COUNTERS_TEXT];
    struct etd_writer line = etd_writer(text, sizeof text);
    append(&line, "", "received", counters->received);
    append(&line, "", "answered", counters->answered);
    append(&line, "", "bytes_in", counters->bytes_in);
    append(&line, "", "bytes_out", counters->bytes_out);
    for (int i = 0; i < ETD_DROP_REASONS; i++)
        append(&line, "dropped_", etd_drop_reason_name((enum etd_drop_reason)i),
               counters->dropped[i]);
    log_line(level, endpoint->title, &line);
}

void etd_server_log_counters(const struct etd_server *server, enum etd_log_level level)
{
    for (const struct etd_tcp_tally *tally = server->tallies.first; tally != NULL;
         tally = tally->next)
        log_tcp(level, tally);
    for (size_t i = 0; i < server->listeners.udp_count; i++)
        log_udp(level, server->listeners.udp[i]);
    etd_log(level, "counters",
            "connections=%" PRIu32 " accept_pauses=%" PRIu64 " buffer_memory_in_use=%" PRIu64
            " buffer_memory_refused=%" PRIu64 " log_lines_lost=%" PRIu64 " reloads_good=%" PRIu64
            " reloads_bad=%" PRIu64,
            server->connections.open, server->accept_pauses, server->pool.in_use,
            server->pool.refusals, etd_log_lost(), server->reloads_good, server->reloads_bad);
}
