/* What is counted for a [tcp] section.
 *
 * A reload makes a new listener for each section, and the connections of the old one go on with that;
 * the section's tally is one for all of them, as long as there is any. */
#ifndef ECHOTIMED_DAEMON_TCP_TALLY_H
#define ECHOTIMED_DAEMON_TCP_TALLY_H

#include "daemon/section.h"
#include "echotimed/counters.h"

struct etd_tcp_tally {
    char title[ETD_SECTION_TITLE];
    uint16_t number; /* by which sources are counted; no other tally has it */
    uint32_t users;  /* listeners */
    struct etd_tcp_counters counters;
    struct etd_tcp_tally *next;
};

/* All there are, in the order in which they came. Zero-initialised. */
struct etd_tcp_tallies {
    struct etd_tcp_tally *first;
    uint16_t number; /* of the one that was made last */
};

/* The tally of the section with that title, for one more user: the one there is, or a new one. Null:
 * out of memory, or of numbers. */
struct etd_tcp_tally *etd_tcp_tally_take(struct etd_tcp_tallies *tallies, const char *title);

/* One user fewer; the last one's is freed. */
void etd_tcp_tally_give(struct etd_tcp_tallies *tallies, struct etd_tcp_tally *tally);

#endif
