/* A small HTTP server for whoever watches the daemon, by libmicrohttpd. It runs on the caller's loop:
 * it has no threads and never waits.
 *
 * It cannot be held up. A connection answers one request and is closed; it has ETD_HTTP_LIFETIME_MS for
 * all of it, however it trickles; and where there are ETD_HTTP_CONNECTIONS the next one ends the
 * oldest of the peer address that has the most, so that an honest peer always gets in. The library's
 * memory is bounded for each connection, what it logs is logged at a bounded rate, and where it finds
 * itself broken and would abort the process, it is given up instead.
 *
 * One for the process. SIGPIPE must be ignored. */
#ifndef ECHOTIMED_PLATFORM_HTTP_H
#define ECHOTIMED_PLATFORM_HTTP_H

#include "echotimed/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ETD_HTTP_CONNECTIONS = 16,    /* at one time; a pair of scrapers and a prober need three */
    ETD_HTTP_LIFETIME_MS = 30000, /* as long as any scraper would wait for its answer */
    ETD_HTTP_IDLE_S = 10,         /* without a byte either way */
    ETD_HTTP_MEMORY =
        16 * 1024, /* bytes for headers, of one connection; what is longer is refused */
    ETD_HTTP_SEND_BUFFER = 64 * 1024, /* bytes of an answer that the kernel holds for a peer that
                                         does not take them */
    ETD_HTTP_DESCRIPTORS = ETD_HTTP_CONNECTIONS + 2 /* that it may have open: one more before the
                                                       oldest is closed, and its epoll */
};

enum etd_http_status {
    ETD_HTTP_OK = 200,
    ETD_HTTP_NOT_FOUND = 404,
    ETD_HTTP_NOT_ALLOWED = 405,
    ETD_HTTP_UNAVAILABLE = 503
};

struct etd_http_request {
    const char *method;
    const char *path;   /* without a query */
    const char *accept; /* the header; null when there was none */
};

struct etd_http_answer {
    enum etd_http_status status;
    const char *content_type;
    const char *allow;     /* the header of NOT_ALLOWED; otherwise null */
    struct etd_bytes body; /* copied; of a HEAD request not sent */
};

/* Answers a request. False: there is no memory for it, and the connection is closed. */
typedef bool (*etd_http_answerer)(void *context, const struct etd_http_request *request,
                                  struct etd_http_answer *answer);

struct etd_http;

/* Null: the system refused, which is in the log. */
struct etd_http *etd_http_open(etd_http_answerer answerer, void *context);

/* Closes all connections, as they are. Null is allowed. */
void etd_http_close(struct etd_http *http);

/* A descriptor that is readable when etd_http_run has something to do. */
int etd_http_descriptor(const struct etd_http *http);

enum etd_http_accepted {
    ETD_HTTP_ACCEPTED,
    ETD_HTTP_NOBODY,  /* nobody waits */
    ETD_HTTP_NO_ROOM, /* the host is out of descriptors or memory (errno); try later */
    ETD_HTTP_BROKEN   /* close it */
};

/* Accepts one connection at a listening socket. `now` is in monotonic milliseconds, here and below. */
enum etd_http_accepted etd_http_accept(struct etd_http *http, int listening, uint64_t now);

/* Does what there is to do, without waiting. False: it is broken; close it. */
bool etd_http_run(struct etd_http *http, uint64_t now);

/* How long until etd_http_run is due although nothing happens, in milliseconds; false: never. */
bool etd_http_due(struct etd_http *http, uint64_t now, uint64_t *left);

/* Connections that are open. */
size_t etd_http_connections(const struct etd_http *http);

#endif
