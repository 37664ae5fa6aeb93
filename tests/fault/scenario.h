/* What the daemon is put through in each run: connections of every framing, one after the other, with
 * a witness that stays open beside them and must never feel what happens to the others. */
#ifndef ECHOTIMED_TESTS_FAULT_SCENARIO_H
#define ECHOTIMED_TESTS_FAULT_SCENARIO_H

#include "fault/stream.h"

enum { FAULT_STREAMS = 10 };

struct fault_scenario {
    struct fault_stream streams[FAULT_STREAMS]; /* the witness first */
    size_t count;
    bool datagrams_answered;
};

/* Plays it on a daemon that serves, has the daemon end, and waits for that. `bulk`: bytes of the long
 * transfers, at most 1 MiB. */
void fault_scenario_play(struct fault_scenario *scenario, struct fault_daemon *daemon, size_t bulk);

#endif
