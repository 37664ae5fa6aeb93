/* When something left or came, on both clocks: the monotonic one for how long it took, the wall clock
 * for what time it was. */
#ifndef ECHOTIMED_CLIENT_MOMENT_H
#define ECHOTIMED_CLIENT_MOMENT_H

#include "echotimed/timestamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct etd_moment {
    uint64_t ns; /* of CLOCK_MONOTONIC */
    struct etd_timestamp wall;
};

struct etd_moment etd_moment_now(void);

/* The wall clock at an earlier moment as it would have been, had it been then as it is at `reference`:
 * a step in between does not count. */
struct etd_timestamp etd_moment_wall(const struct etd_moment *moment,
                                     const struct etd_moment *reference);

/* recv(2) from a socket that does not block, and when it came: of a datagram when the kernel had it,
 * where it says so. *cut: the datagram was longer than `size`. */
ssize_t etd_moment_receive(int fd, void *data, size_t size, struct etd_moment *when, bool *cut);

#endif
