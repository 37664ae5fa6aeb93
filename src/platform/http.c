#include "platform/http.h"

#include "platform/clock.h"
#include "platform/log.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IP_SIZE = 16 };

struct peer {
    bool open;
    int fd;
    uint64_t since;      /* monotonic milliseconds */
    uint8_t ip[IP_SIZE]; /* of its address; an IPv4 one stands at the front */
};

struct etd_http {
    struct MHD_Daemon *daemon;
    etd_http_answerer answerer;
    void *context;
    struct peer peers[ETD_HTTP_CONNECTIONS];
    size_t open;
    struct peer *arriving; /* the record for the connection that the library is given now */
    struct etd_log_limit log;
    bool broken;
};

/* Where the library's panic leads: out of the call that it happened in. */
static jmp_buf way_out;

static void on_panic(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    etd_log(ETD_LOG_ERROR,
            "libmicrohttpd found itself broken; metrics end until a reload or restart",
            "file=\"%s\" line=%u reason=\"%s\"", file, line, reason != NULL ? reason : "unknown");
    longjmp(way_out, 1);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list arguments)
{
    struct etd_http *http = context;
    uint64_t suppressed;
    char text[256];
    if (!etd_log_limit_pass(&http->log, etd_clock_monotonic_ms(), &suppressed))
        return;
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    etd_log(ETD_LOG_NOTICE, "libmicrohttpd has something to say", "text=\"%s\" suppressed=%llu",
            text, (unsigned long long)suppressed);
}

/* Queues the answer; what the client may still send is not wanted. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request_context)
{
    struct etd_http *http = context;
    (void)version;
    (void)upload;
    (void)upload_size;
    (void)request_context;
    struct etd_http_request request = {
        .method = method,
        .path = url,
        .accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
    };
    struct etd_http_answer answer = {.status = ETD_HTTP_OK};
    if (!http->answerer(http->context, &request, &answer))
        return MHD_NO;
    /* The library takes a pointer to bytes that it could write to, and copies them. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer.body.size, (void *)(uintptr_t)answer.body.data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_NO;
    if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type) &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") &&
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
        (answer.allow == NULL ||
         MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer.allow)))
        result = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    return result;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct etd_http *http = context;
    (void)connection;
    switch (what) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        *socket_context = http->arriving;
        http->arriving->open = true;
        http->open++;
        break;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        ((struct peer *)*socket_context)->open = false;
        http->open--;
        break;
    }
}

static struct MHD_Daemon *start(struct etd_http *http)
{
    if (setjmp(way_out) != 0)
        return NULL;
    /* The logger is the first, so that what the other options cause is logged, too. */
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request,
        http, MHD_OPTION_EXTERNAL_LOGGER, on_log, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        http, MHD_OPTION_CONNECTION_LIMIT, (unsigned)ETD_HTTP_CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)ETD_HTTP_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)ETD_HTTP_IDLE_S, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

struct etd_http *etd_http_open(etd_http_answerer answerer, void *context)
{
    struct etd_http *http = malloc(sizeof *http);
    if (http == NULL) {
        etd_log(ETD_LOG_ERROR, "cannot serve metrics: out of memory", "size=%zu", sizeof *http);
        return NULL;
    }
    *http = (struct etd_http){.answerer = answerer, .context = context};
    MHD_set_panic_func(on_panic, NULL);
    http->daemon = start(http);
    if (http->daemon != NULL)
        return http;
    etd_log(ETD_LOG_ERROR, "cannot serve metrics: libmicrohttpd does not start", "error=\"%s\"",
            strerror(errno));
    free(http);
    return NULL;
}

/* One that found itself broken is left as it is, with its memory and descriptors: nobody knows what in
 * it can still be trusted. */
void etd_http_close(struct etd_http *http)
{
    if (http == NULL)
        return;
    if (setjmp(way_out) != 0)
        http->broken = true;
    else if (!http->broken)
        MHD_stop_daemon(http->daemon);
    if (!http->broken)
        free(http);
}

int etd_http_descriptor(const struct etd_http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info->epoll_fd;
}

static unsigned connections_from(const struct etd_http *http, const struct peer *peer)
{
    unsigned count = 0;
    for (size_t i = 0; i < ETD_HTTP_CONNECTIONS; i++)
        count += http->peers[i].open && memcmp(http->peers[i].ip, peer->ip, IP_SIZE) == 0;
    return count;
}

