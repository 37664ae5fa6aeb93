/* The configuration: one table of keys, and the values that a file and options gave them.
 *
 * The table says everything about a key once: section, name, type, range, default, help, whether a
 * reload may change it. Parsing, range checks, the dump (-T) and the key list of the manual page
 * all read it. */
#ifndef ECHOTIMED_CONFIG_H
#define ECHOTIMED_CONFIG_H

#include "echotimed/access.h"
#include "echotimed/address.h"
#include "echotimed/bytes.h"
#include "echotimed/log_level.h"
#include "echotimed/memory.h"
#include "echotimed/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Characters of NAME in [tcp NAME]. */
    ETD_SECTION_NAME_MAX = 32,
    /* A DNS name's limit (RFC 1035 section 2.3.4), and that of a socket's name in systemd. */
    ETD_ENDPOINT_NAME_MAX = 255,
    /* Endpoints in one list: the dump of the longest names still is a line that reads back. */
    ETD_LISTEN_MAX = 16,
    /* Addresses and prefixes in one list: likewise. */
    ETD_PREFIXES_MAX = 1000,
    /* Listeners: each is compared with each other. */
    ETD_LISTENERS_MAX = 1000,
    /* useradd(8). */
    ETD_USER_NAME_MAX = 32,
    /* An IPv4 address. */
    ETD_REFID_MAX = 15,
    /* TCP_CA_NAME_MAX of linux/tcp.h, less its NUL. */
    ETD_CONGESTION_MAX = 15
};

/* How service stamp numbers its answers. */
enum etd_stamp_mode { ETD_STAMP_STATELESS, ETD_STAMP_STATEFUL, ETD_STAMP_MODES };

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
    uint64_t buffer_memory;              /* bytes */
    uint64_t drain_timeout_us;           /* microseconds, 0: without end */
    uint64_t busy_poll_us;               /* microseconds, 0: off */
    struct etd_endpoint *metrics_listen; /* owned by the configuration; null: off */
    size_t metrics_listen_count;         /* at most 1 */
    char user[ETD_USER_NAME_MAX + 1];    /* a name, or an id in digits; empty: stay who it is */
    char group[ETD_USER_NAME_MAX + 1];   /* likewise; empty: the user's own */
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
    uint32_t max_connections_per_source;             /* tcp; 0: no limit */
    uint32_t backlog;                                /* tcp */
    char congestion_control[ETD_CONGESTION_MAX + 1]; /* tcp; empty: the host's default */
    bool proxy_protocol;                             /* tcp */
    bool refuse_low_ports;                           /* udp */
    uint32_t rate_limit;                             /* udp; answers a second, 0: off */
    uint32_t rate_burst;                             /* udp; answers */
    uint32_t loop_guard;                             /* udp; answers, 0: off */
    bool require_padding;                            /* udp */
    uint32_t ntp_stratum;                            /* udp */
    char ntp_refid[ETD_REFID_MAX + 1];               /* udp; as etd_ntp_refid_parse takes it */
    enum etd_stamp_mode stamp_mode;                  /* udp */
    bool stamp_tlvs;                                 /* udp */
    uint64_t receive_buffer;                         /* udp; bytes */
    struct etd_prefix *allow;                        /* owned, as `listen`; may be null */
    size_t allow_count;
    struct etd_prefix *deny;
    size_t deny_count;
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

enum etd_config_result {
    ETD_CONFIG_OK,
    ETD_CONFIG_MISTAKEN, /* what was read is wrong, and what is wrong has been said */
    ETD_CONFIG_NO_MEMORY
};

/* Frees what a configuration owns. All zeros is a valid configuration for this. */
void etd_config_free(struct etd_config *config);

/* Writes the whole configuration as an INI file that reads back to the same. */
void etd_config_dump(const struct etd_config *config, struct etd_writer *writer);

/* Kinds of sections. */
enum etd_config_section {
    ETD_SECTION_DAEMON, /* [daemon]: fields of struct etd_config_daemon */
    ETD_SECTION_TCP,    /* [tcp], [tcp NAME]: fields of struct etd_config_listener */
    ETD_SECTION_UDP,
    ETD_SECTION_COUNT
};

/* "daemon", "tcp" or "udp". */
const char *etd_config_section_name(enum etd_config_section section);

/* The section kind of a listener. */
enum etd_config_section etd_config_section_of(enum etd_transport transport);

/* Writes the heading of a listener's section, "[tcp]" or "[tcp NAME]". */
void etd_config_title(const struct etd_config_listener *listener, struct etd_writer *writer);

/* What a value is, and so how its text reads and which field holds it. */
enum etd_config_type {
    ETD_CONFIG_BOOLEAN,   /* yes or no; bool */
    ETD_CONFIG_NUMBER,    /* uint32_t */
    ETD_CONFIG_SIZE,      /* 64KiB; uint64_t bytes */
    ETD_CONFIG_DURATION,  /* 30s; uint64_t microseconds */
    ETD_CONFIG_CHOICE,    /* one of `choices`; an enum */
    ETD_CONFIG_NAME,      /* letters, digits, '-', '_', '.'; char[max + 1] with its NUL */
    ETD_CONFIG_ENDPOINTS, /* a list; struct etd_endpoint *, and its count in a size_t */
    ETD_CONFIG_PREFIXES,  /* a list; struct etd_prefix *, and its count in a size_t */
    ETD_CONFIG_TYPES
};

/* The names that a choice has, in the order of its enumerators. */
struct etd_config_choices {
    const char *(*name)(size_t index);
    size_t count;
    unsigned first; /* the enumerator that `name(0)` names; the others follow without a gap */
};

/* One row of the table: all that is known of a key. */
struct etd_config_key {
    enum etd_config_section section;
    const char *name;
    enum etd_config_type type;
    uint64_t min; /* the range, both ends included: of a number, a size in bytes, a duration in */
    uint64_t max; /* microseconds, the characters of a name, the entries of a list */
    bool zero_is_off;         /* 0 is allowed besides the range, and switches off */
    bool fixed;               /* a reload cannot change it: that takes a restart */
    bool planned;             /* known, but not supported yet: to set it is a mistake */
    const char *default_text; /* as it stands in a file */
    const char *help;         /* sentences for the manual, units included */
    const struct etd_config_choices *choices;
    size_t offset;       /* of the field; of a planned key nothing */
    size_t count_offset; /* of a list's count */
};

enum { ETD_CONFIG_KEYS = 42 };

/* Section by section, in the order in which the dump and the manual show them. */
extern const struct etd_config_key etd_config_keys[ETD_CONFIG_KEYS];

/* The row of a key; null when the section knows no such name. */
const struct etd_config_key *etd_config_key_find(enum etd_config_section section, const char *name);

/* Whether this value of a choice (of a list: the kind of an entry) is known, but not supported yet
 * in that section. */
bool etd_config_value_planned(const struct etd_config_key *key, struct etd_bytes value);

/* Writes what the key takes: "yes or no", "1ms to 168h, or 0", "1 to 65535". */
void etd_config_write_range(const struct etd_config_key *key, struct etd_writer *writer);

#endif
