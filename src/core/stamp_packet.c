#include "echotimed/stamp_packet.h"

#include "echotimed/ntp_packet.h"

bool etd_stamp_read_sender(struct etd_bytes datagram, struct etd_stamp_sender *packet)
{
    struct etd_reader reader = etd_reader(datagram);
    packet->sequence = etd_read_u32(&reader);
    packet->timestamp = etd_read_u64(&reader);
    packet->error_estimate = etd_read_u16(&reader);
    bool complete = !reader.failed;
    packet->ssid = etd_read_u16(&reader); /* 0 where the packet ends before it */
    return complete;
}

bool etd_stamp_read_reflected(struct etd_bytes datagram, struct etd_stamp_reflected *packet)
{
    struct etd_reader reader = etd_reader(datagram);
    packet->sequence = etd_read_u32(&reader);
    packet->transmitted = etd_read_u64(&reader);
    packet->error_estimate = etd_read_u16(&reader);
    packet->ssid = etd_read_u16(&reader);
    packet->received = etd_read_u64(&reader);
    packet->sender.sequence = etd_read_u32(&reader);
    packet->sender.timestamp = etd_read_u64(&reader);
    packet->sender.error_estimate = etd_read_u16(&reader);
    packet->sender.ssid = packet->ssid;
    (void)etd_read_u16(&reader);
    packet->ttl = etd_read_u8(&reader);
    (void)etd_read_uint(&reader, 3);
    return !reader.failed;
}

void etd_stamp_write_sender(struct etd_writer *writer, const struct etd_stamp_sender *packet)
{
    static const uint8_t must_be_zero[28];
    etd_write_u32(writer, packet->sequence);
    etd_write_u64(writer, packet->timestamp);
    etd_write_u16(writer, packet->error_estimate);
    etd_write_u16(writer, packet->ssid);
    etd_write_bytes(writer, etd_bytes(must_be_zero, sizeof must_be_zero));
}

void etd_stamp_write_reflected(struct etd_writer *writer, const struct etd_stamp_reflected *packet)
{
    etd_write_u32(writer, packet->sequence);
    etd_write_u64(writer, packet->transmitted);
    etd_write_u16(writer, packet->error_estimate);
    etd_write_u16(writer, packet->ssid);
    etd_write_u64(writer, packet->received);
    etd_write_u32(writer, packet->sender.sequence);
    etd_write_u64(writer, packet->sender.timestamp);
    etd_write_u16(writer, packet->sender.error_estimate);
    etd_write_u16(writer, 0);
    etd_write_u8(writer, packet->ttl);
    etd_write_uint(writer, 0, 3);
}

/* The seconds of a timestamp: the upper half in either format (RFC 8186). */
static uint32_t seconds_of(uint64_t timestamp)
{
    return (uint32_t)(timestamp >> 32);
}

bool etd_stamp_is_reflected(struct etd_bytes datagram)
{
    struct etd_stamp_reflected packet;
    if (!etd_stamp_read_reflected(datagram, &packet) || packet.received == 0 || packet.ttl == 0)
        return false;
    const uint8_t *zeros = datagram.data + 38, *behind_ttl = datagram.data + 41;
    if (zeros[0] != 0 || zeros[1] != 0)
        return false;
    /* A reflector of TWAMP has padding behind the TTL already. Its two times are close together. */
    return (behind_ttl[0] == 0 && behind_ttl[1] == 0 && behind_ttl[2] == 0) ||
           seconds_of(packet.transmitted) - seconds_of(packet.received) <= 1;
}

/* What the services time and daytime answer with. A sender's first number is 0, and until 2036 the
 * first byte of its time, if that is NTP's, is not ASCII. */
static bool is_text(struct etd_bytes datagram)
{
    for (size_t i = 0; i < datagram.size; i++) {
        uint8_t byte = datagram.data[i];
        if ((byte < ' ' || byte > '~') && byte != '\r' && byte != '\n')
            return false;
    }
    return true;
}

bool etd_stamp_is_request(struct etd_bytes datagram)
{
    return datagram.size >= ETD_TWAMP_LIGHT_PACKET && !etd_stamp_is_reflected(datagram) &&
           !etd_ntp_is_answer(datagram) && !is_text(datagram);
}
