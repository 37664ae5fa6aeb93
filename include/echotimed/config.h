/* The configuration: one table of keys, and the values that a file and options gave them.
 *
 * The table says everything about a key once: section, name, type, range, default, help, whether a
 * reload may change it. Parsing, range checks, the dump (-T) and the manual page's key list read it. */
#ifndef ECHOTIMED_CONFIG_H
#define ECHOTIMED_CONFIG_H

#include "echotimed/address.h"
#include "echotimed/log_level.h"
#include "echotimed/memory.h"
#include "echotimed/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ETD_SECTION_NAME_MAX =
        32, /* characters of NAME in [tcp NAME]; inih cuts a whole section name at 49 */
    ETD_ENDPOINT_NAME_MAX =
        255,                /* a DNS name's limit, RFC 1035 section 2.3.4; a systemd name's too */
    ETD_USER_NAME_MAX = 32, /* useradd(8) */
    ETD_CONGESTION_MAX = 15 /* TCP_CA_NAME_MAX of linux/tcp.h, less its NUL */
};

enum etd_endpoint_kind {
    ETD_ENDPOINT_IP,   /* `address` is numeric, its port included */
    ETD_ENDPOINT_ANY,  /* *:PORT, every address of both families; only address.port counts */
    ETD_ENDPOINT_HOST, /* `name` is for the resolver (a host name, or an IPv6 address with a zone);
                            of `address` only the port counts */
    ETD_ENDPOINT_SYSTEMD /* systemd:NAME, a socket that the service manager passed in */
};

/* One address to listen at. Port 0 asks the kernel for a free one. */
struct etd_endpoint {
    enum etd_endpoint_kind kind;
    struct etd_address address;
    char name[ETD_ENDPOINT_NAME_MAX + 1];
};

/* Values of [daemon]. */
struct etd_config_daemon {
    enum etd_log_level log_level;
    bool log_connections;
    uint32_t max_connections;
    uint64_t buffer_memory;    /* bytes */
    uint64_t drain_timeout_us; /* microseconds */
};

/* Values of one [tcp], [udp], [tcp NAME] or [udp NAME]. Of the fields that belong to the other
 * transport the defaults stand. */
struct etd_config_listener {
    enum etd_transport transport;
    char name[ETD_SECTION_NAME_MAX + 1]; /* empty for the unnamed section */
    struct etd_endpoint *listen;         /* owned by the configuration */
    size_t listen_count;                 /* at least 1 */
    enum etd_service_id service;
    enum etd_framing_id framing;                     /* tcp */
    uint64_t max_message;                            /* tcp; bytes */
    uint64_t idle_timeout_us;                        /* tcp; microseconds, 0: off */
    uint64_t message_timeout_us;                     /* tcp */
    uint64_t write_timeout_us;                       /* tcp */
    uint32_t backlog;                                /* tcp */
    char congestion_control[ETD_CONGESTION_MAX + 1]; /* tcp; empty: the host's default */
    bool refuse_low_ports;                           /* udp */
    uint64_t receive_buffer;                         /* udp; bytes */
    bool reuse_port;
    enum etd_time_format time_format;
    bool require_sync;
};

struct etd_config {
    const struct etd_memory *memory;
    struct etd_config_daemon daemon;
    struct etd_config_listener *listeners; /* in the order of the file; owned */
    size_t listener_count;
};

#endif
