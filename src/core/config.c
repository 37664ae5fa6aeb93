#include "config_value.h"

/* Where the dump puts the = of a line. A name that is longer has its own a blank behind it. */
enum { NAME_WIDTH = 18 };

enum etd_config_section etd_config_section_of(enum etd_transport transport)
{
    return transport == ETD_UDP ? ETD_SECTION_UDP : ETD_SECTION_TCP;
}

void etd_config_title(const struct etd_config_listener *listener, struct etd_writer *writer)
{
    etd_write_text(writer, "[");
    etd_write_text(writer, etd_transport_name(listener->transport));
    etd_write_text(writer, listener->name[0] != '\0' ? " " : "");
    etd_write_text(writer, listener->name);
    etd_write_text(writer, "]");
}

static void section_clear(enum etd_config_section section, void *base,
                          const struct etd_memory *memory)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        if (key->section == section && !key->planned)
            etd_value_clear(key, base, memory);
    }
}

void etd_config_daemon_clear(struct etd_config_daemon *daemon, const struct etd_memory *memory)
{
    section_clear(ETD_SECTION_DAEMON, daemon, memory);
}

void etd_config_listener_clear(struct etd_config_listener *listener,
                               const struct etd_memory *memory)
{
    section_clear(etd_config_section_of(listener->transport), listener, memory);
}

void etd_config_free(struct etd_config *config)
{
    if (config->memory != NULL)
        etd_config_daemon_clear(&config->daemon, config->memory);
    for (size_t i = 0; i < config->listener_count; i++)
        etd_config_listener_clear(&config->listeners[i], config->memory);
    if (config->listeners != NULL)
        etd_memory_free(config->memory, config->listeners);
    *config = (struct etd_config){0};
}

static void dump_key(const struct etd_config_key *key, const void *base, struct etd_writer *writer)
{
    etd_write_text(writer, key->name);
    for (size_t column = strlen(key->name); column < NAME_WIDTH; column++)
        etd_write_text(writer, " ");
    etd_write_text(writer, " = ");
    const uint8_t *value = writer->at;
    etd_value_write(key, base, writer);
    if (writer->at == value && !writer->failed)
        writer->at--; /* no blank ends a line */
    etd_write_text(writer, "\n");
}

static void dump_keys(enum etd_config_section section, const void *base, struct etd_writer *writer)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        if (key->section == section && !key->planned)
            dump_key(key, base, writer);
    }
}

void etd_config_dump(const struct etd_config *config, struct etd_writer *writer)
{
    etd_write_text(writer, "[daemon]\n");
    dump_keys(ETD_SECTION_DAEMON, &config->daemon, writer);
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct etd_config_listener *listener = &config->listeners[i];
        etd_write_text(writer, "\n");
        etd_config_title(listener, writer);
        etd_write_text(writer, "\n");
        dump_keys(etd_config_section_of(listener->transport), listener, writer);
    }
}
