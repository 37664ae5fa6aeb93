/* daytime (RFC 867): a text for people, on connect or for any datagram. */
#include "client/protocol.h"

#include "echotimed/daytime_text.h"

enum { SECOND = 1000000000 };

/* An empty datagram is one that every server answers. */
static void ask(const struct etd_probe *probe, struct etd_writer *out)
{
    (void)probe;
    (void)out;
}

static enum etd_judgement read(const struct etd_probe *probe, struct etd_bytes payload,
                               struct etd_answer *answer, struct etd_writer *why)
{
    (void)probe;
    *answer = (struct etd_answer){.payload = payload, .step = SECOND};
    if (payload.size == 0)
        return etd_answer_wrong(why, "is empty");
    /* RFC 867 has printable characters of ASCII, space, CR and LF. */
    for (size_t i = 0; i < payload.size; i++) {
        uint8_t byte = payload.data[i];
        if ((byte < ' ' || byte > '~') && byte != '\r' && byte != '\n' && byte != '\t') {
            etd_write_text(why, "is ");
            etd_answer_quote(why, payload);
            return etd_answer_wrong(why, ", which is no text; does daytime listen there?");
        }
    }
    answer->told = etd_daytime_parse(payload, &answer->time);
    return ETD_ANSWER_GOOD;
}

const struct etd_protocol etd_protocol_daytime = {
    .name = "daytime",
    .ports = {[ETD_TCP] = 13, [ETD_UDP] = 13},
    .registered = true,
    .speaks_first = true,
    .tells_time = true,
    .framings = 1 << ETD_FRAMING_RAW,
    .framing = ETD_FRAMING_RAW,
    .end = ETD_ENDS_AT_CLOSE,
    .ask = ask,
    .read = read,
};
