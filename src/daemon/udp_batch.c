#include "daemon/udp_batch.h"

#include "platform/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum {
    SPREAD = 320,          /* bytes between payloads, so that they do not share cache sets */
    SEGMENTS = 64,         /* UDP_MAX_SEGMENTS of the kernel */
    SEGMENT_SIZE = 1232,   /* fits the least MTU of IPv6, 1,280 bytes (RFC 8200 section 5) */
    SEGMENTED_SIZE = 65000 /* of all segments with the headers of one packet */
};

/* All that the kernel is asked to tell of one datagram. */
union in_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct timespec)) +
               2 * CMSG_SPACE(sizeof(int))];
};

/* The address to answer from, the traffic class, and the size of segments. */
union out_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +
               CMSG_SPACE(sizeof(uint16_t))];
};

struct etd_udp_batch {
    size_t received;
    struct mmsghdr in[ETD_UDP_BATCH];
    struct iovec in_data[ETD_UDP_BATCH];
    struct sockaddr_storage peers[ETD_UDP_BATCH];
    union in_control in_control[ETD_UDP_BATCH];
    const struct cmsghdr *asked[ETD_UDP_BATCH]; /* tells where it was sent to; null: nothing does */

    size_t answers;
    uint8_t from[ETD_UDP_BATCH];  /* the datagram that each answer is to */
    uint8_t class[ETD_UDP_BATCH]; /* the traffic class that it leaves with, or 0 */
    struct iovec out_data[ETD_UDP_BATCH];
    struct mmsghdr out[ETD_UDP_BATCH];
    union out_control out_control[ETD_UDP_BATCH];
    uint8_t *room; /* in `replies`, behind those made */

    uint8_t datagrams[ETD_UDP_BATCH][ETD_UDP_PAYLOAD + SPREAD];
    uint8_t replies[ETD_UDP_BATCH * ETD_UDP_PAYLOAD];
};

static void prepare(struct etd_udp_batch *batch, size_t i)
{
    batch->in[i].msg_hdr = (struct msghdr){
        .msg_name = &batch->peers[i],
        .msg_namelen = sizeof batch->peers[i],
        .msg_iov = &batch->in_data[i],
        .msg_iovlen = 1,
        .msg_control = &batch->in_control[i],
        .msg_controllen = sizeof batch->in_control[i],
    };
}

struct etd_udp_batch *etd_udp_batch_make(void)
{
    struct etd_udp_batch *batch = malloc(sizeof *batch);
    if (batch == NULL)
        return NULL;
    batch->received = batch->answers = 0;
    for (size_t i = 0; i < ETD_UDP_BATCH; i++) {
        batch->in_data[i] =
            (struct iovec){.iov_base = batch->datagrams[i], .iov_len = ETD_UDP_PAYLOAD};
        prepare(batch, i);
    }
    return batch;
}

void etd_udp_batch_free(struct etd_udp_batch *batch)
{
    free(batch);
}

bool etd_udp_socket_tell(int fd, bool tells)
{
    int on = tells;
    int family;
    socklen_t length = sizeof family;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
        return false;
    if (family == AF_INET6)
        return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on) == 0 &&
               setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on) == 0;
    return setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on) == 0 &&
           setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on) == 0;
}

/* The plain calls cost less where there is one. */
static int receive(int fd, struct mmsghdr *messages, size_t most)
{
    if (most > 1)
        return recvmmsg(fd, messages, (unsigned)most, MSG_DONTWAIT, NULL);
    ssize_t size = recvmsg(fd, &messages->msg_hdr, MSG_DONTWAIT);
    if (size < 0)
        return -1;
    messages->msg_len = (unsigned)size;
    return 1;
}

static int send_messages(int fd, struct mmsghdr *messages, size_t count)
{
    if (count > 1)
        return sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT);
    return sendmsg(fd, &messages->msg_hdr, MSG_DONTWAIT) < 0 ? -1 : 1;
}

size_t etd_udp_batch_receive(struct etd_udp_batch *batch, int fd, size_t most)
{
    /* The kernel has overwritten lengths and flags of those that it filled in. */
    for (size_t i = 0; i < batch->received; i++)
        prepare(batch, i);
    int received = receive(fd, batch->in, most);
    batch->received = received > 0 ? (size_t)received : 0;
    batch->answers = 0;
    batch->room = batch->replies;
    return batch->received;
}

