/* When load asks: for how long, and in an open loop for which message at which time. */
#ifndef ECHOTIMED_CLIENT_LOAD_SCHEDULE_H
#define ECHOTIMED_CLIENT_LOAD_SCHEDULE_H

#include "client/load_engine.h"

/* Takes the timer that it needs. False with a sentence in `error`. */
bool etd_load_schedule_open(struct etd_load *load, char error[ETD_COMPLAINT]);
void etd_load_schedule_close(struct etd_load *load);

/* The first message is due now. */
void etd_load_schedule_start(struct etd_load *load);

/* No more messages become due or are begun, and the wait for replies has an end, too. */
void etd_load_schedule_stop(struct etd_load *load);

#endif
