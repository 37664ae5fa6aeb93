/* The draft: sections and keys go in, one after the other, and the whole comes out. */
#include "echotimed/config_draft.h"

#include "config_check.h"
#include "config_refuse.h"
#include "config_value.h"

/* [daemon] always is the first section of a draft. */
enum { DAEMON_SECTION = 0 };

static const struct etd_origin by_default = {.kind = ETD_ORIGIN_DEFAULT};

static void *section_base(struct etd_config_draft *draft, struct etd_config_draft_section *section)
{
    return section->kind == ETD_SECTION_DAEMON ? (void *)&draft->daemon
                                               : (void *)&section->listener;
}

/* Gives every key of a new section its default. Defaults are valid: only memory can be lacking. */
static bool set_defaults(struct etd_config_draft *draft, struct etd_config_draft_section *section)
{
    struct etd_config_message unheard;
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        if (key->section != section->kind || key->planned)
            continue;
        if (etd_value_parse(key, key->default_text, section_base(draft, section), draft->memory,
                            etd_config_message_begin(&unheard)) != ETD_CONFIG_OK)
            return false;
    }
    return true;
}

/* Adds a section with all defaults and opens it. */
static struct etd_config_draft_section *
section_add(struct etd_config_draft *draft, enum etd_config_section kind, struct etd_origin origin)
{
    draft->current = draft->section_count;
    if (draft->no_memory)
        return NULL;
    if (draft->section_count > ETD_LISTENERS_MAX) {
        etd_config_problems_add_text(draft->problems, origin,
                                     "there are too many sections; 1000 listeners are the limit");
        return NULL;
    }
    if (draft->section_count == draft->section_capacity) {
        size_t capacity = draft->section_capacity == 0 ? 4 : draft->section_capacity * 2;
        struct etd_config_draft_section *sections =
            etd_memory_resize(draft->memory, draft->sections, capacity * sizeof *sections);
        if (sections == NULL) {
            draft->no_memory = true;
            return NULL;
        }
        draft->sections = sections;
        draft->section_capacity = capacity;
    }
    struct etd_config_draft_section *section = &draft->sections[draft->section_count++];
    *section = (struct etd_config_draft_section){.kind = kind, .opened = origin};
    section->listener.transport = kind == ETD_SECTION_UDP ? ETD_UDP : ETD_TCP;
    if (!set_defaults(draft, section))
        draft->no_memory = true;
    return section;
}

void etd_config_draft_init(struct etd_config_draft *draft, const struct etd_memory *memory,
                           struct etd_config_problems *problems)
{
    *draft = (struct etd_config_draft){.memory = memory, .problems = problems};
    (void)section_add(draft, ETD_SECTION_DAEMON, by_default);
    draft->current = draft->section_count;
}

void etd_config_draft_free(struct etd_config_draft *draft)
{
    for (size_t i = 0; i < draft->section_count; i++) {
        if (draft->sections[i].kind == ETD_SECTION_DAEMON)
            etd_config_daemon_clear(&draft->daemon, draft->memory);
        else
            etd_config_listener_clear(&draft->sections[i].listener, draft->memory);
    }
    etd_memory_free(draft->memory, draft->sections);
    *draft = (struct etd_config_draft){.memory = draft->memory};
}

/* A heading such as "tcp framed", taken apart. */
struct heading {
    struct etd_bytes word;
    struct etd_bytes name; /* empty when there is none */
    bool named;            /* a blank stood behind the word */
};

static struct heading heading_split(const char *text)
{
    size_t word = strcspn(text, " \t");
    struct heading heading = {.word = etd_bytes(text, word), .named = text[word] != '\0'};
    if (heading.named)
        heading.name = etd_bytes_text(text + word + 1);
    return heading;
}

static bool section_find(struct etd_bytes word, enum etd_config_section *kind)
{
    for (unsigned i = 0; i < ETD_SECTION_COUNT; i++) {
        *kind = (enum etd_config_section)i;
        if (etd_bytes_equal(word, etd_bytes_text(etd_config_section_name(*kind))))
            return true;
    }
    return false;
}

static bool name_is_valid(const struct heading *heading, const char *text)
{
    if (!heading->named)
        return true;
    return text[heading->word.size] == ' ' && heading->name.size > 0 &&
           heading->name.size <= ETD_SECTION_NAME_MAX && etd_bytes_are_name(heading->name);
}

/* Opens the section when it is there already. */
static struct etd_config_draft_section *
section_reopen(struct etd_config_draft *draft, enum etd_config_section kind, struct etd_bytes name)
{
    for (size_t i = 0; i < draft->section_count; i++) {
        struct etd_config_draft_section *section = &draft->sections[i];
        if (section->kind == kind && !section->nameless &&
            etd_bytes_equal(etd_bytes_text(section->listener.name), name)) {
            draft->current = i;
            return section;
        }
    }
    return NULL;
}

