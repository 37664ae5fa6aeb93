#include "echotimed/pattern.h"

static const char digits[] = "0123456789abcdef";

/* One byte. Behind the head the letters depend on all three, so that a piece that was moved, or taken
 * from another message, is found out. */
static uint8_t byte_at(size_t index, uint32_t session, uint32_t number)
{
    if (index < ETD_PATTERN_NUMBER)
        return (uint8_t)digits[number >> 4 * index & 15];
    if (index < ETD_PATTERN_HEAD)
        return (uint8_t)digits[session >> 4 * (index - ETD_PATTERN_NUMBER) & 15];
    uint32_t mixed = ((uint32_t)index + session) * 0x9e3779b1u ^ number * 0x85ebca77u;
    mixed ^= mixed >> 15;
    mixed *= 0xc2b2ae3du;
    return (uint8_t)(' ' + 1 + (mixed >> 24) % 94);
}

void etd_pattern_fill(uint8_t *data, size_t size, uint32_t session, uint32_t number)
{
    for (size_t i = 0; i < size; i++)
        data[i] = byte_at(i, session, number);
}

bool etd_pattern_number(struct etd_bytes bytes, uint32_t session, uint32_t *number)
{
    if (bytes.size < ETD_PATTERN_HEAD)
        return false;
    uint32_t found = 0;
    for (size_t i = 0; i < ETD_PATTERN_NUMBER; i++) {
        const char *digit = memchr(digits, bytes.data[i], sizeof digits - 1);
        if (digit == NULL)
            return false;
        found |= (uint32_t)(digit - digits) << 4 * i;
    }
    for (size_t i = ETD_PATTERN_NUMBER; i < ETD_PATTERN_HEAD; i++) {
        if (bytes.data[i] != byte_at(i, session, found))
            return false;
    }
    *number = found;
    return true;
}

size_t etd_pattern_differs(struct etd_bytes bytes, uint32_t session, uint32_t number, size_t *first)
{
    size_t count = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == byte_at(i, session, number))
            continue;
        if (count++ == 0)
            *first = i;
    }
    return count;
}
