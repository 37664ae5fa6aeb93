/* Memory from the C library, as the core wants it (include/echotimed/memory.h). */
#ifndef ECHOTIMED_PLATFORM_MEMORY_H
#define ECHOTIMED_PLATFORM_MEMORY_H

#include "echotimed/memory.h"

/* realloc(3) and free(3). */
extern const struct etd_memory etd_memory_libc;

#endif
