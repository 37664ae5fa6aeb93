#include "echotimed/ntp_time.h"

static const int64_t from_1900_to_1970 = 2208988800; /* seconds; RFC 5905 figure 4 */

enum { NS_PER_S = 1000000000, US_PER_S = 1000000 };

uint64_t etd_ntp_from_timestamp(struct etd_timestamp timestamp)
{
    /* Unsigned, so that it wraps at the ends of time, too. */
    uint64_t seconds = (uint64_t)timestamp.seconds + (uint64_t)from_1900_to_1970;
    uint64_t fraction = ((uint64_t)timestamp.nanoseconds << 32) / NS_PER_S;
    uint64_t ntp = seconds << 32 | fraction;
    return ntp != 0 ? ntp : 1;
}

struct etd_timestamp etd_ntp_to_timestamp(uint64_t ntp, struct etd_timestamp near)
{
    uint32_t pivot = (uint32_t)((uint64_t)near.seconds + (uint64_t)from_1900_to_1970);
    int32_t distance = (int32_t)((uint32_t)(ntp >> 32) - pivot);
    /* Rounded up, as the fraction was rounded down: it has four steps in a nanosecond. */
    uint64_t nanoseconds = ((ntp & UINT32_MAX) * NS_PER_S + UINT32_MAX) >> 32;
    uint64_t seconds = (uint64_t)near.seconds + (uint64_t)(int64_t)distance;
    if (nanoseconds == NS_PER_S) {
        nanoseconds = 0;
        seconds++;
    }
    return (struct etd_timestamp){.seconds = (int64_t)seconds,
                                  .nanoseconds = (uint32_t)nanoseconds};
}

uint32_t etd_ntp_short(uint64_t microseconds)
{
    if (microseconds >= (uint64_t)UINT16_MAX * US_PER_S)
        return UINT32_MAX;
    return (uint32_t)(((microseconds << 16) + US_PER_S - 1) / US_PER_S);
}

uint16_t etd_error_estimate(const struct etd_clock_quality *quality)
{
    enum { MULTIPLIER_MAX = UINT8_MAX };
    uint64_t us = quality->synchronised ? quality->max_error_us : ETD_NTP_ERROR_LIMIT_US;
    /* In units of 2^-32 s. Below 2^44, since microseconds below 2^32 are fewer than 2^12
     * seconds. */
    uint64_t whole = us / US_PER_S << 32;
    uint64_t error = whole + ((us % US_PER_S << 32) + US_PER_S - 1) / US_PER_S;
    unsigned scale = 0;
    for (; error > MULTIPLIER_MAX; scale++)
        error = (error + 1) / 2;
    if (error == 0)
        error = 1;
    return (uint16_t)((quality->synchronised ? ETD_ERROR_ESTIMATE_S : 0) | scale << 8 | error);
}
