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

/* What went wrong and what to try, a sentence each, the gravest first. */
struct etd_load_complaints {
    char list[7][ETD_COMPLAINT];
    size_t count;
};

void etd_load_complain(struct etd_load_complaints *complaints, const struct etd_load_plan *plan,
                       const struct etd_load_result *result);

/* Prints the result on standard output, and the complaints on standard error; in JSON the first
 * of them is "error". */
void etd_load_report_print(const struct etd_load_report *report,
                           const struct etd_load_result *result);

#endif
