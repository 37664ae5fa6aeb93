/* Signals of the server, as events of its loop.
 *
 * They are read from a descriptor of our own. libev has a way to catch them, too, but where the kernel
 * refuses it a descriptor it asks again for ever, and where the kernel does not watch that one it ends
 * the process at the first signal. */
#ifndef ECHOTIMED_DAEMON_SIGNALS_H
#define ECHOTIMED_DAEMON_SIGNALS_H

#include <ev.h>
#include <stdbool.h>

struct etd_server;

/* Has those that do not end the server wait until it runs, in place of killing a process that is about
 * to be one. For before the configuration is read, so that what is reloaded then is newer. */
void etd_signals_hold(void);

/* Begins to catch TERM and INT, which drain, HUP, which reloads, and USR1, which logs the counters; they
 * stay blocked to the end of the process, so that a late one does not change how it ends. False:
 * logged. */
bool etd_signals_open(ev_io *watcher, struct etd_server *server);

/* Ends a wait of the loop that is about to begin. */
void etd_signals_wake(void);

/* After etd_signals_open, whatever it gave. */
void etd_signals_close(ev_io *watcher, struct etd_server *server);

#endif
