/* Instants of the wall clock, and their text forms. Reading a clock is the platform's part. */
#ifndef ECHOTIMED_TIMESTAMP_H
#define ECHOTIMED_TIMESTAMP_H

#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* POSIX time: seconds since 1970-01-01 00:00:00 UTC, leap seconds not counted.
 * `nanoseconds` is 0 to 999,999,999 and counts forward, before 1970 too. */
struct etd_timestamp {
    int64_t seconds;
    uint32_t nanoseconds;
};

/* What the kernel says of its clock (adjtimex(2)). Where it refused to answer, `synchronised` is
 * false: not known is never taken for good. */
struct etd_clock_quality {
    bool synchronised;
    uint32_t max_error_us; /* bound of the error in microseconds; meaningless unless synchronised */
};

/* What a reader of the clock hands to a service. */
struct etd_clock_reading {
    struct etd_timestamp now;
    int32_t utc_offset; /* seconds east of UTC of the host's zone at `now`, -86,399 to 86,399 */
    struct etd_clock_quality quality;
};

/* A date of the proleptic Gregorian calendar. */
struct etd_civil {
    int64_t year;
    uint8_t month;   /* 1 to 12 */
    uint8_t day;     /* 1 to 31 */
    uint8_t hour;    /* 0 to 23 */
    uint8_t minute;  /* 0 to 59 */
    uint8_t second;  /* 0 to 59 */
    uint8_t weekday; /* 0 Sunday to 6 Saturday */
};

/* The date at `seconds` of POSIX time plus `utc_offset` seconds. */
struct etd_civil etd_civil_from_seconds(int64_t seconds, int32_t utc_offset);

/* Writes the time of day, "13:33:35". */
void etd_write_clock(struct etd_writer *writer, const struct etd_civil *date);

/* "Jan" to "Dec" for 1 to 12, whatever the locale. */
const char *etd_month_name(uint8_t month);

enum etd_time_format {
    ETD_TIME_RFC3339,       /* 2026-11-22T13:33:35.123456Z (RFC 3339 section 5.6) */
    ETD_TIME_RFC3339_LOCAL, /* the same with the zone's offset, 2026-11-22T14:33:35.123456+01:00 */
    ETD_TIME_UNIX,          /* seconds since 1970 */
    ETD_TIME_UNIX_MS,
    ETD_TIME_UNIX_US,
    ETD_TIME_UNIX_NS,
    ETD_TIME_HTTP, /* IMF-fixdate, Sun, 22 Nov 2026 13:33:35 GMT (RFC 9110 section 5.6.7) */
    ETD_TIME_FORMATS
};

/* The longest text that any format gives, for any `etd_timestamp`, and no NUL. */
enum { ETD_TIME_TEXT = 64 };

/* The name of a format in queries and in the configuration. */
const char *etd_time_format_name(enum etd_time_format format);

/* Finds a format by its exact name; false when there is none. */
bool etd_time_format_find(struct etd_bytes name, enum etd_time_format *format);

/* Writes the reading in that format, without a NUL. Fractions are cut, not rounded. */
void etd_time_write(struct etd_writer *writer, enum etd_time_format format,
                    const struct etd_clock_reading *reading);

#endif
