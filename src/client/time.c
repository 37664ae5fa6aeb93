/* time: asks the time once, and says how far this host's clock is from it. */
#include "client/command.h"
#include "client/time_report.h"
#include "platform/clock.h"

#include <stdio.h>

static const struct etd_protocol_choice protocols[] = {
    {"text", ETD_PROTOCOL_TEXT}, {"daytime", ETD_PROTOCOL_DAYTIME}, {"rfc868", ETD_PROTOCOL_RFC868},
    {"ntp", ETD_PROTOCOL_NTP},   {NULL, ETD_PROTOCOL_COUNT},
};

/* Why a good client would not set its clock by such an answer; null: it would. */
static const char *objection(const struct etd_exchange *exchange)
{
    const struct etd_answer *answer = &exchange->answer;
    if (!answer->judged || answer->synchronised)
        return NULL;
    if (answer->ntp.leap == ETD_NTP_LEAP_UNKNOWN)
        return "says that its clock is not synchronised (leap indicator 3): its time is worth "
               "nothing; is a time service running there?";
    if (answer->ntp.stratum == 0 || answer->ntp.stratum > 15)
        return "says that it knows no time (its stratum is not within 1 to 15); is a time service "
               "running there?";
    if (answer->error >= UINT64_C(16000000000))
        return "says that its clock may be wrong by 16 s and more: its time is worth nothing";
    return "says that its clock was last set after this answer, which cannot be";
}

/* Prints what there is; gives the exit status. */
static int tell(const struct etd_time_report *report, const struct etd_settings *settings)
{
    static struct etd_object object;
    char place[ETD_PLACE_TEXT], error[ETD_COMPLAINT];
    const char *why = objection(report->exchange);
    etd_target_place(report->target, place);
    snprintf(error, sizeof error, "%s %s", place, why != NULL ? why : "");
    if (settings->json) {
        struct etd_json *json = etd_object_begin(&object, settings);
        etd_json_bool(json, "ok", why == NULL);
        if (why != NULL)
            etd_json_text(json, "error", error);
        etd_time_report_json(report, json);
        etd_object_print(&object);
    } else if (!settings->quiet) {
        etd_time_report_print(report);
    } else if (why == NULL) {
        etd_time_report_print_time(report);
    }
    if (why == NULL)
        return ETD_EXIT_SUCCESS;
    fflush(stdout);
    fprintf(stderr, "echotime: %s\n", error);
    return ETD_EXIT_FAILURE;
}

/* Whether the server claims more time for itself than the whole round trip took, by more than clocks of
 * a resolution like its own make of it. */
static bool is_impossible(const struct etd_answer *answer, const struct etd_clock_offset *offset)
{
    enum { PRECISION_LEAST = -30, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };
    int precision = answer->ntp.precision;
    if (!answer->stamped || offset->delay >= -NS_PER_MS)
        return false;
    return precision < PRECISION_LEAST || precision >= 0 ||
           offset->delay < -(NS_PER_S >> -precision);
}

static int run(const struct etd_settings *settings)
{
    static struct etd_exchange exchange;
    struct etd_target target;
    struct etd_time_report report;
    char error[ETD_COMPLAINT];
    uint64_t deadline = etd_clock_monotonic_us() + settings->timeout_us;
    if (!etd_target_find(&target, settings, deadline, error) ||
        !etd_probe_begin(&exchange.probe, settings, error) ||
        !etd_exchange_run(&exchange, &target, deadline, error))
        return etd_output_fail(settings, error);
    etd_time_report_make(&report, &target, &exchange);
    if (is_impossible(&exchange.answer, &report.offset)) {
        char place[ETD_PLACE_TEXT];
        etd_target_place(&target, place);
        snprintf(error, sizeof error,
                 "the answer from %s says that the server kept it longer than it took to come",
                 place);
        return etd_output_fail(settings, error);
    }
    return tell(&report, settings);
}

const struct etd_command etd_command_time = {
    .name = "time",
    .help = "ask the time, and tell how far the server's clock is from this host's",
    .protocols = protocols,
    .options =
        {
            {ETD_OPTION_PROTOCOL, NULL,
             "what to ask, else what the port is registered for, or text"},
            {ETD_OPTION_FRAMING, NULL, "how TCP carries the text query, else line"},
            {ETD_OPTION_TIMEOUT, "5s", "give up after so long"},
            {ETD_OPTION_QUIET, NULL, "print the server's time alone"},
            {ETD_OPTIONS, NULL, NULL},
        },
    .run = run,
};
