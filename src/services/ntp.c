/* ntp: the time to clients of NTP and SNTP, versions 1 to 4 (RFC 5905 sections 7.3 and 14, RFC 4330
 * section 6).
 *
 * Its reference is the host's clock, however that is kept. While nobody vouches for that clock, the
 * answer says so, and clients make nothing of it: leap indicator 3, stratum 0, and the kiss code
 * INIT, which asks nothing of them (RFC 5905 section 7.4). */
#include "echotimed/ntp_packet.h"
#include "echotimed/ntp_time.h"
#include "services/rows.h"

/* log2 of seconds: reading the clock takes less than a microsecond, with or without the vDSO. */
enum { PRECISION = -20 };

/* When the clock was last corrected the kernel does not tell; but it was asked less than a second
 * ago, and vouched for it. Not later than the transmit time, or clients refuse the answer. */
static uint64_t reference_time(struct etd_timestamp now)
{
    return etd_ntp_from_timestamp((struct etd_timestamp){.seconds = now.seconds});
}

static enum etd_verdict answer(const struct etd_request *request, struct etd_writer *reply)
{
    struct etd_ntp_packet asked;
    if (!etd_ntp_is_request(request->payload) || !etd_ntp_read(request->payload, &asked))
        return ETD_VERDICT_SILENT;
    const struct etd_clock_quality *quality = &request->clock->quality;
    struct etd_ntp_packet told = {
        .leap = ETD_NTP_LEAP_UNKNOWN,
        .version = asked.version,
        .mode = ETD_NTP_SERVER,
        .poll = asked.poll,
        .precision = PRECISION,
        .root_delay = 0, /* nothing stands between this server and its clock */
        .root_dispersion = etd_ntp_short(ETD_NTP_ERROR_LIMIT_US),
        .refid = {'I', 'N', 'I', 'T'},
        .origin = asked.transmit,
        .receive = etd_ntp_from_timestamp(request->received),
        .transmit = etd_ntp_from_timestamp(request->clock->now),
    };
    if (quality->synchronised) {
        told.leap = (uint8_t)quality->leap;
        told.stratum = request->times->ntp_stratum;
        told.root_dispersion = etd_ntp_short(quality->max_error_us);
        memcpy(told.refid, request->times->ntp_refid, sizeof told.refid);
        told.reference = reference_time(request->clock->now);
    }
    etd_ntp_write(reply, &told);
    return ETD_VERDICT_REPLY;
}

const struct etd_service etd_service_ntp = {
    .name = "ntp",
    .help = "the time to clients of NTP and SNTP (RFC 5905, RFC 4330)",
    .udp = true,
    .tells_time = true,
    .reply_max = ETD_NTP_PACKET,
    .answer = answer,
};
