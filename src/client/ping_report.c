#include "client/ping_report.h"

#include "client/command.h"
#include "client/output.h"
#include "echotimed/histogram_text.h"
#include "platform/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum {
    LINE = 2048,
    HISTOGRAM_LEAST = 5 /* round trips; the lines above show fewer as well */
};

enum colour { PLAIN, BOLD, RED, YELLOW };

static void write_coloured(struct etd_writer *out, enum colour colour, const char *text)
{
    static const char *const codes[] = {
        [PLAIN] = "", [BOLD] = "\033[1m", [RED] = "\033[31m", [YELLOW] = "\033[33m"};
    bool coloured = colour != PLAIN && etd_terminal_of(STDOUT_FILENO).colour;
    etd_write_text(out, coloured ? codes[colour] : "");
    etd_write_text(out, text);
    etd_write_text(out, coloured ? "\033[0m" : "");
}

static void print(struct etd_writer *out)
{
    struct etd_bytes text = etd_writer_bytes(out);
    printf("%.*s\n", (int)text.size, (const char *)text.data);
    fflush(stdout); /* a line at a time, in a pipe too */
}

static void write_signed(struct etd_writer *out, int64_t value)
{
    if (value < 0)
        etd_write_text(out, "-");
    etd_write_duration(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void address_of(const struct etd_ping_report *report, char text[ETD_ADDRESS_TEXT])
{
    etd_address_format(&report->target->list[report->target->current].address, text);
}

void etd_ping_report_begin(const struct etd_ping_report *report)
{
    char place[ETD_PLACE_TEXT];
    const struct etd_settings *settings = report->settings;
    if (settings->json)
        return;
    etd_target_place(report->target, place);
    printf("Pinging %s by %s", place, etd_protocol_choice_name(settings));
    if (settings->protocol == ETD_PROTOCOL_ECHO)
        printf(" with %" PRIu64 " bytes", settings->size);
    if (settings->url.transport == ETD_TCP)
        printf(", framed as %s", etd_framings[settings->framing]->name);
    putchar('\n');
    fflush(stdout);
}

static struct etd_json *begin_event(const struct etd_ping_report *report, struct etd_object *object,
                                    const char *event)
{
    struct etd_json *json = etd_object_begin(object, report->settings);
    etd_json_text(json, "event", event);
    return json;
}

static void reply_json(const struct etd_ping_report *report, const struct etd_ping_line *line)
{
    static struct etd_object object;
    char address[ETD_ADDRESS_TEXT];
    struct etd_json *json = begin_event(report, &object, line->reply.known ? "reply" : "stray");
    address_of(report, address);
    etd_json_text(json, "address", address);
    etd_json_unsigned(json, "bytes", line->bytes);
    if (line->reply.known) {
        etd_json_unsigned(json, "seq", line->reply.number);
        etd_json_unsigned(json, "round_trip_ns", line->reply.round_trip);
        etd_json_bool(json, "late", line->reply.late);
        etd_json_bool(json, "duplicate", line->reply.duplicate);
        etd_json_bool(json, "reordered", line->reply.reordered);
        etd_json_bool(json, "damaged", line->reply.damaged);
    }
    if (line->why != NULL)
        etd_json_text(json, "error", line->why);
    if (line->delays) {
        etd_json_integer(json, "forward_ns", line->forward);
        etd_json_integer(json, "back_ns", line->back);
        etd_json_bool(json, "one_way_reliable", !line->unreliable);
    }
    etd_object_print(&object);
}

void etd_ping_report_reply(const struct etd_ping_report *report, const struct etd_ping_line *line)
{
    const struct etd_ping_reply *reply = &line->reply;
    uint8_t room[LINE];
    char address[ETD_ADDRESS_TEXT];
    struct etd_writer out = etd_writer(room, sizeof room);
    if (report->settings->json)
        reply_json(report, line);
    if (report->settings->json || report->settings->quiet)
        return;
    address_of(report, address);
    etd_write_decimal(&out, line->bytes, 1);
    etd_write_text(&out, " bytes from ");
    etd_write_text(&out, address);
    if (reply->known) {
        etd_write_text(&out, ": seq=");
        etd_write_decimal(&out, reply->number, 1);
        etd_write_text(&out, " time=");
        etd_write_duration(&out, reply->round_trip);
    }
    if (line->delays) {
        etd_write_text(&out, " forward=");
        write_signed(&out, line->forward);
        etd_write_text(&out, " back=");
        write_signed(&out, line->back);
        etd_write_text(&out, line->unreliable ? " (unreliable)" : "");
    }
    const struct {
        bool is;
        enum colour colour;
        const char *word;
    } words[] = {
        {reply->known && reply->late, YELLOW, " late"},
        {reply->known && reply->duplicate, YELLOW, " duplicate"},
        {reply->known && reply->reordered, YELLOW, " reordered"},
        {reply->known && reply->damaged, RED, " damaged"},
        {!reply->known, RED, ": it answers no probe"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].is)
            write_coloured(&out, words[i].colour, words[i].word);
    }
    if (line->why != NULL) {
        etd_write_text(&out, ": it ");
        etd_write_text(&out, line->why);
    }
    print(&out);
}

void etd_ping_report_lost(const struct etd_ping_report *report, uint32_t number, const char *why)
{
    static struct etd_object object;
    uint8_t room[LINE];
    struct etd_writer out = etd_writer(room, sizeof room);
    if (report->settings->json) {
        struct etd_json *json = begin_event(report, &object, "lost");
        etd_json_unsigned(json, "seq", number);
        if (why != NULL)
            etd_json_text(json, "error", why);
        etd_object_print(&object);
    }
    if (report->settings->json || report->settings->quiet)
        return;
    etd_write_text(&out, "no answer to seq=");
    etd_write_decimal(&out, number, 1);
    if (why == NULL) {
        etd_write_text(&out, " within ");
        etd_write_duration(&out, report->book->timeout);
    }
    write_coloured(&out, RED, ": lost");
    if (why != NULL) {
        etd_write_text(&out, ", ");
        etd_write_text(&out, why);
    }
    print(&out);
}

static double mean(const struct etd_ping_delays *delays)
{
    return delays->count > 0 ? delays->sum / (double)delays->count : 0;
}

static void add_times(struct etd_json *json, const struct etd_ping_book *book)
{
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
    const struct etd_histogram *times = &book->round_trips;
    etd_json_object(json, "round_trip_ns");
    etd_json_unsigned(json, "min", times->least);
    etd_json_integer(json, "avg", (int64_t)etd_histogram_mean(times));
    etd_json_unsigned(json, "max", times->greatest);
    etd_json_integer(json, "mdev", (int64_t)etd_histogram_deviation(times));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++)
        etd_json_integer(json, quantiles[i].name,
                         (int64_t)etd_histogram_quantile(times, quantiles[i].share));
    etd_json_integer(json, "jitter", (int64_t)(book->jitter >> 4));
    etd_json_object_end(json);
}

