/* How many connections each source has open, by listener.
 *
 * A table of fixed size (open addressing, linear probing), hashed under a secret, so that nobody who
 * chooses addresses can choose where they fall. It is never more than half full, and a source that
 * has nothing open takes no place in it: what was given back leaves no trace. */
#ifndef ECHOTIMED_SOURCES_H
#define ECHOTIMED_SOURCES_H

#include "echotimed/address.h"
#include "echotimed/siphash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What limits take for one source: an IPv4 address, or the /64 of an IPv6 address, which is what one
 * customer or host is given at least. */
struct etd_source {
    uint64_t block; /* the address, or its first 64 bits */
    bool ipv4;
};

struct etd_source etd_source_of(const struct etd_address *address);

/* A place in the table; free when `open` is 0. */
struct etd_source_slot {
    uint64_t block;
    uint32_t open;
    uint16_t listener;
    bool ipv4;
};

struct etd_sources {
    struct etd_source_slot *slots; /* a power of two of them */
    size_t mask;                   /* their number less one */
    size_t used;                   /* at most half of them */
    struct etd_siphash_key key;
};

/* How many slots a table takes in which so many connections can be counted: at most four times as
 * many, 16 bytes each. */
size_t etd_sources_slots(uint32_t connections);

/* `slots` is zeroed memory for etd_sources_slots of them that outlives the table. Pages of it that no
 * source falls into need never be touched. */
void etd_sources_init(struct etd_sources *sources, struct etd_source_slot *slots, size_t count,
                      const struct etd_siphash_key *key);

/* Counts in an empty table, which is not made for fewer connections, what another one counts. */
void etd_sources_copy(struct etd_sources *sources, const struct etd_sources *from);

/* Counts one more connection of that source, unless it has `most` open at that listener already (or
 * the table was made for fewer connections): then false. A listener is a number that it keeps as
 * long as it has connections. */
bool etd_sources_take(struct etd_sources *sources, uint16_t listener,
                      const struct etd_address *address, uint32_t most);

/* Gives back one that was taken. */
void etd_sources_give(struct etd_sources *sources, uint16_t listener,
                      const struct etd_address *address);

/* How many the source has open. */
uint32_t etd_sources_open(const struct etd_sources *sources, uint16_t listener,
                          const struct etd_address *address);

#endif
