#include "client/load_report.h"

#include "client/output.h"
#include "echotimed/histogram_text.h"
#include "platform/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double second_ns = 1e9;

static double per_second(uint64_t count, uint64_t nanoseconds)
{
    return nanoseconds == 0 ? 0 : (double)count * second_ns / (double)nanoseconds;
}

static uint64_t wrong(const struct etd_load_result *result)
{
    return result->damaged + result->duplicated + result->missing + result->lost;
}

static const char *duration(uint64_t nanoseconds, char text[ETD_DURATION_TEXT + 1])
{
    struct etd_writer writer = etd_writer((uint8_t *)text, ETD_DURATION_TEXT);
    etd_write_duration(&writer, nanoseconds);
    *writer.at = '\0';
    return text;
}

/* Neither a line that is wrapped nor the rest of a longer one may stay behind. */
static void show(struct etd_load_report *report, const char *line)
{
    size_t width = etd_terminal_of(STDERR_FILENO).width, size = strlen(line);
    size = size < width ? size : width - 1;
    size_t blanks = report->shown > size ? report->shown - size : 0;
    fprintf(stderr, "\r%.*s%*s", (int)size, line, (int)blanks, "");
    if (size == 0)
        fputc('\r', stderr);
    fflush(stderr);
    report->shown = size;
}

void etd_load_report_progress(void *data, const struct etd_load_result *result, uint64_t running_ns)
{
    struct etd_load_report *report = data;
    char line[160], median[ETD_DURATION_TEXT + 1], tail[ETD_DURATION_TEXT + 1];
    double rate = per_second(result->right - report->right, running_ns - report->running_ns);
    snprintf(line, sizeof line, "%6.1f s  %.0f messages/s  %" PRIu64 " wrong  p50 %s  p99 %s",
             (double)running_ns / second_ns, rate, wrong(result),
             duration(etd_histogram_quantile(&result->latency, 0.5), median),
             duration(etd_histogram_quantile(&result->latency, 0.99), tail));
    show(report, line);
    report->right = result->right;
    report->running_ns = running_ns;
}

void etd_load_report_wipe(struct etd_load_report *report)
{
    if (report->shown > 0)
        show(report, "");
}

static void print_json(const struct etd_load_report *report, const struct etd_load_result *result,
                       const struct etd_load_complaints *complaints)
{
    static struct etd_object object;
    const struct etd_load_plan *plan = report->plan;
    const struct etd_histogram *latency = &result->latency;
    struct etd_json *json = etd_object_begin(&object, report->settings);
    char address[ETD_ADDRESS_TEXT];
    etd_address_format(&plan->target->list[plan->target->current].address, address);
    etd_json_text(json, "address", address);
    etd_json_bool(json, "ok", etd_load_is_good(result));
    if (complaints->count > 0)
        etd_json_text(json, "error", complaints->list[0]);
    etd_json_text(json, "framing", plan->framing->name);
    etd_json_unsigned(json, "connections", plan->connections);
    etd_json_unsigned(json, "depth", plan->depth);
    etd_json_unsigned(json, "size", plan->size);
    etd_json_unsigned(json, "rate_asked", plan->rate);
    etd_json_bool(json, "interrupted", result->interrupted);
    etd_json_decimal(json, "seconds", (int64_t)result->elapsed_ns, 9);
    etd_json_unsigned(json, "messages", result->sent);
    etd_json_unsigned(json, "unsent", result->unsent);
    etd_json_unsigned(json, "right", result->right);
    etd_json_unsigned(json, "damaged", result->damaged);
    etd_json_unsigned(json, "duplicated", result->duplicated);
    etd_json_unsigned(json, "reordered", result->reordered);
    etd_json_unsigned(json, "late", result->late);
    etd_json_unsigned(json, "overrun", result->overrun);
    etd_json_unsigned(json, "missing", result->missing);
    etd_json_unsigned(json, "connections_unopened", result->unopened);
    etd_json_unsigned(json, "connections_lost", result->lost);
    etd_json_unsigned(json, "held_back", result->held_back);
    etd_json_unsigned(json, "behind_ns", result->behind_ns);
    double rate = per_second(result->right, result->elapsed_ns);
    etd_json_decimal(json, "rate", (int64_t)(rate * 1000), 3);
    etd_json_unsigned(json, "bytes_per_second", (uint64_t)(rate * (double)plan->size));
    etd_json_object(json, "latency_ns");
    etd_json_unsigned(json, "mean", (uint64_t)etd_histogram_mean(latency));
    etd_json_unsigned(json, "deviation", (uint64_t)etd_histogram_deviation(latency));
    etd_json_unsigned(json, "min", latency->least);
    etd_json_unsigned(json, "p50", etd_histogram_quantile(latency, 0.5));
    etd_json_unsigned(json, "p90", etd_histogram_quantile(latency, 0.9));
    etd_json_unsigned(json, "p99", etd_histogram_quantile(latency, 0.99));
    etd_json_unsigned(json, "p99_9", etd_histogram_quantile(latency, 0.999));
    etd_json_unsigned(json, "max", latency->greatest);
    etd_json_object_end(json);
    etd_object_print(&object);
}

