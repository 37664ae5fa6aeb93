#include "daemon/signals.h"

#include "daemon/server.h"
#include "platform/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void wake(struct etd_server *server)
{
    (void)server;
}

/* Somebody asked: at any but the most silent levels there is an answer. */
static void log_counters(struct etd_server *server)
{
    etd_server_log_counters(server, ETD_LOG_NOTICE);
}

/* The one that we send ourselves. */
enum { WAKE = SIGURG };

static const struct {
    int number;
    void (*act)(struct etd_server *server);
    bool can_wait; /* asks a server that is not there yet for no end */
} signals[] = {
    {SIGTERM, etd_server_drain, .can_wait = false},
    {SIGINT, etd_server_drain, .can_wait = false},
    {SIGHUP, etd_server_reload, .can_wait = true},
    {SIGUSR1, log_counters, .can_wait = true},
    {WAKE, wake, .can_wait = true},
};

enum { SIGNALS = sizeof signals / sizeof signals[0] };

static void on_signal(EV_P_ ev_io *watcher, int revents)
{
    struct etd_server *server = watcher->data;
    struct signalfd_siginfo caught;
    (void)loop;
    if (revents & EV_ERROR) {
        etd_server_watch_again(server, "signals");
        return;
    }
    if (read(watcher->fd, &caught, sizeof caught) != sizeof caught)
        return;
    for (size_t i = 0; i < SIGNALS; i++) {
        if (caught.ssi_signo == (uint32_t)signals[i].number)
            signals[i].act(server);
    }
}

void etd_signals_wake(void)
{
    (void)raise(WAKE);
}

void etd_signals_hold(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS; i++) {
        if (signals[i].can_wait)
            sigaddset(&set, signals[i].number);
    }
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

bool etd_signals_open(ev_io *watcher, struct etd_server *server)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset(&set, signals[i].number);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    ev_io_init(watcher, on_signal, fd, EV_READ);
    watcher->data = server;
    if (fd < 0 || sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
        etd_log(ETD_LOG_ERROR, "cannot catch signals", "error=\"%s\"", strerror(errno));
        return false;
    }
    ev_io_start(server->loop, watcher);
    return true;
}

void etd_signals_close(ev_io *watcher, struct etd_server *server)
{
    ev_io_stop(server->loop, watcher);
    if (watcher->fd >= 0)
        close(watcher->fd);
}
