#include "echotimed/clock_offset.h"

enum { NS_PER_S = 1000000000 };

int64_t etd_time_between(struct etd_timestamp a, struct etd_timestamp b)
{
    int64_t seconds, whole, all;
    int64_t fraction = (int64_t)a.nanoseconds - (int64_t)b.nanoseconds;
    bool later = a.seconds > b.seconds;
    if (__builtin_sub_overflow(a.seconds, b.seconds, &seconds) ||
        __builtin_mul_overflow(seconds, NS_PER_S, &whole) ||
        __builtin_add_overflow(whole, fraction, &all))
        return later ? INT64_MAX : -INT64_MAX;
    return all == INT64_MIN ? -INT64_MAX : all;
}

struct etd_timestamp etd_time_moved(struct etd_timestamp time, int64_t nanoseconds)
{
    int64_t seconds = nanoseconds / NS_PER_S;
    int64_t fraction = (int64_t)time.nanoseconds + nanoseconds % NS_PER_S;
    if (fraction < 0) {
        fraction += NS_PER_S;
        seconds--;
    } else if (fraction >= NS_PER_S) {
        fraction -= NS_PER_S;
        seconds++;
    }
    /* Unsigned, so that it wraps at the ends of time. */
    return (struct etd_timestamp){.seconds = (int64_t)((uint64_t)time.seconds + (uint64_t)seconds),
                                  .nanoseconds = (uint32_t)fraction};
}

/* The middle of two, without overflow. */
static int64_t middle(int64_t a, int64_t b)
{
    return a / 2 + b / 2 + (a % 2 + b % 2) / 2;
}

static uint64_t amount(int64_t value)
{
    return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

struct etd_clock_offset etd_offset_of_four(struct etd_timestamp t1, struct etd_timestamp t2,
                                           struct etd_timestamp t3, struct etd_timestamp t4)
{
    int64_t delay = etd_time_between(t4, t1);
    /* Two readings of one clock, so neither is far. A delay below zero is the clocks' resolution. */
    if (__builtin_sub_overflow(delay, etd_time_between(t3, t2), &delay))
        delay = 0;
    return (struct etd_clock_offset){
        .offset = middle(etd_time_between(t2, t1), etd_time_between(t3, t4)),
        .bound = amount(delay) / 2,
        .delay = delay,
    };
}

struct etd_clock_offset etd_offset_of_one(struct etd_timestamp t1, struct etd_timestamp told,
                                          uint64_t step, struct etd_timestamp t4)
{
    int64_t delay = etd_time_between(t4, t1);
    /* Most servers cut, so on the average they are half a step late in telling it. */
    struct etd_timestamp likely = etd_time_moved(told, (int64_t)(step / 2));
    return (struct etd_clock_offset){
        .offset = middle(etd_time_between(likely, t1), etd_time_between(likely, t4)),
        .bound = amount(delay) / 2 + step,
        .delay = delay,
    };
}
