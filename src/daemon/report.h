/* Where the figures of a server are found: what /metrics and the log tell. */
#ifndef ECHOTIMED_DAEMON_REPORT_H
#define ECHOTIMED_DAEMON_REPORT_H

#include "echotimed/metrics.h"

struct etd_server;

/* The server at one moment. */
struct etd_report {
    const struct etd_server *server;
    struct etd_process_figures process;
};

/* Takes the figures of the process now; those of the listeners are read when they are asked for. */
void etd_report_begin(struct etd_report *report, struct etd_server *server);

/* What the texts are made of; the report must outlive it. */
struct etd_metrics_source etd_report_source(const struct etd_report *report);

#endif
