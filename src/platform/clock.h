/* The host's clocks: a monotonic one for deadlines, and the wall clock with its quality. */
#ifndef ECHOTIMED_PLATFORM_CLOCK_H
#define ECHOTIMED_PLATFORM_CLOCK_H

#include "echotimed/timestamp.h"

#include <stdint.h>

struct timex;

/* Milliseconds of CLOCK_MONOTONIC: never set, never backwards. For time-outs. */
uint64_t etd_clock_monotonic_ms(void);

/* Microseconds and nanoseconds of the same clock. */
uint64_t etd_clock_monotonic_us(void);
uint64_t etd_clock_monotonic_ns(void);

/* The wall clock now, with the host's offset from UTC and what the kernel says of the clock. The
 * offset is looked up once for each second of the wall clock (a changed /etc/localtime is noticed),
 * the kernel is asked at most once a second of monotonic time. Not for several threads at once. */
void etd_clock_read(struct etd_clock_reading *reading);

/* What an answer of adjtimex(2) means: `returned` is what the call returned, `kernel` what it filled
 * in, not looked at when `returned` is negative. In doubt the clock is not synchronised. */
struct etd_clock_quality etd_clock_quality(int returned, const struct timex *kernel);

#endif
