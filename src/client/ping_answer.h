/* What a payload means to a ping: whose answer it is, and whether it is a right one. */
#ifndef ECHOTIMED_CLIENT_PING_ANSWER_H
#define ECHOTIMED_CLIENT_PING_ANSWER_H

#include "client/ping_report.h"
#include "client/protocol.h"

/* Finds the probe that a payload answers, enters the answer in the books, and has its line told. Of
 * `run` all counts but the number and the time, which are the single probe's. */
void etd_ping_take(struct etd_ping_book *book, struct etd_ping_report *report,
                   const struct etd_probe *run, struct etd_bytes payload,
                   const struct etd_moment *came);

#endif