/* The oldest connection of an address that has the most of them; there is one. */
static struct peer *least_deserving(struct etd_http *http)
{
    struct peer *found = NULL;
    unsigned most = 0;
    for (size_t i = 0; i < ETD_HTTP_CONNECTIONS; i++) {
        struct peer *peer = &http->peers[i];
        unsigned count = peer->open ? connections_from(http, peer) : 0;
        if (count > most || (count == most && count > 0 && peer->since < found->since)) {
            found = peer;
            most = count;
        }
    }
    return found;
}

/* The library sees the end when it runs, and closes; what its peer has not taken yet is forgotten. */
static void end(struct peer *peer)
{
    struct linger linger = {.l_onoff = 1};
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)shutdown(peer->fd, SHUT_RDWR);
}

static struct peer *free_record(struct etd_http *http)
{
    for (size_t i = 0; i < ETD_HTTP_CONNECTIONS; i++) {
        if (!http->peers[i].open)
            return &http->peers[i];
    }
    return NULL;
}

static bool run(struct etd_http *http)
{
    if (setjmp(way_out) != 0)
        http->broken = true;
    else if (!http->broken)
        (void)MHD_run(http->daemon);
    return !http->broken;
}

/* Hands a connection to the library, which closes it whatever comes of it. */
static void add(struct etd_http *http, struct peer *peer, const struct sockaddr *address,
                socklen_t length)
{
    static const int send_buffer = ETD_HTTP_SEND_BUFFER;
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    http->arriving = peer;
    if (setjmp(way_out) != 0)
        http->broken = true;
    else if (!http->broken)
        (void)MHD_add_connection(http->daemon, peer->fd, address, length);
}

static enum etd_http_accepted accept_error(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ETD_HTTP_NO_ROOM;
    default: /* nobody, or one who is gone again: the next call sees who else waits */
        return ETD_HTTP_NOBODY;
    }
}

static void note_address(struct peer *peer, const struct sockaddr_storage *address)
{
    memset(peer->ip, 0, IP_SIZE);
    if (address->ss_family == AF_INET)
        memcpy(peer->ip, &((const struct sockaddr_in *)address)->sin_addr, 4);
    else if (address->ss_family == AF_INET6)
        memcpy(peer->ip, &((const struct sockaddr_in6 *)address)->sin6_addr, IP_SIZE);
}

enum etd_http_accepted etd_http_accept(struct etd_http *http, int listening, uint64_t now)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = accept4(listening, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return accept_error(errno);
    struct peer *peer = free_record(http);
    if (peer == NULL) {
        end(least_deserving(http));
        if (run(http))
            peer = free_record(http);
    }
    if (peer == NULL) {
        close(fd);
        return http->broken ? ETD_HTTP_BROKEN : ETD_HTTP_ACCEPTED;
    }
    peer->fd = fd;
    peer->since = now;
    note_address(peer, &address);
    add(http, peer, (const struct sockaddr *)&address, length);
    return http->broken ? ETD_HTTP_BROKEN : ETD_HTTP_ACCEPTED;
}

bool etd_http_run(struct etd_http *http, uint64_t now)
{
    for (size_t i = 0; i < ETD_HTTP_CONNECTIONS; i++) {
        if (http->peers[i].open && now - http->peers[i].since >= ETD_HTTP_LIFETIME_MS)
            end(&http->peers[i]);
    }
    return run(http);
}

bool etd_http_due(struct etd_http *http, uint64_t now, uint64_t *left)
{
    unsigned long long wait;
    bool due = MHD_get_timeout(http->daemon, &wait) == MHD_YES;
    *left = due ? wait : UINT64_MAX;
    for (size_t i = 0; i < ETD_HTTP_CONNECTIONS; i++) {
        uint64_t age = now - http->peers[i].since;
        if (!http->peers[i].open)
            continue;
        uint64_t rest = age < ETD_HTTP_LIFETIME_MS ? ETD_HTTP_LIFETIME_MS - age : 0;
        if (rest < *left)
            *left = rest;
        due = true;
    }
    return due;
}

size_t etd_http_connections(const struct etd_http *http)
{
    return http->open;
}
