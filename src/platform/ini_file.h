/* The INI format: headings, pairs and comments of a text, with their line numbers. inih parts
 * names, values and comments; what it would cut short, join or pass over in silence is a mistake
 * here. */
#ifndef ECHOTIMED_PLATFORM_INI_FILE_H
#define ECHOTIMED_PLATFORM_INI_FILE_H

#include "echotimed/bytes.h"

#include <stdint.h>

/* The longest line in bytes, without its end: the dump of a list as long as may be fits. Where inih cannot hold so much, a line that is too
 * long for it is a mistake that says so. */
enum { ETD_INI_LINE_MAX = 64 * 1024 };

/* What is told, in the order of the lines; lines count from 1. Texts are valid during the call. */
struct etd_ini_events {
    /* What stands in a heading's brackets. Null: there was a heading that could not be read, and a
     * mistake said why. */
    void (*section)(void *context, const char *text, uint32_t line);
    /* NAME = VALUE, without blanks around them and without the comment. Also comes before any
     * section. */
    void (*pair)(void *context, const char *name, const char *value, uint32_t line);
    /* A line that was left out, and why. */
    void (*mistake)(void *context, const char *message, uint32_t line);
};

void etd_ini_parse(struct etd_bytes text, const struct etd_ini_events *events, void *context);

#endif