static void print_counts(const struct etd_load_report *report, const struct etd_load_result *result)
{
    const struct {
        const char *name;
        uint64_t count;
        bool always;
        const char *note;
    } rows[] = {
        {"sent", result->sent, true, ""},
        {"unsent", result->unsent, false, ", not out by the end"},
        {"answered", result->right, true, ", right to the last byte"},
        {"damaged", result->damaged, false, ""},
        {"duplicated", result->duplicated, false, ""},
        {"reordered", result->reordered, false, ""},
        {"too late", result->late, false, ", behind --timeout"},
        {"missing", result->missing, false, ""},
        {"overrun", result->overrun, false, ", dropped by this host"},
        {"held back", result->held_back, false, ", latency counts the wait"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].count > 0 || rows[i].always)
            printf("  %-12s%12" PRIu64 " messages%s\n", rows[i].name, rows[i].count, rows[i].note);
    }
    double rate = per_second(result->right, result->elapsed_ns);
    printf("  %-12s%12.0f messages a second\n", "rate", rate);
    printf("  %-12s%12.3f MB a second each way\n", "volume",
           rate * (double)report->plan->size / 1e6);
}

static void print_text(const struct etd_load_report *report, const struct etd_load_result *result)
{
    const struct etd_load_plan *plan = report->plan;
    struct etd_terminal terminal = etd_terminal_of(STDOUT_FILENO);
    const char *bold = terminal.colour ? "\033[1m" : "", *plain = terminal.colour ? "\033[0m" : "";
    char place[ETD_PLACE_TEXT], text[ETD_HISTOGRAM_TEXT], behind[ETD_DURATION_TEXT + 1];
    struct etd_histogram_style style = {
        .width = terminal.width, .colour = terminal.colour, .noun = "messages"};
    struct etd_writer writer = etd_writer((uint8_t *)text, sizeof text);
    etd_target_place(plan->target, place);
    printf("%sLoad on %s%s\n", bold, place, plain);
    printf("  %u connection%s, at most %u under way on each\n", result->opened,
           result->opened == 1 ? "" : "s", plan->depth);
    printf("  %zu-byte messages", plan->size);
    if (plan->rate > 0)
        printf(", %u a second in all", plan->rate);
    printf("; %.1f s%s\n", (double)result->elapsed_ns / second_ns,
           result->interrupted ? ", interrupted" : "");
    print_counts(report, result);
    if (result->latency.count == 0)
        return;
    printf("%sLatency%s %s\n", bold, plain,
           plan->rate > 0 ? "from when each message was to be sent" : "from asking to answer");
    etd_write_quantiles(&writer, &result->latency, &style);
    etd_write_text(&writer, "\n");
    etd_write_histogram(&writer, &result->latency, &style);
    fwrite(text, 1, etd_writer_bytes(&writer).size, stdout);
    if (plan->rate > 0)
        printf("  This client itself was at most %s behind schedule.\n",
               duration(result->behind_ns, behind));
}

void etd_load_report_print(const struct etd_load_report *report,
                           const struct etd_load_result *result)
{
    struct etd_load_complaints complaints;
    etd_load_complain(&complaints, report->plan, result);
    if (report->settings->json)
        print_json(report, result, &complaints);
    else
        print_text(report, result);
    fflush(stdout);
    for (size_t i = 0; i < complaints.count; i++)
        fprintf(stderr, "echotime: %s\n", complaints.list[i]);
}
