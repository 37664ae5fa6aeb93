/* Endpoints: their text, and how those of one configuration stand to those of another. */
#ifndef ECHOTIMED_ENDPOINT_H
#define ECHOTIMED_ENDPOINT_H

#include "echotimed/config.h"

#include <stdbool.h>
#include <stddef.h>

/* The longest text of an endpoint, NUL included: a name in brackets, a colon and a port. */
enum { ETD_ENDPOINT_TEXT = ETD_ENDPOINT_NAME_MAX + sizeof "systemd:[]:65535" };

/* Writes it as a file has it. `entry` is a struct etd_endpoint. */
void etd_endpoint_write(const void *entry, struct etd_writer *writer);

/* The same as a string. */
void etd_endpoint_format(const struct etd_endpoint *endpoint, char text[ETD_ENDPOINT_TEXT]);

/* Whether two sockets at these endpoints would stand in each other's way. What a host name stands
 * for is not known here, but equal names collide. */
bool etd_endpoint_collides(const struct etd_endpoint *a, const struct etd_endpoint *b);

/* Whether both say the same: the sockets of the one can serve as those of the other. The case of a
 * host name means nothing. Port 0 equals port 0, whatever port the kernel chose for it. */
bool etd_endpoint_same(const struct etd_endpoint *a, const struct etd_endpoint *b);

/* An endpoint as one of a configuration. */
struct etd_endpoint_use {
    const struct etd_endpoint *endpoint;
    enum etd_transport transport;
    const char *section; /* the name of its listener's section */
    size_t partner;      /* set by etd_endpoints_match */
};

#define ETD_ENDPOINT_ALONE SIZE_MAX

/* Finds the endpoints that two configurations have in common. Each gets as its partner the index of
 * one on the other side that is the same over the same transport, or ETD_ENDPOINT_ALONE. None is the
 * partner of two, and as many have one as can. Where there are several of the same (port 0), those
 * of sections of one name go together first, then the others, each in their order. */
void etd_endpoints_match(struct etd_endpoint_use *a, size_t a_count, struct etd_endpoint_use *b,
                         size_t b_count);

#endif
