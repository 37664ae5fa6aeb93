#include "daemon/udp_endpoint.h"

#include "daemon/server.h"
#include "platform/log.h"
#include "platform/memory.h"
#include "platform/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    BATCH = 32,             /* datagrams in one recvmmsg */
    BATCHES_PER_TURN = 4,   /* more wait for the next turn of the loop */
    DATAGRAM = 65536,       /* no UDP payload is longer: its length field has 16 bits (RFC 768) */
    REPLY = 1024,           /* no reply that a service writes is longer */
    LOW_PORTS = 1024,       /* below it services answer (RFC 6335 section 6) */
    BATCHES_AT_CLOSE = 4096 /* a bound for peers that send as fast as they are answered */
};

/* Room for the control message of either family. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct etd_udp_batch {
    struct mmsghdr in[BATCH];
    struct mmsghdr out[BATCH];
    struct iovec in_data[BATCH];
    struct iovec out_data[BATCH];
    struct sockaddr_storage peers[BATCH];
    union control in_control[BATCH];
    union control out_control[BATCH];
    uint8_t replies[BATCH][REPLY];
    uint8_t datagrams[BATCH][DATAGRAM];
};

struct etd_udp_batch *etd_udp_batch_make(void)
{
    struct etd_udp_batch *batch = malloc(sizeof *batch);
    if (batch == NULL)
        return NULL;
    for (size_t i = 0; i < BATCH; i++) {
        batch->in_data[i] = (struct iovec){.iov_base = batch->datagrams[i], .iov_len = DATAGRAM};
        batch->in[i] = (struct mmsghdr){0};
    }
    return batch;
}

void etd_udp_batch_free(struct etd_udp_batch *batch)
{
    free(batch);
}

static int receive(struct etd_udp_batch *batch, int fd)
{
    /* The kernel overwrites the lengths. */
    for (size_t i = 0; i < BATCH; i++) {
        batch->in[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->peers[i],
            .msg_namelen = sizeof batch->peers[i],
            .msg_iov = &batch->in_data[i],
            .msg_iovlen = 1,
            .msg_control = &batch->in_control[i],
            .msg_controllen = sizeof batch->in_control[i],
        };
    }
    return recvmmsg(fd, batch->in, BATCH, MSG_DONTWAIT, NULL);
}

/* Finds the address that was asked, and writes into `reply` the control message that makes it the
 * answer's source. False: the datagram was not sent to one host alone. */
static bool answer_from(const struct msghdr *request, struct msghdr *reply)
{
    for (struct cmsghdr *message = CMSG_FIRSTHDR(request); message != NULL;
         message = CMSG_NXTHDR((struct msghdr *)request, message)) {
        struct cmsghdr *source = CMSG_FIRSTHDR(reply);
        if (message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(message), sizeof info);
            /* spec_dst is the host's own address; a broadcast datagram's is not what was asked. */
            if (info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr ||
                IN_MULTICAST(ntohl(info.ipi_addr.s_addr)))
                return false;
            info = (struct in_pktinfo){.ipi_spec_dst = info.ipi_addr};
            *source = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info),
                                       .cmsg_level = IPPROTO_IP,
                                       .cmsg_type = IP_PKTINFO};
            memcpy(CMSG_DATA(source), &info, sizeof info);
            reply->msg_controllen = CMSG_SPACE(sizeof info);
            return true;
        }
        if (message->cmsg_level == IPPROTO_IPV6 && message->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(message), sizeof info);
            if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
                return false;
            if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
                info.ipi6_ifindex = 0; /* routing decides */
            *source = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof info),
                                       .cmsg_level = IPPROTO_IPV6,
                                       .cmsg_type = IPV6_PKTINFO};
            memcpy(CMSG_DATA(source), &info, sizeof info);
            reply->msg_controllen = CMSG_SPACE(sizeof info);
            return true;
        }
    }
    return false;
}

static uint16_t source_port(const struct sockaddr_storage *peer)
{
    if (peer->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)peer)->sin6_port);
    return ntohs(((const struct sockaddr_in *)peer)->sin_port);
}

static bool is_served(const struct etd_udp_endpoint *endpoint, const struct msghdr *request)
{
    struct etd_socket_address source;
    if (endpoint->access.count == 0)
        return true;
    return etd_socket_from_sockaddr(request->msg_name, request->msg_namelen, &source) &&
           etd_access_serves(&endpoint->access, &source.address);
}

/* Makes the answer to datagram `i`, `size` bytes long, as message `o` of the batch to send; or says
 * why there is none. */
