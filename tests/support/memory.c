#include "support/memory.h"

#include <stdlib.h>

static void *resize(void *context, void *old, size_t size)
{
    struct etd_test_memory *test = context;
    if (size == 0) {
        if (old != NULL)
            test->pieces--;
        free(old);
        return NULL;
    }
    test->requests++;
    if (test->refuse_at != 0 && (test->requests == test->refuse_at ||
                                 (test->refuse_on && test->requests > test->refuse_at)))
        return NULL;
    void *piece = realloc(old, size);
    if (piece != NULL && old == NULL)
        test->pieces++;
    return piece;
}

void etd_test_memory_init(struct etd_test_memory *test)
{
    *test = (struct etd_test_memory){.memory = {.resize = resize, .context = test}};
}
