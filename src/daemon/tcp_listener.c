#include "daemon/tcp_listener.h"

#include "daemon/admission.h"
#include "daemon/server.h"
#include "daemon/tcp_connection.h"
#include "platform/memory.h"
#include "platform/socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections accepted at one socket in one turn of the loop. */
enum {
    ACCEPTS_PER_TURN = 64,
    ACCEPTS_AT_CLOSE = 65536 /* no backlog is longer */
};

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

/* Whether anybody wants to know who the next peer is: the kernel takes a lock to tell it. */
static bool wants_peer(const struct etd_tcp_listener *listener)
{
    const struct etd_server *server = listener->server;
    return listener->access.count > 0 || listener->max_per_source != 0 ||
           server->config->daemon.log_connections ||
           server->connections.open >= server->max_connections;
}

/* Gives whether there may be more to accept. */
static bool accept_one(struct etd_tcp_listener *listener, int listening)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    bool named = wants_peer(listener);
    int fd = accept4(listening, named ? (struct sockaddr *)&storage : NULL, named ? &length : NULL,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return survive(listener, errno);
    struct etd_socket_address peer = {.scope_id = 0};
    if (named)
        (void)etd_socket_from_sockaddr(&storage, length, &peer);
    bool counted;
    enum etd_reject_reason reason = etd_admission_of_peer(listener, &peer.address, &counted);
    if (reason == ETD_REJECT_NONE) {
        etd_tcp_connection_begin(listener, fd, &peer.address, counted);
    } else {
        close(fd);
        etd_admission_refuse(listener, &peer.address, reason);
    }
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
    unsigned accepts = 0;
    while (accepts < listener->portion.most && accept_one(listener, watcher->fd))
        accepts++;
    etd_portion_took(&listener->portion, accepts, ACCEPTS_PER_TURN);
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
        .proxy_header = config->proxy_protocol,
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
    *listener = (struct etd_tcp_listener){
        .server = server,
        .settings = settings_of(config),
        .portion = {.most = 1},
        .max_per_source = config->max_connections_per_source,
        .number = (uint16_t)(listener - server->tcp),
    };
    etd_section_title(config, listener->title);
    return etd_section_access(config, &listener->access) &&
           etd_sockets_open(&listener->sockets, server->loop, config, listener, on_acceptable);
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
        for (int accepts = 0; accepts < ACCEPTS_AT_CLOSE; accepts++) {
            if (!accept_one(listener, listener->sockets.watchers[i].fd))
                break;
        }
    }
    etd_sockets_close(&listener->sockets, listener->server->loop);
}

void etd_tcp_listener_free(struct etd_tcp_listener *listener)
{
    if (listener->server == NULL)
        return;
    etd_sockets_close(&listener->sockets, listener->server->loop);
    etd_access_free(&listener->access, &etd_memory_libc);
}
