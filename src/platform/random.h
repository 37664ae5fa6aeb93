/* The kernel's random numbers. */
#ifndef ECHOTIMED_PLATFORM_RANDOM_H
#define ECHOTIMED_PLATFORM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/* Fills memory with bytes that nobody can guess (getrandom(2)); for secrets. Waits, at most at the
 * boot of the machine, until the kernel has some. False: it has none; errno says why. */
bool etd_random_fill(void *data, size_t size);

#endif
