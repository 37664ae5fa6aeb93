#include "client/load_message.h"

#include <stdlib.h>

enum { PARTS = 3, NUMBER_BITS = 29 };

/* A high bit in each byte: no stamp has CR or LF. */
static const uint64_t high_bits = 0x8080808080808080;
/* Puts the sequences of two connections far from each other, in the low bits too. */
static const uint64_t apart = 0x9e3779b97;

/* From 56 bits in a row to 7 in each byte, and back. */
static uint64_t spread(uint64_t bits)
{
    bits = (bits & 0x000000000fffffff) | (bits & 0x00fffffff0000000) << 4;
    bits = (bits & 0x00003fff00003fff) | (bits & 0x0fffc0000fffc000) << 2;
    return (bits & 0x007f007f007f007f) | (bits & 0x3f803f803f803f80) << 1;
}

static uint64_t gather(uint64_t bytes)
{
    bytes = (bytes & 0x007f007f007f007f) | (bytes & 0x7f007f007f007f00) >> 1;
    bytes = (bytes & 0x00003fff00003fff) | (bytes & 0x3fff00003fff0000) >> 2;
    return (bytes & 0x000000000fffffff) | (bytes & 0x0fffffff00000000) >> 4;
}

/* All 7-bit groups but the last, folded into one. */
static uint64_t fold(uint64_t groups)
{
    groups &= 0x00ffffffffffffff;
    groups ^= groups >> 32;
    groups ^= groups >> 16;
    return (groups ^ groups >> 8) & 0x7f;
}

/* As a number whose bytes, low to high, are those on the wire: the message's number, the connection's,
 * and one byte that no other damaged one goes with. */
static uint64_t stamp_of(uint32_t connection, uint64_t number)
{
    uint64_t low = (number + connection * apart) & (ETD_LOAD_NUMBERS - 1);
    uint64_t groups = spread(low | (uint64_t)connection << NUMBER_BITS);
    return groups | fold(groups) << 56 | high_bits;
}

/* The number near `near` that this is the stamp of; false when it is none of the connection's. */
static bool number_of(uint64_t stamp, uint32_t connection, uint64_t near, uint64_t *number)
{
    uint64_t groups = stamp & ~high_bits, bits = gather(groups & 0x00ffffffffffffff);
    if ((stamp & high_bits) != high_bits || groups >> 56 != fold(groups) ||
        bits >> NUMBER_BITS != connection)
        return false;
    uint64_t low = (bits - connection * apart) & (ETD_LOAD_NUMBERS - 1);
    uint64_t ahead = (low - near) & (ETD_LOAD_NUMBERS - 1);
    *number = ahead < ETD_LOAD_NUMBERS / 2 ? near + ahead : near + ahead - ETD_LOAD_NUMBERS;
    return true;
}

static uint64_t load_little_endian(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap64(value);
}

static void store_little_endian(uint8_t *bytes, uint64_t value)
{
    value = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap64(value);
    memcpy(bytes, &value, sizeof value);
}

static const uint8_t *body_of(const struct etd_load_messages *messages, uint32_t connection,
                              uint64_t number)
{
    return messages->pattern + (number * 7 + connection) % ETD_LOAD_PHASES;
}

bool etd_load_messages_open(struct etd_load_messages *messages, const struct etd_framing *framing,
                            size_t size)
{
    size_t edges = (size_t)framing->header_size + framing->trailer_size;
    size_t most = edges + size + ETD_LOAD_PHASES + ETD_LOAD_STAMP;
    uint8_t *bytes = malloc(most);
    if (bytes == NULL)
        return false;
    /* The framing writes around a payload; header and trailer are kept side by side. */
    framing->encode(bytes, size);
    memmove(bytes + framing->header_size, bytes + framing->header_size + size,
            framing->trailer_size);
    uint64_t state = 1;
    for (size_t i = edges; i < most; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        uint8_t byte = (uint8_t)(state >> 56);
        bytes[i] = byte == '\n' || byte == '\r' ? 'e' : byte;
    }
    *messages = (struct etd_load_messages){
        .size = size,
        .stamp_size = size < ETD_LOAD_STAMP ? size : ETD_LOAD_STAMP,
        .header_size = framing->header_size,
        .trailer_size = framing->trailer_size,
        .frame_size = edges + size,
        .bytes = bytes,
        .pattern = bytes + edges,
    };
    return true;
}

void etd_load_messages_close(struct etd_load_messages *messages)
{
    free(messages->bytes);
    *messages = (struct etd_load_messages){0};
}

static size_t prefix_size(const struct etd_load_messages *messages)
{
    return messages->header_size + messages->stamp_size;
}

static void write_prefix(const struct etd_load_messages *messages, uint32_t connection,
                         uint64_t number, uint8_t prefix[ETD_LOAD_PREFIX])
{
    memcpy(prefix, messages->bytes, 4); /* no framing has a longer header */
    store_little_endian(prefix + messages->header_size, stamp_of(connection, number));
}

/* The message, put together of pieces. */
static void take_apart(const struct etd_load_messages *messages, uint32_t connection,
                       uint64_t number, const uint8_t prefix[ETD_LOAD_PREFIX],
                       struct etd_bytes parts[PARTS])
{
    parts[0] = etd_bytes(prefix, prefix_size(messages));
    parts[1] =
        etd_bytes(body_of(messages, connection, number), messages->size - messages->stamp_size);
    parts[2] = etd_bytes(messages->bytes + messages->header_size, messages->trailer_size);
}

