/* Views of bytes, and cursors that read and write wire formats without ever leaving them. */
#ifndef ECHOTIMED_BYTES_H
#define ECHOTIMED_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns. `data` may be null only when `size` is 0. */
struct etd_bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct etd_bytes etd_bytes(const void *data, size_t size)
{
    return (struct etd_bytes){.data = data, .size = size};
}

/* The bytes of a C string, without its NUL. */
static inline struct etd_bytes etd_bytes_text(const char *text)
{
    return etd_bytes(text, strlen(text));
}

static inline bool etd_bytes_equal(struct etd_bytes a, struct etd_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Reads integers in network byte order. A read past the end gives 0 and sets `failed`, which
 * stays set: check it once, behind the last read. */
struct etd_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct etd_reader etd_reader(struct etd_bytes bytes)
{
    /* An empty view may be null, and nothing may be added to null, not even 0. */
    const uint8_t *at = bytes.data != NULL ? bytes.data : (const uint8_t *)"";
    return (struct etd_reader){.at = at, .end = at + bytes.size};
}

static inline size_t etd_reader_left(const struct etd_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* The next `size` bytes as a view into the source; an empty view when there are not so many. */
static inline struct etd_bytes etd_read_bytes(struct etd_reader *reader, size_t size)
{
    if (reader->failed || size > etd_reader_left(reader)) {
        reader->failed = true;
        return etd_bytes(NULL, 0);
    }
    struct etd_bytes view = etd_bytes(reader->at, size);
    reader->at += size;
    return view;
}

/* `width` is 1 to 8 bytes. */
static inline uint64_t etd_read_uint(struct etd_reader *reader, size_t width)
{
    struct etd_bytes view = etd_read_bytes(reader, width);
    uint64_t value = 0;
    if (view.size == 0)
        return 0;
#pragma GCC unroll 8 /* for a constant width the compilers then make one load of it */
    for (size_t i = 0; i < width; i++)
        value = value << 8 | view.data[i];
    return value;
}

static inline uint8_t etd_read_u8(struct etd_reader *reader)
{
    return (uint8_t)etd_read_uint(reader, 1);
}

static inline uint16_t etd_read_u16(struct etd_reader *reader)
{
    return (uint16_t)etd_read_uint(reader, 2);
}

static inline uint32_t etd_read_u32(struct etd_reader *reader)
{
    return (uint32_t)etd_read_uint(reader, 4);
}

static inline uint64_t etd_read_u64(struct etd_reader *reader)
{
    return etd_read_uint(reader, 8);
}

/* Writes into memory that somebody else owns. A write that does not fit writes nothing and sets
 * `failed`, which stays set: check it once, behind the last write. */
struct etd_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct etd_writer etd_writer(uint8_t *data, size_t size)
{
    return (struct etd_writer){.start = data, .at = data, .end = data + size};
}

static inline size_t etd_writer_left(const struct etd_writer *writer)
{
    return (size_t)(writer->end - writer->at);
}

/* What was written so far. */
static inline struct etd_bytes etd_writer_bytes(const struct etd_writer *writer)
{
    return etd_bytes(writer->start, (size_t)(writer->at - writer->start));
}

static inline void etd_write_bytes(struct etd_writer *writer, struct etd_bytes bytes)
{
    if (writer->failed || bytes.size > etd_writer_left(writer)) {
        writer->failed = true;
        return;
    }
    if (bytes.size > 0)
        memcpy(writer->at, bytes.data, bytes.size);
    writer->at += bytes.size;
}

static inline void etd_write_text(struct etd_writer *writer, const char *text)
{
    etd_write_bytes(writer, etd_bytes_text(text));
}

/* `width` is 1 to 8 bytes. */
static inline void etd_write_uint(struct etd_writer *writer, uint64_t value, size_t width)
{
    uint8_t wire[8];
    for (size_t i = 0; i < width; i++)
        wire[i] = (uint8_t)(value >> 8 * (width - 1 - i));
    etd_write_bytes(writer, etd_bytes(wire, width));
}

/* Decimal digits, with leading zeros up to `width` digits (1 to 20). */
static inline void etd_write_decimal(struct etd_writer *writer, uint64_t value, size_t width)
{
    char digits[20];
    size_t first = sizeof digits;
    while (value > 0 || first > sizeof digits - width) {
        digits[--first] = (char)('0' + value % 10);
        value /= 10;
    }
    etd_write_bytes(writer, etd_bytes(digits + first, sizeof digits - first));
}

static inline void etd_write_u8(struct etd_writer *writer, uint8_t value)
{
    etd_write_uint(writer, value, 1);
}

static inline void etd_write_u16(struct etd_writer *writer, uint16_t value)
{
    etd_write_uint(writer, value, 2);
}

static inline void etd_write_u32(struct etd_writer *writer, uint32_t value)
{
    etd_write_uint(writer, value, 4);
}

static inline void etd_write_u64(struct etd_writer *writer, uint64_t value)
{
    etd_write_uint(writer, value, 8);
}

#endif
