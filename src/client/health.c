/* health: one probe, one exit status, within a bounded time. Nothing is said of success; why it failed
 * is, since those who run checks keep it, and somebody reads it at three in the morning. */
#include "client/command.h"
#include "client/exchange.h"
#include "client/output.h"
#include "platform/clock.h"

static const struct etd_protocol_choice protocols[] = {
    {"echo", ETD_PROTOCOL_ECHO},     {"time", ETD_PROTOCOL_TEXT}, {"daytime", ETD_PROTOCOL_DAYTIME},
    {"rfc868", ETD_PROTOCOL_RFC868}, {"ntp", ETD_PROTOCOL_NTP},   {"stamp", ETD_PROTOCOL_STAMP},
    {NULL, ETD_PROTOCOL_COUNT},
};

enum { PROBE = 32 };

static int fail(const struct etd_settings *settings, const char *error)
{
    return settings->quiet && !settings->json ? ETD_EXIT_FAILURE : etd_output_fail(settings, error);
}

static int run(const struct etd_settings *settings)
{
    static struct etd_exchange exchange;
    static struct etd_object object;
    struct etd_target target;
    char error[ETD_COMPLAINT];
    uint64_t deadline = etd_clock_monotonic_us() + settings->timeout_us;
    if (!etd_target_find(&target, settings, deadline, error) ||
        !etd_probe_begin(&exchange.probe, settings, error))
        return fail(settings, error);
    exchange.probe.size = PROBE;
    if (!etd_exchange_run(&exchange, &target, deadline, error))
        return fail(settings, error);
    if (settings->json) {
        char address[ETD_ADDRESS_TEXT];
        struct etd_json *json = etd_object_begin(&object, settings);
        etd_address_format(&target.list[target.current].address, address);
        etd_json_text(json, "address", address);
        etd_json_bool(json, "ok", true);
        etd_json_unsigned(json, "round_trip_ns", etd_exchange_round_trip(&exchange));
        etd_object_print(&object);
    }
    return ETD_EXIT_SUCCESS;
}

const struct etd_command etd_command_health = {
    .name = "health",
    .help = "ask once and be silent when all is well, for container and load-balancer checks",
    .protocols = protocols,
    .options =
        {
            {ETD_OPTION_PROTOCOL, NULL,
             "what to ask, else what the port is registered for, or echo"},
            {ETD_OPTION_FRAMING, NULL, "how TCP carries it, else raw for echo, line for time"},
            {ETD_OPTION_TIMEOUT, "2s", "give up after so long"},
            {ETD_OPTION_QUIET, NULL, "do not say why it failed"},
            {ETD_OPTIONS, NULL, NULL},
        },
    .run = run,
};
