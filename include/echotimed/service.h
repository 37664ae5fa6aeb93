/* Service: what a message is answered with. A service is a pure function of the request: it reads
 * no clock and keeps no state, so the same request always gives the same answer. */
#ifndef ECHOTIMED_SERVICE_H
#define ECHOTIMED_SERVICE_H

#include "echotimed/bytes.h"
#include "echotimed/framing.h"
#include "echotimed/timestamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum etd_transport { ETD_TCP, ETD_UDP, ETD_TRANSPORT_COUNT };

/* "tcp" or "udp". */
const char *etd_transport_name(enum etd_transport transport);

/* Index into etd_services. */
enum etd_service_id {
    ETD_SERVICE_ECHO,
    ETD_SERVICE_DISCARD,
    ETD_SERVICE_TIME,
    ETD_SERVICE_DAYTIME,
    ETD_SERVICE_RFC868,
    ETD_SERVICE_COUNT
};

/* One message and all that may bear on its answer. Views are valid during the call only. */
struct etd_request {
    enum etd_transport transport;
    struct etd_bytes payload;
    bool terminated;                       /* the framing cut an LF from behind the payload */
    enum etd_time_format time_format;      /* the listener's */
    bool require_sync;                     /* the listener's */
    const struct etd_clock_reading *clock; /* null for a service that does not tell the time */
};

enum etd_verdict {
    ETD_VERDICT_REPLY,  /* what was written is the reply, which may be empty */
    ETD_VERDICT_SAME,   /* the reply is the payload itself, byte for byte; nothing was written */
    ETD_VERDICT_SILENT, /* no reply; over UDP the datagram counts as dropped */
    ETD_VERDICT_CLOSE   /* what was written is the last reply; then close. Over UDP: as SILENT */
};

/* One row of the table: constant, safe to share. */
struct etd_service {
    const char *name;
    const char *help; /* one line for the manual page */
    uint8_t framings; /* the TCP framings that can carry it, a set of 1 << enum etd_framing_id */
    bool udp;         /* whether datagrams can */
    bool tells_time;  /* `clock` must be given */
    bool same;        /* the verdict is SAME for every message */
    size_t reply_max; /* the greatest number of bytes that `open` or `answer` write */

    /* Answers the connection itself; null: nothing is said before the first message. */
    enum etd_verdict (*open)(const struct etd_request *request, struct etd_writer *reply);

    /* Answers one message. `reply` has room for reply_max bytes. Null: `open` says it all. */
    enum etd_verdict (*answer)(const struct etd_request *request, struct etd_writer *reply);
};

/* Ask a service through these, which keep its rows' promises: a service that tells the time stays
 * silent (CLOSE) under require_sync while the clock is not synchronised, and a service without
 * `open` says nothing, without `answer` closes. */
enum etd_verdict etd_service_open(const struct etd_service *service,
                                  const struct etd_request *request, struct etd_writer *reply);
enum etd_verdict etd_service_answer(const struct etd_service *service,
                                    const struct etd_request *request, struct etd_writer *reply);

/* In the order of enum etd_service_id. */
extern const struct etd_service *const etd_services[ETD_SERVICE_COUNT];

#endif
