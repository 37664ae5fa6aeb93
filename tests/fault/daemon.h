/* The real daemon, from its main on, in a child process with a fault plan. */
#ifndef ECHOTIMED_TESTS_FAULT_DAEMON_H
#define ECHOTIMED_TESTS_FAULT_DAEMON_H

#include "fault/plan.h"

#include <sys/types.h>

/* How long a state may take to come about: far more than it ever takes. */
enum { FAULT_DEADLINE_MS = 20000 };

/* How long accepting pauses at least, as src/daemon/shortage.c has it. */
enum { FAULT_PAUSE_MS = 100 };

/* The listeners of echotimed.ini, in its order. */
enum fault_listener {
    FAULT_RAW,
    FAULT_LINE,
    FAULT_LENGTH16,
    FAULT_TIME,
    FAULT_UDP_TIME,
    FAULT_LISTENERS
};

enum fault_exit {
    FAULT_EXITED,  /* by itself; its status is in the report */
    FAULT_CRASHED, /* by a signal, or a sanitizer */
    FAULT_HUNG     /* had to be killed */
};

struct fault_daemon {
    struct fault_plan plan;
    struct fault_report *report;
    pid_t pid;
    int process; /* a descriptor that can be polled */
    int ready;   /* so can this: a byte when it serves, the end when it is gone */
    int log;
    bool serves;
    enum fault_exit exit;
};

/* Starts it, and waits until it serves, or has ended. */
void fault_daemon_start(struct fault_daemon *daemon, const struct fault_plan *plan);

/* Where a listener is bound. */
uint16_t fault_daemon_port(const struct fault_daemon *daemon, enum fault_listener listener);

/* Asks it to end. */
void fault_daemon_terminate(const struct fault_daemon *daemon);

/* Asks it to read its configuration again. */
void fault_daemon_reload(const struct fault_daemon *daemon);

/* Waits until it has ended, and sets `exit`. */
void fault_daemon_wait(struct fault_daemon *daemon);

/* Waits until a counter of its report is at least `value`. */
void fault_daemon_await(const struct fault_daemon *daemon, const atomic_uint *counter,
                        unsigned value);

/* Its log so far; until the next call. */
const char *fault_daemon_log(const struct fault_daemon *daemon);

/* Gives everything back. The daemon must have ended. */
void fault_daemon_free(struct fault_daemon *daemon);

#endif
