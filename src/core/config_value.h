/* Values of the configuration: from text to field and back, after the row of their key. */
#ifndef ECHOTIMED_CORE_CONFIG_VALUE_H
#define ECHOTIMED_CORE_CONFIG_VALUE_H

#include "echotimed/config.h"
#include "echotimed/endpoint.h"
#include "echotimed/quantity.h"

/* Reads `text` into the key's field of `base`, a struct etd_config_daemon or etd_config_listener. A
 * list is allocated, and the one that stood there freed. When the text is refused the field stays
 * as it was, and what is wrong is written to `why`: it goes on after "KEY ". */
enum etd_config_result etd_value_parse(const struct etd_config_key *key, const char *text,
                                       void *base, const struct etd_memory *memory,
                                       struct etd_writer *why);

/* Writes the field's text, which reads back to the same value. */
void etd_value_write(const struct etd_config_key *key, const void *base, struct etd_writer *writer);

/* Frees the field where it is a list, and empties it. */
void etd_value_clear(const struct etd_config_key *key, void *base, const struct etd_memory *memory);

/* Frees the lists of [daemon]. */
void etd_config_daemon_clear(struct etd_config_daemon *daemon, const struct etd_memory *memory);

/* Frees the lists of a listener. */
void etd_config_listener_clear(struct etd_config_listener *listener,
                               const struct etd_memory *memory);

/* Lists. */
enum etd_config_result etd_list_parse(const struct etd_config_key *key, const char *text,
                                      void *base, const struct etd_memory *memory,
                                      struct etd_writer *why);
void etd_list_write(const struct etd_config_key *key, const void *base, struct etd_writer *writer);
void etd_list_clear(const struct etd_config_key *key, void *base, const struct etd_memory *memory);

/* One entry of a list, without blanks around it, into `entry`. As etd_value_parse. */
bool etd_endpoint_parse(const struct etd_config_key *key, struct etd_bytes text, void *entry,
                        struct etd_writer *why);

bool etd_prefix_parse(const struct etd_config_key *key, struct etd_bytes text, void *entry,
                      struct etd_writer *why);
void etd_prefix_write(const void *entry, struct etd_writer *writer);

/* What the scalars and lists share. */

static inline bool etd_char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters and digits of ASCII, '-', '_' and '.': what names are made of here. */
static inline bool etd_char_is_name(char c)
{
    return etd_char_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.';
}

static inline bool etd_bytes_are_name(struct etd_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!etd_char_is_name((char)text.data[i]))
            return false;
    }
    return true;
}

/* Reads the decimal digits at the front of `text` and cuts them off; false when there are none.
 * What is greater than UINT64_MAX is read as that: no range goes so far. */
bool etd_digits_cut(struct etd_bytes *text, uint64_t *value);

#endif
