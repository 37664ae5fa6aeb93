/* Load: many messages to an echo, over many connections, with every byte of the replies checked and
 * every reply's time taken.
 *
 * A closed loop (rate 0) keeps `depth` messages under way on each connection: the next is asked when
 * one is answered, and a latency is counted from there. An open loop fixes in advance when each message
 * is to be sent: message k of all at k / rate seconds, on the connections in turn. Its latency counts
 * from that time, whether it could be sent then or had to wait for a server that paused, for room in
 * the socket, or for `depth`: what the server's users would have waited is in the figures.
 *
 * At the end of the duration no further message is begun. One that the kernel has in part is finished,
 * and what is under way is waited for, all within one time-out. Messages that a closed loop would have
 * sent next are nobody's loss; those of an open loop were due, and are counted as unsent. */
#ifndef ECHOTIMED_CLIENT_LOAD_H
#define ECHOTIMED_CLIENT_LOAD_H

#include "client/target.h"
#include "echotimed/framing.h"
#include "echotimed/histogram.h"

#include <stdbool.h>
#include <stdint.h>

struct etd_load_result {
    struct etd_histogram latency; /* of right replies */
    uint64_t sent;                /* messages that the kernel took whole */
    uint64_t unsent;     /* those that were due (open loop) or begun, and that it did not */
    uint64_t right;      /* replies that were the message expected, to the last byte */
    uint64_t damaged;    /* replies that were no message of ours, or not quite */
    uint64_t duplicated; /* replies that had been there before */
    uint64_t reordered;  /* replies behind that of a later message. UDP: counted in `right` too */
    uint64_t late;       /* UDP: replies to messages that were given up, and so are missing */
    uint64_t overrun;    /* UDP: replies that this host dropped, its receive buffers being full */
    uint64_t missing;    /* sent messages without a reply, right, reordered or (TCP) damaged */
    uint64_t held_back;  /* open loop: messages that had to wait for `depth` */
    uint64_t behind_ns;  /* open loop: the most that this client itself was behind its schedule */
    uint64_t elapsed_ns; /* from the first message until the last was asked for and answered */
    uint32_t opened;     /* connections; UDP: sockets */
    uint32_t unopened;
    uint32_t lost;    /* of those opened, before the end */
    int open_failure; /* errno of the first one unopened */
    int lost_failure; /* of the first one lost; 0: the server closed it */
    bool interrupted; /* by a signal */
};

struct etd_load_plan {
    struct etd_target *target; /* found, not yet connected */
    const struct etd_framing *framing;
    uint32_t connections;
    uint32_t depth;
    uint32_t rate; /* 0: closed loop */
    size_t size;
    uint64_t duration_ns;
    uint64_t timeout_ns; /* for a connect, for a datagram's reply, and in all after the end */
    /* Called about four times a second while it runs; null: not. */
    void (*progress)(void *data, const struct etd_load_result *so_far, uint64_t running_ns);
    void *data;
};

/* Whether all that was asked was answered rightly, on every connection. */
bool etd_load_is_good(const struct etd_load_result *result);

/* Runs the plan until its end or a SIGINT or SIGTERM (a second one: at once). False with a sentence in
 * `error` when not one connection could be opened, or the system refused what it takes. */
bool etd_load_run(const struct etd_load_plan *plan, struct etd_load_result *result,
                  char error[ETD_COMPLAINT]);

#endif
