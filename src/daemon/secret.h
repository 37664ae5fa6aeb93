/* Secrets under which tables are hashed. */
#ifndef ECHOTIMED_DAEMON_SECRET_H
#define ECHOTIMED_DAEMON_SECRET_H

#include "echotimed/siphash.h"

#include <stdbool.h>

/* Draws a key. False: the kernel has no random numbers, which is in the log. */
bool etd_secret_draw(struct etd_siphash_key *key);

#endif
