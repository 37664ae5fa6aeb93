/* SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a hash under a
 * secret. Who does not know the key cannot choose inputs that fall together in a table. */
#ifndef ECHOTIMED_SIPHASH_H
#define ECHOTIMED_SIPHASH_H

#include "echotimed/bytes.h"

#include <stdint.h>

enum { ETD_SIPHASH_KEY = 16 };

/* Bytes that nobody else knows, such as getrandom(2) gives. */
struct etd_siphash_key {
    uint8_t bytes[ETD_SIPHASH_KEY];
};

uint64_t etd_siphash(const struct etd_siphash_key *key, struct etd_bytes message);

#endif
