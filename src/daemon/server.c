#include "daemon/server.h"

#include "daemon/loop.h"
#include "daemon/signals.h"
#include "daemon/tcp_connection.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/memory.h"
#include "platform/random.h"
#include "platform/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    INPUT_SIZE =
        64 * 1024, /* one recv; more bytes a call gain nothing once the copy outweighs it */
    OUTPUT_SIZE = 64 * 1024, /* replies of one send */
    SPARE_DESCRIPTORS = 32   /* for the loop, the log, libraries, and connections to be rejected */
};

/* Seconds after which what the host had nothing left for is tried again. */
static const ev_tstamp short_while = 0.1;

/* Runs first in each turn of the loop. */
static void on_turn_start(EV_P_ ev_check *watcher, int revents)
{
    struct etd_server *server = watcher->data;
    (void)revents;
    server->had_work = ev_pending_count(loop) > 0;
    server->turn.now = (etd_tick)etd_clock_monotonic_ms();
    server->clock_is_fresh = false;
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

static void on_accept_resume(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_server *server = watcher->data;
    (void)loop;
    (void)revents;
    for (size_t i = 0; i < server->tcp_count; i++)
        etd_tcp_listener_resume(&server->tcp[i]);
}

void etd_server_pause_accepting(struct etd_server *server, int error)
{
    if (ev_is_active(&server->accept_timer))
        return;
    server->accept_pauses++;
    for (size_t i = 0; i < server->tcp_count; i++)
        etd_tcp_listener_pause(&server->tcp[i]);
    ev_timer_set(&server->accept_timer, short_while, 0);
    ev_timer_start(server->loop, &server->accept_timer);
    uint64_t suppressed;
    if (etd_log_limit_pass(&server->pause_log, etd_clock_monotonic_ms(), &suppressed))
        etd_log(ETD_LOG_WARNING, "accepting pauses and will go on by itself",
                "error=\"%s\" connections=%" PRIu32 " suppressed=%" PRIu64, strerror(error),
                server->connections.open, suppressed);
}

/* Runs when the loop is about to wait. What it was to watch it has told the kernel just now; where that
 * refused, the watcher hears of it behind the wait, which may be long. */
static void on_wait(EV_P) EV_NOEXCEPT
{
    if (ev_pending_count(EV_A) > 0)
        etd_signals_wake();
}

static void on_watch_again(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_server *server = watcher->data;
    (void)revents;
    /* Those that are watched are left alone. */
    ev_io_start(EV_A_ & server->signals);
    for (size_t i = 0; i < server->udp_count; i++)
        etd_sockets_resume(&server->udp[i].sockets, loop);
    for (size_t i = 0; i < server->tcp_count && !ev_is_active(&server->accept_timer); i++)
        etd_tcp_listener_resume(&server->tcp[i]);
}

void etd_server_watch_again(struct etd_server *server, const char *what)
{
    if (!ev_is_active(&server->watch_timer)) {
        ev_timer_set(&server->watch_timer, short_while, 0);
        ev_timer_start(server->loop, &server->watch_timer);
    }
    uint64_t suppressed;
    if (etd_log_limit_pass(&server->watch_log, etd_clock_monotonic_ms(), &suppressed))
        etd_log(ETD_LOG_WARNING,
                "the kernel has no memory or no watches left (fs.epoll.max_user_watches) for a "
                "descriptor: it is tried again until there are",
                "descriptor=\"%s\" suppressed=%" PRIu64, what, suppressed);
}

static void start_watchers(struct etd_server *server)
{
    ev_check_init(&server->turn_start, on_turn_start);
    ev_set_priority(&server->turn_start, EV_MAXPRI);
    server->turn_start.data = server;
    ev_check_start(server->loop, &server->turn_start);
    ev_unref(server->loop);
    ev_timer_init(&server->deadline_timer, on_deadline, 0, 0);
    server->deadline_timer.data = server;
    ev_timer_init(&server->accept_timer, on_accept_resume, 0, 0);
    server->accept_timer.data = server;
    ev_set_loop_release_cb(server->loop, on_wait, NULL);
    ev_timer_init(&server->watch_timer, on_watch_again, 0, 0);
    server->watch_timer.data = server;
}

/* What descriptors are needed for besides connections. */
static uint64_t other_descriptors(const struct etd_server *server)
{
    uint64_t others = SPARE_DESCRIPTORS + 2 * ETD_RELAY_PIPES;
    for (size_t i = 0; i < server->tcp_count; i++)
        others += server->tcp[i].sockets.count;
    for (size_t i = 0; i < server->udp_count; i++)
        others += server->udp[i].sockets.count;
    return others + etd_metrics_descriptors(&server->metrics);
}

/* As many connections as asked for, as far as the descriptor limit allows. */
static uint32_t connection_limit(const struct etd_server *server)
{
    uint32_t asked = server->config->daemon.max_connections;
    uint64_t descriptors = etd_socket_raise_descriptor_limit();
    uint64_t others = other_descriptors(server);
    uint64_t possible = descriptors > others ? descriptors - others : 1;
    if (asked <= possible)
        return asked;
    etd_log(ETD_LOG_WARNING,
            "the descriptor limit allows fewer connections than max_connections; raise it "
            "(LimitNOFILE=, ulimit -Hn), or lower max_connections",
            "asked=%" PRIu32 " possible=%" PRIu64 " descriptors=%" PRIu64, asked, possible,
            descriptors);
    return (uint32_t)possible;
}

static void log_no_memory(const struct etd_server *server)
{
    etd_log(ETD_LOG_ERROR, "out of memory; lower max_connections, or give the host more",
            "max_connections=%" PRIu32, server->max_connections);
}

/* Makes the table of sources, if any listener limits their connections. */
static bool open_sources(struct etd_server *server)
{
    const struct etd_config *config = server->config;
    bool limited = false;
    for (size_t i = 0; i < config->listener_count; i++)
        limited |= config->listeners[i].max_connections_per_source != 0;
    if (!limited)
        return true;
    struct etd_siphash_key key;
    if (!etd_random_fill(&key, sizeof key)) {
        etd_log(ETD_LOG_ERROR, "the kernel gives no random numbers, which limits for sources need",
                "error=\"%s\"", strerror(errno));
        return false;
    }
    size_t count = etd_sources_slots(server->max_connections);
    struct etd_source_slot *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        log_no_memory(server);
        return false;
    }
    etd_sources_init(&server->sources, slots, count, &key);
    return true;
}