static void add_delays(struct etd_json *json, const char *name,
                       const struct etd_ping_delays *delays)
{
    etd_json_object(json, name);
    etd_json_integer(json, "min", delays->least);
    etd_json_integer(json, "avg", (int64_t)mean(delays));
    etd_json_integer(json, "max", delays->greatest);
    etd_json_object_end(json);
}

static void end_json(const struct etd_ping_report *report, const char *error, bool ok)
{
    static struct etd_object object;
    const struct etd_ping_book *book = report->book;
    struct etd_json *json = begin_event(report, &object, "summary");
    etd_json_bool(json, "ok", ok);
    if (error != NULL)
        etd_json_text(json, "error", error);
    etd_json_unsigned(json, "sent", book->sent);
    etd_json_unsigned(json, "received", book->received);
    etd_json_unsigned(json, "late", book->late);
    etd_json_unsigned(json, "lost", book->lost);
    etd_json_unsigned(json, "damaged", book->damaged);
    etd_json_unsigned(json, "waiting", book->waiting);
    etd_json_unsigned(json, "duplicated", book->duplicates);
    etd_json_unsigned(json, "reordered", book->reordered);
    etd_json_unsigned(json, "strays", book->strays);
    etd_json_decimal(json, "seconds", (int64_t)(etd_moment_now().ns - report->began.ns), 9);
    if (book->round_trips.count > 0)
        add_times(json, book);
    if (book->forward.count > 0) {
        add_delays(json, "forward_ns", &book->forward);
        add_delays(json, "back_ns", &book->back);
        etd_json_bool(json, "one_way_reliable", !report->unreliable);
    }
    etd_object_print(&object);
}

/* "3 lost (30.0 %)". */
static void write_count(struct etd_writer *out, uint64_t count, const char *word,
                        enum colour colour)
{
    char text[64];
    if (count == 0)
        return;
    etd_write_text(out, ", ");
    snprintf(text, sizeof text, "%" PRIu64 " %s", count, word);
    write_coloured(out, colour, text);
}

