/* What listeners of both transports have in common: a title, and sockets that are watched. */
#ifndef ECHOTIMED_DAEMON_SECTION_H
#define ECHOTIMED_DAEMON_SECTION_H

#include "echotimed/access.h"
#include "echotimed/config.h"

#include <ev.h>
#include <stdbool.h>

enum { ETD_SECTION_TITLE = ETD_SECTION_NAME_MAX + sizeof "tcp " };

/* "tcp" or "tcp NAME". */
void etd_section_title(const struct etd_config_listener *config, char title[ETD_SECTION_TITLE]);

/* The decision of the section's lists. False: out of memory, which is in the log. */
bool etd_section_access(const struct etd_config_listener *config, struct etd_access *access);

struct etd_sockets {
    ev_io *watchers; /* one for each socket; owned */
    size_t count;
};

/* Opens every address of the section, or takes the sockets that the service manager passed for it
 * (platform/passed.h); `data` and `ready` are for the watchers, which are started.
 * False: logged, and nothing is left open. */
bool etd_sockets_open(struct etd_sockets *sockets, struct ev_loop *loop,
                      const struct etd_config_listener *config, void *data,
                      void (*ready)(EV_P_ ev_io *watcher, int revents));

void etd_sockets_pause(struct etd_sockets *sockets, struct ev_loop *loop);
void etd_sockets_resume(struct etd_sockets *sockets, struct ev_loop *loop);

/* Closes those that it opened and gives the memory back. */
void etd_sockets_close(struct etd_sockets *sockets, struct ev_loop *loop);

#endif
