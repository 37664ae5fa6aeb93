/* What listeners of both transports have in common: a title, lists of who is served, and sockets that
 * are watched. */
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
bool etd_section_access(const struct etd_config_listener *config, const char *title,
                        struct etd_access *access);

/* The sockets of one configured endpoint. They stay open while one configuration after the other has
 * that endpoint, in whatever section, and go from the listener of the one to that of the next. */
struct etd_opening {
    void *owner; /* the listener that serves and closes them; `data` of the watchers, too */
    struct etd_endpoint endpoint;
    bool reuse_port;
    bool dates_packets; /* udp: the kernel tells times of each datagram */
    /* What the log has said of it; empty: nothing yet. */
    char title[ETD_SECTION_TITLE];
    enum etd_service_id service;
    enum etd_framing_id framing;
    size_t count;
    ev_io watchers[]; /* one for each socket: libev points to them, so they never move */
};

/* What one listener listens at. */
struct etd_sockets {
    struct etd_opening **list; /* owned; so are those openings whose owner the listener is */
    size_t count;
};

/* The section that sockets are opened for. */
struct etd_section {
    struct ev_loop *loop;
    const struct etd_config_listener *config;
    const char *title;
    void *owner;
    void (*ready)(EV_P_ ev_io *watcher, int revents);
};

/* Opens every endpoint of the section, or takes the sockets that the service manager passed for it
 * (platform/passed.h), not watched yet, but for those that are open already: `kept`
 * has an entry for each endpoint, null where it is not. False: logged, and nothing is left open but
 * these. */
bool etd_sockets_open(struct etd_sockets *sockets, const struct etd_section *section,
                      struct etd_opening *const *kept);

/* Makes the section's owner that of all of them, gives those that had another one the settings of the
 * section, as far as they are a socket's, and logs where it listens. */
void etd_sockets_take(struct etd_sockets *sockets, const struct etd_section *section);

/* Stops to watch them for now, and goes on. */
void etd_sockets_pause(struct etd_sockets *sockets, struct ev_loop *loop);
void etd_sockets_resume(struct etd_sockets *sockets, struct ev_loop *loop);

/* Calls `visit` for each socket whose owner is `owner`. */
void etd_sockets_visit(const struct etd_sockets *sockets, void *owner,
                       void (*visit)(void *owner, int fd));

/* How many sockets there are. */
size_t etd_sockets_count(const struct etd_sockets *sockets);

/* Closes those whose owner is `owner`, but for the service manager's, and gives the memory back. */
void etd_sockets_close(struct etd_sockets *sockets, struct ev_loop *loop, const void *owner);

#endif
