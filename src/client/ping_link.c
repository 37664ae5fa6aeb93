#include "client/ping_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SMALL = 2048,      /* bytes that hold any question and answer but an echo */
    DATAGRAM = 65536,  /* and any datagram with a byte to spare */
    READ_AHEAD = 65536 /* bytes of a stream that are received at once, besides a whole message */
};

bool etd_ping_link_begin(struct etd_ping_link *link, const struct etd_settings *settings)
{
    const struct etd_framing *framing = etd_framings[settings->framing];
    size_t message = (settings->size > SMALL ? settings->size : SMALL) + framing->header_size +
                     framing->trailer_size;
    *link = (struct etd_ping_link){.settings = settings,
                                   .protocol = etd_protocols[settings->protocol],
                                   .fd = -1,
                                   .tcp = settings->url.transport == ETD_TCP,
                                   .out_capacity = message};
    link->in_capacity = link->tcp ? message + READ_AHEAD : DATAGRAM;
    link->out = malloc(link->out_capacity);
    link->in = malloc(link->in_capacity);
    if (link->out != NULL && link->in != NULL)
        return true;
    etd_ping_link_end(link);
    return false;
}

void etd_ping_link_end(struct etd_ping_link *link)
{
    etd_ping_link_use(link, -1);
    free(link->out);
    free(link->in);
    link->out = link->in = NULL;
}

void etd_ping_link_use(struct etd_ping_link *link, int fd)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = fd;
    link->out_at = link->out_end = link->in_at = link->in_end = 0;
}

bool etd_ping_link_busy(const struct etd_ping_link *link)
{
    return link->out_at < link->out_end;
}

int etd_ping_link_flush(struct etd_ping_link *link)
{
    do {
        ssize_t sent =
            send(link->fd, link->out + link->out_at, link->out_end - link->out_at, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && link->tcp && errno == EAGAIN)
            return 0;
        if (sent < 0) {
            link->out_at = link->out_end;
            return errno;
        }
        link->out_at += (size_t)sent;
    } while (link->out_at < link->out_end);
    return 0;
}

int etd_ping_link_send(struct etd_ping_link *link, const struct etd_probe *probe)
{
    const struct etd_framing *framing = etd_framings[link->settings->framing];
    size_t header = link->tcp ? framing->header_size : 0;
    size_t trailer = link->tcp ? framing->trailer_size : 0;
    struct etd_writer payload =
        etd_writer(link->out + header, link->out_capacity - header - trailer);
    link->protocol->ask(probe, &payload);
    size_t size = etd_writer_bytes(&payload).size;
    if (link->tcp)
        framing->encode(link->out, size);
    link->out_at = 0;
    link->out_end = header + size + trailer;
    return etd_ping_link_flush(link);
}

static enum etd_ping_event next_datagram(struct etd_ping_link *link, struct etd_bytes *payload,
                                         struct etd_moment *came)
{
    bool cut;
    ssize_t got = etd_moment_receive(link->fd, link->in, link->in_capacity, came, &cut);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? ETD_PING_NOTHING : ETD_PING_FAILED;
    *payload = etd_bytes(link->in, (size_t)got);
    return cut ? ETD_PING_TOO_LONG : ETD_PING_PAYLOAD;
}

/* Cuts the next message off what was received. */
static enum etd_decoded cut_message(struct etd_ping_link *link, bool ended,
                                    struct etd_bytes *payload)
{
    const struct etd_settings *settings = link->settings;
    const struct etd_framing *framing = etd_framings[settings->framing];
    struct etd_bytes held = etd_bytes(link->in + link->in_at, link->in_end - link->in_at);
    struct etd_frame frame = {.size = settings->size};
    size_t longest = settings->size > SMALL ? settings->size : SMALL;
    enum etd_decoded decoded = ETD_DECODED_MORE;
    if (settings->framing == ETD_FRAMING_RAW) {
        if (held.size < settings->size)
            return ETD_DECODED_MORE;
        frame.payload = etd_bytes(held.data, settings->size);
        decoded = ETD_DECODED_MESSAGE;
    } else if (held.size > 0) {
        decoded = framing->decode(held, 0, longest, &frame);
        if (decoded == ETD_DECODED_MORE && ended)
            decoded = framing->finish(held, &frame);
    }
    if (decoded == ETD_DECODED_MESSAGE) {
        *payload = frame.payload;
        link->in_at += frame.size;
    }
    return decoded;
}

static enum etd_ping_event next_in_stream(struct etd_ping_link *link, struct etd_bytes *payload,
                                          bool *cut)
{
    bool ended = false, ignored;
    for (;;) {
        switch (cut_message(link, ended, payload)) {
        case ETD_DECODED_MESSAGE:
            return ETD_PING_PAYLOAD;
        case ETD_DECODED_TOO_LARGE:
            return ETD_PING_TOO_LONG;
        case ETD_DECODED_MORE:
        case ETD_DECODED_TRUNCATED:
            break;
        }
        *cut = link->in_at < link->in_end;
        if (ended)
            return ETD_PING_ENDED;
        memmove(link->in, link->in + link->in_at, link->in_end - link->in_at);
        link->in_end -= link->in_at;
        link->in_at = 0;
        struct etd_moment now;
        ssize_t got = etd_moment_receive(link->fd, link->in + link->in_end,
                                         link->in_capacity - link->in_end, &now, &ignored);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR ? ETD_PING_NOTHING : ETD_PING_FAILED;
        link->came = now;
        link->in_end += (size_t)got;
        ended = got == 0;
    }
}

enum etd_ping_event etd_ping_link_next(struct etd_ping_link *link, struct etd_bytes *payload,
                                       struct etd_moment *came, bool *cut)
{
    *cut = false;
    if (!link->tcp)
        return next_datagram(link, payload, came);
    enum etd_ping_event event = next_in_stream(link, payload, cut);
    *came = link->came;
    return event;
}
