/* Moving a stream in bulk from a socket back to it by splice(2), through a pipe: the bytes never enter
 * the process. Pipes are lent from a small pool; a connection that gets none goes the ordinary way. */
#ifndef ECHOTIMED_DAEMON_RELAY_H
#define ECHOTIMED_DAEMON_RELAY_H

#include "echotimed/session.h"

#include <stdbool.h>

enum {
    ETD_RELAY_PIPES = 16,    /* connections that can have bytes in a pipe at one time */
    ETD_RELAY_PIPE = 1 << 20 /* bytes of a pipe; 16 of them are a quarter of what a user may have
                                  (pipe-user-pages-soft of pipe(7)) */
};

struct etd_relay_pipe {
    int read_end; /* -1: not open */
    int write_end;
    bool lent;
};

struct etd_relay {
    struct etd_relay_pipe pipes[ETD_RELAY_PIPES];
};

void etd_relay_init(struct etd_relay *relay);
void etd_relay_close(struct etd_relay *relay);

/* One turn of a session for which etd_session_relays holds. False: no pipe is free, and nothing was
 * done. */
bool etd_relay_work(struct etd_relay *relay, struct etd_session *session, struct etd_turn *turn,
                    int fd);

/* Throws away what is kept for a session that ends. */
void etd_relay_forget(struct etd_relay *relay, const struct etd_session *session);

#endif
