/* The daemon's part in giving up root: whom the configuration names, and what the log says of it. */
#ifndef ECHOTIMED_DAEMON_ROOT_H
#define ECHOTIMED_DAEMON_ROOT_H

#include "echotimed/config.h"
#include "platform/privileges.h"

/* Finds whom `daemon` wants to become; all zeros: nobody, as it names none. Gives the exit status, 0
 * for success; otherwise the reason is in the log. */
int etd_root_find_heir(const struct etd_config_daemon *daemon, struct etd_identity *heir);

/* Becomes `heir`, for good; with all zeros it stays, and says so if that is root. To be called when
 * all is open that takes root, and before anything is read from the network. `file`: what a reload is
 * going to read, null for none. False: not everything was given up, and the reason is in the log. */
bool etd_root_give_up(const struct etd_identity *heir, const char *file);

#endif
