/* What a ping sends and receives over: a datagram socket, or a connection whose bytes are cut into
 * messages. Nothing here waits. */
#ifndef ECHOTIMED_CLIENT_PING_LINK_H
#define ECHOTIMED_CLIENT_PING_LINK_H

#include "client/moment.h"
#include "client/options.h"

struct etd_ping_link {
    const struct etd_settings *settings;
    const struct etd_protocol *protocol;
    int fd; /* owned; -1: none */
    bool tcp;
    uint8_t *out; /* one question in its framing, */
    size_t out_capacity;
    size_t out_at, out_end; /* and what of it is still to be sent */
    uint8_t *in;
    size_t in_capacity;
    size_t in_at, in_end;   /* what was received and is not yet taken */
    struct etd_moment came; /* when the last of it came */
};

enum etd_ping_event {
    ETD_PING_PAYLOAD,  /* an answer */
    ETD_PING_NOTHING,  /* not now */
    ETD_PING_TOO_LONG, /* an answer that is longer than any can be; over TCP the end */
    ETD_PING_ENDED,    /* the server closed the connection; `cut` says whether within an answer */
    ETD_PING_FAILED    /* errno says why */
};

/* Takes memory for messages of settings->size bytes. False: there is none. */
bool etd_ping_link_begin(struct etd_ping_link *link, const struct etd_settings *settings);
/* Closes the socket and gives the memory back. */
void etd_ping_link_end(struct etd_ping_link *link);

/* Goes on with another socket. */
void etd_ping_link_use(struct etd_ping_link *link, int fd);

/* Whether a question is still on its way out: wait until the socket is writable, and flush. */
bool etd_ping_link_busy(const struct etd_ping_link *link);

/* Makes the probe's question and sends what goes. Not while the link is busy. Gives 0 or the errno. */
int etd_ping_link_send(struct etd_ping_link *link, const struct etd_probe *probe);
int etd_ping_link_flush(struct etd_ping_link *link);

/* Gives the next answer; `payload` is valid until the next call. */
enum etd_ping_event etd_ping_link_next(struct etd_ping_link *link, struct etd_bytes *payload,
                                       struct etd_moment *came, bool *cut);

#endif
