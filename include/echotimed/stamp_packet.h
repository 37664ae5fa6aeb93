/* The packets of STAMP, unauthenticated (RFC 8762 sections 4.2.1 and 4.3.1, with the SSID of RFC
 * 8972 section 3), the shorter ones of TWAMP Light (RFC 5357 section 4.1.2), and the TLVs behind
 * them. */
#ifndef ECHOTIMED_STAMP_PACKET_H
#define ECHOTIMED_STAMP_PACKET_H

#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ETD_STAMP_PACKET = 44,      /* bytes of either packet without TLVs */
    ETD_TWAMP_LIGHT_PACKET = 14 /* bytes of a sender's packet without padding */
};

/* What a sender sends. Behind the error estimate a sender of TWAMP Light has padding or nothing. */
struct etd_stamp_sender {
    uint32_t sequence;
    uint64_t timestamp;      /* in the sender's format */
    uint16_t error_estimate; /* as in echotimed/ntp_time.h */
    uint16_t ssid;           /* the session's identifier; 0: none */
};

/* What a reflector answers. */
struct etd_stamp_reflected {
    uint32_t sequence;
    uint64_t transmitted; /* NTP timestamps */
    uint16_t error_estimate;
    uint16_t ssid;
    uint64_t received;
    struct etd_stamp_sender sender; /* its ssid is the one above, and not sent again */
    uint8_t ttl;                    /* the TTL or hop limit with which the sender's packet came */
};

/* Both read the fixed part alone. False when there are fewer bytes than ETD_TWAMP_LIGHT_PACKET, of
 * a reflected packet fewer than ETD_STAMP_PACKET. */
bool etd_stamp_read_sender(struct etd_bytes datagram, struct etd_stamp_sender *packet);
bool etd_stamp_read_reflected(struct etd_bytes datagram, struct etd_stamp_reflected *packet);

/* Both write ETD_STAMP_PACKET bytes. */
void etd_stamp_write_sender(struct etd_writer *writer, const struct etd_stamp_sender *packet);
void etd_stamp_write_reflected(struct etd_writer *writer, const struct etd_stamp_reflected *packet);

/* Whether it is a reflector's packet. RFC 8762 gives the two kinds no mark and lets a reflector
 * ignore what a sender fills up with, so they are told apart by what every reflector writes and no
 * sender: a receive timestamp, and a TTL between zeros. Where a sender of STAMP has zeros
 * throughout, no TTL stands; the padding of a sender of TWAMP Light, if it is random, looks so once
 * in 2^40 packets. */
bool etd_stamp_is_reflected(struct etd_bytes datagram);

/* Whether a reflector answers: a sender's packet, and not what a service of ours answers, be it a
 * reflected packet, a packet of NTP or a line of text. */
bool etd_stamp_is_request(struct etd_bytes datagram);

/* A TLV: flags, type, two bytes of length, and the value (RFC 8972 section 4). */
enum { ETD_STAMP_TLV_HEADER = 4 };

enum etd_stamp_tlv_flag { ETD_STAMP_TLV_UNRECOGNISED = 0x80, ETD_STAMP_TLV_MALFORMED = 0x40 };

/* Those that are answered here, of many (RFC 8972 section 5). */
enum etd_stamp_tlv_type {
    ETD_STAMP_TLV_EXTRA_PADDING = 1,
    ETD_STAMP_TLV_CLASS_OF_SERVICE = 4,
    ETD_STAMP_TLV_FOLLOW_UP = 7
};

#endif
