#include "daemon/udp_endpoint.h"

#include "daemon/server.h"
#include "daemon/udp_batch.h"
#include "echotimed/ntp_time.h"
#include "echotimed/stamp_packet.h"
#include "platform/clock.h"
#include "platform/log.h"
#include "platform/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    DSCP = 0xfc,            /* of a traffic class: ECN is each packet's own (RFC 3168 section 5) */
    BATCHES_PER_TURN = 4,   /* more wait for the next turn of the loop */
    BATCHES_AT_CLOSE = 4096 /* a bound for peers that send as fast as they are answered */
};

/* Before the service is asked: whether such a datagram is ever answered. */
static enum etd_drop_reason judge(struct etd_udp_endpoint *endpoint,
                                  const struct etd_udp_datagram *datagram)
{
    struct etd_udp_shared *shared = &endpoint->server->udp_shared;
    if (datagram->truncated)
        return ETD_DROP_TRUNCATED;
    if (endpoint->access.count > 0 && !etd_access_serves(&endpoint->access, &datagram->source))
        return ETD_DROP_DENIED;
    if (etd_own_sockets_share_port(&shared->own, datagram->source.port))
        etd_udp_shared_refresh_host(shared, etd_clock_monotonic_ms());
    return etd_source_judge(&endpoint->rules, &datagram->source, datagram->to_one_host);
}

static struct etd_request make_request(struct etd_udp_endpoint *endpoint,
                                       const struct etd_udp_datagram *datagram)
{
    return (struct etd_request){
        .transport = ETD_UDP,
        .payload = datagram->payload,
        .time_format = endpoint->time_format,
        .require_sync = endpoint->require_sync,
        .times = &endpoint->times,
        .ttl = datagram->ttl,
        .class_kept = endpoint->dates_packets,
        .traffic_class = datagram->traffic_class,
    };
}

/* What a service answered, and what the sender's session is to remember of it when it goes out. */
struct answer {
    struct etd_bytes bytes;
    bool in_session; /* a reflector that has sessions was asked by a sender */
    struct etd_stamp_session_id session;
    struct etd_timestamp transmitted;
};

/* Finds what the answer tells of the sender's session, where the reflector has one for each. */
static bool peek_session(struct etd_udp_endpoint *endpoint, const struct etd_udp_datagram *datagram,
                         struct etd_stamp_session *session, struct answer *answer)
{
    struct etd_stamp_sender packet;
    if (!endpoint->stateful || !etd_stamp_is_request(datagram->payload) ||
        !etd_stamp_read_sender(datagram->payload, &packet))
        return false;
    answer->session = (struct etd_stamp_session_id){
        .source = datagram->source, .endpoint = endpoint->limits.endpoint, .ssid = packet.ssid};
    *session =
        etd_stamp_sessions_peek(endpoint->server->udp_shared.stamp_sessions, &answer->session);
    return true;
}

/* Only now: what is not sent is not counted, nor does it push another's session out. */
static void count_in_session(struct etd_udp_endpoint *endpoint, const struct answer *answer)
{
    if (answer->in_session)
        etd_stamp_session_answered(
            etd_stamp_sessions_find(endpoint->server->udp_shared.stamp_sessions, &answer->session),
            etd_ntp_from_timestamp(answer->transmitted));
}

/* Asks the service; `answer` is its answer when the reason is NONE. */
static enum etd_drop_reason ask(struct etd_udp_endpoint *endpoint,
                                const struct etd_udp_datagram *datagram, struct etd_writer *room,
                                struct answer *answer)
{
    struct etd_request request = make_request(endpoint, datagram);
    struct etd_stamp_session session;
    struct etd_clock_reading clock;
    answer->in_session = peek_session(endpoint, datagram, &session, answer);
    if (endpoint->dates_packets) {
        request.stamp_session = answer->in_session ? &session : NULL;
        /* The transmit time, read last. A kernel that told no time of receipt has had it by now. */
        etd_clock_read(&clock);
        request.clock = &clock;
        request.received = datagram->stamped ? datagram->received : clock.now;
        answer->transmitted = clock.now;
    } else if (endpoint->service->tells_time) {
        request.clock = etd_server_clock(endpoint->server);
    }
    switch (etd_service_answer(endpoint->service, &request, room)) {
    case ETD_VERDICT_SAME:
        answer->bytes = datagram->payload;
        break;
    case ETD_VERDICT_REPLY:
        answer->bytes = etd_writer_bytes(room);
        break;
    case ETD_VERDICT_SILENT:
    case ETD_VERDICT_CLOSE:
        return ETD_DROP_NO_ANSWER;
    }
    return ETD_DROP_NONE;
}

