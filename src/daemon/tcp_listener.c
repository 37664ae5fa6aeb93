#include "daemon/tcp_listener.h"

#include "daemon/admission.h"
#include "daemon/server.h"
#include "daemon/tcp_connection.h"
#include "platform/memory.h"
#include "platform/passed.h"
#include "platform/socket.h"

#include <errno.h>
#include <stdlib.h>
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
        etd_server_watch_again(listener->server, listener->tally->title);
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

static struct etd_section section_of(struct etd_tcp_listener *listener,
                                     const struct etd_config_listener *config)
{
    return (struct etd_section){.loop = listener->server->loop,
                                .config = config,
                                .title = listener->tally->title,
                                .owner = listener,
                                .ready = on_acceptable};
}

struct etd_tcp_listener *etd_tcp_listener_open(struct etd_server *server,
                                               const struct etd_config_listener *config,
                                               struct etd_opening *const *kept)
{
    char title[ETD_SECTION_TITLE];
    etd_section_title(config, title);
    struct etd_tcp_tally *tally = etd_tcp_tally_take(&server->tallies, title);
    struct etd_tcp_listener *listener = calloc(1, sizeof *listener);
    if (tally == NULL || listener == NULL) {
        etd_log(ETD_LOG_ERROR, "cannot listen: out of memory", "section=\"[%s]\"", title);
        goto fail;
    }
    *listener = (struct etd_tcp_listener){
        .server = server,
        .tally = tally,
        .users = 1,
        .settings = settings_of(config),
        .portion = {.most = 1},
        .max_per_source = config->max_connections_per_source,
    };
    struct etd_section section = section_of(listener, config);
    if (!etd_section_access(config, title, &listener->access))
        goto fail;
    if (etd_sockets_open(&listener->sockets, &section, kept))
        return listener;
    etd_access_free(&listener->access, &etd_memory_libc);
fail:
    free(listener);
    if (tally != NULL)
        etd_tcp_tally_give(&server->tallies, tally);
    return NULL;
}

void etd_tcp_listener_begin(struct etd_tcp_listener *listener,
                            const struct etd_config_listener *config)
{
    struct etd_section section = section_of(listener, config);
    etd_sockets_take(&listener->sockets, &section);
    if (!etd_server_accepting_pauses(listener->server))
        etd_tcp_listener_resume(listener);
}

void etd_tcp_listener_pause(struct etd_tcp_listener *listener)
{
    etd_sockets_pause(&listener->sockets, listener->server->loop);
}

void etd_tcp_listener_resume(struct etd_tcp_listener *listener)
{
    etd_sockets_resume(&listener->sockets, listener->server->loop);
}

/* A peer whose connection waits in the queue takes itself for connected, and may have sent. The bound
 * is for peers that come as fast as they are accepted. At a socket of the service manager they wait
 * for who comes after us. */
static void accept_waiting(void *owner, int fd)
{
    if (etd_passed_has(fd))
        return;
    for (int accepts = 0; accepts < ACCEPTS_AT_CLOSE; accepts++) {
        if (!accept_one(owner, fd))
            return;
    }
}

void etd_tcp_listener_close(struct etd_tcp_listener *listener)
{
    etd_sockets_visit(&listener->sockets, listener, accept_waiting);
    etd_sockets_close(&listener->sockets, listener->server->loop, listener);
}

void etd_tcp_listener_release(struct etd_tcp_listener *listener)
{
    if (--listener->users > 0)
        return;
    etd_sockets_close(&listener->sockets, listener->server->loop, listener);
    etd_access_free(&listener->access, &etd_memory_libc);
    etd_tcp_tally_give(&listener->server->tallies, listener->tally);
    free(listener);
}
