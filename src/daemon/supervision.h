/* What the service manager is told while the server runs: that its loop turns (WATCHDOG=1, under
 * WatchdogSec=), and a status line with live figures for `systemctl status`. An idle server is not
 * woken for the status, and without a manager nothing of this is there. */
#ifndef ECHOTIMED_DAEMON_SUPERVISION_H
#define ECHOTIMED_DAEMON_SUPERVISION_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct etd_server;

/* What the status line tells. */
struct etd_figures {
    uint64_t connections; /* open */
    uint64_t messages;    /* over TCP */
    uint64_t datagrams;   /* received */
    uint64_t reloads;     /* good ones */
    uint64_t refused;     /* bad ones */
    bool draining;
};

struct etd_supervision {
    struct etd_server *server;
    struct etd_figures told;
    ev_timer watchdog; /* active under a watchdog */
    /* One of the two is active: the timer holds the next status line back for a while after the
     * last; when nothing was left to tell, each turn of the loop looks whether there is again. */
    ev_timer pause;
    ev_prepare look;
};

/* Begins, once READY was told. The server must outlive it. */
void etd_supervision_begin(struct etd_supervision *supervision, struct etd_server *server);
void etd_supervision_end(struct etd_supervision *supervision);

#endif
