/* ntp: a client's packet that tells nothing of this host, and the checks of RFC 5905 sections 8 and 9
 * (and RFC 4330 section 5) on the answer. */
#include "client/protocol.h"

#include "echotimed/ntp_time.h"

enum { VERSION = 4, STRATUM_MAX = 15, SHORT_SECOND = 1 << 16, NS_PER_S = 1000000000 };

/* What stands in the transmit timestamp and comes back as the origin: no time, but a number that only
 * who saw the question knows. */
uint64_t etd_ntp_cookie(const struct etd_probe *probe)
{
    uint8_t message[8];
    struct etd_writer writer = etd_writer(message, sizeof message);
    etd_write_u32(&writer, probe->session);
    etd_write_u32(&writer, probe->number);
    uint64_t hash = etd_siphash(&probe->secret, etd_writer_bytes(&writer));
    /* The lower half tells the number, under a mask, so that an answer finds its probe. */
    return (hash & ~(uint64_t)UINT32_MAX) | (probe->number ^ probe->session);
}

static void ask(const struct etd_probe *probe, struct etd_writer *out)
{
    const struct etd_ntp_packet packet = {
        .version = VERSION, .mode = ETD_NTP_CLIENT, .transmit = etd_ntp_cookie(probe)};
    etd_ntp_write(out, &packet);
}

static bool number(const struct etd_probe *any, struct etd_bytes payload, uint32_t *found)
{
    struct etd_ntp_packet packet;
    if (!etd_ntp_read(payload, &packet))
        return false;
    struct etd_probe guess = *any;
    guess.number = (uint32_t)packet.origin ^ any->session;
    if (packet.origin != etd_ntp_cookie(&guess))
        return false;
    *found = guess.number;
    return true;
}

static enum etd_judgement refused(struct etd_writer *why, const struct etd_ntp_packet *packet)
{
    static const struct {
        char code[ETD_NTP_REFID + 1];
        const char *meaning;
    } codes[] = {
        {"DENY", "the server denies this client its service"},
        {"RSTR", "the server's rules deny this client its service"},
        {"RATE", "the server was asked too often; wait before you ask again"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (memcmp(packet->refid, codes[i].code, ETD_NTP_REFID) != 0)
            continue;
        etd_write_text(why, "is a kiss of death, ");
        etd_write_text(why, codes[i].code);
        etd_write_text(why, ": ");
        return etd_answer_wrong(why, codes[i].meaning);
    }
    return ETD_ANSWER_GOOD;
}

/* Half the root delay and the dispersion: what the server's clock may be wrong by. */
static uint64_t error_of(const struct etd_ntp_packet *packet)
{
    uint64_t distance = packet->root_delay / 2 + packet->root_dispersion;
    return distance * NS_PER_S / SHORT_SECOND;
}

static enum etd_judgement check(const struct etd_probe *probe, const struct etd_ntp_packet *packet,
                                struct etd_writer *why)
{
    bool ours = packet->origin == etd_ntp_cookie(probe);
    if (packet->mode != ETD_NTP_SERVER) {
        etd_write_text(why, "has mode ");
        etd_write_decimal(why, packet->mode, 1);
        etd_write_text(why, ", and a server's is 4");
        return ours ? ETD_ANSWER_WRONG : ETD_ANSWER_FOREIGN;
    }
    if (!ours)
        return etd_answer_foreign(why,
                                  "names another question as its origin: it is late, or forged");
    if (packet->version < 1 || packet->version > VERSION) {
        etd_write_text(why, "has version ");
        etd_write_decimal(why, packet->version, 1);
        return etd_answer_wrong(why, ", and 4 was asked for");
    }
    if (packet->stratum == 0 && refused(why, packet) != ETD_ANSWER_GOOD)
        return ETD_ANSWER_WRONG;
    if (packet->receive == 0 || packet->transmit == 0)
        return etd_answer_wrong(why, "lacks the server's times");
    if ((int64_t)(packet->transmit - packet->receive) < 0)
        return etd_answer_wrong(why, "left, by the server's times, before the question came");
    return ETD_ANSWER_GOOD;
}

static enum etd_judgement read(const struct etd_probe *probe, struct etd_bytes payload,
                               struct etd_answer *answer, struct etd_writer *why)
{
    *answer = (struct etd_answer){.payload = payload, .told = true, .stamped = true, .step = 1};
    struct etd_ntp_packet *packet = &answer->ntp;
    if (!etd_ntp_read(payload, packet)) {
        etd_write_text(why, "has ");
        etd_write_decimal(why, payload.size, 1);
        return etd_answer_foreign(why, " bytes, and NTP takes 48");
    }
    enum etd_judgement judgement = check(probe, packet, why);
    answer->received = etd_ntp_to_timestamp(packet->receive, probe->sent);
    answer->time = etd_ntp_to_timestamp(packet->transmit, probe->sent);
    answer->error = error_of(packet);
    answer->judged = true;
    /* From 16 s on a clock is given up (MAXDISP), and its reference is never in its future. */
    answer->synchronised =
        packet->leap != ETD_NTP_LEAP_UNKNOWN && packet->stratum >= 1 &&
        packet->stratum <= STRATUM_MAX && answer->error < (uint64_t)ETD_NTP_ERROR_LIMIT_US * 1000 &&
        (packet->reference == 0 || (int64_t)(packet->transmit - packet->reference) >= 0);
    return judgement;
}

const struct etd_protocol etd_protocol_ntp = {
    .name = "ntp",
    .ports = {[ETD_UDP] = 123},
    .registered = true,
    .tells_time = true,
    .end = ETD_ENDS_AT_SIZE,
    .answer_size = ETD_NTP_PACKET,
    .ask = ask,
    .number = number,
    .read = read,
};
