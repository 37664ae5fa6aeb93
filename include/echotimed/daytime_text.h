/* The times that servers tell as text. */
#ifndef ECHOTIMED_DAYTIME_TEXT_H
#define ECHOTIMED_DAYTIME_TEXT_H

#include "echotimed/timestamp.h"

/* Seconds of POSIX time of a date and time of day in UTC. False when there is no such day or time; a
 * 61st second (leap) counts as the first of the next minute. The weekday is not looked at. */
bool etd_civil_to_seconds(const struct etd_civil *date, int64_t *seconds);

/* Finds the instant in the answer of a daytime server. RFC 867 leaves the form open; understood are
 * those that name the day, a month by its name, a year of four digits, the time of day and a zone,
 * "UTC", "GMT", "Z" or an offset, in any order:
 *     22 NOV 2026 13:33:35 UTC              ours and xinetd's
 *     Sun Nov 22 13:33:35 UTC 2026          date(1)
 *     Sun, 22 Nov 2026 14:33:35 +0100       mail
 * and those with a numeric date: 2026-11-22T13:33:35Z, and 61366 26-11-22 13:33:35 ... UTC(NIST).
 * False where no instant can be told from it, be it for want of a zone. */
bool etd_daytime_parse(struct etd_bytes text, struct etd_timestamp *time);

/* Reads the whole number of nanoseconds since 1970 that the text query's unix_ns gives, with or without
 * a line ending. */
bool etd_unix_ns_parse(struct etd_bytes text, struct etd_timestamp *time);

#endif
