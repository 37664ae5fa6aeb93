/* A UDP endpoint: one [udp] section of one configuration. It answers datagrams in batches, each from
 * the address that was asked, and nobody who must not be answered. */
#ifndef ECHOTIMED_DAEMON_UDP_ENDPOINT_H
#define ECHOTIMED_DAEMON_UDP_ENDPOINT_H

#include "daemon/section.h"
#include "echotimed/config.h"
#include "echotimed/counters.h"
#include "echotimed/portion.h"
#include "echotimed/source_rules.h"
#include "echotimed/udp_guard.h"
#include "platform/log.h"

#include <stdbool.h>

struct etd_server;

struct etd_udp_endpoint {
    struct etd_server *server;
    char title[ETD_SECTION_TITLE];
    const struct etd_service *service;
    enum etd_time_format time_format;
    bool require_sync;
    bool require_padding;
    bool dates_packets;         /* the service tells times of each datagram, not just the time */
    bool stateful;              /* stamp counts its answers to each sender */
    bool segments;              /* the kernel can cut one message into many answers */
    struct etd_portion portion; /* datagrams in a batch */
    struct etd_time_settings times;
    struct etd_access access;
    struct etd_source_rules rules;
    struct etd_udp_limits limits;
    struct etd_udp_counters counters;
    struct etd_sockets sockets;
    struct etd_log_limit drop_log;
};

/* Opens the section's sockets, but for those that are open already (`kept`, as etd_sockets_open has
 * it). Nothing is answered yet. `number` is no other endpoint's. Null: logged, and nothing is left open
 * but these. */
struct etd_udp_endpoint *etd_udp_endpoint_open(struct etd_server *server,
                                               const struct etd_config_listener *config,
                                               struct etd_opening *const *kept, uint16_t number);

/* Takes over the sockets that were kept, and begins to answer. */
void etd_udp_endpoint_begin(struct etd_udp_endpoint *endpoint,
                            const struct etd_config_listener *config);

/* Answers what was received already, then closes the sockets, but for those that another one took
 * over. */
void etd_udp_endpoint_close(struct etd_udp_endpoint *endpoint);

void etd_udp_endpoint_free(struct etd_udp_endpoint *endpoint);

#endif