/* Of a message from `offset` on: copies it to `to`, or with null compares it with `with`. Gives how
 * many bytes there were, at most `room`; what differs clears *same. */
static size_t go_over(const struct etd_bytes parts[PARTS], size_t offset, size_t room, uint8_t *to,
                      const uint8_t *with, bool *same)
{
    size_t done = 0;
    for (size_t i = 0; i < PARTS && done < room; i++) {
        if (offset >= parts[i].size) {
            offset -= parts[i].size;
            continue;
        }
        size_t size = parts[i].size - offset;
        size = size < room - done ? size : room - done;
        if (to != NULL)
            memcpy(to + done, parts[i].data + offset, size);
        else if (memcmp(with + done, parts[i].data + offset, size) != 0)
            *same = false;
        done += size;
        offset = 0;
    }
    return done;
}

static size_t copy_piece(const struct etd_load_messages *messages, uint32_t connection,
                         uint64_t number, size_t offset, uint8_t *to, size_t room)
{
    uint8_t prefix[ETD_LOAD_PREFIX];
    struct etd_bytes parts[PARTS];
    write_prefix(messages, connection, number, prefix);
    take_apart(messages, connection, number, prefix, parts);
    return go_over(parts, offset, room, to, NULL, NULL);
}

static bool is_same(const struct etd_load_messages *messages, uint32_t connection, uint64_t number,
                    size_t offset, const uint8_t *with, size_t size)
{
    uint8_t prefix[ETD_LOAD_PREFIX];
    struct etd_bytes parts[PARTS];
    bool same = true;
    write_prefix(messages, connection, number, prefix);
    take_apart(messages, connection, number, prefix, parts);
    go_over(parts, offset, size, NULL, with, &same);
    return same;
}

void etd_load_fill(const struct etd_load_messages *messages, uint32_t connection, uint64_t number,
                   size_t offset, uint8_t *to, size_t room)
{
    while (room > 0) {
        size_t size = copy_piece(messages, connection, number, offset, to, room);
        to += size;
        room -= size;
        offset = 0;
        number++;
    }
}

uint64_t etd_load_match(const struct etd_load_messages *messages, uint32_t connection,
                        uint64_t sent, struct etd_load_reader *reader, struct etd_bytes *replies)
{
    uint64_t count = 0;
    const size_t frame = messages->frame_size;
    if (reader->offset > 0)
        return 0;
    while (replies->size >= frame && reader->expected < sent &&
           is_same(messages, connection, reader->expected, 0, replies->data, frame)) {
        *replies = etd_bytes(replies->data + frame, replies->size - frame);
        reader->expected++;
        count++;
    }
    return count;
}

/* The prefix is complete: which message is this? */
static void read_prefix(const struct etd_load_messages *messages, uint32_t connection,
                        uint64_t sent, struct etd_load_reader *reader)
{
    const uint8_t *stamp = reader->prefix + messages->header_size;
    uint64_t number = reader->expected;
    bool known = messages->stamp_size == ETD_LOAD_STAMP &&
                 number_of(load_little_endian(stamp), connection, reader->expected, &number);
    reader->claimed = known && number < sent ? number : reader->expected;
    reader->damaged =
        !is_same(messages, connection, reader->claimed, 0, reader->prefix, prefix_size(messages));
}

static enum etd_load_verdict judge(struct etd_load_reader *reader, uint64_t sent, uint64_t *skipped)
{
    uint64_t expected = reader->expected;
    reader->offset = 0;
    if (expected >= sent && reader->damaged)
        return ETD_LOAD_DAMAGED;
    if (expected >= sent || (!reader->damaged && reader->claimed < expected))
        return ETD_LOAD_LATE;
    if (reader->damaged || reader->claimed == expected) {
        reader->expected = expected + 1;
        return reader->damaged ? ETD_LOAD_DAMAGED : ETD_LOAD_RIGHT;
    }
    *skipped = reader->claimed - expected;
    reader->expected = reader->claimed + 1;
    return ETD_LOAD_EARLY;
}

enum etd_load_verdict etd_load_take(const struct etd_load_messages *messages, uint32_t connection,
                                    uint64_t sent, struct etd_load_reader *reader,
                                    struct etd_bytes *replies, uint64_t *skipped)
{
    const size_t prefix = prefix_size(messages);
    *skipped = 0;
    if (reader->offset < prefix) {
        size_t size = prefix - reader->offset;
        size = size < replies->size ? size : replies->size;
        memcpy(reader->prefix + reader->offset, replies->data, size);
        reader->offset += size;
        *replies = etd_bytes(replies->data + size, replies->size - size);
        if (reader->offset < prefix)
            return ETD_LOAD_MORE;
        read_prefix(messages, connection, sent, reader);
    }
    size_t size = messages->frame_size - reader->offset;
    size = size < replies->size ? size : replies->size;
    if (!is_same(messages, connection, reader->claimed, reader->offset, replies->data, size))
        reader->damaged = true;
    *replies = etd_bytes(replies->data + size, replies->size - size);
    reader->offset += size;
    return reader->offset < messages->frame_size ? ETD_LOAD_MORE : judge(reader, sent, skipped);
}

bool etd_load_identify(const struct etd_load_messages *messages, uint32_t connection, uint64_t near,
                       struct etd_bytes datagram, uint64_t *number)
{
    return datagram.size == messages->frame_size && messages->stamp_size == ETD_LOAD_STAMP &&
           number_of(load_little_endian(datagram.data + messages->header_size), connection, near,
                     number) &&
           is_same(messages, connection, *number, 0, datagram.data, datagram.size);
}
