/* The table of metrics: what is counted, by which names. */
#include "echotimed/metrics.h"

#include <stddef.h>

#define TCP(field) ETD_METRICS_TCP, .offset = offsetof(struct etd_tcp_counters, field)
#define UDP(field) ETD_METRICS_UDP, .offset = offsetof(struct etd_udp_counters, field)
#define PROCESS(field) ETD_METRICS_PROCESS, .offset = offsetof(struct etd_process_figures, field)

static const char *rejected_for(unsigned index)
{
    return etd_reject_reason_name((enum etd_reject_reason)index);
}

static const char *closed_for(unsigned index)
{
    return etd_close_reason_name((enum etd_close_reason)index);
}

static const char *dropped_for(unsigned index)
{
    return etd_drop_reason_name((enum etd_drop_reason)index);
}

static const char *reloaded_as(unsigned index)
{
    return etd_reload_result_name((enum etd_reload_result)index);
}

const char *etd_reload_result_name(enum etd_reload_result result)
{
    static const char *const names[ETD_RELOAD_RESULTS] = {
        [ETD_RELOAD_GOOD] = "good",
        [ETD_RELOAD_BAD] = "bad",
    };
    return names[result];
}

/* clang-format off: a row reads better in lines of our own choice */
const struct etd_metric etd_metrics[] = {
    {TCP(open), .type = ETD_METRIC_GAUGE, .log_name = "open",
     .name = "echotimed_tcp_connections_open", .help = "TCP connections that are open."},
    {TCP(accepted), .log_name = "accepted", .name = "echotimed_tcp_connections_accepted",
     .help = "TCP connections that were accepted and served."},
    {TCP(rejected), .log_name = "rejected_", .name = "echotimed_tcp_connections_rejected",
     .help = "TCP connections that were closed before they were served.", .label = "reason",
     .value_name = rejected_for, .first = ETD_REJECT_NONE + 1, .count = ETD_REJECT_REASONS},
    {TCP(closed), .log_name = "closed_", .name = "echotimed_tcp_connections_closed",
     .help = "TCP connections that were served and have ended.", .label = "reason",
     .value_name = closed_for, .first = ETD_CLOSE_NONE + 1, .count = ETD_CLOSE_REASONS},
    {TCP(messages), .log_name = "messages", .name = "echotimed_tcp_messages",
     .help = "Complete messages that were received over TCP; none are told apart by framing raw."},
    {TCP(bytes_in), .log_name = "bytes_in", .unit = "bytes", .name = "echotimed_tcp_received_bytes",
     .help = "Bytes that were received over TCP."},
    {TCP(bytes_out), .log_name = "bytes_out", .unit = "bytes", .name = "echotimed_tcp_sent_bytes",
     .help = "Bytes that were sent over TCP."},

    {UDP(received), .log_name = "received", .name = "echotimed_udp_datagrams_received",
     .help = "UDP datagrams that were received."},
    {UDP(answered), .log_name = "answered", .name = "echotimed_udp_datagrams_answered",
     .help = "UDP datagrams that were answered."},
    {UDP(dropped), .log_name = "dropped_", .name = "echotimed_udp_datagrams_dropped",
     .help = "UDP datagrams that were not answered.", .label = "reason", .value_name = dropped_for,
     .first = ETD_DROP_NONE + 1, .count = ETD_DROP_REASONS},
    {UDP(bytes_in), .log_name = "bytes_in", .unit = "bytes", .name = "echotimed_udp_received_bytes",
     .help = "Bytes of the UDP datagrams that were received."},
    {UDP(bytes_out), .log_name = "bytes_out", .unit = "bytes", .name = "echotimed_udp_sent_bytes",
     .help = "Bytes of the UDP datagrams that were sent."},

    {PROCESS(connections), .type = ETD_METRIC_GAUGE, .log_name = "connections",
     .name = "echotimed_connections_open",
     .help = "TCP connections that are open, over all listeners."},
    {PROCESS(max_connections), .type = ETD_METRIC_GAUGE, .log_name = "max_connections",
     .name = "echotimed_connections_limit",
     .help = "TCP connections that may be open: max_connections, or what the descriptor limit "
             "allows."},
    {PROCESS(accept_pauses), .log_name = "accept_pauses", .name = "echotimed_accept_pauses",
     .help = "Pauses in accepting, for want of descriptors or of memory in the kernel."},
    {PROCESS(buffer_memory_in_use), .type = ETD_METRIC_GAUGE, .unit = "bytes",
     .log_name = "buffer_memory_in_use", .name = "echotimed_buffer_memory_in_use_bytes",
     .help = "Memory that messages of TCP connections take in buffers."},
    {PROCESS(buffer_memory), .type = ETD_METRIC_GAUGE, .unit = "bytes", .log_name = "buffer_memory",
     .name = "echotimed_buffer_memory_limit_bytes",
     .help = "The most that those buffers may take: buffer_memory."},
    {PROCESS(buffer_memory_refused), .log_name = "buffer_memory_refused",
     .name = "echotimed_buffer_memory_refusals",
     .help = "Requests for buffers that were turned down, by the limit or for want of memory."},
    {PROCESS(log_lines_lost), .log_name = "log_lines_lost", .name = "echotimed_log_lines_lost",
     .help = "Lines of the log that were lost because nobody read them."},
    {PROCESS(reloads), .log_name = "reloads_", .name = "echotimed_reloads",
     .help = "Reloads of the configuration; a bad one has left the old configuration in force.",
     .label = "result", .value_name = reloaded_as, .count = ETD_RELOAD_RESULTS},
    {PROCESS(draining), .type = ETD_METRIC_GAUGE, .log_name = "draining",
     .name = "echotimed_draining",
     .help = "1 while the daemon is ending and waits for its connections, otherwise 0."},
    {PROCESS(clock_synchronised), .type = ETD_METRIC_GAUGE, .log_name = "clock_synchronised",
     .name = "echotimed_clock_synchronised",
     .help = "1 when the kernel calls its clock synchronised, otherwise 0."},
    {PROCESS(clock_error_us), .type = ETD_METRIC_GAUGE, .unit = "seconds", .micro = true,
     .log_name = "clock_error", .name = "echotimed_clock_error_bound_seconds",
     .help = "The greatest error of the clock by the kernel's account; 0 while not synchronised."},
    {PROCESS(start_time_us), .type = ETD_METRIC_GAUGE, .unit = "seconds", .micro = true,
     .log_name = "start_time", .name = "process_start_time_seconds",
     .help = "When the daemon began to serve, in seconds since 1970."},
};
/* clang-format on */

const size_t etd_metrics_count = sizeof etd_metrics / sizeof etd_metrics[0];

uint64_t etd_metric_figure(const struct etd_metric *metric, const void *figures, unsigned index)
{
    return ((const uint64_t *)((const uint8_t *)figures + metric->offset))[index];
}
