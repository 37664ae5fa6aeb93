/* What went wrong in a load, in sentences. */
#include "client/load_report.h"

#include "echotimed/histogram_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void add(struct etd_load_complaints *complaints,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaints->list[complaints->count++], ETD_COMPLAINT, format, arguments);
    va_end(arguments);
}

static void look_at_connections(struct etd_load_complaints *complaints, const char *place,
                                const struct etd_load_result *result)
{
    bool closed = result->lost_failure == 0;
    if (result->unopened > 0)
        add(complaints, "%u of %u connections to %s could not be opened, the first: %s%s",
            result->unopened, result->unopened + result->opened, place,
            strerror(result->open_failure), etd_advice(result->open_failure));
    if (result->lost > 0)
        add(complaints, "%u of %u connections to %s were lost, the first: %s%s", result->lost,
            result->opened, place, closed ? "the server closed it" : strerror(result->lost_failure),
            closed ? "; does it serve echo, and so many connections?"
                   : etd_advice(result->lost_failure));
}

static void look_at_replies(struct etd_load_complaints *complaints, const char *place, bool tcp,
                            const struct etd_load_result *result)
{
    if (result->damaged > 0)
        add(complaints, "%" PRIu64 " replies from %s were not what was sent; is it an echo%s?",
            result->damaged, place, tcp ? ", and with this --framing" : "");
    if (result->duplicated > 0)
        add(complaints, "%" PRIu64 " replies from %s came twice", result->duplicated, place);
    if (result->reordered > 0 && tcp)
        add(complaints, "%" PRIu64 " replies from %s came out of order", result->reordered, place);
}

static void look_at_missing(struct etd_load_complaints *complaints, const char *place, bool tcp,
                            const struct etd_load_result *result, uint64_t timeout_ns)
{
    uint8_t text[ETD_DURATION_TEXT];
    struct etd_writer time = etd_writer(text, sizeof text);
    const char *advice = tcp ? "a longer --timeout waits longer"
                             : "a server may limit its answers to one source (echotimed by "
                               "rate_limit): try a lower --rate or --depth";
    if (result->overrun > 0)
        advice =
            "the receive buffers of this host were full: raise net.core.rmem_max, or try a lower "
            "--rate or --depth";
    etd_write_duration(&time, timeout_ns);
    if (result->missing > 0 && result->lost + result->unopened > 0)
        add(complaints,
            "%" PRIu64 " messages to %s had no reply, those of such connections included",
            result->missing, place);
    else if (result->missing > 0)
        add(complaints, "%" PRIu64 " messages to %s had no reply within %.*s; %s", result->missing,
            place, (int)etd_writer_bytes(&time).size, (const char *)text, advice);
}

static void look_at_unsent(struct etd_load_complaints *complaints, const char *place,
                           const struct etd_load_result *result, const struct etd_load_plan *plan)
{
    uint8_t text[ETD_DURATION_TEXT];
    struct etd_writer time = etd_writer(text, sizeof text);
    etd_write_duration(&time, plan->timeout_ns);
    if (result->unsent > 0 && result->lost > 0)
        add(complaints,
            "%" PRIu64 " messages to %s could not be sent, those of such connections "
            "included",
            result->unsent, place);
    else if (result->unsent > 0 && plan->rate > 0)
        add(complaints,
            "%" PRIu64 " messages to %s were due and not sent by the end, which latencies do not "
            "show: the server does not keep up; try a lower --rate, a greater --depth or more "
            "--connections",
            result->unsent, place);
    else if (result->unsent > 0)
        add(complaints,
            "%" PRIu64 " messages to %s were begun, and not taken whole within %.*s behind the "
            "end; a longer --timeout waits longer",
            result->unsent, place, (int)etd_writer_bytes(&time).size, (const char *)text);
}

void etd_load_complain(struct etd_load_complaints *complaints, const struct etd_load_plan *plan,
                       const struct etd_load_result *result)
{
    char place[ETD_PLACE_TEXT];
    bool tcp = plan->target->settings->url.transport == ETD_TCP;
    etd_target_place(plan->target, place);
    complaints->count = 0;
    look_at_connections(complaints, place, result);
    look_at_replies(complaints, place, tcp, result);
    look_at_missing(complaints, place, tcp, result, plan->timeout_ns);
    look_at_unsent(complaints, place, result, plan);
    if (result->sent == 0 && complaints->count == 0)
        add(complaints, "nothing was sent to %s: it was interrupted before", place);
}
