#include "daemon/metrics.h"

#include "daemon/report.h"
#include "daemon/server.h"
#include "platform/clock.h"
#include "platform/http.h"
#include "platform/socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKLOG = 64,
    ACCEPTS = ETD_HTTP_CONNECTIONS, /* in one piece of work */
    FIRST_PAGE = 16 * 1024          /* bytes; holds the metrics of a handful of listeners */
};

/* Seconds between one piece of work and the next; a scraper does not feel them. */
static const ev_tstamp rest_time = 0.01;

/* Seconds after which what the host had nothing left for is tried again. */
static const ev_tstamp short_while = 0.1;

static const char text_plain[] = "text/plain; charset=utf-8";

static bool grow(struct etd_metrics_page *page)
{
    size_t capacity = page->capacity == 0 ? FIRST_PAGE : page->capacity * 2;
    uint8_t *text = realloc(page->text, capacity);
    if (text == NULL)
        return false;
    page->text = text;
    page->capacity = capacity;
    return true;
}

static bool make_page(struct etd_metrics *metrics, enum etd_metrics_format format)
{
    struct etd_metrics_page *page = &metrics->pages[format];
    struct etd_report report;
    etd_report_begin(&report, metrics->server);
    struct etd_metrics_source source = etd_report_source(&report);
    while (page->size == 0) {
        struct etd_writer writer = {.failed = true};
        if (page->capacity > 0) {
            writer = etd_writer(page->text, page->capacity);
            etd_metrics_write(&source, format, &writer);
        }
        if (!writer.failed)
            page->size = etd_writer_bytes(&writer).size;
        else if (!grow(page))
            return false;
    }
    return true;
}

static bool answer_metrics(struct etd_metrics *metrics, const struct etd_http_request *request,
                           struct etd_http_answer *answer)
{
    enum etd_metrics_format format = etd_metrics_format_wanted(request->accept);
    if (!make_page(metrics, format))
        return false;
    answer->content_type = etd_metrics_content_type(format);
    answer->body = etd_bytes(metrics->pages[format].text, metrics->pages[format].size);
    return true;
}

static bool answer_health(struct etd_metrics *metrics, const struct etd_http_request *request,
                          struct etd_http_answer *answer)
{
    (void)request;
    bool draining = metrics->server->draining;
    answer->status = draining ? ETD_HTTP_UNAVAILABLE : ETD_HTTP_OK;
    answer->body = etd_bytes_text(draining ? "draining\n" : "ok\n");
    return true;
}

static const struct {
    const char *path;
    bool (*answer)(struct etd_metrics *metrics, const struct etd_http_request *request,
                   struct etd_http_answer *answer);
} places[] = {
    {"/metrics", answer_metrics},
    {"/healthz", answer_health},
};

static bool answer(void *context, const struct etd_http_request *request,
                   struct etd_http_answer *answer)
{
    answer->content_type = text_plain;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(places[i].path, request->path) != 0)
            continue;
        if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
            return places[i].answer(context, request, answer);
        answer->status = ETD_HTTP_NOT_ALLOWED;
        answer->allow = "GET, HEAD";
        answer->body = etd_bytes_text("Nothing can be changed here; ask with GET or HEAD.\n");
        return true;
    }
    answer->status = ETD_HTTP_NOT_FOUND;
    answer->body = etd_bytes_text("There is nothing here; ask for /metrics or /healthz.\n");
    return true;
}

static void set_timer(struct etd_metrics *metrics, ev_tstamp after)
{
    ev_timer_stop(metrics->server->loop, &metrics->timer);
    ev_timer_set(&metrics->timer, after, 0);
    ev_timer_start(metrics->server->loop, &metrics->timer);
}

static void watch(struct etd_metrics *metrics, bool on)
{
    struct ev_loop *loop = metrics->server->loop;
    void (*change)(struct ev_loop *, ev_io *) = on ? ev_io_start : ev_io_stop;
    for (size_t i = 0; i < metrics->listening_count; i++)
        change(loop, &metrics->listening[i]);
    change(loop, &metrics->working);
}

static void rest(struct etd_metrics *metrics, ev_tstamp time)
{
    watch(metrics, false);
    metrics->resting = true;
    set_timer(metrics, time);
}

static void log_no_room(struct etd_metrics *metrics, int error)
{
    uint64_t suppressed;
    if (etd_log_limit_pass(&metrics->room_log, etd_clock_monotonic_ms(), &suppressed))
        etd_log(ETD_LOG_WARNING, "whoever asks for metrics has to wait, and is heard by and by",
                "error=\"%s\" suppressed=%" PRIu64, strerror(error), suppressed);
}

/* Lets in those who wait. *pause becomes longer where the host has no room for them. */
static bool let_in(struct etd_metrics *metrics, uint64_t now, ev_tstamp *pause)
{
    int accepts = 0;
    for (size_t i = 0; i < metrics->listening_count; i++) {
        enum etd_http_accepted accepted = ETD_HTTP_ACCEPTED;
        while (accepted == ETD_HTTP_ACCEPTED && accepts++ < ACCEPTS)
            accepted = etd_http_accept(metrics->http, metrics->listening[i].fd, now);
        if (accepted == ETD_HTTP_BROKEN)
            return false;
        if (accepted == ETD_HTTP_NO_ROOM) {
            log_no_room(metrics, errno);
            *pause = short_while;
        }
    }
    return true;
}

