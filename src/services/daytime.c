/* daytime: the date and time as a line of text, 22 NOV 2026 13:33:35 UTC (RFC 867). Never localised:
 * months are in English and the zone is UTC. */
#include "services/rows.h"

enum { ANSWER = sizeof "22 NOV 2026 13:33:35 UTC\r\n" - 1, RFC868_ANSWER = 4 };

static void write_month(struct etd_writer *reply, uint8_t month)
{
    for (const char *letter = etd_month_name(month); *letter != '\0'; letter++)
        etd_write_u8(reply, (uint8_t)(*letter >= 'a' ? *letter - 'a' + 'A' : *letter));
}

static void write_answer(const struct etd_request *request, struct etd_writer *reply)
{
    struct etd_civil date = etd_civil_from_seconds(request->clock->now.seconds, 0);
    etd_write_decimal(reply, date.day, 2);
    etd_write_text(reply, " ");
    write_month(reply, date.month);
    etd_write_text(reply, " ");
    /* Four digits, as in RFC 867's examples: a clock that is off by millennia tells the last four. */
    etd_write_decimal(reply, (uint64_t)((date.year % 10000 + 10000) % 10000), 4);
    etd_write_text(reply, " ");
    etd_write_clock(reply, &date);
    etd_write_text(reply, " UTC\r\n");
}

static enum etd_verdict open(const struct etd_request *request, struct etd_writer *reply)
{
    write_answer(request, reply);
    return ETD_VERDICT_CLOSE;
}

/* Whether a datagram may be the text of a unix time, which the time service answers with. */
static bool is_number(struct etd_bytes text)
{
    size_t digits = 0, others = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte >= '0' && byte <= '9')
            digits++;
        else if (byte != '-' && byte != '\r' && byte != '\n')
            others++;
    }
    return digits > 0 && others == 0;
}

/* RFC 867 has any datagram answered. An answer of this or another service must not be, or two
 * servers could be made to talk to each other. */
static enum etd_verdict answer(const struct etd_request *request, struct etd_writer *reply)
{
    if (request->payload.size >= ANSWER || request->payload.size == RFC868_ANSWER ||
        is_number(request->payload))
        return ETD_VERDICT_SILENT;
    write_answer(request, reply);
    return ETD_VERDICT_REPLY;
}

const struct etd_service etd_service_daytime = {
    .name = "daytime",
    .help = "the date and time as a line of text (RFC 867); over TCP on connect, then it closes",
    .framings = 1 << ETD_FRAMING_RAW,
    .udp = true,
    .tells_time = true,
    .reply_max = ANSWER,
    .open = open,
    .answer = answer,
};
