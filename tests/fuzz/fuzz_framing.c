/* Every decoder with arbitrary bytes: in bounds, never at a standstill, and the messages are the same
 * whether the bytes come at once or in pieces.
 *
 * Input: framing, limit, size of the pieces, and the stream. */
#include "echotimed/framing.h"
#include "fuzz/fuzz.h"
#include "support/require.h"

/* What a stream was taken for, in short. */
struct reading {
    uint64_t hash;
    size_t messages;
    enum etd_decoded end; /* the verdict behind the last message */
    size_t used;
};

static void mix(struct reading *reading, uint64_t value)
{
    reading->hash = (reading->hash ^ value) * UINT64_C(0x100000001b3);
}

static void note(struct reading *reading, const struct etd_framing *framing,
                 const struct etd_frame *frame)
{
    for (size_t i = 0; i < frame->payload.size; i++)
        mix(reading, frame->payload.data[i]);
    if (!framing->bounded)
        return; /* its messages are whatever came at once */
    mix(reading, 256 + frame->payload.size);
    mix(reading, frame->terminated);
    reading->messages++;
}

static void check(const struct etd_framing *framing, struct etd_bytes input, size_t limit,
                  enum etd_decoded decoded, const struct etd_frame *frame)
{
    switch (decoded) {
    case ETD_DECODED_MESSAGE:
        ETD_REQUIRE(frame->size >= 1 && frame->size <= input.size);
        ETD_REQUIRE(frame->payload.size <= limit || !framing->bounded);
        ETD_REQUIRE(frame->payload.data >= input.data &&
                    frame->payload.data + frame->payload.size <= input.data + frame->size);
        break;
    case ETD_DECODED_MORE:
        ETD_REQUIRE(frame->size == 0 || frame->size > input.size);
        break;
    case ETD_DECODED_TOO_LARGE:
        ETD_REQUIRE(framing->bounded);
        break;
    case ETD_DECODED_TRUNCATED:
        ETD_REQUIRE(false && "decode never says truncated");
        break;
    }
}

/* Reads the stream as it comes in pieces of `piece` bytes. */
static struct reading read_stream(const struct etd_framing *framing, struct etd_bytes stream,
                                  size_t limit, size_t piece)
{
    struct reading reading = {.end = ETD_DECODED_MORE};
    size_t have = piece < stream.size ? piece : stream.size, seen = 0;
    for (;;) {
        struct etd_bytes input = etd_bytes(stream.data + reading.used, have - reading.used);
        struct etd_frame frame = {0};
        reading.end = ETD_DECODED_MORE;
        if (input.size > 0) {
            reading.end = framing->decode(input, seen, limit, &frame);
            check(framing, input, limit, reading.end, &frame);
        }
        if (reading.end == ETD_DECODED_MORE && have < stream.size) {
            seen = input.size;
            have = have + piece < stream.size ? have + piece : stream.size;
            continue;
        }
        if (reading.end == ETD_DECODED_MORE && input.size > 0)
            reading.end = framing->finish(input, &frame);
        if (input.size == 0 || reading.end != ETD_DECODED_MESSAGE)
            return reading;
        note(&reading, framing, &frame);
        reading.used += frame.size;
        seen = 0;
    }
}

/* What is read is written again, and must be what was read. */
static void check_encode(const struct etd_framing *framing, struct etd_bytes payload)
{
    size_t size = framing->header_size + payload.size + framing->trailer_size;
    if (payload.size > framing->payload_max || size == 0)
        return;
    if (memchr(payload.data, '\n', payload.size) != NULL && framing->trailer_size > 0)
        return; /* no line has an LF in it */
    uint8_t *frame = malloc(size);
    ETD_REQUIRE(frame != NULL);
    memcpy(frame + framing->header_size, payload.data, payload.size);
    framing->encode(frame, payload.size);
    struct etd_frame decoded = {0};
    ETD_REQUIRE(framing->decode(etd_bytes(frame, size), 0, SIZE_MAX, &decoded) ==
                ETD_DECODED_MESSAGE);
    ETD_REQUIRE(decoded.size == size && etd_bytes_equal(decoded.payload, payload));
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    const struct etd_framing *framing = etd_framings[data[0] % ETD_FRAMING_COUNT];
    size_t limit = data[1] == 255 ? SIZE_MAX - 1 : 1 + (size_t)data[1];
    size_t piece = 1 + (size_t)data[2] % 32;
    struct etd_bytes stream = etd_bytes(data + 3, size - 3);
    struct reading whole = read_stream(framing, stream, limit, stream.size);
    struct reading pieces = read_stream(framing, stream, limit, piece);
    ETD_REQUIRE(whole.hash == pieces.hash);
    ETD_REQUIRE(whole.messages == pieces.messages);
    ETD_REQUIRE(whole.end == pieces.end);
    ETD_REQUIRE(whole.used == pieces.used);
    check_encode(framing, stream);
    return 0;
}
