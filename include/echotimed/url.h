/* Where a client is to go: tcp://HOST[:PORT] or udp://HOST[:PORT]. */
#ifndef ECHOTIMED_URL_H
#define ECHOTIMED_URL_H

#include "echotimed/bytes.h"
#include "echotimed/service.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    ETD_URL_HOST_MAX = 255, /* characters; a DNS name's limit (RFC 1035 section 2.3.4) */
    ETD_URL_TEXT = sizeof "tcp://[]:65535" + ETD_URL_HOST_MAX /* bytes, NUL included */
};

struct etd_url {
    enum etd_transport transport;
    char
        host[ETD_URL_HOST_MAX + 1]; /* as the resolver takes it: without brackets, "fe80::1%eth0" */
    uint16_t port;                  /* 0: not given */
};

/* Reads a URL. An IPv6 address stands in brackets, and its zone behind "%" or, as URLs have it
 * (RFC 6874), "%25". One slash at the end is passed over. False when it is none of ours; what is wrong
 * is written to `why`, as a sentence's end behind the quoted URL. */
bool etd_url_parse(struct etd_url *url, const char *text, struct etd_writer *why);

/* Writes it back, with the port if there is one. */
void etd_url_write(struct etd_writer *writer, const struct etd_url *url);

/* Writes "HOST port PORT (tcp)", as sentences name it. */
void etd_url_write_place(struct etd_writer *writer, const struct etd_url *url);

#endif
