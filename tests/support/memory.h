/* Memory for tests: counts what is held, and can refuse. */
#ifndef ECHOTIMED_TESTS_MEMORY_H
#define ECHOTIMED_TESTS_MEMORY_H

#include "echotimed/memory.h"

#include <stdint.h>

struct etd_test_memory {
    struct etd_memory memory; /* hand out its address */
    int64_t pieces;           /* held now; 0 at the end, or there is a leak */
    uint64_t requests;        /* for new memory so far */
    uint64_t refuse_at;       /* the request to refuse, counted from 1; 0: none */
    int refuse_on;            /* and every one behind it, too */
};

void etd_test_memory_init(struct etd_test_memory *test);

#endif
