/* The log: one line a message on standard error, which never blocks the loop.
 *
 * Under the journal (JOURNAL_STREAM names standard error) a line carries a syslog priority prefix and
 * no time; elsewhere an RFC 3339 time in UTC. A line that cannot be written at once (a full pipe, a
 * stopped journal) is dropped and counted, and the count is told before the next line that passes.
 * A regular file is just written. SIGPIPE must be ignored: standard error may be a pipe whose reader
 * went away. Not for several threads at once, nor for signal handlers. */
#ifndef ECHOTIMED_PLATFORM_LOG_H
#define ECHOTIMED_PLATFORM_LOG_H

#include "echotimed/log_level.h"

#include <stdbool.h>
#include <stdint.h>

/* The longest line, its prefix and LF included; what is longer is cut and ends in "...". */
enum { ETD_LOG_LINE = 1024 };

/* Looks at standard error once. Before it, lines are written as after it on a terminal. */
void etd_log_open(void);

/* Gives back what etd_log_open took. Logging goes on as before it. */
void etd_log_close(void);

/* Lines less important than `level` are left out. Starts at ETD_LOG_INFO. */
void etd_log_set_level(enum etd_log_level level);

/* Logs "message pairs": a short fixed message, and printf(3)-formatted key=value pairs, which may be
 * the empty string. Keeps errno. Control characters, the backslash, and bytes that are not printable
 * ASCII or UTF-8 are written as \xHH, so that nothing that a peer or a file says can forge a line. */
void etd_log(enum etd_log_level level, const char *message, const char *pairs, ...)
    __attribute__((format(printf, 3, 4)));

/* How many lines were lost so far because nobody read them. */
uint64_t etd_log_lost(void);

/* Bounds how often one kind of line is logged, for what a peer can cause in bulk. Zero-initialised. */
struct etd_log_limit {
    uint64_t next;       /* monotonic milliseconds before which nothing passes */
    uint64_t suppressed; /* lines held back since the last that passed */
};

/* Whether a line may be logged at `now` (monotonic milliseconds): at most one a second. When it may,
 * *suppressed is how many were held back since the last one. */
bool etd_log_limit_pass(struct etd_log_limit *limit, uint64_t now, uint64_t *suppressed);

#endif
