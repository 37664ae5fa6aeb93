/* Sockets that the service manager opened and passed to this process (sd_listen_fds(3)), each under
 * a name; several may share one. They stay the manager's: it keeps them over our end and start, so
 * that peers wait instead of being refused. Therefore they are lent to listeners, as often as these
 * come and go, and never closed: a listener that ends just ceases to watch its socket, and another
 * may take it even before. One set for the process. */
#ifndef ECHOTIMED_PLATFORM_PASSED_H
#define ECHOTIMED_PLATFORM_PASSED_H

#include "echotimed/config.h"
#include "platform/socket.h"

#include <stdbool.h>
#include <stddef.h>

/* Takes note of what was passed; once, before the first descriptor is opened. False: what the
 * environment says of it is wrong, or there is no memory, which is in the log. */
bool etd_passed_open(void);

/* Forgets them. They are left open. */
void etd_passed_close(void);

/* How many there are. */
size_t etd_passed_count(void);

/* Whether the descriptor is one of them. */
bool etd_passed_has(int fd);

/* Checks that the sockets of that name can serve listeners of a transport: [tcp] takes those that
 * listen for TCP, [udp] those bound for UDP, and there must be one. False with `error` filled in
 * when there is none, or anything else bears the name. */
bool etd_passed_check(const char *name, enum etd_transport transport, char error[ETD_SOCKET_ERROR]);

/* Of the sockets of that name for that transport the one behind `previous`; the first when that is
 * negative. Negative: there is no more. */
int etd_passed_next(const char *name, enum etd_transport transport, int previous);

/* Warns of those that no listener of the configuration takes: peers wait there for nobody. */
void etd_passed_warn_of_unused(const struct etd_config *config);

/* The first of them (SD_LISTEN_FDS_START); the others follow without a gap. */
enum { ETD_PASSED_FIRST = 3 };

/* Asks libsystemd how many were passed, and their names, to be freed each and as a whole by free(3)
 * (null when there are none). Negative: an error of errno(3), negated. */
int etd_passed_receive(char ***names);

#endif
