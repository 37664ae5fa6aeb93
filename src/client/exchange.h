/* One question and its answer, for the commands that ask once. */
#ifndef ECHOTIMED_CLIENT_EXCHANGE_H
#define ECHOTIMED_CLIENT_EXCHANGE_H

#include "client/moment.h"
#include "client/target.h"
#include "echotimed/clock_offset.h"

enum {
    ETD_EXCHANGE_PROBE = 64,   /* bytes of an echo's payload */
    ETD_EXCHANGE_ANSWER = 2048 /* bytes of the longest answer that is taken in */
};

struct etd_exchange {
    struct etd_probe probe;
    struct etd_answer answer; /* its payload stands in `reply` */
    struct etd_moment sent;
    struct etd_moment received;
    uint8_t reply[ETD_EXCHANGE_ANSWER];
    size_t reply_size;
};

/* Makes the first probe of a new run: secret and session are random. False with a whole sentence. */
bool etd_probe_begin(struct etd_probe *probe, const struct etd_settings *settings,
                     char error[ETD_COMPLAINT]);

/* Asks the addresses of the target in turn until one answers, and judges its answer; an answer that
 * is wrong ends the search. Waits until `deadline`, in microseconds of the monotonic clock, at
 * most. False with a whole sentence in `error`. */
bool etd_exchange_run(struct etd_exchange *exchange, struct etd_target *target, uint64_t deadline,
                      char error[ETD_COMPLAINT]);

/* The time between question and answer in nanoseconds. */
uint64_t etd_exchange_round_trip(const struct etd_exchange *exchange);

#endif