/* Closes everything, answered or not; all zeros again. */
static void close_all(struct etd_metrics *metrics)
{
    struct etd_server *server = metrics->server;
    ev_timer_stop(server->loop, &metrics->timer);
    ev_io_stop(server->loop, &metrics->working);
    etd_http_close(metrics->http);
    for (size_t i = 0; i < metrics->listening_count; i++) {
        ev_io_stop(server->loop, &metrics->listening[i]);
        close(metrics->listening[i].fd);
    }
    free(metrics->listening);
    for (size_t i = 0; i < ETD_METRICS_FORMATS; i++)
        free(metrics->pages[i].text);
    *metrics = (struct etd_metrics){0};
}

/* One piece of work, and the rest behind it. */
static void work(struct etd_metrics *metrics)
{
    uint64_t now = etd_clock_monotonic_ms();
    ev_tstamp pause = rest_time;
    for (size_t i = 0; i < ETD_METRICS_FORMATS; i++)
        metrics->pages[i].size = 0;
    if (let_in(metrics, now, &pause) && etd_http_run(metrics->http, now))
        rest(metrics, pause);
    else
        close_all(metrics);
}

static void on_ready(EV_P_ ev_io *watcher, int revents)
{
    struct etd_metrics *metrics = watcher->data;
    (void)loop;
    if (metrics->resting)
        return; /* another watcher of this turn has done the work */
    if (revents & EV_ERROR) {
        etd_server_watch_again(metrics->server, "metrics");
        rest(metrics, short_while);
        return;
    }
    work(metrics);
}

static void on_timer(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_metrics *metrics = watcher->data;
    uint64_t left;
    (void)loop;
    (void)revents;
    if (metrics->resting)
        watch(metrics, true);
    metrics->resting = false;
    if (!etd_http_due(metrics->http, etd_clock_monotonic_ms(), &left))
        return;
    if (left == 0)
        work(metrics);
    else
        set_timer(metrics, (double)left / 1e3);
}

static void log_refusal(const char *error)
{
    etd_log(ETD_LOG_ERROR, "cannot listen", "section=\"[daemon]\" error=\"%s\"", error);
}

static bool open_socket(struct etd_metrics *metrics, const struct etd_socket_address *address)
{
    static const struct etd_config_listener settings = {.transport = ETD_TCP, .backlog = BACKLOG};
    char error[ETD_SOCKET_ERROR];
    int fd = etd_socket_open_tcp(address, &settings, error);
    if (fd < 0) {
        log_refusal(error);
        return false;
    }
    ev_io *watcher = &metrics->listening[metrics->listening_count++];
    ev_io_init(watcher, on_ready, fd, EV_READ);
    watcher->data = metrics;
    return true;
}

static bool open_sockets(struct etd_metrics *metrics, const struct etd_endpoint *endpoint)
{
    struct etd_socket_addresses addresses;
    char error[ETD_SOCKET_ERROR];
    if (!etd_socket_resolve(endpoint, &addresses, error)) {
        log_refusal(error);
        return false;
    }
    metrics->listening = calloc(addresses.count, sizeof *metrics->listening);
    if (metrics->listening == NULL) {
        log_refusal("out of memory");
        return false;
    }
    for (size_t i = 0; i < addresses.count; i++) {
        if (!open_socket(metrics, &addresses.list[i]))
            return false;
    }
    return true;
}

struct etd_metrics *etd_metrics_make(struct etd_server *server, const struct etd_endpoint *endpoint)
{
    struct etd_metrics *metrics = malloc(sizeof *metrics);
    if (metrics == NULL) {
        log_refusal("out of memory");
        return NULL;
    }
    *metrics = (struct etd_metrics){.server = server};
    ev_timer_init(&metrics->timer, on_timer, 0, 0);
    metrics->timer.data = metrics;
    if (open_sockets(metrics, endpoint))
        metrics->http = etd_http_open(answer, metrics);
    if (metrics->http == NULL) {
        etd_metrics_free(metrics);
        return NULL;
    }
    ev_io_init(&metrics->working, on_ready, etd_http_descriptor(metrics->http), EV_READ);
    metrics->working.data = metrics;
    watch(metrics, true);
    return metrics;
}

void etd_metrics_announce(const struct etd_metrics *metrics)
{
    for (size_t i = 0; metrics != NULL && i < metrics->listening_count; i++) {
        struct etd_socket_address bound;
        char text[ETD_ADDRESS_TEXT] = "unknown";
        if (etd_socket_bound(metrics->listening[i].fd, &bound))
            etd_address_format(&bound.address, text);
        etd_log(ETD_LOG_INFO, "listening", "listener=metrics transport=tcp service=http address=%s",
                text);
    }
}

void etd_metrics_free(struct etd_metrics *metrics)
{
    if (metrics != NULL && metrics->server != NULL)
        close_all(metrics);
    free(metrics);
}

bool etd_metrics_serves(const struct etd_metrics *metrics)
{
    return metrics != NULL && metrics->http != NULL;
}

size_t etd_metrics_descriptors(const struct etd_metrics *metrics)
{
    return etd_metrics_serves(metrics) ? metrics->listening_count + ETD_HTTP_DESCRIPTORS : 0;
}
