/* stamp: a Session-Sender of RFC 8762, which reflectors of TWAMP Light answer too. */
#include "client/protocol.h"

#include "echotimed/ntp_time.h"
#include "echotimed/stamp_packet.h"

enum {
    SCALE_SHIFT = 8,
    SCALE_MASK = 0x3f,
    SCALE_ONE = 32,
    MULTIPLIER_MASK = 0xff,
    NS_PER_S = 1000000000
};

/* The session's identifier, which 0 is none of. */
static uint16_t ssid_of(const struct etd_probe *probe)
{
    uint16_t ssid = (uint16_t)probe->session;
    return ssid != 0 ? ssid : 1;
}

static void ask(const struct etd_probe *probe, struct etd_writer *out)
{
    const struct etd_stamp_sender packet = {
        .sequence = probe->number,
        .timestamp = etd_ntp_from_timestamp(probe->sent),
        .error_estimate = etd_error_estimate(&probe->quality),
        .ssid = ssid_of(probe),
    };
    etd_stamp_write_sender(out, &packet);
}

/* A reflector before RFC 8972 has zeros where the SSID is. */
static bool is_ours(const struct etd_probe *probe, const struct etd_stamp_reflected *packet)
{
    return packet->ssid == 0 || packet->ssid == ssid_of(probe);
}

static bool number(const struct etd_probe *any, struct etd_bytes payload, uint32_t *found)
{
    struct etd_stamp_reflected packet;
    if (!etd_stamp_read_reflected(payload, &packet) || !is_ours(any, &packet))
        return false;
    *found = packet.sender.sequence;
    return true;
}

/* Multiplier * 2^(scale - 32) seconds (RFC 4656 section 4.1.2), in nanoseconds. */
static uint64_t error_of(uint16_t estimate)
{
    unsigned scale = estimate >> SCALE_SHIFT & SCALE_MASK;
    uint64_t error = (uint64_t)(estimate & MULTIPLIER_MASK) * NS_PER_S; /* below 2^38 */
    if (scale < SCALE_ONE)
        return error >> (SCALE_ONE - scale);
    return scale - SCALE_ONE <= 24 ? error << (scale - SCALE_ONE) : UINT64_MAX;
}

static enum etd_judgement read(const struct etd_probe *probe, struct etd_bytes payload,
                               struct etd_answer *answer, struct etd_writer *why)
{
    struct etd_stamp_reflected packet;
    *answer = (struct etd_answer){.payload = payload, .step = 1, .judged = true};
    if (!etd_stamp_read_reflected(payload, &packet)) {
        etd_write_text(why, "has ");
        etd_write_decimal(why, payload.size, 1);
        return etd_answer_foreign(why, " bytes, and a reflector's packet has 44 or more");
    }
    if (packet.sender.sequence != probe->number || !is_ours(probe, &packet) ||
        packet.sender.timestamp != etd_ntp_from_timestamp(probe->sent))
        return etd_answer_foreign(why, "copies another question: it is late, or forged");
    answer->ttl = packet.ttl;
    /* Times in PTP's format may be of a scale that is 37 s ahead (TAI); which, nothing tells. */
    if ((packet.error_estimate & ETD_ERROR_ESTIMATE_Z) != 0)
        return ETD_ANSWER_GOOD;
    if ((int64_t)(packet.transmitted - packet.received) < 0)
        return etd_answer_wrong(why, "left, by the reflector's times, before the question came");
    answer->told = answer->stamped = true;
    answer->received = etd_ntp_to_timestamp(packet.received, probe->sent);
    answer->time = etd_ntp_to_timestamp(packet.transmitted, probe->sent);
    answer->synchronised = (packet.error_estimate & ETD_ERROR_ESTIMATE_S) != 0;
    answer->error = error_of(packet.error_estimate);
    return ETD_ANSWER_GOOD;
}

const struct etd_protocol etd_protocol_stamp = {
    .name = "stamp",
    .ports = {[ETD_UDP] = 862},
    .registered = true,
    .tells_time = true,
    .end = ETD_ENDS_AT_SIZE,
    .answer_size = ETD_STAMP_PACKET,
    .ask = ask,
    .number = number,
    .read = read,
};
