/* Send: standard input goes to the far end as messages, replies go to standard output, both at once and
 * in constant memory: whatever is slow, the input, the far end or the reader of the output, only stops
 * those that wait for it.
 *
 * Over TCP: with framing raw bytes pass as they come. With line they do so too, since a line is what
 * the input has anyway. With length16 and length32 each line of the input, without its LF, becomes a
 * frame, and each reply's payload a line of the output; the last line may lack its LF. A line has at
 * most ETD_SEND_LINE_MAX bytes then, and no more than the header can announce. At the end of the input
 * the connection is half-closed, and what still comes is waited for.
 * Over UDP: each line, without its LF, is a datagram, and each datagram received is a line. */
#ifndef ECHOTIMED_CLIENT_SEND_H
#define ECHOTIMED_CLIENT_SEND_H

#include "client/target.h"
#include "echotimed/buffer.h"
#include "echotimed/framing.h"

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    ETD_SEND_PIECE =
        64 * 1024, /* bytes read at a time; a buffer that holds more takes no more in */
    ETD_SEND_LINE_MAX = 16 << 20,
    ETD_SEND_DATAGRAM_MAX =
        65527, /* what UDP over IPv6 carries; IPv4's 65,507 the kernel enforces */
    ETD_SEND_MEMORY = 4 * ETD_SEND_LINE_MAX
};

/* How standard input or output has to be treated. Its descriptor is shared with whoever started us, so
 * that it must stay as it is, blocking mostly. */
enum etd_send_kind {
    ETD_SEND_FILE,   /* never makes us wait long, and cannot be waited for */
    ETD_SEND_PIPE,   /* or a terminal: once it is ready, one piece passes without waiting */
    ETD_SEND_SOCKET, /* each call can be told not to wait */
    ETD_SEND_ABSENT  /* not open at all */
};

/* Replies as they come, in pieces, with framing length16 or length32. */
struct etd_send_unframer {
    size_t header; /* bytes of the header that are there; all of it: the payload has begun */
    uint64_t left; /* bytes of the payload to come */
};

struct etd_send {
    const struct etd_settings *settings;
    const struct etd_framing *framing; /* null: UDP */
    struct etd_target target;
    struct ev_loop *loop;
    ev_io in, out, net;
    ev_timer idle;
    enum etd_send_kind in_kind, out_kind;
    struct etd_pool pool;
    struct etd_buffer lines; /* input that is to be cut into frames or datagrams yet */
    size_t lines_seen;       /* bytes of it that have no LF */
    struct etd_buffer up;    /* to the far end */
    struct etd_buffer down;  /* to standard output */
    struct etd_send_unframer unframer;
    bool input_ended;
    bool input_terminated; /* its last byte was an LF, or there was none */
    bool output_terminated;
    bool shut;            /* our half of the connection is closed */
    bool peer_ended;      /* the far end's half */
    uint64_t progress_us; /* when something last moved */
    int unconfirmed; /* bytes that the far end's kernel had to confirm yet when `idle` looked */
    uint64_t messages;
    uint64_t replies;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    bool failed;
    char error[ETD_COMPLAINT];
};

/* send_stdio.c */

/* What a descriptor is. */
enum etd_send_kind etd_send_kind_of(int fd);

/* Reads or writes once without waiting, after the loop said that the descriptor is ready. Give what
 * read(2) and write(2) give; EAGAIN: not now. */
ssize_t etd_send_read(int fd, enum etd_send_kind kind, void *to, size_t size);
ssize_t etd_send_write(int fd, enum etd_send_kind kind, const void *from, size_t size);

/* send_lines.c */

/* Cuts the next line off `lines`: its bytes without the LF, valid until `lines` changes; *size is what
 * to drop of `lines` then. False: no whole line is there (and not the last one either). */
bool etd_send_next_line(struct etd_send *send, struct etd_bytes *line, size_t *size);

/* Moves whole lines from `lines` to `up` as frames, as long as `up` holds less than a piece. False:
 * send->failed. */
bool etd_send_frame_lines(struct etd_send *send);

/* Appends to `down` what the received bytes say: payloads, and an LF behind each. False likewise. */
bool etd_send_unframe(struct etd_send *send, struct etd_bytes received);

/* Whether the replies ended inside of one; says so in send->error then. */
bool etd_send_is_cut(struct etd_send *send);

/* send.c */

/* A sentence on what went wrong; the first one stays. Ends the loop. */
__attribute__((format(printf, 2, 3))) void etd_send_fail(struct etd_send *send, const char *format,
                                                         ...);

/* Runs until the end over a connected socket. */
void etd_send_run(struct etd_send *send, int fd);

/* The two ways to the far end: each moves what can be moved now. */
struct etd_send_way {
    void (*receive)(struct etd_send *send);          /* from the socket to `down` */
    void (*transmit)(struct etd_send *send);         /* from the input's buffers to the socket */
    bool (*wants_room)(const struct etd_send *send); /* something waits to be sent */
    void (*finish)(struct etd_send *send); /* called when the input has ended and all was sent */
    void (*idle)(struct etd_send *send);   /* nothing moved for --timeout, for want of the far end:
                                            * fails, unless it finds that things do go on */
};

extern const struct etd_send_way etd_send_stream, etd_send_datagrams;

#endif
