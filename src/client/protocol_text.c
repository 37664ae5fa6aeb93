/* The text query of echotimed. Nanoseconds are asked for: they are exact, and need no zone. */
#include "client/protocol.h"

#include "echotimed/daytime_text.h"

static void ask(const struct etd_probe *probe, struct etd_writer *out)
{
    (void)probe;
    etd_write_text(out, "time? unix_ns");
}

static enum etd_judgement read(const struct etd_probe *probe, struct etd_bytes payload,
                               struct etd_answer *answer, struct etd_writer *why)
{
    (void)probe;
    *answer = (struct etd_answer){.payload = payload, .told = true, .step = 1};
    if (etd_unix_ns_parse(payload, &answer->time))
        return ETD_ANSWER_GOOD;
    etd_write_text(why, "is ");
    etd_answer_quote(why, payload);
    return etd_answer_wrong(
        why, ", which is no time in nanoseconds; does service time of echotimed listen "
             "there?");
}

const struct etd_protocol etd_protocol_text = {
    .name = "the text query",
    .ports = {[ETD_TCP] = 9000, [ETD_UDP] = 9000},
    .tells_time = true,
    .framings = 1 << ETD_FRAMING_LINE | 1 << ETD_FRAMING_LENGTH16 | 1 << ETD_FRAMING_LENGTH32,
    .framing = ETD_FRAMING_LINE,
    .end = ETD_ENDS_AS_FRAMED,
    .ask = ask,
    .read = read,
};
