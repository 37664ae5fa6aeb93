/* Bytes that end exactly at a page that must not be touched: reading or writing one byte too far
 * ends the test with SIGSEGV, with or without a sanitizer. */
#ifndef ECHOTIMED_TESTS_GUARD_H
#define ECHOTIMED_TESTS_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct etd_guard {
    uint8_t *map;
    size_t map_size;
    uint8_t *data; /* `size` bytes, the guard page right behind */
    size_t size;
};

struct etd_guard etd_guard_make(size_t size);
/* With a copy of `bytes`. */
struct etd_guard etd_guard_copy(const void *bytes, size_t size);
void etd_guard_free(struct etd_guard *guard);

#endif
