/* The packet of NTP, versions 1 to 4 (RFC 5905 section 7.3), without extension fields and MAC. */
#ifndef ECHOTIMED_NTP_PACKET_H
#define ECHOTIMED_NTP_PACKET_H

#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ETD_NTP_PACKET = 48, /* bytes */
    ETD_NTP_REFID = 4    /* bytes: characters padded with zeros, or an IPv4 address */
};

enum etd_ntp_mode { ETD_NTP_CLIENT = 3, ETD_NTP_SERVER = 4 };

/* Leap indicator of a clock that is not synchronised; others are enum etd_leap. */
enum { ETD_NTP_LEAP_UNKNOWN = 3 };

struct etd_ntp_packet {
    uint8_t leap;    /* 0 to 3 */
    uint8_t version; /* 0 to 7 */
    uint8_t mode;    /* 0 to 7 */
    uint8_t stratum; /* 1 to 15; 0: not known, and `refid` is a kiss code */
    int8_t poll;     /* log2 of seconds */
    int8_t precision;
    uint32_t root_delay; /* NTP short format, as in echotimed/ntp_time.h */
    uint32_t root_dispersion;
    uint8_t refid[ETD_NTP_REFID];
    uint64_t reference; /* NTP timestamps, 0: not known */
    uint64_t origin;
    uint64_t receive;
    uint64_t transmit;
};

/* False when there are less than ETD_NTP_PACKET bytes; what stands behind them is not looked at. */
bool etd_ntp_read(struct etd_bytes datagram, struct etd_ntp_packet *packet);

/* Writes ETD_NTP_PACKET bytes. */
void etd_ntp_write(struct etd_writer *writer, const struct etd_ntp_packet *packet);

/* Whether a server answers: a client's packet of version 1 to 4, with or without extension fields
 * and MAC, that is not what a STAMP reflector sends. */
bool etd_ntp_is_request(struct etd_bytes datagram);

/* Whether it is what service ntp answers: a bare server's packet without root delay. A sender of
 * STAMP or TWAMP Light sends the like only on purpose: the bytes of the receive timestamp, not 0
 * here, are zeros of its own, or padding; those of the root delay are its clock's seconds, and
 * those of the mode its number beyond 2^26. */
bool etd_ntp_is_answer(struct etd_bytes datagram);

/* Reads a reference identifier: an IPv4 address, or one to four printable characters. */
bool etd_ntp_refid_parse(const char *text, uint8_t refid[ETD_NTP_REFID]);

#endif
