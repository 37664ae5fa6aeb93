/* The books of a ping: what became of each probe, and the figures of all. It neither sends nor waits:
 * moments come in, and what a reply means comes out. */
#ifndef ECHOTIMED_CLIENT_PING_BOOK_H
#define ECHOTIMED_CLIENT_PING_BOOK_H

#include "client/moment.h"
#include "echotimed/histogram.h"

#include <stdbool.h>
#include <stdint.h>

/* Probes whose fate is known; older ones that are still waited for are given up. At the shortest
 * interval, 1 ms, it is 16 s. */
enum { ETD_PING_WINDOW = 16384 };

enum etd_ping_fate {
    ETD_PING_NONE, /* never sent, or forgotten */
    ETD_PING_WAITING,
    ETD_PING_LOST,    /* its time is over; it may still come, late */
    ETD_PING_ANSWERED /* rightly or not, in time or not */
};

struct etd_ping_probe {
    uint32_t number;
    enum etd_ping_fate fate;
    struct etd_moment sent;
};

/* Of the times one way. */
struct etd_ping_delays {
    uint64_t count;
    int64_t least; /* nanoseconds; below zero where clocks differ */
    int64_t greatest;
    double sum;
};

struct etd_ping_book {
    uint64_t timeout; /* nanoseconds */
    uint32_t next;    /* number of the probe to be sent next; the first is 1 */
    uint32_t oldest;  /* of those that may be waited for; next: there is none */
    uint32_t highest; /* that was answered; 0: none was */

    /* sent = received + late + damaged + lost + waiting. */
    uint64_t sent, received, late, damaged, lost, waiting;
    uint64_t duplicates; /* copies of answers that had come */
    uint64_t reordered;  /* of the received and the late: came behind one that was sent later */
    uint64_t strays;     /* replies to no probe that is known */

    struct etd_histogram round_trips; /* of the received and the late */
    uint64_t last_round_trip;
    uint64_t jitter; /* RFC 3550 section 6.4.1, times 16 */
    struct etd_ping_delays forward, back;

    struct etd_ping_probe probes[ETD_PING_WINDOW]; /* at number % ETD_PING_WINDOW */
};

/* What a reply is. */
struct etd_ping_reply {
    uint32_t number;
    bool known; /* else a stray, and the rest says nothing */
    bool late;
    bool duplicate;
    bool reordered;
    bool damaged;
    uint64_t round_trip; /* nanoseconds */
};

void etd_ping_book_begin(struct etd_ping_book *book, uint64_t timeout);

/* Enters a probe; gives its number. */
uint32_t etd_ping_book_send(struct etd_ping_book *book, struct etd_moment now);

/* The probe of that number; null when it is not known (any more). */
struct etd_ping_probe *etd_ping_book_find(struct etd_ping_book *book, uint32_t number);

/* The oldest probe that waits; null when none does. */
struct etd_ping_probe *etd_ping_book_oldest(struct etd_ping_book *book);

/* Whose turn it is where replies come in the order of the probes: the oldest that was not answered; a
 * lost one only where nothing is lost for good (TCP), or where none waits. Null: all were. */
struct etd_ping_probe *etd_ping_book_turn(struct etd_ping_book *book, bool reliable);

/* Enters a reply to a probe, in whatever state it came. */
struct etd_ping_reply etd_ping_book_reply(struct etd_ping_book *book, uint32_t number,
                                          struct etd_moment came, bool damaged);

/* Enters the delays each way of a right answer, in nanoseconds. */
void etd_ping_book_delays(struct etd_ping_book *book, int64_t forward, int64_t back);

/* Gives up a probe that waits. */
void etd_ping_book_lose(struct etd_ping_book *book, struct etd_ping_probe *probe);

/* Gives up the oldest probe that waits, if its time is over at `now` (nanoseconds of the
 * monotonic clock); gives its number, 0 when there is none. Call until then. */
uint32_t etd_ping_book_expire(struct etd_ping_book *book, uint64_t now);

#endif