/* Answers datagram `i` of the batch, or says why not. The guard comes last: only answers count. */
static enum etd_drop_reason serve(struct etd_udp_endpoint *endpoint, size_t i, uint64_t now_ns,
                                  struct etd_udp_datagram *datagram)
{
    struct etd_udp_shared *shared = &endpoint->server->udp_shared;
    struct etd_writer room = etd_udp_batch_room(shared->batch);
    struct answer answer;
    enum etd_drop_reason reason = judge(endpoint, datagram);
    if (reason == ETD_DROP_NONE)
        reason = ask(endpoint, datagram, &room, &answer);
    if (reason != ETD_DROP_NONE)
        return reason;
    if (endpoint->require_padding && answer.bytes.size > datagram->payload.size)
        return ETD_DROP_NEEDS_PADDING;
    reason = etd_udp_guard_admit(&shared->guard, &endpoint->limits, &datagram->source,
                                 datagram->payload, now_ns);
    if (reason != ETD_DROP_NONE)
        return reason;
    count_in_session(endpoint, &answer);
    etd_udp_batch_answer(shared->batch, i, answer.bytes, datagram->traffic_class & DSCP);
    return ETD_DROP_NONE;
}

/* What is dropped for its source or its rate hints at a mistake or an attack. */
static void log_drop(struct etd_udp_endpoint *endpoint, const struct etd_udp_datagram *datagram,
                     enum etd_drop_reason reason)
{
    uint64_t suppressed;
    if (reason == ETD_DROP_NO_ANSWER ||
        !etd_log_limit_pass(&endpoint->drop_log, etd_clock_monotonic_ms(), &suppressed))
        return;
    char source[ETD_ADDRESS_TEXT];
    etd_address_format(&datagram->source, source);
    etd_log(ETD_LOG_NOTICE, "datagram dropped",
            "source=%s listener=\"%s\" reason=%s suppressed=%" PRIu64, source, endpoint->title,
            etd_drop_reason_name(reason), suppressed);
}

/* Answers one batch; gives how many datagrams there were. */
static size_t answer_batch(struct etd_udp_endpoint *endpoint, int fd, size_t most)
{
    struct etd_udp_batch *batch = endpoint->server->udp_shared.batch;
    struct etd_udp_counters *counters = &endpoint->counters;
    size_t received = etd_udp_batch_receive(batch, fd, most);
    if (received == 0)
        return 0;
    uint64_t now_ns = endpoint->server->now_us * 1000;
    for (size_t i = 0; i < received; i++) {
        struct etd_udp_datagram datagram;
        etd_udp_batch_read(batch, i, &datagram);
        counters->received++;
        counters->bytes_in += datagram.payload.size;
        enum etd_drop_reason reason = serve(endpoint, i, now_ns, &datagram);
        if (reason == ETD_DROP_NONE)
            continue;
        counters->dropped[reason]++;
        log_drop(endpoint, &datagram, reason);
    }
    etd_udp_batch_send(batch, fd, &endpoint->segments, counters);
    return received;
}

static void on_readable(EV_P_ ev_io *watcher, int revents)
{
    struct etd_udp_endpoint *endpoint = watcher->data;
    (void)loop;
    if (revents & EV_ERROR) {
        etd_server_watch_again(endpoint->server, endpoint->title);
        return;
    }
    for (int batches = 0; batches < BATCHES_PER_TURN; batches++) {
        size_t received = answer_batch(endpoint, watcher->fd, endpoint->portion.most);
        etd_portion_took(&endpoint->portion, (unsigned)received, ETD_UDP_BATCH);
        if (received < ETD_UDP_BATCH)
            return;
    }
}

static struct etd_section section_of(struct etd_udp_endpoint *endpoint,
                                     const struct etd_config_listener *config)
{
    return (struct etd_section){.loop = endpoint->server->loop,
                                .config = config,
                                .title = endpoint->title,
                                .owner = endpoint,
                                .ready = on_readable};
}

