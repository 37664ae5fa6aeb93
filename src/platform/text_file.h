/* Reading a whole small file. */
#ifndef ECHOTIMED_PLATFORM_TEXT_FILE_H
#define ECHOTIMED_PLATFORM_TEXT_FILE_H

#include "echotimed/memory.h"

#include <stddef.h>
#include <stdint.h>

/* No configuration is larger: what is, was not meant. */
enum { ETD_TEXT_FILE_MAX = 1 << 20 };

enum etd_text_file_result {
    ETD_TEXT_FILE_OK,
    ETD_TEXT_FILE_ABSENT,  /* there is no such file */
    ETD_TEXT_FILE_REFUSED, /* there is something, but no file that can be read */
    ETD_TEXT_FILE_NO_MEMORY
};

struct etd_text_file {
    uint8_t *data; /* owned, from the memory that was given */
    size_t size;
    char why[128]; /* for ABSENT and REFUSED: what is wrong, to stand behind the path */
};

/* Reads a regular file. With any result but OK there is nothing to free. Never blocks. */
enum etd_text_file_result etd_text_file_read(struct etd_text_file *file, const char *path,
                                             const struct etd_memory *memory);
void etd_text_file_free(struct etd_text_file *file, const struct etd_memory *memory);

#endif