static void print_counts(const struct etd_ping_report *report)
{
    const struct etd_ping_book *book = report->book;
    char place[ETD_PLACE_TEXT], share[32];
    uint8_t room[LINE];
    struct etd_writer out = etd_writer(room, sizeof room);
    etd_target_place(report->target, place);
    etd_write_text(&out, "\n");
    write_coloured(&out, BOLD, place);
    print(&out);
    out = etd_writer(room, sizeof room);
    etd_write_text(&out, "  ");
    etd_write_decimal(&out, book->sent, 1);
    etd_write_text(&out, " sent, ");
    etd_write_decimal(&out, book->received, 1);
    etd_write_text(&out, " received in time");
    uint64_t settled = book->sent - book->waiting;
    snprintf(share, sizeof share, "lost (%.1f %%)",
             settled > 0 ? 100.0 * (double)book->lost / (double)settled : 0.0);
    if (book->lost == 0)
        etd_write_text(&out, ", none lost");
    write_count(&out, book->lost, share, RED);
    write_count(&out, book->late, "late", YELLOW);
    write_count(&out, book->damaged, "damaged", RED);
    write_count(&out, book->duplicates, book->duplicates == 1 ? "duplicate" : "duplicates", YELLOW);
    write_count(&out, book->reordered, "reordered", YELLOW);
    write_count(&out, book->strays, "that answer no probe", RED);
    write_count(&out, book->waiting, "still on the way", PLAIN);
    etd_write_text(&out, ", in ");
    etd_write_duration(&out, etd_moment_now().ns - report->began.ns);
    print(&out);
}

static void print_delays(const char *name, const struct etd_ping_delays *delays)
{
    uint8_t room[LINE];
    struct etd_writer out = etd_writer(room, sizeof room);
    etd_write_text(&out, name);
    etd_write_text(&out, "min ");
    write_signed(&out, delays->least);
    etd_write_text(&out, ", avg ");
    write_signed(&out, (int64_t)mean(delays));
    etd_write_text(&out, ", max ");
    write_signed(&out, delays->greatest);
    print(&out);
}

static void print_round_trips(const struct etd_ping_book *book)
{
    const struct etd_histogram *times = &book->round_trips;
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"  Round trip  min ", times->least},
        {", avg ", (uint64_t)(etd_histogram_mean(times) + 0.5)},
        {", max ", times->greatest},
        {", mdev ", (uint64_t)(etd_histogram_deviation(times) + 0.5)},
        {"\n              p50 ", etd_histogram_quantile(times, 0.5)},
        {", p90 ", etd_histogram_quantile(times, 0.9)},
        {", p99 ", etd_histogram_quantile(times, 0.99)},
        {", jitter ", book->jitter >> 4},
    };
    uint8_t room[LINE];
    struct etd_writer out = etd_writer(room, sizeof room);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        etd_write_text(&out, figures[i].name);
        etd_write_duration(&out, figures[i].value);
    }
    print(&out);
}

static void print_histogram(const struct etd_ping_book *book)
{
    static uint8_t room[ETD_HISTOGRAM_TEXT];
    struct etd_terminal terminal = etd_terminal_of(STDOUT_FILENO);
    const struct etd_histogram_style style = {
        .width = terminal.width, .colour = terminal.colour, .noun = "replies"};
    struct etd_writer out = etd_writer(room, sizeof room);
    etd_write_histogram(&out, &book->round_trips, &style);
    struct etd_bytes text = etd_writer_bytes(&out);
    printf("\n%.*s", (int)text.size, (const char *)text.data);
}

void etd_ping_report_end(const struct etd_ping_report *report, const char *error, bool ok)
{
    const struct etd_ping_book *book = report->book;
    if (report->settings->json) {
        end_json(report, error, ok);
        return;
    }
    print_counts(report);
    if (book->round_trips.count > 0)
        print_round_trips(book);
    if (book->forward.count > 0) {
        print_delays("  Forward     ", &book->forward);
        print_delays("  Back        ", &book->back);
    }
    if (report->unreliable)
        printf("  The times one way are unreliable: %s not synchronised.\n",
               report->ours && report->theirs ? "this host's clock and the server's are"
               : report->ours                 ? "this host's clock is"
                                              : "the server's clock is");
    if (book->round_trips.count >= HISTOGRAM_LEAST)
        print_histogram(book);
    fflush(stdout);
}
