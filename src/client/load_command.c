#include "client/command.h"
#include "client/load_message.h"
#include "client/load_report.h"
#include "client/output.h"
#include "platform/clock.h"
#include "platform/terminal.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    DEPTH_CLOSED = 1,
    DEPTH_OPEN = 1024,   /* with a rate, a bound on memory more than on what is under way */
    DATAGRAM_MAX = 65507 /* bytes that UDP over IPv4 carries */
};

/* Whether the size goes with the framing, or with datagrams. */
static bool is_fit(const struct etd_settings *settings)
{
    const struct etd_framing *framing = etd_framings[settings->framing];
    bool udp = settings->url.transport == ETD_UDP;
    size_t least = udp ? ETD_LOAD_STAMP : settings->framing == ETD_FRAMING_RAW ? 1 : 0;
    size_t most = udp ? DATAGRAM_MAX : framing->payload_max;
    if (settings->size < least && udp)
        etd_options_misuse(settings->command,
                           "--size is at least %zu over UDP, where each message "
                           "shows its number",
                           least);
    else if (settings->size < least)
        etd_options_misuse(settings->command,
                           "--size 0 takes a --framing; raw has no empty messages");
    else if (settings->size > most)
        etd_options_misuse(settings->command, "--size is more than the %zu bytes that %s carries",
                           most, udp ? "UDP" : framing->name);
    else
        return true;
    return false;
}

static int run(const struct etd_settings *settings)
{
    char error[ETD_COMPLAINT];
    struct etd_target target;
    struct etd_load_result *result;
    struct etd_load_report report = {.settings = settings};
    struct etd_load_plan plan = {
        .target = &target,
        .framing = etd_framings[settings->framing],
        .connections = settings->connections,
        .depth = settings->depth != 0 ? settings->depth
                 : settings->rate > 0 ? DEPTH_OPEN
                                      : DEPTH_CLOSED,
        .rate = settings->rate,
        .size = settings->size,
        .duration_ns = settings->duration_us * 1000,
        .timeout_ns = settings->timeout_us * 1000,
        .progress = etd_terminal_of(STDERR_FILENO).present ? etd_load_report_progress : NULL,
        .data = &report,
    };
    if (!is_fit(settings))
        return ETD_EXIT_USAGE;
    if (!etd_target_find(&target, settings, etd_clock_monotonic_us() + settings->timeout_us, error))
        return etd_output_fail(settings, error);
    result = malloc(sizeof *result);
    if (result == NULL)
        return etd_output_fail(settings, "there is no memory");
    report.plan = &plan;
    bool ran = etd_load_run(&plan, result, error);
    etd_load_report_wipe(&report);
    int status = ETD_EXIT_FAILURE;
    if (!ran) {
        etd_output_fail(settings, error);
    } else {
        etd_load_report_print(&report, result);
        status = etd_load_is_good(result) ? ETD_EXIT_SUCCESS : ETD_EXIT_FAILURE;
    }
    free(result);
    return status;
}

const struct etd_command etd_command_load = {
    .name = "load",
    .help = "keep an echo busy, check every byte, and measure every reply",
    .options =
        {
            {ETD_OPTION_FRAMING, "raw", "how messages are cut over TCP"},
            {ETD_OPTION_SIZE, "64", "of a message"},
            {ETD_OPTION_CONNECTIONS, "10", "connections, or over UDP sockets"},
            {ETD_OPTION_DEPTH, NULL, "messages under way on each (default 1, with --rate 1024)"},
            {ETD_OPTION_RATE, NULL,
             "messages a second in all; latency counts from when each is due"},
            {ETD_OPTION_DURATION, "10s", "for how long messages are begun"},
            {ETD_OPTION_TIMEOUT, "2s", "for connections, and for replies after the end"},
        },
    .run = run,
};
