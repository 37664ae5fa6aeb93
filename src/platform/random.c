#include "platform/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

bool etd_random_fill(void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}
