#include "platform/memory.h"

#include <stdlib.h>

static void *resize(void *context, void *old, size_t size)
{
    (void)context;
    /* realloc of size 0 may give a piece of no bytes instead. */
    if (size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, size);
}

const struct etd_memory etd_memory_libc = {.resize = resize};
