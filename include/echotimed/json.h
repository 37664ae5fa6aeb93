/* Writes JSON (RFC 8259) on one line: names and values go in, in order, and commas, quotes and
 * escapes come by themselves. The text is valid UTF-8 whatever goes in. */
#ifndef ECHOTIMED_JSON_H
#define ECHOTIMED_JSON_H

#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the text goes, and whether a comma is due. Whether it all fitted, the writer says at the end
 * (`failed`). */
struct etd_json {
    struct etd_writer *out; /* the caller's */
    bool due;
};

static inline struct etd_json etd_json(struct etd_writer *out)
{
    return (struct etd_json){.out = out};
}

/* `name` is null for the outermost value and for the entries of an array, here and below. Every
 * opening is to be followed by its closing. */
void etd_json_object(struct etd_json *json, const char *name);
void etd_json_object_end(struct etd_json *json);
void etd_json_array(struct etd_json *json, const char *name);
void etd_json_array_end(struct etd_json *json);

/* Text. What is not valid UTF-8 becomes U+FFFD, one for each byte. */
void etd_json_bytes(struct etd_json *json, const char *name, struct etd_bytes text);
void etd_json_text(struct etd_json *json, const char *name, const char *text);

void etd_json_bool(struct etd_json *json, const char *name, bool value);
void etd_json_null(struct etd_json *json, const char *name);
void etd_json_integer(struct etd_json *json, const char *name, int64_t value);
void etd_json_unsigned(struct etd_json *json, const char *name, uint64_t value);

/* `value` / 10^digits, exactly: 12345 with 3 digits is 12.345. `digits` is 1 to 19. */
void etd_json_decimal(struct etd_json *json, const char *name, int64_t value, unsigned digits);

#endif
