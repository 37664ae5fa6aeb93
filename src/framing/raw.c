/* raw: every byte is answered as it comes, with no bound on length. */
#include "framing/rows.h"

static enum etd_decoded decode(struct etd_bytes input, size_t seen, size_t max_message,
                               struct etd_frame *frame)
{
    (void)seen;
    (void)max_message;
    *frame = (struct etd_frame){.size = input.size, .payload = input};
    return ETD_DECODED_MESSAGE;
}

static enum etd_decoded finish(struct etd_bytes rest, struct etd_frame *frame)
{
    return decode(rest, 0, 0, frame);
}

static void encode(uint8_t *frame, size_t payload_size)
{
    (void)frame;
    (void)payload_size;
}

const struct etd_framing etd_framing_raw = {
    .name = "raw",
    .help = "bytes are answered as they come",
    .bounded = false,
    .payload_max = SIZE_MAX,
    .decode = decode,
    .finish = finish,
    .encode = encode,
};
