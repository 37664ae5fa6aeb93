#include "client/time_report.h"

#include "echotimed/histogram_text.h"
#include "platform/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    NS_PER_S = 1000000000,
    LINE = 1024,
    TIME_TEXT = ETD_TIME_TEXT + 1,
    DURATION = ETD_DURATION_TEXT + 32 /* an offset may be of centuries */
};

static bool is_ntp(const struct etd_time_report *report)
{
    return report->exchange->probe.protocol == etd_protocols[ETD_PROTOCOL_NTP];
}

void etd_time_report_make(struct etd_time_report *report, const struct etd_target *target,
                          const struct etd_exchange *exchange)
{
    const struct etd_answer *answer = &exchange->answer;
    struct etd_timestamp sent = etd_moment_wall(&exchange->sent, &exchange->received);
    struct etd_timestamp came = exchange->received.wall;
    *report = (struct etd_time_report){
        .target = target, .exchange = exchange, .offset_known = answer->told};
    if (answer->stamped)
        report->offset = etd_offset_of_four(sent, answer->received, answer->time, came);
    else if (answer->told)
        report->offset = etd_offset_of_one(sent, answer->time, answer->step, came);
    if (answer->judged)
        report->offset.bound += answer->error;
}

static void write_time(struct etd_writer *out, const struct etd_answer *answer)
{
    const struct etd_clock_reading reading = {.now = answer->time};
    uint8_t text[ETD_TIME_TEXT];
    struct etd_writer writer = etd_writer(text, sizeof text);
    etd_time_write(&writer, ETD_TIME_RFC3339, &reading);
    struct etd_bytes whole = etd_writer_bytes(&writer);
    /* A time in seconds has no fraction to show: it is cut from before the Z. */
    if (answer->step >= NS_PER_S) {
        etd_write_bytes(out, etd_bytes(whole.data, whole.size - strlen(".000000Z")));
        etd_write_text(out, "Z");
    } else {
        etd_write_bytes(out, whole);
    }
}

/* The server's text on one line, without what would move a terminal's cursor. */
static void write_text(struct etd_writer *out, struct etd_bytes text)
{
    while (text.size > 0 && text.data[text.size - 1] <= ' ')
        text.size--;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        etd_write_u8(out, byte >= ' ' && byte <= '~' ? byte : ' ');
    }
}

static void print_line(const char *name, struct etd_writer *line)
{
    bool colour = etd_terminal_of(STDOUT_FILENO).colour;
    struct etd_bytes text = etd_writer_bytes(line);
    printf("%s%-13s%s%.*s\n", colour ? "\033[1m" : "", name, colour ? "\033[0m" : "",
           (int)text.size, (const char *)text.data);
}

static void write_offset(struct etd_writer *line, const struct etd_time_report *report)
{
    const struct etd_clock_offset *offset = &report->offset;
    if (!report->offset_known) {
        etd_write_text(line, "unknown, for want of a date, a time of day and a zone in its answer");
        return;
    }
    uint64_t amount = offset->offset < 0 ? -(uint64_t)offset->offset : (uint64_t)offset->offset;
    etd_write_text(line, "the server's clock is ");
    etd_write_duration(line, amount);
    etd_write_text(line, offset->offset < 0 ? " behind, give or take " : " ahead, give or take ");
    etd_write_duration(line, offset->bound);
}

/* A stratum of 1 has a name of four characters there, others an IPv4 address or a hash. */
static void write_reference(struct etd_writer *line, const struct etd_ntp_packet *packet)
{
    size_t printable = 0, size = 0;
    while (size < ETD_NTP_REFID && packet->refid[size] != 0)
        size++;
    while (printable < size && packet->refid[printable] > ' ' && packet->refid[printable] <= '~')
        printable++;
    if (size > 0 && printable == size) {
        etd_write_bytes(line, etd_bytes(packet->refid, size));
        return;
    }
    for (size_t i = 0; i < ETD_NTP_REFID; i++) {
        etd_write_text(line, i > 0 ? "." : "");
        etd_write_decimal(line, packet->refid[i], 1);
    }
}

