/* A UDP endpoint: one [udp] section. It receives datagrams in batches and sends the answers in
 * batches, each from the address that was asked. It has no queue of its own. */
#ifndef ECHOTIMED_DAEMON_UDP_ENDPOINT_H
#define ECHOTIMED_DAEMON_UDP_ENDPOINT_H

#include "daemon/section.h"
#include "echotimed/access.h"
#include "echotimed/config.h"
#include "echotimed/counters.h"

#include <stdbool.h>

struct etd_server;

/* Memory for a batch of datagrams; one serves all endpoints of a loop. */
struct etd_udp_batch;

/* Null: out of memory. */
struct etd_udp_batch *etd_udp_batch_make(void);
void etd_udp_batch_free(struct etd_udp_batch *batch);

struct etd_udp_endpoint {
    struct etd_server *server;
    char title[ETD_SECTION_TITLE];
    const struct etd_service *service;
    enum etd_time_format time_format;
    bool require_sync;
    bool refuse_low_ports;
    struct etd_access access;
    struct etd_udp_counters counters;
    struct etd_sockets sockets;
};

/* Opens the section's sockets and begins to answer. False: logged, and nothing is left open. */
bool etd_udp_endpoint_open(struct etd_udp_endpoint *endpoint, struct etd_server *server,
                           const struct etd_config_listener *config);

/* Answers what was received already, then closes the sockets. */
void etd_udp_endpoint_close(struct etd_udp_endpoint *endpoint);

/* Gives everything back; what was received and not answered is lost. Does nothing to one that was never
 * opened (all zeros). */
void etd_udp_endpoint_free(struct etd_udp_endpoint *endpoint);

#endif