/* Has the kernel tell of each datagram what the service needs, and no more. */
static bool have_told(const struct etd_udp_endpoint *endpoint, struct etd_opening *opening)
{
    bool told = true;
    if (opening->dates_packets == endpoint->dates_packets)
        return true;
    for (size_t i = 0; i < opening->count; i++)
        told &= etd_udp_socket_tell(opening->watchers[i].fd, endpoint->dates_packets);
    opening->dates_packets = endpoint->dates_packets;
    return told;
}

static void log_untold(const struct etd_udp_endpoint *endpoint, enum etd_log_level level)
{
    etd_log(level, "the kernel does not tell when a datagram was received",
            "listener=\"%s\" error=\"%s\"", endpoint->title, strerror(errno));
}

/* The sockets that are kept serve another endpoint still. */
static bool have_own_told(const struct etd_udp_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->sockets.count; i++) {
        struct etd_opening *opening = endpoint->sockets.list[i];
        if (opening->owner == endpoint && !have_told(endpoint, opening)) {
            log_untold(endpoint, ETD_LOG_ERROR);
            return false;
        }
    }
    return true;
}

struct etd_udp_endpoint *etd_udp_endpoint_open(struct etd_server *server,
                                               const struct etd_config_listener *config,
                                               struct etd_opening *const *kept, uint16_t number)
{
    bool ntp = config->service == ETD_SERVICE_NTP, stamp = config->service == ETD_SERVICE_STAMP;
    struct etd_udp_endpoint *endpoint = calloc(1, sizeof *endpoint);
    if (endpoint == NULL) {
        etd_log(ETD_LOG_ERROR, "cannot listen: out of memory", "section=\"[udp%s%s]\"",
                config->name[0] != '\0' ? " " : "", config->name);
        return NULL;
    }
    *endpoint = (struct etd_udp_endpoint){
        .server = server,
        .service = etd_services[config->service],
        .time_format = config->time_format,
        .require_sync = config->require_sync,
        .require_padding = config->require_padding,
        .dates_packets = ntp || stamp,
        .stateful = stamp && config->stamp_mode == ETD_STAMP_STATEFUL,
        .segments = true,
        .portion = {.most = 1},
        .times = {.ntp_stratum = (uint8_t)config->ntp_stratum, .stamp_tlvs = config->stamp_tlvs},
        .rules = {.own = &server->udp_shared.own,
                  .refuse_low_ports = config->refuse_low_ports,
                  .serves_ntp = ntp},
        .limits =
            etd_udp_limits_make(number, config->rate_limit, config->rate_burst, config->loop_guard),
    };
    (void)etd_ntp_refid_parse(config->ntp_refid, endpoint->times.ntp_refid);
    etd_section_title(config, endpoint->title);
    struct etd_section section = section_of(endpoint, config);
    if (etd_section_access(config, endpoint->title, &endpoint->access) &&
        etd_sockets_open(&endpoint->sockets, &section, kept) && have_own_told(endpoint))
        return endpoint;
    etd_udp_endpoint_free(endpoint);
    return NULL;
}

void etd_udp_endpoint_begin(struct etd_udp_endpoint *endpoint,
                            const struct etd_config_listener *config)
{
    struct etd_section section = section_of(endpoint, config);
    etd_sockets_take(&endpoint->sockets, &section);
    for (size_t i = 0; i < endpoint->sockets.count; i++) {
        if (!have_told(endpoint, endpoint->sockets.list[i]))
            log_untold(endpoint, ETD_LOG_WARNING);
    }
    etd_sockets_resume(&endpoint->sockets, endpoint->server->loop);
}

static void answer_waiting(void *owner, int fd)
{
    for (int batches = 0; batches < BATCHES_AT_CLOSE; batches++) {
        if (answer_batch(owner, fd, ETD_UDP_BATCH) == 0)
            return;
    }
}

void etd_udp_endpoint_close(struct etd_udp_endpoint *endpoint)
{
    etd_sockets_visit(&endpoint->sockets, endpoint, answer_waiting);
    etd_sockets_close(&endpoint->sockets, endpoint->server->loop, endpoint);
}

void etd_udp_endpoint_free(struct etd_udp_endpoint *endpoint)
{
    etd_sockets_close(&endpoint->sockets, endpoint->server->loop, endpoint);
    etd_access_free(&endpoint->access, &etd_memory_libc);
    free(endpoint);
}
