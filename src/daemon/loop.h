/* The event loop: libev on epoll, with its ways to abort the process taken away. */
#ifndef ECHOTIMED_DAEMON_LOOP_H
#define ECHOTIMED_DAEMON_LOOP_H

#include <ev.h>
#include <stdbool.h>

/* Opens the loop; null when the kernel refused, which is in the log. One for the process. */
struct ev_loop *etd_loop_open(void);

/* Whether the loop broke off because a system call of its own failed; it is in the log. */
bool etd_loop_failed(void);

void etd_loop_close(struct ev_loop *loop);

#endif