static void read_ipv4(const struct cmsghdr *message, struct etd_udp_datagram *datagram,
                      const struct cmsghdr **asked)
{
    struct in_pktinfo info;
    int number;
    switch (message->cmsg_type) {
    case IP_PKTINFO:
        *asked = message;
        /* spec_dst is the host's own address; a broadcast datagram's is not what was asked. */
        memcpy(&info, CMSG_DATA(message), sizeof info);
        datagram->to_one_host = info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr &&
                                !IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
        break;
    case IP_TTL:
        memcpy(&number, CMSG_DATA(message), sizeof number);
        datagram->ttl = (uint8_t)number;
        break;
    case IP_TOS:
        datagram->traffic_class = *CMSG_DATA(message);
        break;
    default:
        break;
    }
}

static void read_ipv6(const struct cmsghdr *message, struct etd_udp_datagram *datagram,
                      const struct cmsghdr **asked)
{
    struct in6_pktinfo info;
    int number;
    switch (message->cmsg_type) {
    case IPV6_PKTINFO:
        *asked = message;
        memcpy(&info, CMSG_DATA(message), sizeof info);
        datagram->to_one_host = !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
        break;
    case IPV6_HOPLIMIT:
        memcpy(&number, CMSG_DATA(message), sizeof number);
        datagram->ttl = (uint8_t)number;
        break;
    case IPV6_TCLASS:
        memcpy(&number, CMSG_DATA(message), sizeof number);
        datagram->traffic_class = (uint8_t)number;
        break;
    default:
        break;
    }
}

static void read_time(const struct cmsghdr *message, struct etd_udp_datagram *datagram)
{
    struct timespec time;
    if (message->cmsg_type != SCM_TIMESTAMPNS)
        return;
    memcpy(&time, CMSG_DATA(message), sizeof time);
    datagram->stamped = true;
    datagram->received =
        (struct etd_timestamp){.seconds = time.tv_sec, .nanoseconds = (uint32_t)time.tv_nsec};
}

void etd_udp_batch_read(struct etd_udp_batch *batch, size_t i, struct etd_udp_datagram *datagram)
{
    const struct msghdr *header = &batch->in[i].msg_hdr;
    struct etd_socket_address source = {.scope_id = 0};
    /* The kernel tells the destination where it can be another than the socket's own address. */
    *datagram = (struct etd_udp_datagram){
        .to_one_host = true,
        .payload = etd_bytes(batch->datagrams[i], batch->in[i].msg_len),
        .truncated = (header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0,
    };
    (void)etd_socket_from_sockaddr(header->msg_name, header->msg_namelen, &source);
    datagram->source = source.address;
    batch->asked[i] = NULL;
    for (struct cmsghdr *message = CMSG_FIRSTHDR(header); message != NULL;
         message = CMSG_NXTHDR((struct msghdr *)header, message)) {
        if (message->cmsg_level == IPPROTO_IP)
            read_ipv4(message, datagram, &batch->asked[i]);
        else if (message->cmsg_level == IPPROTO_IPV6)
            read_ipv6(message, datagram, &batch->asked[i]);
        else if (message->cmsg_level == SOL_SOCKET)
            read_time(message, datagram);
    }
}

struct etd_writer etd_udp_batch_room(struct etd_udp_batch *batch)
{
    return etd_writer(batch->room, ETD_UDP_PAYLOAD);
}

void etd_udp_batch_answer(struct etd_udp_batch *batch, size_t i, struct etd_bytes answer,
                          uint8_t traffic_class)
{
    batch->from[batch->answers] = (uint8_t)i;
    batch->class[batch->answers] = traffic_class;
    batch->out_data[batch->answers] =
        (struct iovec){.iov_base = (uint8_t *)answer.data, .iov_len = answer.size};
    batch->answers++;
    if (answer.data == batch->room)
        batch->room += answer.size;
}

/* Whether two datagrams came from one socket to one address, so that their answers can go together. */
static bool same_peer(const struct etd_udp_batch *batch, size_t a, size_t b)
{
    const struct msghdr *one = &batch->in[a].msg_hdr, *other = &batch->in[b].msg_hdr;
    const struct cmsghdr *to = batch->asked[a], *also = batch->asked[b];
    return one->msg_namelen == other->msg_namelen &&
           memcmp(one->msg_name, other->msg_name, one->msg_namelen) == 0 &&
           (to == NULL || also == NULL
                ? to == also
                : to->cmsg_len == also->cmsg_len && memcmp(to, also, to->cmsg_len) == 0);
}

/* Writes what makes the asked address the answer's source; gives the control message's end. */
static size_t write_source(const struct cmsghdr *asked, struct cmsghdr *source)
{
    if (asked == NULL)
        return 0;
    if (asked->cmsg_level == IPPROTO_IP) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(asked), sizeof info);
        info = (struct in_pktinfo){.ipi_spec_dst = info.ipi_addr}; /* routing finds the interface */
        *source = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
        memcpy(CMSG_DATA(source), &info, sizeof info);
        return CMSG_SPACE(sizeof info);
    }
    struct in6_pktinfo info;
    memcpy(&info, CMSG_DATA(asked), sizeof info);
    if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
        info.ipi6_ifindex = 0;
    *source = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof info), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
    memcpy(CMSG_DATA(source), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
}

