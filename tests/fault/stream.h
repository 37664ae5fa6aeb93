/* TCP connections and datagrams of the test, which know what is due to them. */
#ifndef ECHOTIMED_TESTS_FAULT_STREAM_H
#define ECHOTIMED_TESTS_FAULT_STREAM_H

#include "echotimed/bytes.h"
#include "fault/daemon.h"

enum fault_end {
    FAULT_OPEN,
    FAULT_COMPLETE,  /* everything that was due came, and then a clean end */
    FAULT_CUT_RESET, /* a part of it, and a reset */
    FAULT_CUT_CLEAN, /* a part of it, and an end like any other */
    FAULT_REFUSED,   /* there was no connection */
    FAULT_WRONG,     /* something that was not due came */
    FAULT_STUCK      /* nothing came, for longer than anything takes */
};

/* The monotonic clock, in milliseconds. */
int64_t fault_now_ms(void);

const char *fault_end_name(enum fault_end end);

struct fault_stream {
    const char *name;
    const struct fault_daemon *daemon;
    int fd;
    uint16_t port; /* our own */
    enum fault_end end;
};

void fault_stream_open(struct fault_stream *stream, const char *name,
                       const struct fault_daemon *daemon, enum fault_listener listener);

/* Each of these does nothing once the stream has ended. */

/* Sends bytes while it receives what is due for them. */
void fault_stream_exchange(struct fault_stream *stream, struct etd_bytes send,
                           struct etd_bytes due);

/* The same, reading nothing until the daemon's socket takes no more. */
void fault_stream_press(struct fault_stream *stream, struct etd_bytes send, struct etd_bytes due);

/* Sends our FIN, and receives what is due for that. */
void fault_stream_half_close(struct fault_stream *stream, struct etd_bytes due);

/* Waits for the end, after our own FIN where `half_close` says so; nothing more is due. */
void fault_stream_finish(struct fault_stream *stream, bool half_close);

/* Asks a time by UDP until an answer comes, which must be so many digits. False: none ever did. */
bool fault_datagram_ask(const struct fault_daemon *daemon, enum fault_listener listener,
                        struct etd_bytes query, size_t digits);

#endif
