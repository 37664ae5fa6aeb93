/* What the host had nothing left for is tried again in a short while. */
#ifndef ECHOTIMED_DAEMON_RETRY_H
#define ECHOTIMED_DAEMON_RETRY_H

#include "platform/log.h"

#include <ev.h>
#include <stdbool.h>

struct etd_server;

struct etd_retry {
    ev_timer timer; /* active: it is tried when that comes up */
    struct etd_log_limit log;
};

void etd_retry_init(struct etd_retry *retry, struct etd_server *server,
                    void (*again)(EV_P_ ev_timer *timer, int revents));

/* Has it tried again, unless it waits for that already: then false. */
bool etd_retry_begin(struct etd_retry *retry, struct ev_loop *loop);

void etd_retry_stop(struct etd_retry *retry, struct ev_loop *loop);

static inline bool etd_retry_waits(const struct etd_retry *retry)
{
    return ev_is_active(&retry->timer);
}

#endif
