/* The header with which a proxy names the client that it connects for ("The PROXY protocol, Versions
 * 1 & 2", doc/proxy-protocol.txt of HAProxy). It stands before all other bytes of a connection.
 *
 * What is not exactly a header is bad. Accepted are, of version 1, TCP4, TCP6 and UNKNOWN, and of
 * version 2, the commands LOCAL, with whatever it says besides, and PROXY for TCP over IPv4 and IPv6.
 * UNKNOWN and LOCAL name nobody: the proxy speaks for itself. Extensions of version 2 (TLVs) are
 * passed over. */
#ifndef ECHOTIMED_PROXY_HEADER_H
#define ECHOTIMED_PROXY_HEADER_H

#include "echotimed/address.h"
#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ETD_PROXY_LINE_MAX = 107, /* of version 1, its CR LF included (section 2.1) */
    /* Of version 2, all included. Its length field goes to 64 KiB, but senders write some hundred
     * bytes, a client certificate's fields among them; the rest would be room for who floods. */
    ETD_PROXY_HEADER_MAX = 4096
};

enum etd_proxy_decoded {
    ETD_PROXY_MORE, /* not complete; header->size: so many bytes say more, or fewer */
    ETD_PROXY_DONE, /* `header` is filled in */
    ETD_PROXY_BAD   /* this is no header, whatever comes */
};

struct etd_proxy_header {
    size_t size;               /* bytes of the whole header; what follows belongs to the stream */
    bool names_source;         /* false: the source is the peer of the connection itself */
    struct etd_address source; /* address and port, if it names one */
};

/* Looks for a header at the front of `input`. Never reads past it. */
enum etd_proxy_decoded etd_proxy_header_decode(struct etd_bytes input,
                                               struct etd_proxy_header *header);

#endif
