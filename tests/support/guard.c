#include "support/guard.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct etd_guard etd_guard_make(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (size + page - 1) / page * page;
    struct etd_guard guard = {.map_size = usable + page, .size = size};
    guard.map =
        mmap(NULL, guard.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(guard.map, MAP_FAILED);
    ck_assert_int_eq(mprotect(guard.map + usable, page, PROT_NONE), 0);
    guard.data = guard.map + usable - size;
    return guard;
}

struct etd_guard etd_guard_copy(const void *bytes, size_t size)
{
    struct etd_guard guard = etd_guard_make(size);
    if (size > 0)
        memcpy(guard.data, bytes, size);
    return guard;
}

void etd_guard_free(struct etd_guard *guard)
{
    munmap(guard->map, guard->map_size);
    guard->map = NULL;
}
