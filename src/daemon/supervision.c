#include "daemon/supervision.h"

#include "daemon/server.h"
#include "platform/notify.h"

#include <inttypes.h>
#include <stdio.h>

/* Seconds between two status lines: each wakes the manager and all who watch its units. */
static const ev_tstamp status_pause = 5;

static struct etd_figures figures_of(const struct etd_server *server)
{
    struct etd_figures figures = {.connections = server->connections.open,
                                  .reloads = server->reloads_good,
                                  .refused = server->reloads_bad,
                                  .draining = server->draining};
    for (const struct etd_tcp_tally *tally = server->tallies.first; tally != NULL;
         tally = tally->next)
        figures.messages += tally->counters.messages;
    for (size_t i = 0; i < server->listeners.udp_count; i++)
        figures.datagrams += server->listeners.udp[i]->counters.received;
    return figures;
}

static bool is_told(const struct etd_supervision *supervision, const struct etd_figures *figures)
{
    const struct etd_figures *told = &supervision->told;
    return told->connections == figures->connections && told->messages == figures->messages &&
           told->datagrams == figures->datagrams && told->reloads == figures->reloads &&
           told->refused == figures->refused && told->draining == figures->draining;
}

static void tell(struct etd_supervision *supervision, const struct etd_figures *figures)
{
    char text[192];
    snprintf(text, sizeof text,
             "%s: open connections %" PRIu64 ", messages %" PRIu64 ", datagrams %" PRIu64
             ", reloads %" PRIu64 " good %" PRIu64 " bad",
             figures->draining ? "closing connections" : "serving", figures->connections,
             figures->messages, figures->datagrams, figures->reloads, figures->refused);
    etd_notify_status(text);
    supervision->told = *figures;
}

static void rest(struct etd_supervision *supervision)
{
    ev_prepare_stop(supervision->server->loop, &supervision->look);
    ev_timer_set(&supervision->pause, status_pause, 0);
    ev_timer_start(supervision->server->loop, &supervision->pause);
}

/* A turn of the loop is over, and nothing was left to tell before it. The line waits a little: what
 * comes next most often changes it again. */
static void on_turn_end(EV_P_ ev_prepare *watcher, int revents)
{
    struct etd_supervision *supervision = watcher->data;
    (void)loop;
    (void)revents;
    struct etd_figures figures = figures_of(supervision->server);
    if (!is_told(supervision, &figures))
        rest(supervision);
}

static void on_pause_end(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_supervision *supervision = watcher->data;
    (void)revents;
    struct etd_figures figures = figures_of(supervision->server);
    if (is_told(supervision, &figures)) {
        ev_prepare_start(EV_A_ & supervision->look);
        return;
    }
    tell(supervision, &figures);
    rest(supervision);
}

static void on_watchdog(EV_P_ ev_timer *watcher, int revents)
{
    (void)loop;
    (void)watcher;
    (void)revents;
    etd_notify_watchdog();
}

void etd_supervision_begin(struct etd_supervision *supervision, struct etd_server *server)
{
    *supervision = (struct etd_supervision){.server = server};
    ev_init(&supervision->watchdog, on_watchdog);
    ev_init(&supervision->pause, on_pause_end);
    ev_init(&supervision->look, on_turn_end);
    supervision->pause.data = supervision;
    supervision->look.data = supervision;
    if (!etd_notify_is_heard())
        return;
    ev_prepare_start(server->loop, &supervision->look);
    /* Half of the time is what sd_watchdog_enabled(3) advises. */
    double half = (double)etd_notify_watchdog_us() / 2e6;
    if (half > 0) {
        ev_timer_set(&supervision->watchdog, half, half);
        ev_timer_start(server->loop, &supervision->watchdog);
    }
}

void etd_supervision_end(struct etd_supervision *supervision)
{
    struct ev_loop *loop = supervision->server->loop;
    ev_timer_stop(loop, &supervision->watchdog);
    ev_timer_stop(loop, &supervision->pause);
    ev_prepare_stop(loop, &supervision->look);
}