static enum etd_drop_reason answer(struct etd_udp_endpoint *endpoint, struct etd_udp_batch *batch,
                                   size_t i, size_t o)
{
    const struct msghdr *in = &batch->in[i].msg_hdr;
    uint16_t port = source_port(&batch->peers[i]);
    if (in->msg_flags & (MSG_TRUNC | MSG_CTRUNC))
        return ETD_DROP_TRUNCATED;
    if (!is_served(endpoint, in))
        return ETD_DROP_DENIED;
    if (port == 0)
        return ETD_DROP_PORT_ZERO;
    if (endpoint->refuse_low_ports && port < LOW_PORTS)
        return ETD_DROP_LOW_PORT;
    struct msghdr *out = &batch->out[o].msg_hdr;
    *out = (struct msghdr){
        .msg_name = in->msg_name,
        .msg_namelen = in->msg_namelen,
        .msg_iov = &batch->out_data[o],
        .msg_iovlen = 1,
        .msg_control = &batch->out_control[o],
        .msg_controllen = sizeof batch->out_control[o],
    };
    if (!answer_from(in, out))
        return ETD_DROP_NOT_UNICAST;

    struct etd_request request = {
        .transport = ETD_UDP,
        .payload = etd_bytes(batch->datagrams[i], batch->in[i].msg_len),
        .time_format = endpoint->time_format,
        .require_sync = endpoint->require_sync,
    };
    if (endpoint->service->tells_time)
        request.clock = etd_server_clock(endpoint->server);
    struct etd_writer reply = etd_writer(batch->replies[o], endpoint->service->reply_max);
    switch (etd_service_answer(endpoint->service, &request, &reply)) {
    case ETD_VERDICT_SAME:
        batch->out_data[o] =
            (struct iovec){.iov_base = batch->datagrams[i], .iov_len = request.payload.size};
        return ETD_DROP_NONE;
    case ETD_VERDICT_REPLY:
        batch->out_data[o] =
            (struct iovec){.iov_base = batch->replies[o], .iov_len = etd_writer_bytes(&reply).size};
        return ETD_DROP_NONE;
    case ETD_VERDICT_SILENT:
    case ETD_VERDICT_CLOSE:
        return ETD_DROP_NO_ANSWER;
    }
    __builtin_unreachable();
}

/* Sends `count` answers. What the kernel does not take is dropped: UDP may lose, but must not wait. */
static void send_answers(struct etd_udp_endpoint *endpoint, struct etd_udp_batch *batch, int fd,
                         size_t count)
{
    struct etd_udp_counters *counters = &endpoint->counters;
    for (size_t first = 0; first < count;) {
        int sent = sendmmsg(fd, batch->out + first, (unsigned)(count - first), MSG_DONTWAIT);
        if (sent > 0) {
            for (size_t end = first + (size_t)sent; first < end; first++) {
                counters->answered++;
                counters->bytes_out += batch->out_data[first].iov_len;
            }
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            counters->dropped[ETD_DROP_SEND_FULL] += count - first;
            return;
        } else if (errno != EINTR) {
            counters->dropped[ETD_DROP_SEND_ERROR]++;
            first++; /* the error is the first message's own: the others may go */
        }
    }
}

/* Answers one batch. Gives whether it was full, so that there may be more. */
static bool answer_batch(struct etd_udp_endpoint *endpoint, int fd)
{
    struct etd_udp_batch *batch = endpoint->server->udp_batch;
    struct etd_udp_counters *counters = &endpoint->counters;
    int received = receive(batch, fd);
    size_t answers = 0;
    /* An error here is one that an earlier answer met, such as a refused port; it is cleared. */
    for (size_t i = 0; received > 0 && i < (size_t)received; i++) {
        counters->received++;
        counters->bytes_in += batch->in[i].msg_len;
        enum etd_drop_reason reason = answer(endpoint, batch, i, answers);
        if (reason == ETD_DROP_NONE)
            answers++;
        else
            counters->dropped[reason]++;
    }
    send_answers(endpoint, batch, fd, answers);
    return received == BATCH;
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
        if (!answer_batch(endpoint, watcher->fd))
            return;
    }
}

bool etd_udp_endpoint_open(struct etd_udp_endpoint *endpoint, struct etd_server *server,
                           const struct etd_config_listener *config)
{
    *endpoint = (struct etd_udp_endpoint){
        .server = server,
        .service = etd_services[config->service],
        .time_format = config->time_format,
        .require_sync = config->require_sync,
        .refuse_low_ports = config->refuse_low_ports,
    };
    etd_section_title(config, endpoint->title);
    return etd_section_access(config, &endpoint->access) &&
           etd_sockets_open(&endpoint->sockets, server->loop, config, endpoint, on_readable);
}

void etd_udp_endpoint_close(struct etd_udp_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->sockets.count; i++) {
        for (int batches = 0; batches < BATCHES_AT_CLOSE; batches++) {
            if (!answer_batch(endpoint, endpoint->sockets.watchers[i].fd))
                break;
        }
    }
    etd_sockets_close(&endpoint->sockets, endpoint->server->loop);
}

void etd_udp_endpoint_free(struct etd_udp_endpoint *endpoint)
{
    if (endpoint->server == NULL)
        return;
    etd_sockets_close(&endpoint->sockets, endpoint->server->loop);
    etd_access_free(&endpoint->access, &etd_memory_libc);
}
