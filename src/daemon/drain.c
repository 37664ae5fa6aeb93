/* The end of a server: whoever was heard is answered, then everything is closed. */
#include "daemon/server.h"
#include "daemon/tcp_connection.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/notify.h"

#include <inttypes.h>

enum {
    READS_MS = 1000 /* how long a peer that does not stop sending is still listened to */
};

static void abort_all(struct etd_server *server)
{
    uint32_t reset = server->connections.open;
    for (uint32_t i = 0; i < server->connections.used; i++) {
        if (etd_connection_in_use(&server->connections.records[i]))
            etd_tcp_connection_abort(server, &server->connections.records[i]);
    }
    if (reset > 0)
        etd_log(ETD_LOG_WARNING, "connections that were still open are reset", "reset=%" PRIu32,
                reset);
    etd_server_end(server);
}

static void on_drain_timeout(EV_P_ ev_timer *watcher, int revents)
{
    (void)loop;
    (void)revents;
    abort_all(watcher->data);
}

void etd_server_drain(struct etd_server *server)
{
    if (server->draining) {
        etd_log(ETD_LOG_NOTICE, "asked to end a second time: ending at once",
                "connections=%" PRIu32, server->connections.open);
        abort_all(server);
        return;
    }
    uint64_t limit_ms = (server->config->daemon.drain_timeout_us + 999) / 1000;
    uint64_t reads_ms = limit_ms != 0 && limit_ms / 2 < READS_MS ? limit_ms / 2 : READS_MS;
    etd_notify_stopping("closing connections");
    /* First those that wait to be accepted: they are connections, too. The drain begins behind them:
     * from then on the last connection that is closed ends the server. */
    etd_listeners_stop(&server->listeners);
    etd_retry_stop(&server->accept_retry, server->loop);
    server->draining = true;
    server->drain_reads_until = server->turn.now + (etd_tick)reads_ms;
    etd_log(ETD_LOG_INFO, "draining", "connections=%" PRIu32 " drain_timeout=%" PRIu64 "ms",
            server->connections.open, limit_ms);
    if (limit_ms != 0) {
        ev_timer_init(&server->drain_timer, on_drain_timeout, (double)limit_ms / 1e3, 0);
        server->drain_timer.data = server;
        ev_timer_start(server->loop, &server->drain_timer);
    }
    for (uint32_t i = 0; i < server->connections.used; i++) {
        if (etd_connection_in_use(&server->connections.records[i]))
            etd_tcp_connection_drain(server, &server->connections.records[i]);
    }
    if (server->connections.open == 0)
        etd_server_end(server);
}

void etd_server_connection_closed(struct etd_server *server)
{
    if (server->draining && server->connections.open == 0)
        etd_server_end(server);
}