static size_t write_class(uint8_t class, bool ipv4, struct cmsghdr *message)
{
    int value = class;
    *message = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof value),
                                .cmsg_level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6,
                                .cmsg_type = ipv4 ? IP_TOS : IPV6_TCLASS};
    memcpy(CMSG_DATA(message), &value, sizeof value);
    return CMSG_SPACE(sizeof value);
}

static size_t write_segment_size(size_t size, struct cmsghdr *segment)
{
    uint16_t value = (uint16_t)size;
    *segment = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof value), .cmsg_level = IPPROTO_UDP, .cmsg_type = UDP_SEGMENT};
    memcpy(CMSG_DATA(segment), &value, sizeof value);
    return CMSG_SPACE(sizeof value);
}

/* How many answers from `first` on can go as one message. */
static size_t run_length(const struct etd_udp_batch *batch, size_t first)
{
    size_t size = batch->out_data[first].iov_len, total = size, count = 1;
    if (size == 0 || size > SEGMENT_SIZE)
        return 1;
    while (first + count < batch->answers && count < SEGMENTS && total + size <= SEGMENTED_SIZE &&
           batch->out_data[first + count].iov_len == size &&
           batch->class[first + count] == batch->class[first] &&
           same_peer(batch, batch->from[first], batch->from[first + count])) {
        total += size;
        count++;
    }
    return count;
}

static sa_family_t asked_family(const struct msghdr *asked)
{
    return ((const struct sockaddr *)asked->msg_name)->sa_family;
}

/* Makes message `m` of `count` answers from `first` on. */
static void make_message(struct etd_udp_batch *batch, size_t m, size_t first, size_t count)
{
    const struct msghdr *asked = &batch->in[batch->from[first]].msg_hdr;
    struct msghdr *out = &batch->out[m].msg_hdr;
    char *control = batch->out_control[m].bytes;
    size_t size = write_source(batch->asked[batch->from[first]], (struct cmsghdr *)control);
    if (batch->class[first] != 0)
        size += write_class(batch->class[first], asked_family(asked) == AF_INET,
                            (struct cmsghdr *)(void *)(control + size));
    if (count > 1)
        size += write_segment_size(batch->out_data[first].iov_len,
                                   (struct cmsghdr *)(void *)(control + size));
    *out = (struct msghdr){
        .msg_name = asked->msg_name,
        .msg_namelen = asked->msg_namelen,
        .msg_iov = &batch->out_data[first],
        .msg_iovlen = count,
        .msg_control = size > 0 ? control : NULL,
        .msg_controllen = size,
    };
}

static size_t make_messages(struct etd_udp_batch *batch, size_t first, bool segments)
{
    size_t messages = 0;
    while (first < batch->answers) {
        size_t count = segments ? run_length(batch, first) : 1;
        make_message(batch, messages++, first, count);
        first += count;
    }
    return messages;
}

static void count_sent(const struct msghdr *message, struct etd_udp_counters *counters)
{
    counters->answered += message->msg_iovlen;
    for (size_t i = 0; i < message->msg_iovlen; i++)
        counters->bytes_out += message->msg_iov[i].iov_len;
}

void etd_udp_batch_send(struct etd_udp_batch *batch, int fd, bool *segments,
                        struct etd_udp_counters *counters)
{
    size_t done = 0; /* answers that are sent or given up */
    size_t messages = make_messages(batch, 0, *segments);
    for (size_t m = 0; m < messages;) {
        int sent = send_messages(fd, batch->out + m, messages - m);
        for (int i = 0; i < sent; i++, m++) {
            count_sent(&batch->out[m].msg_hdr, counters);
            done += batch->out[m].msg_hdr.msg_iovlen;
        }
        if (sent > 0 || errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            counters->dropped[ETD_DROP_SEND_FULL] += batch->answers - done;
            return;
        }
        if (batch->out[m].msg_hdr.msg_iovlen > 1) {
            /* The way out cannot cut them: a small MTU on the way to this peer, or (EIO) a device
             * without checksums, which will not do it for the next one either. */
            *segments = errno != EIO;
            messages = make_messages(batch, done, false);
            m = 0;
            continue;
        }
        counters->dropped[ETD_DROP_SEND_ERROR]++; /* its own error: the others may go */
        done++;
        m++;
    }
}
