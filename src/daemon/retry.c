#include "daemon/retry.h"

static const ev_tstamp short_while = 0.1; /* seconds */

void etd_retry_init(struct etd_retry *retry, struct etd_server *server,
                    void (*again)(EV_P_ ev_timer *timer, int revents))
{
    ev_timer_init(&retry->timer, again, 0, 0);
    retry->timer.data = server;
}

bool etd_retry_begin(struct etd_retry *retry, struct ev_loop *loop)
{
    if (etd_retry_waits(retry))
        return false;
    ev_timer_set(&retry->timer, short_while, 0);
    ev_timer_start(loop, &retry->timer);
    return true;
}

void etd_retry_stop(struct etd_retry *retry, struct ev_loop *loop)
{
    ev_timer_stop(loop, &retry->timer);
}
