/* rfc868, the Time Protocol: seconds since 1900 in four bytes. */
#include "client/protocol.h"

#include "echotimed/ntp_time.h"

enum { ANSWER = 4, SECOND = 1000000000 };

static void ask(const struct etd_probe *probe, struct etd_writer *out)
{
    (void)probe;
    (void)out;
}

static enum etd_judgement read(const struct etd_probe *probe, struct etd_bytes payload,
                               struct etd_answer *answer, struct etd_writer *why)
{
    *answer = (struct etd_answer){.payload = payload, .told = true, .step = SECOND};
    if (payload.size != ANSWER) {
        etd_write_text(why, "has ");
        etd_write_decimal(why, payload.size, 1);
        return etd_answer_wrong(why, " bytes and not 4; does rfc868 listen there?");
    }
    struct etd_reader reader = etd_reader(payload);
    /* They wrap every 136 years, so they count from where our clock is, like NTP's. */
    uint64_t seconds = etd_read_u32(&reader);
    answer->time = etd_ntp_to_timestamp(seconds << 32, probe->sent);
    return ETD_ANSWER_GOOD;
}

const struct etd_protocol etd_protocol_rfc868 = {
    .name = "rfc868",
    .ports = {[ETD_TCP] = 37, [ETD_UDP] = 37},
    .registered = true,
    .speaks_first = true,
    .tells_time = true,
    .framings = 1 << ETD_FRAMING_RAW,
    .framing = ETD_FRAMING_RAW,
    .end = ETD_ENDS_AT_SIZE,
    .answer_size = ANSWER,
    .ask = ask,
    .read = read,
};
