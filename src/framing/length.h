/* What the length-prefixed framings share: an unsigned length in network byte order that counts the
 * payload alone. `width` is the length's size in bytes. */
#ifndef ECHOTIMED_FRAMING_LENGTH_H
#define ECHOTIMED_FRAMING_LENGTH_H

#include "echotimed/framing.h"

static inline enum etd_decoded etd_length_decode(struct etd_bytes input, size_t width,
                                                 size_t max_message, struct etd_frame *frame)
{
    frame->size = width;
    if (input.size < width)
        return ETD_DECODED_MORE;
    struct etd_reader reader = etd_reader(input);
    /* Compared with the limit before anything is added: a length near the top of its type plus the
     * header's size must not wrap to a small number. */
    uint64_t announced = etd_read_uint(&reader, width);
    if (announced > max_message)
        return ETD_DECODED_TOO_LARGE;
    frame->size = width + (size_t)announced;
    if (input.size < frame->size)
        return ETD_DECODED_MORE;
    frame->payload = etd_read_bytes(&reader, (size_t)announced);
    frame->terminated = false;
    return ETD_DECODED_MESSAGE;
}

static inline void etd_length_encode(uint8_t *frame, size_t width, size_t payload_size)
{
    struct etd_writer writer = etd_writer(frame, width);
    etd_write_uint(&writer, payload_size, width);
}

#endif
