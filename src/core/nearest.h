/* Which of some names a mistyped word was probably meant to be. */
#ifndef ECHOTIMED_CORE_NEAREST_H
#define ECHOTIMED_CORE_NEAREST_H

#include <stddef.h>

struct etd_nearest {
    const char *word;
    const char *best; /* null while no name was near enough */
    size_t distance;
};

struct etd_nearest etd_nearest_begin(const char *word);

/* Of equally near names the first one offered stays. Names are at most 40 characters long. */
void etd_nearest_offer(struct etd_nearest *nearest, const char *name);

#endif
