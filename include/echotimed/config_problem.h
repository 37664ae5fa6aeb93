/* Mistakes in a configuration: all that one run finds, each as one line that says where. */
#ifndef ECHOTIMED_CONFIG_PROBLEM_H
#define ECHOTIMED_CONFIG_PROBLEM_H

#include "echotimed/bytes.h"
#include "echotimed/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which sources are applied and mistakes are told. */
enum etd_origin_kind { ETD_ORIGIN_DEFAULT, ETD_ORIGIN_FILE, ETD_ORIGIN_OPTION };

/* Where a value came from. */
struct etd_origin {
    enum etd_origin_kind kind;
    uint32_t number; /* the line, counted from 1 (0: the file as a whole); the option's index */
};

/* A later source has a greater origin. Below, at or above 0, as memcmp(3). */
int etd_origin_compare(struct etd_origin a, struct etd_origin b);

/* What origins refer to. The texts belong to the caller and outlive what is made of them. */
struct etd_config_sources {
    const char *file;           /* its path; null when there is none */
    const char *const *options; /* the arguments of -o, SECTION.KEY=VALUE */
    size_t option_count;
};

/* "line 12", or "-o TEXT". */
void etd_origin_write(struct etd_origin origin, const struct etd_config_sources *sources,
                      struct etd_writer *writer);

struct etd_config_problem {
    struct etd_origin origin;
    char *text; /* "FILE:LINE: message" or "-o TEXT: message", printable ASCII, without LF */
};

/* In the order of their origins. */
struct etd_config_problems {
    const struct etd_memory *memory;
    const struct etd_config_sources *sources;
    struct etd_config_problem *items;
    size_t count;
    size_t capacity;
    bool no_memory; /* one was lost for want of memory */
};

void etd_config_problems_init(struct etd_config_problems *problems, const struct etd_memory *memory,
                              const struct etd_config_sources *sources);
void etd_config_problems_free(struct etd_config_problems *problems);

/* A message that is being written. It is bounded: what does not fit is left out, and the message
 * ends in "..." then. */
enum { ETD_CONFIG_MESSAGE = 1024 };
struct etd_config_message {
    struct etd_writer writer;
    uint8_t text[ETD_CONFIG_MESSAGE];
};

/* Starts an empty message and returns its writer, which points into `message`. */
struct etd_writer *etd_config_message_begin(struct etd_config_message *message);

/* Adds the message to the list, at its place. */
void etd_config_problems_add(struct etd_config_problems *problems, struct etd_origin origin,
                             const struct etd_config_message *message);

/* The same with a fixed text. */
void etd_config_problems_add_text(struct etd_config_problems *problems, struct etd_origin origin,
                                  const char *text);

/* Writes 'text' in quotes for a message: what is not printable ASCII as \xHH, overlong text cut. */
void etd_write_quoted(struct etd_writer *writer, struct etd_bytes text);

#endif
