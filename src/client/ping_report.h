/* What a ping says: a line for each reply and each loss, and the summary. */
#ifndef ECHOTIMED_CLIENT_PING_REPORT_H
#define ECHOTIMED_CLIENT_PING_REPORT_H

#include "client/ping_book.h"
#include "client/target.h"

struct etd_ping_report {
    const struct etd_settings *settings;
    const struct etd_target *target;
    const struct etd_ping_book *book;
    struct etd_moment began;
    bool wrong;      /* an answer was: the exit status says so */
    bool unreliable; /* times one way were told while a clock was not synchronised, */
    bool ours;       /* this host's, */
    bool theirs;     /* the server's */
};

/* What a reply line tells. */
struct etd_ping_line {
    struct etd_ping_reply reply;
    size_t bytes;
    const char *why; /* it is damaged or a stray */
    bool delays;     /* the times one way are known: */
    int64_t forward;
    int64_t back;
    bool unreliable; /* and worth little */
};

/* The first line; again when another address is tried. */
void etd_ping_report_begin(const struct etd_ping_report *report);
void etd_ping_report_reply(const struct etd_ping_report *report, const struct etd_ping_line *line);
void etd_ping_report_lost(const struct etd_ping_report *report, uint32_t number, const char *why);

/* `error`: why it ended before its time, null otherwise. */
void etd_ping_report_end(const struct etd_ping_report *report, const char *error, bool ok);

#endif
