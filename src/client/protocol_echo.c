/* echo (RFC 862): the same bytes come back. */
#include "client/protocol.h"

#include "echotimed/pattern.h"

static void ask(const struct etd_probe *probe, struct etd_writer *out)
{
    size_t size = probe->size < etd_writer_left(out) ? probe->size : etd_writer_left(out);
    etd_pattern_fill(out->at, size, probe->session, probe->number);
    out->at += size;
    out->failed |= size < probe->size;
}

static bool number(const struct etd_probe *any, struct etd_bytes payload, uint32_t *found)
{
    return etd_pattern_number(payload, any->session, found);
}

static enum etd_judgement read(const struct etd_probe *probe, struct etd_bytes payload,
                               struct etd_answer *answer, struct etd_writer *why)
{
    size_t first = 0;
    size_t differs = etd_pattern_differs(payload, probe->session, probe->number, &first);
    *answer = (struct etd_answer){.payload = payload};
    if (payload.size != probe->size) {
        etd_write_text(why, "has ");
        etd_write_decimal(why, payload.size, 1);
        etd_write_text(why, " bytes and not the ");
        etd_write_decimal(why, probe->size, 1);
        return etd_answer_wrong(why, " that were sent");
    }
    if (differs == 0)
        return ETD_ANSWER_GOOD;
    etd_write_text(why, "differs from what was sent in ");
    etd_write_decimal(why, differs, 1);
    etd_write_text(why, differs == 1 ? " byte, byte " : " bytes, the first of them byte ");
    etd_write_decimal(why, first, 1);
    return ETD_ANSWER_WRONG;
}

const struct etd_protocol etd_protocol_echo = {
    .name = "echo",
    /* Where echotimed serves TCP by default, since port 7 takes a privilege; UDP's is RFC 862's. */
    .ports = {[ETD_TCP] = 8080, [ETD_UDP] = 7},
    .framings = (1 << ETD_FRAMING_COUNT) - 1,
    .framing = ETD_FRAMING_RAW,
    .end = ETD_ENDS_AS_FRAMED,
    .ask = ask,
    .number = number,
    .read = read,
};
