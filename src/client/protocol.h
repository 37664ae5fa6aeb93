/* What the client can speak, and where each is served as a rule. */
#ifndef ECHOTIMED_CLIENT_PROTOCOL_H
#define ECHOTIMED_CLIENT_PROTOCOL_H

#include "echotimed/service.h"

#include <stdbool.h>
#include <stdint.h>

/* Index into etd_protocols. */
enum etd_protocol_id {
    ETD_PROTOCOL_ECHO,
    ETD_PROTOCOL_TEXT, /* the text query time? of echotimed */
    ETD_PROTOCOL_DAYTIME,
    ETD_PROTOCOL_RFC868,
    ETD_PROTOCOL_NTP,
    ETD_PROTOCOL_STAMP,
    ETD_PROTOCOL_COUNT
};

struct etd_protocol {
    const char *name;                    /* for sentences */
    uint16_t ports[ETD_TRANSPORT_COUNT]; /* where it is asked unless the URL says; 0: not carried */
    bool registered;   /* with IANA at that port, so that the port of a URL tells the protocol */
    bool speaks_first; /* over TCP: the answer comes on connect, and then the end */
};

extern const struct etd_protocol etd_protocols[ETD_PROTOCOL_COUNT];

/* A name on the command line that stands for a protocol. */
struct etd_protocol_choice {
    const char *name; /* null ends a list */
    enum etd_protocol_id protocol;
};

/* Of the choices the one that the port is registered for, else the first. */
enum etd_protocol_id etd_protocol_choose(const struct etd_protocol_choice *choices,
                                         enum etd_transport transport, uint16_t port);

#endif
