/* A configuration in the making: sections and keys go in, in the order of their sources, and a
 * checked configuration comes out, or a list of every mistake. The text formats around it, INI and
 * the -o option, are read elsewhere. */
#ifndef ECHOTIMED_CONFIG_DRAFT_H
#define ECHOTIMED_CONFIG_DRAFT_H

#include "echotimed/config.h"
#include "echotimed/config_problem.h"

/* Where each key of a section was set. */
struct etd_config_given {
    struct etd_origin at; /* ETD_ORIGIN_DEFAULT: nowhere */
    bool bad;             /* its value was refused, and the field still has an earlier one */
};

struct etd_config_draft_section {
    enum etd_config_section kind;
    struct etd_origin opened;
    bool nameless; /* its name was refused: keys are checked, the section as a whole is not */
    struct etd_config_listener listener; /* of a listener section */
    struct etd_config_given given[ETD_CONFIG_KEYS];
};

struct etd_config_draft {
    const struct etd_memory *memory;
    struct etd_config_problems *problems;
    struct etd_config_daemon daemon;
    struct etd_config_draft_section *sections; /* the first is [daemon], always there */
    size_t section_count;
    size_t section_capacity;
    size_t current; /* the section that keys go to; section_count: none, keys are passed over */
    bool no_memory;
};

/* Starts with the defaults of [daemon] and no listener. Problems go to `problems`, which the caller
 * owns; it must outlive the draft. On want of memory the draft is still valid, and finishing it
 * says so; that holds for every call below. */
void etd_config_draft_init(struct etd_config_draft *draft, const struct etd_memory *memory,
                           struct etd_config_problems *problems);
void etd_config_draft_free(struct etd_config_draft *draft);

/* Opens the section of that text ("daemon", "tcp", "udp framed"); the keys that follow are its.
 * Null stands for a heading that could not be read: the keys that follow are passed over. */
void etd_config_draft_open(struct etd_config_draft *draft, const char *text,
                           struct etd_origin origin);

/* Sets a key of the open section. */
void etd_config_draft_set(struct etd_config_draft *draft, const char *name, const char *value,
                          struct etd_origin origin);

/* The file is read, or there is none: without a listener so far, the default ones come in. */
void etd_config_draft_end_file(struct etd_config_draft *draft);

/* Applies the option of that index of the problems' sources, SECTION.KEY=VALUE; a listener section
 * that is not there yet is made. Options come after the file's end, each once, in their order. */
void etd_config_draft_option(struct etd_config_draft *draft, size_t index);

/* Checks what concerns several keys together. With ETD_CONFIG_OK, `config` is the whole
 * configuration and the caller's to free; otherwise it is all zeros. The draft still must be
 * freed. */
enum etd_config_result etd_config_draft_finish(struct etd_config_draft *draft,
                                               struct etd_config *config);

#endif
