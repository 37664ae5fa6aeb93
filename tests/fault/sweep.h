/* Runs the scenario again and again, with the next call failing each time, until none is left that
 * fails; and judges each run. */
#ifndef ECHOTIMED_TESTS_FAULT_SWEEP_H
#define ECHOTIMED_TESTS_FAULT_SWEEP_H

#include "fault/scenario.h"

#include <check.h>

/* Who may feel a failing call; they can be combined. Whatever it is: nobody gets a wrong byte, nothing
 * hangs or crashes, and at the end no memory and no descriptor is left. */
enum fault_effect {
    FAULT_UNFELT = 0,
    FAULT_HITS_ONE = 1, /* the one connection that it was for may be cut off, by a reset */
    FAULT_HITS_ANY = 2, /* so may any but the witness */
    FAULT_STOPS = 4,    /* the daemon ends with status 71, and so do its connections */
    FAULT_PREVENTS = 8  /* at the start it is refused, with status 71 */
};

/* A row of a test's table. */
struct fault_sweep {
    enum fault_call call;
    unsigned effects;
    const int *errors; /* 0 ends them */
};

#define FAULT_ERRORS(...)                                                                          \
    (const int[])                                                                                  \
    {                                                                                              \
        __VA_ARGS__, 0                                                                             \
    }

void fault_sweep(const struct fault_sweep *sweep);

/* A suite of one test, which runs once for each row of a table. */
Suite *fault_sweep_suite(const char *name, const TTest *test, int rows);

/* The same for one plan, of which `at` is set for each run. */
void fault_sweep_plan(struct fault_plan plan, unsigned effects);

/* One run. Gives how many calls failed. Fails the test unless the run went as `effects` says.
 * `report` is filled in, unless it is null. */
unsigned fault_run(const struct fault_plan *plan, unsigned effects, size_t bulk,
                   struct fault_report *report);

/* Fails the test unless a daemon that has ended did so as `effects` says. */
void fault_judge_end(const struct fault_daemon *daemon, unsigned effects);

#endif