static void print_clocks(const struct etd_time_report *report)
{
    uint8_t room[LINE];
    const struct etd_answer *answer = &report->exchange->answer;
    struct etd_writer line = etd_writer(room, sizeof room);
    if (answer->judged) {
        etd_write_text(&line, answer->synchronised ? "synchronised, wrong by at most "
                                                   : "not synchronised, or too far from a clock "
                                                     "that is");
        if (answer->synchronised)
            etd_write_duration(&line, answer->error);
        etd_write_text(&line, ", stratum ");
        etd_write_decimal(&line, answer->ntp.stratum, 1);
        etd_write_text(&line, ", reference ");
        write_reference(&line, &answer->ntp);
        if (answer->ntp.leap == ETD_LEAP_INSERT || answer->ntp.leap == ETD_LEAP_DELETE)
            etd_write_text(&line, answer->ntp.leap == ETD_LEAP_INSERT
                                      ? ", a leap second ends this day"
                                      : ", this day ends a second early");
        print_line("Its clock", &line);
    }
    line = etd_writer(room, sizeof room);
    const struct etd_clock_quality *ours = &report->exchange->probe.quality;
    etd_write_text(&line, ours->synchronised ? "synchronised, wrong by at most "
                                             : "not synchronised: the offset may well be its own");
    if (ours->synchronised)
        etd_write_duration(&line, (uint64_t)ours->max_error_us * 1000);
    print_line("This clock", &line);
}

void etd_time_report_print(const struct etd_time_report *report)
{
    char place[ETD_PLACE_TEXT];
    uint8_t room[ETD_EXCHANGE_ANSWER + LINE];
    const struct etd_answer *answer = &report->exchange->answer;
    struct etd_writer line = etd_writer(room, sizeof room);
    etd_target_place(report->target, place);
    etd_write_text(&line, place);
    print_line("Server", &line);
    line = etd_writer(room, sizeof room);
    if (answer->told)
        write_time(&line, answer);
    else
        write_text(&line, answer->payload);
    print_line("Time", &line);
    if (answer->told && report->exchange->probe.protocol == etd_protocols[ETD_PROTOCOL_DAYTIME]) {
        line = etd_writer(room, sizeof room);
        write_text(&line, answer->payload);
        print_line("Its words", &line);
    }
    line = etd_writer(room, sizeof room);
    write_offset(&line, report);
    print_line("Offset", &line);
    line = etd_writer(room, sizeof room);
    etd_write_duration(&line, etd_exchange_round_trip(report->exchange));
    print_line("Round trip", &line);
    print_clocks(report);
}

void etd_time_report_print_time(const struct etd_time_report *report)
{
    uint8_t room[ETD_EXCHANGE_ANSWER];
    struct etd_writer line = etd_writer(room, sizeof room);
    if (report->exchange->answer.told)
        write_time(&line, &report->exchange->answer);
    else
        write_text(&line, report->exchange->answer.payload);
    struct etd_bytes text = etd_writer_bytes(&line);
    printf("%.*s\n", (int)text.size, (const char *)text.data);
}

static void add_ntp(const struct etd_ntp_packet *packet, struct etd_json *json)
{
    uint8_t room[4 * ETD_NTP_REFID];
    struct etd_writer reference = etd_writer(room, sizeof room);
    write_reference(&reference, packet);
    etd_json_unsigned(json, "stratum", packet->stratum);
    etd_json_unsigned(json, "leap", packet->leap);
    etd_json_bytes(json, "reference", etd_writer_bytes(&reference));
}

void etd_time_report_json(const struct etd_time_report *report, struct etd_json *json)
{
    char address[ETD_ADDRESS_TEXT];
    uint8_t room[ETD_EXCHANGE_ANSWER];
    const struct etd_exchange *exchange = report->exchange;
    const struct etd_answer *answer = &exchange->answer;
    struct etd_writer text = etd_writer(room, sizeof room);
    etd_address_format(&report->target->list[report->target->current].address, address);
    etd_json_text(json, "address", address);
    etd_json_text(json, "protocol", etd_protocol_choice_name(report->target->settings));
    if (answer->told) {
        write_time(&text, answer);
        etd_json_bytes(json, "time", etd_writer_bytes(&text));
        etd_json_integer(json, "offset_ns", report->offset.offset);
        etd_json_unsigned(json, "offset_bound_ns", report->offset.bound);
    }
    if (exchange->probe.protocol == etd_protocols[ETD_PROTOCOL_DAYTIME]) {
        text = etd_writer(room, sizeof room);
        write_text(&text, answer->payload);
        etd_json_bytes(json, "text", etd_writer_bytes(&text));
    }
    etd_json_unsigned(json, "round_trip_ns", etd_exchange_round_trip(exchange));
    etd_json_bool(json, "client_synchronised", exchange->probe.quality.synchronised);
    if (answer->judged) {
        etd_json_bool(json, "server_synchronised", answer->synchronised);
        etd_json_unsigned(json, "server_error_ns", answer->error);
    }
    if (is_ntp(report))
        add_ntp(&answer->ntp, json);
}
