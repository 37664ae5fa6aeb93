/* Name resolution in a bounded time. */
#ifndef ECHOTIMED_CLIENT_RESOLVE_H
#define ECHOTIMED_CLIENT_RESOLVE_H

#include "client/target.h"

/* Finds the addresses of the URL's host, in the resolver's order, with the URL's port. A resolver that
 * has not answered at `deadline` (microseconds of the monotonic clock) is left alone: it ends with the
 * process. False with a whole sentence in `error`. */
bool etd_resolve_within(const struct etd_url *url, uint64_t deadline,
                        struct etd_socket_addresses *found, char error[ETD_COMPLAINT]);

#endif
