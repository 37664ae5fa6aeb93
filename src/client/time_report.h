/* What `time` has found out, for people and as JSON. */
#ifndef ECHOTIMED_CLIENT_TIME_REPORT_H
#define ECHOTIMED_CLIENT_TIME_REPORT_H

#include "client/command.h"
#include "client/exchange.h"
#include "client/output.h"

struct etd_time_report {
    const struct etd_target *target;
    const struct etd_exchange *exchange;
    bool offset_known;
    struct etd_clock_offset
        offset; /* its bound includes the server's own error, where it tells one */
};

/* Computes the offset, where the answer tells a time. */
void etd_time_report_make(struct etd_time_report *report, const struct etd_target *target,
                          const struct etd_exchange *exchange);

/* Prints lines of a name and what there is to say. */
void etd_time_report_print(const struct etd_time_report *report);

/* Prints the server's time alone; its own text, where that cannot be understood. */
void etd_time_report_print_time(const struct etd_time_report *report);

/* Adds all keys but "url", "ok" and "error". */
void etd_time_report_json(const struct etd_time_report *report, struct etd_json *json);

#endif
