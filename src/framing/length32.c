/* length32: a message follows its length, 32 bits in network byte order. */
#include "framing/length.h"
#include "framing/rows.h"

enum { WIDTH = 4 };

static enum etd_decoded decode(struct etd_bytes input, size_t seen, size_t max_message,
                               struct etd_frame *frame)
{
    (void)seen;
    return etd_length_decode(input, WIDTH, max_message, frame);
}

static enum etd_decoded finish(struct etd_bytes rest, struct etd_frame *frame)
{
    (void)rest;
    (void)frame;
    return ETD_DECODED_TRUNCATED;
}

static void encode(uint8_t *frame, size_t payload_size)
{
    etd_length_encode(frame, WIDTH, payload_size);
}

const struct etd_framing etd_framing_length32 = {
    .name = "length32",
    .help = "a message follows its length, 32 bits in network byte order",
    .bounded = true,
    .header_size = WIDTH,
    .payload_max = UINT32_MAX,
    .decode = decode,
    .finish = finish,
    .encode = encode,
};
