/* Values: booleans, choices and names, and the way to the other types. */
#include "config_value.h"

#include "echotimed/config_problem.h"

static enum etd_config_result boolean_parse(const char *text, bool *field, struct etd_writer *why)
{
    static const struct {
        const char *text;
        bool value;
    } words[] = {{"yes", true},    {"no", false}, {"true", true},
                 {"false", false}, {"on", true},  {"off", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i].text) == 0) {
            *field = words[i].value;
            return ETD_CONFIG_OK;
        }
    }
    etd_write_quoted(why, etd_bytes_text(text));
    etd_write_text(why, " is neither yes nor no");
    return ETD_CONFIG_MISTAKEN;
}

static void choices_write(const struct etd_config_key *key, struct etd_writer *writer)
{
    for (size_t i = 0; i < key->choices->count; i++) {
        etd_write_text(writer, i == 0 ? "" : ", ");
        etd_write_text(writer, key->choices->name(i));
    }
}

static enum etd_config_result choice_parse(const struct etd_config_key *key, const char *text,
                                           void *field, struct etd_writer *why)
{
    for (unsigned i = 0; i < key->choices->count; i++) {
        if (strcmp(text, key->choices->name(i)) == 0) {
            unsigned value = key->choices->first + i;
            memcpy(field, &value, sizeof value);
            return ETD_CONFIG_OK;
        }
    }
    etd_write_quoted(why, etd_bytes_text(text));
    etd_write_text(why, " is not known; supported: ");
    choices_write(key, why);
    return ETD_CONFIG_MISTAKEN;
}

static void choice_write(const struct etd_config_key *key, const void *field,
                         struct etd_writer *writer)
{
    unsigned value;
    memcpy(&value, field, sizeof value);
    etd_write_text(writer, key->choices->name(value - key->choices->first));
}

static enum etd_config_result name_parse(const struct etd_config_key *key, const char *text,
                                         char *field, struct etd_writer *why)
{
    struct etd_bytes bytes = etd_bytes_text(text);
    if (bytes.size < key->min || bytes.size > key->max || !etd_bytes_are_name(bytes)) {
        etd_write_quoted(why, bytes);
        etd_write_text(why, " is not a name; write ");
        etd_config_write_range(key, why);
        return ETD_CONFIG_MISTAKEN;
    }
    memcpy(field, text, bytes.size + 1);
    return ETD_CONFIG_OK;
}

static void count_write(const struct etd_config_key *key, const char *what,
                        struct etd_writer *writer)
{
    etd_write_text(writer, key->min == 0 ? "nothing, or up to " : "1 to ");
    etd_write_decimal(writer, key->max, 1);
    etd_write_text(writer, what);
}

enum etd_config_result etd_value_parse(const struct etd_config_key *key, const char *text,
                                       void *base, const struct etd_memory *memory,
                                       struct etd_writer *why)
{
    void *field = (uint8_t *)base + key->offset;
    switch (key->type) {
    case ETD_CONFIG_BOOLEAN:
        return boolean_parse(text, field, why);
    case ETD_CONFIG_NUMBER:
    case ETD_CONFIG_SIZE:
    case ETD_CONFIG_DURATION:
        return etd_quantity_parse(key, text, field, why);
    case ETD_CONFIG_CHOICE:
        return choice_parse(key, text, field, why);
    case ETD_CONFIG_NAME:
        return name_parse(key, text, field, why);
    case ETD_CONFIG_ENDPOINTS:
    case ETD_CONFIG_PREFIXES:
        return etd_list_parse(key, text, base, memory, why);
    case ETD_CONFIG_TYPES:
        break;
    }
    return ETD_CONFIG_MISTAKEN;
}

void etd_value_write(const struct etd_config_key *key, const void *base, struct etd_writer *writer)
{
    const void *field = (const uint8_t *)base + key->offset;
    switch (key->type) {
    case ETD_CONFIG_BOOLEAN:
        etd_write_text(writer, *(const bool *)field ? "yes" : "no");
        return;
    case ETD_CONFIG_NUMBER:
    case ETD_CONFIG_SIZE:
    case ETD_CONFIG_DURATION:
        etd_quantity_write(key, field, writer);
        return;
    case ETD_CONFIG_CHOICE:
        choice_write(key, field, writer);
        return;
    case ETD_CONFIG_NAME:
        etd_write_text(writer, field);
        return;
    case ETD_CONFIG_ENDPOINTS:
    case ETD_CONFIG_PREFIXES:
        etd_list_write(key, base, writer);
        return;
    case ETD_CONFIG_TYPES:
        return;
    }
}

void etd_value_clear(const struct etd_config_key *key, void *base, const struct etd_memory *memory)
{
    if (key->type == ETD_CONFIG_ENDPOINTS || key->type == ETD_CONFIG_PREFIXES)
        etd_list_clear(key, base, memory);
}

void etd_config_write_range(const struct etd_config_key *key, struct etd_writer *writer)
{
    switch (key->type) {
    case ETD_CONFIG_BOOLEAN:
        etd_write_text(writer, "yes or no");
        return;
    case ETD_CONFIG_NUMBER:
    case ETD_CONFIG_SIZE:
    case ETD_CONFIG_DURATION:
        etd_quantity_write_range(key, writer);
        return;
    case ETD_CONFIG_CHOICE:
        choices_write(key, writer);
        return;
    case ETD_CONFIG_NAME:
        count_write(key, " letters, digits, '-', '_' or '.'", writer);
        return;
    case ETD_CONFIG_ENDPOINTS:
        count_write(key, " of HOST:PORT, [IPV6]:PORT or *:PORT", writer);
        return;
    case ETD_CONFIG_PREFIXES:
        count_write(key, " of ADDRESS or ADDRESS/BITS", writer);
        return;
    case ETD_CONFIG_TYPES:
        return;
    }
}
