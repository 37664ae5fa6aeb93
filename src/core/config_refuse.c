/* What a draft says of sections and keys that it refuses. */
#include "config_refuse.h"

#include "config_value.h"
#include "nearest.h"

void etd_refuse_title(const struct etd_config_draft_section *section, struct etd_writer *writer)
{
    if (section->kind == ETD_SECTION_DAEMON)
        etd_write_text(writer, "[daemon]");
    else
        etd_config_title(&section->listener, writer);
}

void etd_refuse_section(struct etd_config_draft *draft, const char *text, struct etd_origin origin)
{
    char word[ETD_SECTION_NAME_MAX + 1] = "";
    size_t word_size = strcspn(text, " \t");
    if (word_size < sizeof word)
        memcpy(word, text, word_size);
    struct etd_nearest nearest = etd_nearest_begin(word);
    for (unsigned i = 0; i < ETD_SECTION_COUNT; i++)
        etd_nearest_offer(&nearest, etd_config_section_name((enum etd_config_section)i));

    struct etd_config_message message;
    struct etd_writer *writer = etd_config_message_begin(&message);
    etd_write_text(writer, "unknown section ");
    etd_write_quoted(writer, etd_bytes_text(text));
    if (nearest.best != NULL) {
        etd_write_text(writer, "; did you mean [");
        etd_write_text(writer, nearest.best);
        etd_write_text(writer, "]?");
    } else {
        etd_write_text(writer, "; known are [daemon], [tcp], [tcp NAME], [udp] and [udp NAME]");
    }
    etd_config_problems_add(draft->problems, origin, &message);
}

void etd_refuse_section_name(struct etd_config_draft *draft, const char *text,
                             struct etd_origin origin)
{
    struct etd_config_message message;
    struct etd_writer *writer = etd_config_message_begin(&message);
    etd_write_text(writer, "section ");
    etd_write_quoted(writer, etd_bytes_text(text));
    etd_write_text(writer, " has a wrong name; write one blank and 1 to ");
    etd_write_decimal(writer, ETD_SECTION_NAME_MAX, 1);
    etd_write_text(writer, " letters, digits, '-', '_' or '.'");
    etd_config_problems_add(draft->problems, origin, &message);
}

void etd_refuse_section_twice(struct etd_config_draft *draft,
                              const struct etd_config_draft_section *section,
                              struct etd_origin origin)
{
    struct etd_config_message message;
    struct etd_writer *writer = etd_config_message_begin(&message);
    etd_write_text(writer, "section ");
    etd_refuse_title(section, writer);
    etd_write_text(writer, " was given in ");
    etd_origin_write(section->opened, draft->problems->sources, writer);
    etd_write_text(writer, " already; put its keys together there");
    etd_config_problems_add(draft->problems, origin, &message);
}

static void key_list_write(enum etd_config_section kind, struct etd_writer *writer)
{
    const char *separator = " knows ";
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        if (etd_config_keys[i].section != kind || etd_config_keys[i].planned)
            continue;
        etd_write_text(writer, separator);
        etd_write_text(writer, etd_config_keys[i].name);
        separator = ", ";
    }
}

/* The known name of the section that is nearest; in *elsewhere a key of that very name that
 * another section has. */
static const char *key_nearest(enum etd_config_section kind, const char *name,
                               const struct etd_config_key **elsewhere)
{
    struct etd_nearest nearest = etd_nearest_begin(name);
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        if (key->section == kind)
            etd_nearest_offer(&nearest, key->name);
        else if (*elsewhere == NULL && strcmp(key->name, name) == 0)
            *elsewhere = key;
    }
    return nearest.best;
}

void etd_refuse_key(struct etd_config_draft *draft, const struct etd_config_draft_section *section,
                    const char *name, struct etd_origin origin)
{
    const struct etd_config_key *elsewhere = NULL;
    const char *best = key_nearest(section->kind, name, &elsewhere);
    struct etd_config_message message;
    struct etd_writer *writer = etd_config_message_begin(&message);
    etd_write_text(writer, "unknown key ");
    etd_write_quoted(writer, etd_bytes_text(name));
    etd_write_text(writer, " in ");
    etd_refuse_title(section, writer);
    if (elsewhere != NULL) {
        etd_write_text(writer, "; it belongs in [");
        etd_write_text(writer, etd_config_section_name(elsewhere->section));
        etd_write_text(writer, "]");
    } else if (best != NULL) {
        etd_write_text(writer, "; did you mean ");
        etd_write_text(writer, best);
        etd_write_text(writer, "?");
    } else {
        etd_write_text(writer, ", which");
        key_list_write(section->kind, writer);
    }
    etd_config_problems_add(draft->problems, origin, &message);
}

struct etd_writer *etd_refuse_key_begin(struct etd_config_message *message,
                                        const struct etd_config_draft_section *section,
                                        const struct etd_config_key *key, const char *follows)
{
    struct etd_writer *writer = etd_config_message_begin(message);
    etd_refuse_title(section, writer);
    etd_write_text(writer, " ");
    etd_write_text(writer, key->name);
    etd_write_text(writer, follows);
    return writer;
}
