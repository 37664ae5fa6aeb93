/* Datagrams in batches: received by recvmmsg with what their headers say, answered by sendmmsg. There
 * is no queue: a batch that was received is answered at once, and what the kernel does not take then
 * is given up. */
#ifndef ECHOTIMED_DAEMON_UDP_BATCH_H
#define ECHOTIMED_DAEMON_UDP_BATCH_H

#include "echotimed/address.h"
#include "echotimed/bytes.h"
#include "echotimed/counters.h"
#include "echotimed/timestamp.h"

#include <stdbool.h>

enum {
    ETD_UDP_BATCH = 32,      /* datagrams; more gain little over the calls that they save */
    ETD_UDP_PAYLOAD = 65536, /* no payload is longer: its length field has 16 bits (RFC 768) */
};

/* What was received, and what the headers say as far as the socket was asked to tell. */
struct etd_udp_datagram {
    struct etd_bytes payload;
    struct etd_address source;
    bool truncated;   /* bytes, or what the headers say, are missing */
    bool to_one_host; /* it was sent neither to a broadcast nor to a multicast address */
    bool stamped;     /* `received` is the kernel's */
    struct etd_timestamp received;
    uint8_t ttl; /* or hop limit; 0: not told */
    uint8_t traffic_class;
};

/* Memory for a batch; one serves all endpoints of a loop. Null: out of memory. */
struct etd_udp_batch;
struct etd_udp_batch *etd_udp_batch_make(void);
void etd_udp_batch_free(struct etd_udp_batch *batch);

/* Has the kernel tell the time of receipt, the TTL and the traffic class of datagrams. False: refused;
 * errno says why. */
bool etd_udp_socket_tell(int fd);

/* Receives up to `most` (1 to ETD_UDP_BATCH) datagrams; gives how many. An error is none: it is one
 * that an earlier answer met, and is cleared by having been told. */
size_t etd_udp_batch_receive(struct etd_udp_batch *batch, int fd, size_t most);

/* Reads datagram `i` of those received, once, before it is answered. Views are valid until the next
 * batch is received. */
void etd_udp_batch_read(struct etd_udp_batch *batch, size_t i, struct etd_udp_datagram *datagram);

/* Room for the next answer, for the longest that there is. */
struct etd_writer etd_udp_batch_room(struct etd_udp_batch *batch);

/* Adds an answer to datagram `i`, from the address that was asked. `answer` stands in that room, or is
 * the payload that was received. It leaves with this traffic class; 0: the host's default. */
void etd_udp_batch_answer(struct etd_udp_batch *batch, size_t i, struct etd_bytes answer,
                          uint8_t traffic_class);

/* Sends the answers added, and counts what became of them. Runs of answers of one size to one peer go
 * as one message that the kernel cuts (UDP_SEGMENT of udp(7)), while *segments says that it can. */
void etd_udp_batch_send(struct etd_udp_batch *batch, int fd, bool *segments,
                        struct etd_udp_counters *counters);

#endif
