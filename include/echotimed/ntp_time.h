/* Times, errors and intervals as NTP and STAMP put them on the wire. */
#ifndef ECHOTIMED_NTP_TIME_H
#define ECHOTIMED_NTP_TIME_H

#include "echotimed/timestamp.h"

#include <stdint.h>

enum {
    /* The error in microseconds at which a clock is given up (MAXDISP, RFC 5905 section 7.2; the
     * kernel's own limit, too). It is told of a clock that is not synchronised. */
    ETD_NTP_ERROR_LIMIT_US = 16000000
};

/* NTP timestamp format (RFC 5905 section 6): 32 bits of seconds since 1900, which wrap every 136
 * years, and 32 bits of their fraction, rounded down. Never 0, which stands for "not known": the
 * one instant of an era that would be, is told a quarter of a nanosecond late. */
uint64_t etd_ntp_from_timestamp(struct etd_timestamp timestamp);

/* The instant, within 68 years of `near`, that the wire format stands for. What was made of a
 * timestamp near it becomes that timestamp again, to the nanosecond. */
struct etd_timestamp etd_ntp_to_timestamp(uint64_t ntp, struct etd_timestamp near);

/* NTP short format (RFC 5905 section 6): 16 bits of seconds and 16 of their fraction, rounded up,
 * for bounds of errors. What does not fit becomes the greatest value. */
uint32_t etd_ntp_short(uint64_t microseconds);

/* Error estimate (RFC 4656 section 4.1.2, RFC 8186 section 2.3): S, set while the clock is
 * synchronised; Z, 0: the timestamps are in NTP's format; six bits of scale and eight of a
 * multiplier that is never 0. The error is multiplier * 2^(scale - 32) seconds, rounded up. */
enum { ETD_ERROR_ESTIMATE_S = 0x8000, ETD_ERROR_ESTIMATE_Z = 0x4000 };
uint16_t etd_error_estimate(const struct etd_clock_quality *quality);

#endif
