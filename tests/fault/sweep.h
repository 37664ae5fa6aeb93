/* Runs the scenario again and again, with the next call failing each time, until none is left that
 * fails; and judges each run. */
#ifndef ECHOTIMED_TESTS_FAULT_SWEEP_H
#define ECHOTIMED_TESTS_FAULT_SWEEP_H

#include "fault/scenario.h"

/* Who may feel a failing call. Whatever it is: nobody gets a wrong byte, nothing hangs or crashes,
 * and at the end no memory and no descriptor is left. */
enum fault_effect {
    FAULT_UNFELT,   /* nobody */
    FAULT_HITS_ONE, /* the one connection that it was for may be cut off, by a reset */
    FAULT_PREVENTS, /* at the start it is refused, with status 71; later nobody */
    FAULT_STOPS     /* the daemon ends with status 71, and so do its connections */
};

/* A row of a test's table. */
struct fault_sweep {
    enum fault_call call;
    enum fault_effect effect;
    const int *errors;  /* 0 ends them */
    const char *option; /* for -o, or null */
};

#define FAULT_ERRORS(...)                                                                          \
    (const int[])                                                                                  \
    {                                                                                              \
        __VA_ARGS__, 0                                                                             \
    }

void fault_sweep(const struct fault_sweep *sweep);

/* One run. Gives how many calls failed. Fails the test unless the run went as `effect` says.
 * `report` is filled in, unless it is null. */
unsigned fault_run(const struct fault_plan *plan, enum fault_effect effect, size_t bulk,
                   struct fault_report *report);

#endif
