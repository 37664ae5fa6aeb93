#include "platform/clock.h"

#include <sys/timex.h>
#include <time.h>

enum {
    QUALITY_AGE_MS = 1000,        /* how old an answer of the kernel may be */
    MAX_ERROR_LIMIT_US = 16000000 /* NTP_PHASE_LIMIT: where the kernel gives a clock up */
};

/* What was found out last, so that a request costs no more than reading the clock. */
static struct {
    bool offset_known;
    int64_t offset_second; /* the second of the wall clock that `utc_offset` belongs to */
    int32_t utc_offset;
    bool quality_known;
    uint64_t quality_asked; /* monotonic milliseconds */
    struct etd_clock_quality quality;
} last;

uint64_t etd_clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t etd_clock_monotonic_us(void)
{
    return etd_clock_monotonic_ns() / 1000;
}

uint64_t etd_clock_monotonic_ms(void)
{
    return etd_clock_monotonic_us() / 1000;
}

/* The kernel keeps announcing a leap second that is over (TIME_WAIT) until somebody takes the bit
 * back. */
static enum etd_leap leap(int returned, const struct timex *kernel)
{
    if (returned == TIME_WAIT)
        return ETD_LEAP_NONE;
    if ((kernel->status & STA_INS) != 0)
        return ETD_LEAP_INSERT;
    return (kernel->status & STA_DEL) != 0 ? ETD_LEAP_DELETE : ETD_LEAP_NONE;
}

/* The bound of the error is what counts: whoever disciplines the clock keeps it small; nobody doing
 * so, it grows to the limit, and setting the clock puts it there. STA_UNSYNC alone says less, since
 * chrony without `rtcsync` leaves it set while it keeps the bound. */
struct etd_clock_quality etd_clock_quality(int returned, const struct timex *kernel)
{
    if (returned < 0 || (kernel->status & STA_CLOCKERR) != 0 || kernel->maxerror < 0 ||
        kernel->maxerror >= MAX_ERROR_LIMIT_US)
        return (struct etd_clock_quality){.synchronised = false};
    return (struct etd_clock_quality){.synchronised = true,
                                      .max_error_us = (uint32_t)kernel->maxerror,
                                      .leap = leap(returned, kernel)};
}

static struct etd_clock_quality quality(void)
{
    uint64_t now = etd_clock_monotonic_ms();
    if (!last.quality_known || now - last.quality_asked >= QUALITY_AGE_MS) {
        struct timex kernel = {.modes = 0};
        int returned = adjtimex(&kernel);
        last.quality = etd_clock_quality(returned, &kernel);
        last.quality_asked = now;
        last.quality_known = true;
    }
    return last.quality;
}

static int32_t utc_offset(time_t second)
{
    if (!last.offset_known || second != last.offset_second) {
        struct tm local = {0};
        /* localtime_r need not look whether the zone's file has changed; tzset does. */
        tzset();
        last.utc_offset = localtime_r(&second, &local) == NULL ? 0 : (int32_t)local.tm_gmtoff;
        last.offset_second = second;
        last.offset_known = true;
    }
    return last.utc_offset;
}

void etd_clock_read(struct etd_clock_reading *reading)
{
    struct timespec now;
    reading->quality = quality();
    clock_gettime(CLOCK_REALTIME, &now);
    reading->utc_offset = utc_offset(now.tv_sec);
    reading->now =
        (struct etd_timestamp){.seconds = now.tv_sec, .nanoseconds = (uint32_t)now.tv_nsec};
}
