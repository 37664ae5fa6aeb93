#include "daemon/tcp_listener.h"

#include "daemon/server.h"
#include "daemon/tcp_connection.h"
#include "platform/clock.h"
#include "platform/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections accepted at one socket in one turn of the loop. */
enum { ACCEPTS_PER_TURN = 64 };

/* Whether a new connection is within the limits, or why not. */
static enum etd_reject_reason admit(const struct etd_tcp_listener *listener)
{
    if (listener->server->connections.open >= listener->server->max_connections)
        return ETD_REJECT_MAX_CONNECTIONS;
    return ETD_REJECT_NONE;
}

static void reject(struct etd_tcp_listener *listener, int fd, const struct etd_address *peer,
                   enum etd_reject_reason reason)
{
    close(fd);
    listener->counters.rejected[reason]++;
    uint64_t suppressed;
    if (!etd_log_limit_pass(&listener->rejected_log, etd_clock_monotonic_ms(), &suppressed))
        return;
    char source[ETD_ADDRESS_TEXT];
    etd_address_format(peer, source);
    etd_log(ETD_LOG_WARNING, "connection rejected",
            "source=%s listener=\"%s\" reason=%s limit=%" PRIu32 " suppressed=%" PRIu64, source,
            listener->title, etd_reject_reason_name(reason), listener->server->max_connections,
            suppressed);
}

/* What accept(2) says of its errors: those that concern the one connection, or the network, pass by
 * themselves; for a want of descriptors or memory the whole process waits. Gives whether to try for
 * the next connection at once. */
static bool survive(struct etd_tcp_listener *listener, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EINTR:
    case ECONNABORTED:
    case EPERM: /* a firewall's rule */
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
        return true;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    default:
        etd_server_pause_accepting(listener->server, error);
        return false;
    }
}

/* Gives whether there may be more to accept. */
static bool accept_one(struct etd_tcp_listener *listener, int listening)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    int fd = accept4(listening, (struct sockaddr *)&storage, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return survive(listener, errno);
    struct etd_socket_address peer = {.scope_id = 0};
    (void)etd_socket_from_sockaddr(&storage, length, &peer);
    enum etd_reject_reason reason = admit(listener);
    if (reason != ETD_REJECT_NONE)
        reject(listener, fd, &peer.address, reason);
    else if (!etd_tcp_connection_begin(listener, fd, &peer.address))
        listener->counters.rejected[ETD_REJECT_MAX_CONNECTIONS]++;
    return true;
}

static void on_acceptable(EV_P_ ev_io *watcher, int revents)
{
    struct etd_tcp_listener *listener = watcher->data;
    (void)loop;
    if (revents & EV_ERROR) {
        etd_server_watch_again(listener->server, listener->title);
        return;
    }
    for (int accepts = 0; accepts < ACCEPTS_PER_TURN; accepts++) {
        if (!accept_one(listener, watcher->fd))
            return;
    }
}

static uint32_t milliseconds(uint64_t microseconds)
{
    return (uint32_t)((microseconds + 999) / 1000);
}

static struct etd_session_settings settings_of(const struct etd_config_listener *config)
{
    return (struct etd_session_settings){
        .framing = etd_framings[config->framing],
        .service = etd_services[config->service],
        .may_relay = true,
        .max_message = config->max_message,
        .idle_timeout = milliseconds(config->idle_timeout_us),
        .message_timeout = milliseconds(config->message_timeout_us),
        .write_timeout = milliseconds(config->write_timeout_us),
        .time_format = config->time_format,
        .require_sync = config->require_sync,
    };
}

bool etd_tcp_listener_open(struct etd_tcp_listener *listener, struct etd_server *server,
                           const struct etd_config_listener *config)
{
    *listener = (struct etd_tcp_listener){.server = server, .settings = settings_of(config)};
    etd_section_title(config, listener->title);
    return etd_sockets_open(&listener->sockets, server->loop, config, listener, on_acceptable);
}

void etd_tcp_listener_pause(struct etd_tcp_listener *listener)
{
    etd_sockets_pause(&listener->sockets, listener->server->loop);
}

void etd_tcp_listener_resume(struct etd_tcp_listener *listener)
{
    etd_sockets_resume(&listener->sockets, listener->server->loop);
}

void etd_tcp_listener_close(struct etd_tcp_listener *listener)
{
    /* A peer whose connection waits in the queue takes itself for connected, and may have sent. The
     * bound is for peers that come as fast as they are accepted. */
    for (size_t i = 0; i < listener->sockets.count; i++) {
        for (int accepts = 0; accepts < SOMAXCONN; accepts++) {
            if (!accept_one(listener, listener->sockets.watchers[i].fd))
                break;
        }
    }
    etd_sockets_close(&listener->sockets, listener->server->loop);
}
