/* What a prober sends: printable bytes that follow from a session, a number and a size, so that the
 * far end's copy can be checked to the last byte. */
#ifndef ECHOTIMED_PATTERN_H
#define ECHOTIMED_PATTERN_H

#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* Hexadecimal digits of the number, the lowest first, then those of the session: however few
     * bytes there are, they tell neighbours apart as far as they can. */
    ETD_PATTERN_NUMBER = 8,
    ETD_PATTERN_HEAD = 16
};

/* Fills `size` bytes. None is LF or CR, so that a line can carry them. */
void etd_pattern_fill(uint8_t *data, size_t size, uint32_t session, uint32_t number);

/* The number that a whole head of this session tells; false when there is none. */
bool etd_pattern_number(struct etd_bytes bytes, uint32_t session, uint32_t *number);

/* How many bytes differ from what was filled in for that number, and at `first` the first of them. */
size_t etd_pattern_differs(struct etd_bytes bytes, uint32_t session, uint32_t number,
                           size_t *first);

#endif
