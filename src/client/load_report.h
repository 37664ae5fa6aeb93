/* How load tells what it found: a line that lives while it runs, and the end for people or as JSON. */
#ifndef ECHOTIMED_CLIENT_LOAD_REPORT_H
#define ECHOTIMED_CLIENT_LOAD_REPORT_H

#include "client/load.h"

struct etd_load_report {
    const struct etd_load_plan *plan;
    const struct etd_settings *settings;
    size_t shown;        /* columns of the line on the terminal */
    uint64_t right;      /* replies when it was shown last */
    uint64_t running_ns; /* and when that was */
};

/* Writes the line to standard error, over the one before. `data` is the report. */
void etd_load_report_progress(void *data, const struct etd_load_result *result,
                              uint64_t running_ns);

/* Wipes the line. */
void etd_load_report_wipe(struct etd_load_report *report);

/* Prints the result on standard output, and on standard error a sentence for each thing that went
 * wrong and what to try. */
void etd_load_report_print(const struct etd_load_report *report,
                           const struct etd_load_result *result);

#endif
