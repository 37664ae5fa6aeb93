/* Numbers, sizes and durations as people write them, in a configuration and on a command line. */
#ifndef ECHOTIMED_QUANTITY_H
#define ECHOTIMED_QUANTITY_H

#include "echotimed/config.h"

/* Reads `text` into `field`, which the key's type says: a uint32_t for NUMBER, a uint64_t for SIZE
 * (bytes) and DURATION (microseconds). Of the key the type, the range and zero_is_off are looked at.
 * When the text is refused the field stays as it was, and what is wrong is written to `why`: it goes
 * on after "KEY ". */
enum etd_config_result etd_quantity_parse(const struct etd_config_key *key, const char *text,
                                          void *field, struct etd_writer *why);

/* Writes the field's text, in the default's unit where it means the same. */
void etd_quantity_write(const struct etd_config_key *key, const void *field,
                        struct etd_writer *writer);

/* Writes "1ms to 168h, or 0". */
void etd_quantity_write_range(const struct etd_config_key *key, struct etd_writer *writer);

#endif
