#include "daemon/tcp_connection.h"

#include "daemon/admission.h"
#include "daemon/server.h"
#include "daemon/tcp_listener.h"
#include "platform/log.h"
#include "platform/socket.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sends of one connection in one turn of the loop: more wait for the next, so that no peer with many
 * messages delays the others. */
enum { SENDS_PER_TURN = 4 };

/* So many connections are not read at once after one that was, in vain. */
enum { NOT_AT_ONCE = 31 };

/* How often in a write time-out it is looked whether the peer takes anything. */
enum { LOOKS = 8 };

enum etd_close_reason etd_tcp_close_reason(int error)
{
    switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ENOTCONN:
        return ETD_CLOSE_PEER_RESET;
    default:
        return ETD_CLOSE_SOCKET_ERROR;
    }
}

static bool is_not_ready(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void receive(struct etd_connection *connection, struct etd_turn *turn)
{
    struct etd_room room = etd_session_room(&connection->session, turn);
    if (room.size == 0)
        return;
    ssize_t size = recv(connection->watcher.fd, room.data, room.size, 0);
    if (size > 0)
        etd_session_received(&connection->session, turn, (size_t)size);
    else if (size == 0)
        etd_session_ended(&connection->session, turn);
    else if (!is_not_ready(errno))
        etd_session_fail(&connection->session, etd_tcp_close_reason(errno));
}

/* Until the PROXY header has named a source that is served, nothing is answered. */
static void take_header(struct etd_tcp_listener *listener, struct etd_session *session)
{
    struct etd_turn *turn = &listener->server->turn;
    if (etd_session_take_header(session, turn) != ETD_PROXY_DONE)
        return;
    bool counted;
    enum etd_reject_reason reason = etd_admission_of_source(listener, &session->peer, &counted);
    session->counted = counted;
    if (reason == ETD_REJECT_NONE) {
        etd_session_admit(session, turn);
    } else {
        etd_session_fail(session, ETD_CLOSE_REJECTED);
        etd_admission_refuse(listener, &session->peer, reason);
    }
}

static void flush(struct etd_connection *connection, struct etd_turn *turn)
{
    for (int sends = 0; sends < SENDS_PER_TURN; sends++) {
        struct etd_bytes due = etd_session_output(&connection->session, turn);
        if (due.size == 0)
            return;
        ssize_t size = send(connection->watcher.fd, due.data, due.size, MSG_NOSIGNAL);
        if (size < 0) {
            if (!is_not_ready(errno))
                etd_session_fail(&connection->session, etd_tcp_close_reason(errno));
            return;
        }
        etd_session_sent(&connection->session, turn, (size_t)size);
        if ((size_t)size < due.size)
            return;
    }
}

/* Connections that came before `log_connections` was switched on were not asked who they are. A PROXY
 * header may name a port 0. */
static void format_source(const struct etd_connection *connection, char source[ETD_ADDRESS_TEXT])
{
    struct etd_socket_address peer = {.address = connection->session.peer};
    bool known = peer.address.port != 0 || !etd_address_is_any(&peer.address);
    if (known || etd_socket_peer(connection->watcher.fd, &peer))
        etd_address_format(&peer.address, source);
    else
        snprintf(source, ETD_ADDRESS_TEXT, "unknown");
}

static void log_closed(const struct etd_server *server, const struct etd_tcp_listener *listener,
                       const struct etd_connection *connection)
{
    const struct etd_session *session = &connection->session;
    char source[ETD_ADDRESS_TEXT];
    format_source(connection, source);
    uint32_t age = server->turn.now - session->opened;
    etd_log(ETD_LOG_INFO, "closed",
            "source=%s listener=\"%s\" reason=%s age=%" PRIu32 ".%03" PRIu32 "s messages=%" PRIu64
            " bytes_in=%" PRIu64 " bytes_out=%" PRIu64,
            source, listener->tally->title,
            etd_close_reason_name((enum etd_close_reason)session->reason), age / 1000, age % 1000,
            session->messages, session->bytes_in, session->bytes_out);
}

static void finish(struct etd_server *server, struct etd_connection *connection)
{
    struct etd_tcp_listener *listener = connection->watcher.data;
    struct etd_session *session = &connection->session;
    if (server->config->daemon.log_connections)
        log_closed(server, listener, connection);
    ev_io_stop(server->loop, &connection->watcher);
    if (session->reset) {
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(connection->watcher.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    close(connection->watcher.fd);
    etd_relay_forget(&server->relay, session);
    etd_admission_end(listener, session);
    listener->tally->counters.closed[session->reason]++;
    listener->tally->counters.open--;
    etd_session_release(session, &server->pool);
    etd_connections_give(&server->connections, connection);
    etd_tcp_listener_release(listener);
    etd_server_connection_closed(server);
}

static void watch(struct etd_server *server, struct etd_connection *connection, int events)
{
    ev_io *watcher = &connection->watcher;
    if (ev_is_active(watcher)) {
        if ((watcher->events & (EV_READ | EV_WRITE)) == events)
            return;
        ev_io_stop(server->loop, watcher);
    }
    ev_io_set(watcher, watcher->fd, events);
    ev_io_start(server->loop, watcher);
}

static void schedule(struct etd_server *server, const struct etd_connection *connection)
{
    etd_tick when;
    if (!etd_session_deadline(&connection->session, &when))
        return;
    uint32_t write_timeout = connection->session.settings->write_timeout;
    if ((connection->watcher.events & EV_WRITE) != 0 && write_timeout != 0) {
        etd_tick look = server->turn.now + write_timeout / LOOKS + 1;
        if (etd_tick_reached(when, look))
            when = look;
    }
    etd_wheel_add(&server->connections.wheel, etd_connections_id(&server->connections, connection),
                  when, server->turn.now);
    if (!ev_is_active(&server->deadline_timer) || !etd_tick_reached(when, server->deadline_at))
        etd_server_arm_deadlines(server);
}

/* The socket takes more only when much of its queue is free; what the peer takes shows there first. */
static void count_unacknowledged(struct etd_server *server, struct etd_connection *connection)
{
    int bytes;
    if (ioctl(connection->watcher.fd, SIOCOUTQ, &bytes) == 0 && bytes >= 0)
        etd_session_unacknowledged(&connection->session, &server->turn, (size_t)bytes);
}

/* The one place that changes what is waited for, and that closes. `stood` says that the deadline in
 * the wheel still stands: while nothing is held it can only have been put off. */
static void settle(struct etd_server *server, struct etd_connection *connection, bool stood)
{
    struct etd_session *session = &connection->session;
    enum etd_session_wish wish = etd_session_settle(session, &server->turn);
    if (wish == ETD_WISH_SHUTDOWN) {
        if (shutdown(connection->watcher.fd, SHUT_WR) < 0)
            etd_session_fail(session, etd_tcp_close_reason(errno));
        wish = etd_session_settle(session, &server->turn);
    }
    if (wish == ETD_WISH_CLOSE) {
        finish(server, connection);
        return;
    }
    if (wish == ETD_WISH_WRITE)
        count_unacknowledged(server, connection);
    watch(server, connection, wish == ETD_WISH_WRITE ? EV_WRITE : EV_READ);
    if (!stood || session->holding != NULL || session->state != ETD_SESSION_OPEN)
        schedule(server, connection);
}

/* While draining, the session is told to stop once the kernel holds nothing more for it. */
static void stop_when_empty(struct etd_server *server, struct etd_connection *connection)
{
    int unread = 0;
    if (connection->session.stopping || connection->session.state != ETD_SESSION_OPEN)
        return;
    if (ioctl(connection->watcher.fd, FIONREAD, &unread) == 0 && unread > 0 &&
        !etd_tick_reached(server->turn.now, server->drain_reads_until))
        return;
    etd_session_stop(&connection->session, ETD_CLOSE_SHUTDOWN);
    flush(connection, &server->turn);
}

/* One turn of a connection: input where there is some, then all the output that goes. */
static void work(struct etd_server *server, struct etd_connection *connection, bool readable,
                 bool stood)
{
    struct etd_tcp_listener *listener = connection->watcher.data;
    struct etd_session *session = &connection->session;
    uint64_t messages = session->messages, in = session->bytes_in, out = session->bytes_out;
    if (listener->settings.service->tells_time)
        (void)etd_server_clock(server);
    if (!etd_session_relays(session) ||
        !etd_relay_work(&server->relay, session, &server->turn, connection->watcher.fd)) {
        if (readable)
            receive(connection, &server->turn);
    }
    if (session->awaits_header)
        take_header(listener, session);
    flush(connection, &server->turn);
    if (server->draining)
        stop_when_empty(server, connection);
    struct etd_tcp_counters *counters = &listener->tally->counters;
    counters->messages += session->messages - messages;
    counters->bytes_in += session->bytes_in - in;
    counters->bytes_out += session->bytes_out - out;
    if (!stood || connection->watcher.events != EV_READ ||
        !etd_session_rests(session, &server->turn))
        settle(server, connection, stood);
}

static void on_ready(EV_P_ ev_io *watcher, int revents)
{
    struct etd_connection *connection = (struct etd_connection *)watcher;
    struct etd_tcp_listener *listener = watcher->data;
    (void)loop;
    if (revents & EV_ERROR) /* the kernel would not watch the socket */
        etd_session_fail(&connection->session, ETD_CLOSE_SOCKET_ERROR);
    work(listener->server, connection, (revents & EV_READ) != 0, true);
}

/* A peer that knows what it wants has sent it by now, and is answered without another wait. Where the
 * peers of a listener are slower than that, only one now and then is tried. */
static void begin_reading(struct etd_server *server, struct etd_connection *connection)
{
    struct etd_tcp_listener *listener = connection->watcher.data;
    uint64_t before = listener->tally->counters.bytes_in;
    bool at_once = listener->silent == 0;
    work(server, connection, at_once, false);
    if (!at_once)
        listener->silent--;
    else if (listener->tally->counters.bytes_in == before)
        listener->silent = NOT_AT_ONCE;
}

void etd_tcp_connection_begin(struct etd_tcp_listener *listener, int fd,
                              const struct etd_address *peer, bool counted)
{
    struct etd_server *server = listener->server;
    struct etd_connection *connection = etd_connections_take(&server->connections);
    assert(connection != NULL);
    ev_io_init(&connection->watcher, on_ready, fd, EV_READ);
    connection->watcher.data = listener;
    listener->users++;
    listener->tally->counters.accepted++;
    listener->tally->counters.open++;
    if (listener->settings.service->tells_time)
        (void)etd_server_clock(server);
    etd_session_open(&connection->session, &listener->settings, peer, &server->turn);
    connection->session.counted = counted;
    begin_reading(server, connection);
}

void etd_tcp_connection_expire(struct etd_server *server, struct etd_connection *connection)
{
    if (connection->watcher.events & EV_WRITE)
        count_unacknowledged(server, connection);
    etd_session_expire(&connection->session, &server->turn);
    work(server, connection, false, false);
}

void etd_tcp_connection_drain(struct etd_server *server, struct etd_connection *connection)
{
    work(server, connection, false, true);
}

void etd_tcp_connection_abort(struct etd_server *server, struct etd_connection *connection)
{
    etd_session_fail(&connection->session, ETD_CLOSE_SHUTDOWN);
    settle(server, connection, true);
}
