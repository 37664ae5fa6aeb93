#include "client/options.h"

#define FIELD(name) .offset = offsetof(struct etd_settings, name)
#define FLAG .type = ETD_OPTION_FLAG
#define QUANTITY(kind, least, most)                                                                \
    .type = ETD_OPTION_QUANTITY,                                                                   \
    .quantity = {.type = ETD_CONFIG_##kind, .min = (least), .max = (most)}
#define QUANTITY_OR_0(kind, least, most)                                                           \
    .type = ETD_OPTION_QUANTITY,                                                                   \
    .quantity = {.type = ETD_CONFIG_##kind, .min = (least), .max = (most), .zero_is_off = true}

enum {
    MS = 1000,
    SECOND = 1000000,
    MESSAGE_MAX = 1 << 24 /* bytes: there are two of them in memory for each message under way */
};

const struct etd_option etd_options_table[ETD_OPTIONS] = {
    [ETD_OPTION_PROTOCOL] = {'p', "protocol", "NAME", .type = ETD_OPTION_CHOICE, FIELD(protocol)},
    [ETD_OPTION_FRAMING] = {'f', "framing", "NAME", .type = ETD_OPTION_CHOICE, FIELD(framing)},
    [ETD_OPTION_COUNT] = {'c', "count", "NUMBER", QUANTITY(NUMBER, 1, UINT32_MAX), FIELD(count)},
    [ETD_OPTION_INTERVAL] = {'i', "interval", "DURATION", QUANTITY(DURATION, MS, 86400ull * SECOND),
                             FIELD(interval_us)},
    [ETD_OPTION_SIZE] = {'s', "size", "SIZE", QUANTITY(SIZE, 0, MESSAGE_MAX), FIELD(size)},
    [ETD_OPTION_CONNECTIONS] = {'n', "connections", "NUMBER", QUANTITY(NUMBER, 1, 1000000),
                                FIELD(connections)},
    [ETD_OPTION_DEPTH] = {'d', "depth", "NUMBER", QUANTITY(NUMBER, 1, 65536), FIELD(depth)},
    [ETD_OPTION_RATE] = {'r', "rate", "NUMBER", QUANTITY_OR_0(NUMBER, 1, 100000000), FIELD(rate)},
    [ETD_OPTION_DURATION] = {'t', "duration", "DURATION", QUANTITY(DURATION, MS, 86400ull * SECOND),
                             FIELD(duration_us)},
    [ETD_OPTION_TIMEOUT] = {'w', "timeout", "DURATION", QUANTITY(DURATION, MS, 3600ull * SECOND),
                            FIELD(timeout_us)},
    [ETD_OPTION_QUIET] = {'q', "quiet", NULL, FLAG, FIELD(quiet)},
    [ETD_OPTION_IPV4] = {'4', "ipv4", NULL, FLAG, FIELD(ipv4)},
    [ETD_OPTION_IPV6] = {'6', "ipv6", NULL, FLAG, FIELD(ipv6)},
    [ETD_OPTION_SOURCE] = {0, "source", "ADDRESS", .type = ETD_OPTION_TEXT, FIELD(source)},
    [ETD_OPTION_JSON] = {0, "json", NULL, FLAG, FIELD(json)},
    [ETD_OPTION_HELP] = {'h', "help", NULL, FLAG, FIELD(help)},
    [ETD_OPTION_VERSION] = {'V', "version", NULL, FLAG, FIELD(version)},
};
