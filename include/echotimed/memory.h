/* Where the core's memory comes from. The core itself never names malloc, so that its users decide
 * on the source, and tests can make every request fail in turn. */
#ifndef ECHOTIMED_MEMORY_H
#define ECHOTIMED_MEMORY_H

#include <stddef.h>

/* `resize` follows realloc(3): `old` may be null for a new piece, `size` 0 gives the piece back and
 * returns null. Null for any other size means that there is no memory, and `old` is still valid. */
struct etd_memory {
    void *(*resize)(void *context, void *old, size_t size);
    void *context;
};

static inline void *etd_memory_resize(const struct etd_memory *memory, void *old, size_t size)
{
    return memory->resize(memory->context, old, size);
}

/* Null is allowed and does nothing. */
static inline void etd_memory_free(const struct etd_memory *memory, void *piece)
{
    if (piece != NULL)
        (void)memory->resize(memory->context, piece, 0);
}

#endif
