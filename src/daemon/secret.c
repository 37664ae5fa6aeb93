#include "daemon/secret.h"

#include "platform/log.h"
#include "platform/random.h"

#include <errno.h>
#include <string.h>

bool etd_secret_draw(struct etd_siphash_key *key)
{
    if (etd_random_fill(key, sizeof *key))
        return true;
    etd_log(ETD_LOG_ERROR, "the kernel gives no random numbers, which limits for sources need",
            "error=\"%s\"", strerror(errno));
    return false;
}
