/* How far another clock is from ours, and how sure that is. Differences are in nanoseconds; what is
 * further apart than 292 years is told as that far. */
#ifndef ECHOTIMED_CLOCK_OFFSET_H
#define ECHOTIMED_CLOCK_OFFSET_H

#include "echotimed/timestamp.h"

#include <stdint.h>

/* a - b. */
int64_t etd_time_between(struct etd_timestamp a, struct etd_timestamp b);

/* `time` moved by so much. */
struct etd_timestamp etd_time_moved(struct etd_timestamp time, int64_t nanoseconds);

/* What a question and its answer tell. The other clock is `offset` ahead of ours (behind, if
 * negative), give or take `bound`. */
struct etd_clock_offset {
    int64_t offset;
    uint64_t bound; /* of the path alone: the error that either clock has is not in it */
    int64_t
        delay; /* the round trip without the time that the other end took, where that is known */
};

/* From four timestamps (RFC 5905 section 8): ours when the question left (t1) and the answer came
 * (t4), the other's when the question came (t2) and the answer left (t3). The bound is half the
 * delay. */
struct etd_clock_offset etd_offset_of_four(struct etd_timestamp t1, struct etd_timestamp t2,
                                           struct etd_timestamp t3, struct etd_timestamp t4);

/* From one time that the other told between t1 and t4, in steps of `step` nanoseconds: half the round
 * trip, and a step more, since it may have been cut or rounded. */
struct etd_clock_offset etd_offset_of_one(struct etd_timestamp t1, struct etd_timestamp told,
                                          uint64_t step, struct etd_timestamp t4);

#endif
