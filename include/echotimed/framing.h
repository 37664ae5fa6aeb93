/* Framing: how a TCP byte stream is cut into messages. TCP keeps no boundaries: what was sent in one
 * piece arrives in several, and what was sent in several arrives in one. A framing finds the
 * messages again. It keeps no state: it looks at the bytes that stand at the front of the input. */
#ifndef ECHOTIMED_FRAMING_H
#define ECHOTIMED_FRAMING_H

#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Index into etd_framings. */
enum etd_framing_id {
    ETD_FRAMING_RAW,
    ETD_FRAMING_LINE,
    ETD_FRAMING_LENGTH16,
    ETD_FRAMING_LENGTH32,
    ETD_FRAMING_COUNT
};

/* What stands at the front of the input. */
struct etd_frame {
    size_t size;              /* bytes of the whole frame on the wire */
    struct etd_bytes payload; /* the message, a view into the input */
    bool terminated;          /* an LF followed the payload and is not part of it */
};

enum etd_decoded {
    ETD_DECODED_MORE, /* no whole frame yet; frame->size is what it will take, 0 when not known */
    ETD_DECODED_MESSAGE,   /* `frame` is filled in */
    ETD_DECODED_TOO_LARGE, /* the payload is longer than the limit; nothing behind can be found */
    ETD_DECODED_TRUNCATED  /* from `finish` alone: the input ended inside a frame */
};

/* One row of the table: constant, without state, safe to share. */
struct etd_framing {
    const char *name;
    const char *help;     /* one line for the manual page */
    bool bounded;         /* max_message applies */
    uint8_t header_size;  /* bytes that `encode` puts before a payload */
    uint8_t trailer_size; /* and behind it */
    size_t payload_max;   /* the greatest payload that the header can announce */

    /* Looks for a frame at the front of `input`, which is not empty. `seen` bytes of it were there at
     * an earlier call that answered MORE: they need not be searched again. `max_message` bounds the
     * payload. Never reads past the input, whatever length a header announces. */
    enum etd_decoded (*decode)(struct etd_bytes input, size_t seen, size_t max_message,
                               struct etd_frame *frame);

    /* The input has ended behind `rest`, which is not empty and for which `decode` answered MORE.
     * Gives MESSAGE (the whole rest) or TRUNCATED. */
    enum etd_decoded (*finish)(struct etd_bytes rest, struct etd_frame *frame);

    /* Makes a frame of the payload that already stands at `frame` + header_size, by writing the
     * header before it and the trailer behind it. The payload is at most payload_max. */
    void (*encode)(uint8_t *frame, size_t payload_size);
};

/* In the order of enum etd_framing_id. */
extern const struct etd_framing *const etd_framings[ETD_FRAMING_COUNT];

#endif
