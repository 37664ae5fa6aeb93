/* What load sends: messages of one size, each different from all others under way on any connection,
 * so that a reply that is damaged, doubled, missing, late or another connection's is noticed.
 *
 *     header | stamp | body | trailer
 *
 * Header and trailer are the framing's. The stamp, up to 8 bytes, holds the numbers of connection and
 * message and a check of both; the body is a piece of fixed random bytes that begins at another place for the next
 * message. Nothing is kept for a message: each byte of it can be told from its numbers. No byte is
 * CR or LF, so that any framing can carry it. */
#ifndef ECHOTIMED_CLIENT_LOAD_MESSAGE_H
#define ECHOTIMED_CLIENT_LOAD_MESSAGE_H

#include "echotimed/bytes.h"
#include "echotimed/framing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ETD_LOAD_STAMP = 8,
    ETD_LOAD_PHASES = 64, /* places where a body may begin */
    ETD_LOAD_PREFIX = 16  /* bytes that hold any header and stamp */
};

/* Numbers that a stamp can tell apart. */
#define ETD_LOAD_CONNECTIONS_MAX (UINT32_C(1) << 20)
#define ETD_LOAD_NUMBERS (UINT64_C(1) << 29)

struct etd_load_messages {
    size_t size;       /* of the payload */
    size_t stamp_size; /* the lesser of size and ETD_LOAD_STAMP */
    size_t header_size;
    size_t trailer_size;
    size_t frame_size; /* of all */
    uint8_t *bytes;    /* header, trailer, and from `pattern` on what bodies are pieces of */
    const uint8_t *pattern;
};

/* `size` is at most the framing's payload_max, and at least 1 where it has neither header nor trailer.
 * False: no memory. */
bool etd_load_messages_open(struct etd_load_messages *messages, const struct etd_framing *framing,
                            size_t size);
void etd_load_messages_close(struct etd_load_messages *messages);

/* Writes `room` bytes of the endless stream of a connection's messages, from byte `offset` (less than
 * frame_size) of message `number` on. */
void etd_load_fill(const struct etd_load_messages *messages, uint32_t connection, uint64_t number,
                   size_t offset, uint8_t *to, size_t room);

/* How far the stream of replies has come. */
struct etd_load_reader {
    uint64_t expected; /* the number of the next reply */
    uint64_t claimed;  /* the number that the reply at hand shows; only once offset passed prefix */
    size_t offset;     /* bytes of it that were looked at */
    bool damaged;      /* so far */
    uint8_t prefix[ETD_LOAD_PREFIX];
};

/* Takes whole replies that are as they should be off the front of `replies`, and gives how many.
 * `sent`, here and below: messages below this number were sent; no other can be answered. */
uint64_t etd_load_match(const struct etd_load_messages *messages, uint32_t connection,
                        uint64_t sent, struct etd_load_reader *reader, struct etd_bytes *replies);

enum etd_load_verdict {
    ETD_LOAD_MORE,    /* all was looked at, and the reply is not complete */
    ETD_LOAD_RIGHT,   /* the expected one */
    ETD_LOAD_DAMAGED, /* of no message that was sent; it counts for the expected one, if any is */
    ETD_LOAD_EARLY,   /* right, but others were to come before: *skipped of them */
    ETD_LOAD_LATE     /* right, but a later one was here before, or this one was */
};

/* Takes one reply, whatever it is, or the piece of it that is there; `replies` is not empty. */
enum etd_load_verdict etd_load_take(const struct etd_load_messages *messages, uint32_t connection,
                                    uint64_t sent, struct etd_load_reader *reader,
                                    struct etd_bytes *replies, uint64_t *skipped);

/* For datagrams: the number of the message that these bytes are, of which the last 29 bits are known
 * and which is near `near`. False when they are no message of that connection's. */
bool etd_load_identify(const struct etd_load_messages *messages, uint32_t connection, uint64_t near,
                       struct etd_bytes datagram, uint64_t *number);

#endif
