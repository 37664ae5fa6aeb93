#include "echotimed/ntp_packet.h"

#include "echotimed/address.h"
#include "echotimed/stamp_packet.h"

enum { VERSION_MIN = 1, VERSION_MAX = 4 };

bool etd_ntp_read(struct etd_bytes datagram, struct etd_ntp_packet *packet)
{
    struct etd_reader reader = etd_reader(datagram);
    uint8_t first = etd_read_u8(&reader);
    packet->leap = first >> 6;
    packet->version = first >> 3 & 7;
    packet->mode = first & 7;
    packet->stratum = etd_read_u8(&reader);
    packet->poll = (int8_t)etd_read_u8(&reader);
    packet->precision = (int8_t)etd_read_u8(&reader);
    packet->root_delay = etd_read_u32(&reader);
    packet->root_dispersion = etd_read_u32(&reader);
    struct etd_bytes refid = etd_read_bytes(&reader, sizeof packet->refid);
    for (size_t i = 0; i < refid.size; i++)
        packet->refid[i] = refid.data[i];
    packet->reference = etd_read_u64(&reader);
    packet->origin = etd_read_u64(&reader);
    packet->receive = etd_read_u64(&reader);
    packet->transmit = etd_read_u64(&reader);
    return !reader.failed;
}

void etd_ntp_write(struct etd_writer *writer, const struct etd_ntp_packet *packet)
{
    etd_write_u8(writer, (uint8_t)(packet->leap << 6 | packet->version << 3 | packet->mode));
    etd_write_u8(writer, packet->stratum);
    etd_write_u8(writer, (uint8_t)packet->poll);
    etd_write_u8(writer, (uint8_t)packet->precision);
    etd_write_u32(writer, packet->root_delay);
    etd_write_u32(writer, packet->root_dispersion);
    etd_write_bytes(writer, etd_bytes(packet->refid, sizeof packet->refid));
    etd_write_u64(writer, packet->reference);
    etd_write_u64(writer, packet->origin);
    etd_write_u64(writer, packet->receive);
    etd_write_u64(writer, packet->transmit);
}

bool etd_ntp_is_request(struct etd_bytes datagram)
{
    struct etd_ntp_packet packet;
    /* Extension fields and MACs are whole words (RFC 5905 section 7.5, RFC 7822). */
    return datagram.size % 4 == 0 && etd_ntp_read(datagram, &packet) &&
           packet.mode == ETD_NTP_CLIENT && packet.version >= VERSION_MIN &&
           packet.version <= VERSION_MAX && !etd_stamp_is_reflected(datagram);
}

bool etd_ntp_is_answer(struct etd_bytes datagram)
{
    struct etd_ntp_packet packet;
    return datagram.size == ETD_NTP_PACKET && etd_ntp_read(datagram, &packet) &&
           packet.mode == ETD_NTP_SERVER && packet.root_delay == 0 && packet.receive != 0;
}

bool etd_ntp_refid_parse(const char *text, uint8_t refid[ETD_NTP_REFID])
{
    struct etd_address address;
    size_t length = strlen(text);
    if (etd_address_parse_ip(&address, text)) {
        if (!etd_address_is_ipv4(&address))
            return false;
        memcpy(refid, address.ip + sizeof address.ip - ETD_NTP_REFID, ETD_NTP_REFID);
        return true;
    }
    if (length == 0 || length > ETD_NTP_REFID)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    memset(refid, 0, ETD_NTP_REFID);
    memcpy(refid, text, length);
    return true;
}
