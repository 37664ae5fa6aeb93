/* line: a message ends in LF. A CR before the LF belongs to the message. */
#include "framing/rows.h"

#include <string.h>

static enum etd_decoded decode(struct etd_bytes input, size_t seen, size_t max_message,
                               struct etd_frame *frame)
{
    const uint8_t *lf = memchr(input.data + seen, '\n', input.size - seen);
    size_t size = lf != NULL ? (size_t)(lf - input.data) : input.size;
    if (size > max_message)
        return ETD_DECODED_TOO_LARGE;
    if (lf == NULL) {
        frame->size = 0;
        return ETD_DECODED_MORE;
    }
    *frame = (struct etd_frame){
        .size = size + 1, .payload = etd_bytes(input.data, size), .terminated = true};
    return ETD_DECODED_MESSAGE;
}

/* The last line may lack its LF; what it is answered lacks it too. */
static enum etd_decoded finish(struct etd_bytes rest, struct etd_frame *frame)
{
    *frame = (struct etd_frame){.size = rest.size, .payload = rest};
    return ETD_DECODED_MESSAGE;
}

static void encode(uint8_t *frame, size_t payload_size)
{
    frame[payload_size] = '\n';
}

const struct etd_framing etd_framing_line = {
    .name = "line",
    .help = "a message ends in LF",
    .bounded = true,
    .trailer_size = 1,
    .payload_max = SIZE_MAX - 1,
    .decode = decode,
    .finish = finish,
    .encode = encode,
};
