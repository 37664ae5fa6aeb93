/* The command line of echotime. One table holds all options; each command names those that it takes,
 * with their defaults and their help. */
#ifndef ECHOTIMED_CLIENT_OPTIONS_H
#define ECHOTIMED_CLIENT_OPTIONS_H

#include "client/protocol.h"
#include "echotimed/config.h"
#include "echotimed/framing.h"
#include "echotimed/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Index into etd_options_table, in the order in which the help shows them. */
enum etd_option_id {
    ETD_OPTION_PROTOCOL,
    ETD_OPTION_FRAMING,
    ETD_OPTION_COUNT,
    ETD_OPTION_INTERVAL,
    ETD_OPTION_SIZE,
    ETD_OPTION_CONNECTIONS,
    ETD_OPTION_DEPTH,
    ETD_OPTION_RATE,
    ETD_OPTION_DURATION,
    ETD_OPTION_TIMEOUT,
    ETD_OPTION_QUIET,
    ETD_OPTION_IPV4,
    ETD_OPTION_IPV6,
    ETD_OPTION_SOURCE,
    ETD_OPTION_JSON,
    ETD_OPTION_HELP,
    ETD_OPTION_VERSION,
    ETD_OPTIONS
};

/* What an option takes, and so which field of the settings holds it. */
enum etd_option_type {
    ETD_OPTION_FLAG,     /* nothing; bool */
    ETD_OPTION_QUANTITY, /* as `quantity` says */
    ETD_OPTION_TEXT,     /* const char *, the argument itself */
    ETD_OPTION_CHOICE    /* a name of the command's protocols, or of a framing */
};

struct etd_option {
    char letter;       /* 0: none */
    const char *name;  /* the long form */
    const char *value; /* how the help names what it takes; null: nothing */
    enum etd_option_type type;
    struct etd_config_key quantity; /* type, range and zero_is_off */
    size_t offset;                  /* of the field in struct etd_settings */
};

extern const struct etd_option etd_options_table[ETD_OPTIONS];

/* What a run is to do. Fields of options that the command does not take are zero. */
struct etd_settings {
    const struct etd_command *command;
    struct etd_url url; /* its port is set: the given one, or the protocol's */
    enum etd_protocol_id protocol;
    enum etd_framing_id framing;
    uint32_t count; /* 0: without end */
    uint64_t interval_us;
    uint64_t size; /* bytes of a message */
    uint32_t connections;
    uint32_t depth; /* messages under way on each connection */
    uint32_t rate;  /* messages a second in all; 0: as fast as answers come */
    uint64_t duration_us;
    uint64_t timeout_us;
    bool quiet;
    bool ipv4; /* that family alone; never both */
    bool ipv6;
    const char *source; /* null: the kernel chooses */
    bool json;
    bool help;
    bool version;
    uint32_t given; /* the options on the command line, a set of 1 << enum etd_option_id */
};

static inline bool etd_option_given(const struct etd_settings *settings, enum etd_option_id option)
{
    return (settings->given & 1u << option) != 0;
}

enum etd_request_kind {
    ETD_REQUEST_RUN,     /* the settings are complete */
    ETD_REQUEST_DONE,    /* help or version was printed */
    ETD_REQUEST_MISUSED, /* the reason was written to standard error */
};

/* Reads the command line, main's own. The settings refer to it. */
enum etd_request_kind etd_options_read(struct etd_settings *settings, int argc, char **argv);

/* Writes "echotime: SENTENCE; see echotime COMMAND --help" to standard error; gives MISUSED. For
 * what a command finds wrong in its own settings. */
__attribute__((format(printf, 2, 3))) enum etd_request_kind
etd_options_misuse(const struct etd_command *command, const char *format, ...);

/* Prints the help of a command, or with null of the program. */
void etd_help_print(const struct etd_command *command);

#endif