void etd_config_draft_open(struct etd_config_draft *draft, const char *text,
                           struct etd_origin origin)
{
    draft->current = draft->section_count;
    if (text == NULL)
        return;
    struct heading heading = heading_split(text);
    enum etd_config_section kind;
    if (!section_find(heading.word, &kind)) {
        etd_refuse_section(draft, text, origin);
        return;
    }
    if (kind == ETD_SECTION_DAEMON && heading.named) {
        etd_config_problems_add_text(draft->problems, origin,
                                     "section [daemon] takes no name; write [daemon]");
        heading = heading_split("daemon");
    }
    bool valid = name_is_valid(&heading, text);
    if (!valid)
        etd_refuse_section_name(draft, text, origin);
    struct etd_config_draft_section *section =
        valid ? section_reopen(draft, kind, heading.name) : NULL;
    if (section == NULL) {
        section = section_add(draft, kind, origin);
        if (section == NULL)
            return;
        section->nameless = !valid;
        if (valid && heading.name.size > 0)
            memcpy(section->listener.name, heading.name.data, heading.name.size);
    } else if (origin.kind == ETD_ORIGIN_FILE) {
        /* [daemon] is there from the start, and is opened by the first heading. */
        if (section->opened.kind == ETD_ORIGIN_FILE)
            etd_refuse_section_twice(draft, section, origin);
        else
            section->opened = origin;
    }
}

/* A # after a blank was meant for a comment: no value has one. */
static bool has_hash(const char *value)
{
    return strstr(value, " #") != NULL || strstr(value, "\t#") != NULL;
}

static void key_set(struct etd_config_draft *draft, struct etd_config_draft_section *section,
                    const struct etd_config_key *key, const char *value, struct etd_origin origin)
{
    struct etd_config_given *given = &section->given[key - etd_config_keys];
    struct etd_config_message message;
    if (given->at.kind == origin.kind) {
        struct etd_writer *writer = etd_refuse_key_begin(&message, section, key, " was given in ");
        etd_origin_write(given->at, draft->problems->sources, writer);
        etd_write_text(writer, " already; keep one of them");
        etd_config_problems_add(draft->problems, origin, &message);
        return;
    }
    given->at = origin;
    struct etd_writer *why = etd_refuse_key_begin(&message, section, key, ": ");
    switch (etd_value_parse(key, value, section_base(draft, section), draft->memory, why)) {
    case ETD_CONFIG_OK:
        given->bad = false;
        return;
    case ETD_CONFIG_MISTAKEN:
        given->bad = true;
        if (has_hash(value))
            etd_write_text(why, "; a comment behind a value begins with ' ;'");
        etd_config_problems_add(draft->problems, origin, &message);
        return;
    case ETD_CONFIG_NO_MEMORY:
        draft->no_memory = true;
        return;
    }
}

void etd_config_draft_set(struct etd_config_draft *draft, const char *name, const char *value,
                          struct etd_origin origin)
{
    if (draft->current == draft->section_count)
        return;
    struct etd_config_draft_section *section = &draft->sections[draft->current];
    const struct etd_config_key *key = etd_config_key_find(section->kind, name);
    if (key == NULL) {
        etd_refuse_key(draft, section, name, origin);
    } else if (key->planned) {
        struct etd_config_message message;
        (void)etd_refuse_key_begin(&message, section, key, " is not supported yet; leave it out");
        etd_config_problems_add(draft->problems, origin, &message);
    } else {
        key_set(draft, section, key, value, origin);
    }
}

void etd_config_draft_end_file(struct etd_config_draft *draft)
{
    bool listeners = false;
    for (size_t i = 0; i < draft->section_count; i++)
        listeners = listeners || draft->sections[i].kind != ETD_SECTION_DAEMON;
    if (!listeners) {
        (void)section_add(draft, ETD_SECTION_TCP, by_default);
        (void)section_add(draft, ETD_SECTION_UDP, by_default);
    }
    draft->current = draft->section_count;
}

void etd_config_draft_option(struct etd_config_draft *draft, size_t index)
{
    struct etd_origin origin = {.kind = ETD_ORIGIN_OPTION, .number = (uint32_t)index};
    const char *text = draft->problems->sources->options[index];
    const char *equals = strchr(text, '=');
    size_t path = equals != NULL ? (size_t)(equals - text) : 0;
    const char *dot = path > 0 ? memrchr(text, '.', path) : NULL;
    if (dot == NULL) {
        etd_config_problems_add_text(draft->problems, origin,
                                     "is not SECTION.KEY=VALUE, such as tcp.listen=*:7000");
        return;
    }
    char *copy = etd_memory_resize(draft->memory, NULL, path + 1);
    if (copy == NULL) {
        draft->no_memory = true;
        return;
    }
    memcpy(copy, text, path);
    copy[path] = '\0';
    copy[dot - text] = '\0';
    etd_config_draft_open(draft, copy, origin);
    etd_config_draft_set(draft, copy + (dot - text) + 1, equals + 1, origin);
    etd_memory_free(draft->memory, copy);
}

/* Hands all values over; the draft keeps none. */
static bool values_take(struct etd_config_draft *draft, struct etd_config *config)
{
    size_t count = draft->section_count - 1;
    struct etd_config_listener *listeners =
        etd_memory_resize(draft->memory, NULL, count * sizeof *listeners);
    if (listeners == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        listeners[i] = draft->sections[DAEMON_SECTION + 1 + i].listener;
    draft->section_count = 0;
    *config = (struct etd_config){.memory = draft->memory,
                                  .daemon = draft->daemon,
                                  .listeners = listeners,
                                  .listener_count = count};
    return true;
}

enum etd_config_result etd_config_draft_finish(struct etd_config_draft *draft,
                                               struct etd_config *config)
{
    *config = (struct etd_config){0};
    if (!draft->no_memory)
        etd_draft_check(draft);
    if (draft->no_memory || draft->problems->no_memory)
        return ETD_CONFIG_NO_MEMORY;
    if (draft->problems->count > 0)
        return ETD_CONFIG_MISTAKEN;
    return values_take(draft, config) ? ETD_CONFIG_OK : ETD_CONFIG_NO_MEMORY;
}
