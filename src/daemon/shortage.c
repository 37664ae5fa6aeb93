/* How the server lives on while the host is short of something: descriptors, memory, or watches. */
#include "daemon/server.h"
#include "daemon/signals.h"
#include "platform/clock.h"

#include <inttypes.h>
#include <string.h>

static void resume_accepting(const struct etd_server *server)
{
    for (size_t i = 0; i < server->listeners.tcp_count; i++)
        etd_tcp_listener_resume(server->listeners.tcp[i]);
}

static void on_accept_again(EV_P_ ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    resume_accepting(timer->data);
}

bool etd_server_accepting_pauses(const struct etd_server *server)
{
    return etd_retry_waits(&server->accept_retry);
}

void etd_server_pause_accepting(struct etd_server *server, int error)
{
    if (!etd_retry_begin(&server->accept_retry, server->loop))
        return;
    server->accept_pauses++;
    for (size_t i = 0; i < server->listeners.tcp_count; i++)
        etd_tcp_listener_pause(server->listeners.tcp[i]);
    uint64_t suppressed;
    if (etd_log_limit_pass(&server->accept_retry.log, etd_clock_monotonic_ms(), &suppressed))
        etd_log(ETD_LOG_WARNING, "accepting pauses and will go on by itself",
                "error=\"%s\" connections=%" PRIu32 " suppressed=%" PRIu64, strerror(error),
                server->connections.open, suppressed);
}

/* What the loop was to watch it has told the kernel just now; where that refused, the watcher hears of
 * it behind the wait, which may be long. */
void etd_server_before_wait(EV_P) EV_NOEXCEPT
{
    if (ev_pending_count(EV_A) > 0)
        etd_signals_wake();
}

static void on_watch_again(EV_P_ ev_timer *timer, int revents)
{
    struct etd_server *server = timer->data;
    (void)revents;
    /* Those that are watched are left alone. */
    ev_io_start(EV_A_ & server->signals);
    for (size_t i = 0; i < server->listeners.udp_count; i++)
        etd_sockets_resume(&server->listeners.udp[i]->sockets, loop);
    if (!etd_server_accepting_pauses(server))
        resume_accepting(server);
}

void etd_server_watch_again(struct etd_server *server, const char *what)
{
    (void)etd_retry_begin(&server->watch_retry, server->loop);
    uint64_t suppressed;
    if (etd_log_limit_pass(&server->watch_retry.log, etd_clock_monotonic_ms(), &suppressed))
        etd_log(ETD_LOG_WARNING,
                "the kernel has no memory or no watches left (fs.epoll.max_user_watches) for a "
                "descriptor: it is tried again until there are",
                "descriptor=\"%s\" suppressed=%" PRIu64, what, suppressed);
}

void etd_server_expect_shortage(struct etd_server *server)
{
    etd_retry_init(&server->accept_retry, server, on_accept_again);
    etd_retry_init(&server->watch_retry, server, on_watch_again);
}
