#include "daemon/server.h"

#include "daemon/generation.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"
#include "daemon/signals.h"
#include "daemon/tcp_connection.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/memory.h"
#include "platform/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_SIZE =
        64 * 1024, /* one recv; more bytes a call gain nothing once the copy outweighs it */
    OUTPUT_SIZE = 64 * 1024 /* replies of one send */
};

/* Runs when the loop has waited, before anything else of the turn. */
static void on_turn(EV_P) EV_NOEXCEPT
{
    struct etd_server *server = ev_userdata(EV_A);
    server->now_us = etd_clock_monotonic_us();
    server->turn.now = (etd_tick)(server->now_us / 1000);
    server->clock_is_fresh = false;
}

/* Watches while the server polls busily: in other turns it would cost more than it tells. */
static void on_busy_turn(EV_P_ ev_check *watcher, int revents)
{
    struct etd_server *server = watcher->data;
    (void)revents;
    server->had_work = ev_pending_count(loop) > 0;
}

const struct etd_clock_reading *etd_server_clock(struct etd_server *server)
{
    if (!server->clock_is_fresh) {
        etd_clock_read(&server->clock);
        server->clock_is_fresh = true;
    }
    return &server->clock;
}

void etd_server_arm_deadlines(struct etd_server *server)
{
    etd_tick when;
    ev_timer_stop(server->loop, &server->deadline_timer);
    if (!etd_wheel_next(&server->connections.wheel, &when))
        return;
    int32_t left = (int32_t)(when - server->turn.now);
    ev_timer_set(&server->deadline_timer, left > 0 ? left / 1e3 : 0, 0);
    ev_timer_start(server->loop, &server->deadline_timer);
    server->deadline_at = when;
}

static void on_deadline(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_server *server = watcher->data;
    struct etd_connections *connections = &server->connections;
    (void)loop;
    (void)revents;
    uint32_t id;
    while ((id = etd_wheel_expire(&connections->wheel, server->turn.now)) != ETD_WHEEL_NONE)
        etd_tcp_connection_expire(server, &connections->records[id]);
    etd_server_arm_deadlines(server);
}

static void start_watchers(struct etd_server *server)
{
    ev_set_userdata(server->loop, server);
    ev_set_loop_release_cb(server->loop, etd_server_before_wait, on_turn);
    ev_check_init(&server->busy_turn, on_busy_turn);
    ev_set_priority(&server->busy_turn, EV_MAXPRI);
    server->busy_turn.data = server;
    ev_timer_init(&server->deadline_timer, on_deadline, 0, 0);
    server->deadline_timer.data = server;
    etd_server_expect_shortage(server);
}

static bool allocate(struct etd_server *server)
{
    server->turn.input = malloc(INPUT_SIZE);
    server->turn.output = malloc(OUTPUT_SIZE);
    if (server->turn.input == NULL || server->turn.output == NULL ||
        !etd_connections_open(&server->connections)) {
        etd_log(ETD_LOG_ERROR, "out of memory; give the host more, or the daemon (MemoryMax=)",
                "error=\"%s\"", strerror(errno));
        return false;
    }
    return etd_udp_shared_open(&server->udp_shared);
}

bool etd_server_open(struct etd_server *server, struct ev_loop *loop,
                     struct etd_config_loaded *loaded, const struct etd_config_request *request)
{
    struct etd_generation first;
    *server = (struct etd_server){
        .loop = loop,
        .loaded = loaded,
        .request = *request,
        .pool = {.memory = &etd_memory_libc},
        .turn = {.input_size = INPUT_SIZE, .output_size = OUTPUT_SIZE},
    };
    etd_relay_init(&server->relay);
    server->turn.pool = &server->pool;
    server->turn.clock = &server->clock;
    start_watchers(server);
    on_turn(loop);
    server->started = etd_server_clock(server)->now;
    if (!etd_signals_open(&server->signals, server) || !allocate(server) ||
        !etd_generation_open(&first, server, &loaded->config)) {
        etd_server_close(server);
        return false;
    }
    etd_generation_begin(&first, server);
    return true;
}

void etd_server_tell_ready(const struct etd_server *server)
{
    char text[64];
    size_t count = server->config->listener_count;
    snprintf(text, sizeof text, "serving %zu listener%s", count, count == 1 ? "" : "s");
    etd_notify_ready(text);
}

/* Asks for more without sleeping, until there was nothing for `limit` microseconds. */
static void poll_busily(struct etd_server *server, uint64_t limit)
{
    uint64_t end = server->now_us + limit;
    ev_check_start(server->loop, &server->busy_turn);
    while (!server->ended && !etd_loop_failed()) {
        ev_run(server->loop, EVRUN_NOWAIT);
        if (server->had_work)
            end = server->now_us + limit;
        else if (server->now_us >= end)
            break;
    }
    ev_check_stop(server->loop, &server->busy_turn);
}

void etd_server_run(struct etd_server *server)
{
    while (!server->ended && !etd_loop_failed()) {
        /* A reload leaves the loop when it has changed it. */
        uint64_t busy_poll = server->config->daemon.busy_poll_us;
        ev_run(server->loop, busy_poll == 0 ? 0 : EVRUN_ONCE);
        if (busy_poll != 0)
            poll_busily(server, busy_poll);
    }
}

void etd_server_end(struct etd_server *server)
{
    server->ended = true;
    ev_break(server->loop, EVBREAK_ALL);
}

void etd_server_close(struct etd_server *server)
{
    for (uint32_t i = 0; i < server->connections.used; i++) {
        if (etd_connection_in_use(&server->connections.records[i]))
            etd_tcp_connection_abort(server, &server->connections.records[i]);
    }
    etd_connections_close(&server->connections);
    etd_listeners_free(&server->listeners);
    etd_metrics_free(server->metrics);
    free(server->sources.slots);
    etd_relay_close(&server->relay);
    ev_timer_stop(server->loop, &server->deadline_timer);
    ev_timer_stop(server->loop, &server->drain_timer);
    etd_retry_stop(&server->accept_retry, server->loop);
    etd_retry_stop(&server->watch_retry, server->loop);
    etd_signals_close(&server->signals, server);
    ev_set_loop_release_cb(server->loop, NULL, NULL);
    etd_udp_shared_close(&server->udp_shared);
    free(server->turn.input);
    free(server->turn.output);
    *server = (struct etd_server){0};
}