static bool allocate(struct etd_server *server)
{
    const struct etd_config *config = server->config;
    bool stateful = false;
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config->listeners[i].transport == ETD_TCP)
            server->tcp_count++;
        else
            server->udp_count++;
        stateful |= config->listeners[i].stamp_mode == ETD_STAMP_STATEFUL;
    }
    server->tcp = calloc(server->tcp_count + 1, sizeof *server->tcp);
    server->udp = calloc(server->udp_count + 1, sizeof *server->udp);
    server->turn.input = malloc(INPUT_SIZE);
    server->turn.output = malloc(OUTPUT_SIZE);
    if (server->tcp == NULL || server->udp == NULL || server->turn.input == NULL ||
        server->turn.output == NULL) {
        log_no_memory(server);
        return false;
    }
    return etd_udp_shared_open(&server->udp_shared, stateful);
}

/* Behind the listeners, whose descriptors count. */
static bool open_connections(struct etd_server *server)
{
    server->max_connections = connection_limit(server);
    if (!etd_connections_open(&server->connections, server->max_connections)) {
        log_no_memory(server);
        return false;
    }
    return open_sources(server);
}

/* Opens all, so that every address that cannot be had is in the log. */
static bool open_listeners(struct etd_server *server)
{
    const struct etd_config *config = server->config;
    bool opened = true;
    size_t tcp = 0, udp = 0;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct etd_config_listener *listener = &config->listeners[i];
        switch (listener->transport) {
        case ETD_TCP:
            opened &= etd_tcp_listener_open(&server->tcp[tcp++], server, listener);
            break;
        case ETD_UDP:
            opened &= etd_udp_endpoint_open(&server->udp[udp], server, listener, (uint16_t)udp);
            udp++;
            break;
        case ETD_TRANSPORT_COUNT:
            break;
        }
    }
    opened &= etd_metrics_open(&server->metrics, server, config->daemon.metrics_listen);
    return opened && etd_udp_shared_note_sockets(&server->udp_shared, server->udp, udp);
}

bool etd_server_open(struct etd_server *server, struct ev_loop *loop,
                     const struct etd_config *config)
{
    *server = (struct etd_server){
        .loop = loop,
        .config = config,
        .pool = {.memory = &etd_memory_libc, .limit = config->daemon.buffer_memory},
        .turn = {.now = (etd_tick)etd_clock_monotonic_ms(),
                 .input_size = INPUT_SIZE,
                 .output_size = OUTPUT_SIZE},
    };
    etd_relay_init(&server->relay);
    server->turn.pool = &server->pool;
    server->turn.clock = &server->clock;
    server->started = etd_server_clock(server)->now;
    start_watchers(server);
    if (etd_signals_open(&server->signals, server) && allocate(server) && open_listeners(server) &&
        open_connections(server))
        return true;
    etd_server_close(server);
    return false;
}

/* Asks for more without sleeping, until there was nothing for `limit` microseconds. */
static void poll_busily(struct etd_server *server, uint64_t limit)
{
    uint64_t end = etd_clock_monotonic_us() + limit;
    while (!server->ended && !etd_loop_failed()) {
        ev_run(server->loop, EVRUN_NOWAIT);
        uint64_t now = etd_clock_monotonic_us();
        if (server->had_work)
            end = now + limit;
        else if (now >= end)
            return;
    }
}

void etd_server_run(struct etd_server *server)
{
    uint64_t busy_poll = server->config->daemon.busy_poll_us;
    while (!server->ended && !etd_loop_failed()) {
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
    for (size_t i = 0; server->tcp != NULL && i < server->tcp_count; i++)
        etd_tcp_listener_free(&server->tcp[i]);
    for (size_t i = 0; server->udp != NULL && i < server->udp_count; i++)
        etd_udp_endpoint_free(&server->udp[i]);
    etd_metrics_close(&server->metrics);
    free(server->sources.slots);
    etd_relay_close(&server->relay);
    ev_timer_stop(server->loop, &server->deadline_timer);
    ev_timer_stop(server->loop, &server->accept_timer);
    ev_timer_stop(server->loop, &server->drain_timer);
    ev_timer_stop(server->loop, &server->watch_timer);
    etd_signals_close(&server->signals, server);
    ev_ref(server->loop);
    ev_check_stop(server->loop, &server->turn_start);
    etd_udp_shared_close(&server->udp_shared);
    free(server->turn.input);
    free(server->turn.output);
    free(server->tcp);
    free(server->udp);
    *server = (struct etd_server){0};
}
