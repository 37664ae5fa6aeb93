/* Memory as the daemon, and libev through it, ask for it. The linker sends our code's calls here
 * (--wrap), and nobody else's: a sanitizer keeps its own. */
#include "fault/plan.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *piece);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *piece);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);

static size_t held;  /* bytes */
static size_t limit; /* of `held`, once the plan has struck and memory is exhausted */

/* Whether `size` bytes may be had in place of `old_size`. */
static bool grants(size_t old_size, size_t size)
{
    if (fault_report == NULL)
        return true;
    bool was_exhausted = fault_plan->exhausted && fault_report->fired > 0;
    if (fault_strikes(FAULT_ALLOCATION, -1)) {
        limit = was_exhausted ? limit : held;
        return false;
    }
    if (was_exhausted && held - old_size + size > limit) {
        errno = ENOMEM;
        return false;
    }
    return true;
}

static void count(void *piece, long sign)
{
    if (fault_report == NULL || piece == NULL)
        return;
    fault_report->pieces_left += sign;
    held += (size_t)sign * malloc_usable_size(piece);
}

void *__wrap_malloc(size_t size)
{
    if (!grants(0, size))
        return NULL;
    void *piece = __real_malloc(size);
    count(piece, 1);
    return piece;
}

void *__wrap_calloc(size_t count_of, size_t size)
{
    if (!grants(0, count_of * size))
        return NULL;
    void *piece = __real_calloc(count_of, size);
    count(piece, 1);
    return piece;
}

void *__wrap_realloc(void *old, size_t size)
{
    if (!grants(old == NULL ? 0 : malloc_usable_size(old), size))
        return NULL;
    count(old, -1);
    void *piece = __real_realloc(old, size);
    count(piece, 1);
    return piece;
}

void __wrap_free(void *piece)
{
    count(piece, -1);
    __real_free(piece);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (!grants(0, size))
        return MAP_FAILED;
    void *mapping = __real_mmap(at, size, protection, flags, fd, offset);
    if (fault_report != NULL && mapping != MAP_FAILED)
        fault_report->mappings_left++;
    return mapping;
}

int __wrap_munmap(void *at, size_t size)
{
    if (fault_report != NULL)
        fault_report->mappings_left--;
    return __real_munmap(at, size);
}
