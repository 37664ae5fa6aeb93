#include "client/protocol.h"

#include <stddef.h>

const struct etd_protocol etd_protocols[ETD_PROTOCOL_COUNT] = {
    /* Where echotimed serves TCP by default, since port 7 takes a privilege; UDP's is RFC 862's. */
    [ETD_PROTOCOL_ECHO] = {.name = "echo", .ports = {[ETD_TCP] = 8080, [ETD_UDP] = 7}},
    [ETD_PROTOCOL_TEXT] = {.name = "text time", .ports = {[ETD_TCP] = 9000, [ETD_UDP] = 9000}},
    [ETD_PROTOCOL_DAYTIME] = {.name = "daytime",
                              .ports = {[ETD_TCP] = 13, [ETD_UDP] = 13},
                              .registered = true,
                              .speaks_first = true},
    [ETD_PROTOCOL_RFC868] = {.name = "rfc868",
                             .ports = {[ETD_TCP] = 37, [ETD_UDP] = 37},
                             .registered = true,
                             .speaks_first = true},
    [ETD_PROTOCOL_NTP] = {.name = "ntp", .ports = {[ETD_UDP] = 123}, .registered = true},
    [ETD_PROTOCOL_STAMP] = {.name = "stamp", .ports = {[ETD_UDP] = 862}, .registered = true},
};

enum etd_protocol_id etd_protocol_choose(const struct etd_protocol_choice *choices,
                                         enum etd_transport transport, uint16_t port)
{
    for (const struct etd_protocol_choice *one = choices; one->name != NULL && port != 0; one++) {
        const struct etd_protocol *protocol = &etd_protocols[one->protocol];
        if (protocol->registered && protocol->ports[transport] == port)
            return one->protocol;
    }
    return choices[0].protocol;
}
