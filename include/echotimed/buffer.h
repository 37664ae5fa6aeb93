/* Buffers, and the bounded pool that they are borrowed from.
 *
 * A buffer is linear, with three cursors:
 *
 *     0 ........ begin ............ end ............ capacity
 *       done with       held              free
 */
#ifndef ECHOTIMED_BUFFER_H
#define ECHOTIMED_BUFFER_H

#include "echotimed/bytes.h"
#include "echotimed/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All memory that buffers may take together. Invariant: in_use <= limit. */
struct etd_pool {
    const struct etd_memory *memory; /* outlives the pool */
    uint64_t limit;    /* bytes; may be lowered below in_use: then nothing more is lent */
    uint64_t in_use;   /* bytes lent out now */
    uint64_t refusals; /* requests turned down so far, by the limit or for want of memory */
};

/* Lends `size` bytes in place of `old_size` at `old` (null and 0 for a new piece), keeping what both
 * have. `size` 0 gives back and returns null. Null otherwise means refused, and `old` is still
 * valid. */
void *etd_pool_resize(struct etd_pool *pool, void *old, size_t old_size, size_t size);

/* Invariant: begin <= end <= capacity, and data is null exactly when capacity is 0. */
struct etd_buffer {
    uint8_t *data;
    size_t begin;
    size_t end;
    size_t capacity;
};

static inline struct etd_bytes etd_buffer_held(const struct etd_buffer *buffer)
{
    if (buffer->data == NULL)
        return etd_bytes(NULL, 0);
    return etd_bytes(buffer->data + buffer->begin, buffer->end - buffer->begin);
}

static inline bool etd_buffer_is_empty(const struct etd_buffer *buffer)
{
    return buffer->begin == buffer->end;
}

/* Forgets the first `size` bytes held; at most what is held. */
void etd_buffer_drop(struct etd_buffer *buffer, size_t size);

/* Makes `size` bytes free behind what is held, by moving it to the front or by borrowing. The
 * capacity grows to what is held plus `size`, or twice of what it was, or 1 KiB, whichever is most,
 * and never beyond `most` unless held plus `size` needs it. False: refused, nothing changed. */
bool etd_buffer_reserve(struct etd_buffer *buffer, struct etd_pool *pool, size_t size, size_t most);

/* Appends a copy. False: refused, nothing changed. */
bool etd_buffer_append(struct etd_buffer *buffer, struct etd_pool *pool, struct etd_bytes bytes);

/* Gives the memory back; the buffer is empty and can be used again. */
void etd_buffer_release(struct etd_buffer *buffer, struct etd_pool *pool);

/* Whether the invariant holds. For tests and assertions. */
bool etd_buffer_is_sound(const struct etd_buffer *buffer);

#endif
