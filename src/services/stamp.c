/* stamp: the reflector of STAMP, unauthenticated (RFC 8762 section 4.3), for senders of TWAMP
 * Light, too (section 4.6): their packets may be shorter than the answer, which is then as short as
 * can be. */
#include "echotimed/ntp_time.h"
#include "echotimed/stamp_packet.h"
#include "echotimed/stamp_sessions.h"
#include "services/rows.h"
#include "services/stamp_tlv.h"

enum {
    UDP_PAYLOAD_MAX = 65507, /* over IPv4; jumbograms are not taken */
    TTL_UNKNOWN = 255        /* RFC 5357 section 4.2.1 */
};

static enum etd_verdict answer(const struct etd_request *request, struct etd_writer *reply)
{
    struct etd_bytes datagram = request->payload;
    struct etd_stamp_reflected packet;
    if (!etd_stamp_is_request(datagram) || !etd_stamp_read_sender(datagram, &packet.sender))
        return ETD_VERDICT_SILENT;
    const struct etd_stamp_session *session = request->stamp_session;
    packet.sequence = session != NULL ? session->sequence : packet.sender.sequence;
    packet.transmitted = etd_ntp_from_timestamp(request->clock->now);
    packet.error_estimate = etd_error_estimate(&request->clock->quality);
    packet.ssid = packet.sender.ssid;
    packet.received = etd_ntp_from_timestamp(request->received);
    packet.ttl = request->ttl != 0 ? request->ttl : TTL_UNKNOWN;
    etd_stamp_write_reflected(reply, &packet);
    if (datagram.size > ETD_STAMP_PACKET)
        etd_stamp_write_tlvs(
            request, etd_bytes(datagram.data + ETD_STAMP_PACKET, datagram.size - ETD_STAMP_PACKET),
            reply);
    return ETD_VERDICT_REPLY;
}

const struct etd_service etd_service_stamp = {
    .name = "stamp",
    .help = "reflects the test packets of STAMP and TWAMP Light (RFC 8762, RFC 8972)",
    .udp = true,
    .tells_time = true,
    .reply_max = UDP_PAYLOAD_MAX,
    .answer = answer,
};
