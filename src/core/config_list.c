/* Lists: entries that are parted by commas, of whatever kind. */
#include "config_value.h"

/* What kinds of entries differ in. */
struct list_type {
    size_t entry_size;
    bool (*parse)(const struct etd_config_key *key, struct etd_bytes text, void *entry,
                  struct etd_writer *why);
    void (*write)(const void *entry, struct etd_writer *writer);
};

static const struct list_type *list_of(enum etd_config_type type)
{
    static const struct list_type endpoints = {sizeof(struct etd_endpoint), etd_endpoint_parse,
                                               etd_endpoint_write};
    static const struct list_type prefixes = {sizeof(struct etd_prefix), etd_prefix_parse,
                                              etd_prefix_write};
    return type == ETD_CONFIG_ENDPOINTS ? &endpoints : &prefixes;
}

/* A list's field, without regard to what its entries are. */
struct list {
    uint8_t *entries;
    size_t count;
};

static struct list get(const struct etd_config_key *key, const void *base)
{
    struct list list;
    memcpy(&list.entries, (const uint8_t *)base + key->offset, sizeof list.entries);
    memcpy(&list.count, (const uint8_t *)base + key->count_offset, sizeof list.count);
    return list;
}

/* In place of the one that stands there, which is freed. */
static void put(const struct etd_config_key *key, void *base, struct list list,
                const struct etd_memory *memory)
{
    etd_memory_free(memory, get(key, base).entries);
    memcpy((uint8_t *)base + key->offset, &list.entries, sizeof list.entries);
    memcpy((uint8_t *)base + key->count_offset, &list.count, sizeof list.count);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Cuts the entry at the front of `rest`, up to a comma or the end, and the comma. */
static struct etd_bytes entry_cut(struct etd_bytes *rest)
{
    const uint8_t *comma = memchr(rest->data, ',', rest->size);
    size_t size = comma != NULL ? (size_t)(comma - rest->data) : rest->size;
    struct etd_bytes entry = etd_bytes(rest->data, size);
    size_t past = comma != NULL ? size + 1 : size;
    *rest = etd_bytes(rest->data + past, rest->size - past);
    while (entry.size > 0 && is_blank(entry.data[0]))
        entry = etd_bytes(entry.data + 1, entry.size - 1);
    while (entry.size > 0 && is_blank(entry.data[entry.size - 1]))
        entry.size--;
    return entry;
}

static size_t entries_count(const char *text)
{
    size_t count = text[0] != '\0';
    for (; *text != '\0'; text++)
        count += *text == ',';
    return count;
}

static enum etd_config_result entries_parse(const struct etd_config_key *key, const char *text,
                                            struct list *list, struct etd_writer *why)
{
    const struct list_type *type = list_of(key->type);
    struct etd_bytes rest = etd_bytes_text(text);
    for (size_t i = 0; i < list->count; i++) {
        struct etd_bytes entry = entry_cut(&rest);
        if (entry.size == 0) {
            etd_write_text(why, "an entry is empty; remove a comma");
            return ETD_CONFIG_MISTAKEN;
        }
        if (!type->parse(key, entry, list->entries + i * type->entry_size, why))
            return ETD_CONFIG_MISTAKEN;
    }
    return ETD_CONFIG_OK;
}

enum etd_config_result etd_list_parse(const struct etd_config_key *key, const char *text,
                                      void *base, const struct etd_memory *memory,
                                      struct etd_writer *why)
{
    struct list list = {.count = entries_count(text)};
    if (list.count < key->min || list.count > key->max) {
        etd_write_text(why, list.count == 0 ? "the list is empty; write "
                                            : "the list is too long; write ");
        etd_config_write_range(key, why);
        return ETD_CONFIG_MISTAKEN;
    }
    if (list.count > 0) {
        list.entries = etd_memory_resize(memory, NULL, list.count * list_of(key->type)->entry_size);
        if (list.entries == NULL)
            return ETD_CONFIG_NO_MEMORY;
    }
    enum etd_config_result result = entries_parse(key, text, &list, why);
    if (result == ETD_CONFIG_OK)
        put(key, base, list, memory);
    else
        etd_memory_free(memory, list.entries);
    return result;
}

void etd_list_write(const struct etd_config_key *key, const void *base, struct etd_writer *writer)
{
    const struct list_type *type = list_of(key->type);
    struct list list = get(key, base);
    for (size_t i = 0; i < list.count; i++) {
        etd_write_text(writer, i == 0 ? "" : ", ");
        type->write(list.entries + i * type->entry_size, writer);
    }
}

void etd_list_clear(const struct etd_config_key *key, void *base, const struct etd_memory *memory)
{
    put(key, base, (struct list){0}, memory);
}
