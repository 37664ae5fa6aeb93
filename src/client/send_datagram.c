/* Send over UDP: a line is a datagram, there and back. */
#include "client/send.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>

enum { TURN = 16 }; /* datagrams at a time, so that replies are taken in between */

static void fail_by(struct etd_send *send, const char *doing, int failure)
{
    char sentence[ETD_COMPLAINT];
    etd_target_explain(&send->target, doing, failure, sentence);
    etd_send_fail(send, "%s", sentence);
}

/* Whether a line is there that can be sent. */
static bool wants_room(const struct etd_send *send)
{
    struct etd_bytes held = etd_buffer_held(&send->lines);
    if (held.size == 0 || send->failed)
        return false;
    size_t seen = send->lines_seen < held.size ? send->lines_seen : held.size;
    return send->input_ended || memchr(held.data + seen, '\n', held.size - seen) != NULL;
}

static void end_if_answered(struct etd_send *send)
{
    if (send->shut && send->replies >= send->messages)
        send->peer_ended = true;
}

static void transmit(struct etd_send *send)
{
    struct etd_bytes line;
    size_t size;
    for (int i = 0; i < TURN && etd_send_next_line(send, &line, &size); i++) {
        if (sendto(send->net.fd, line.data, line.size, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0) < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
                fail_by(send, "cannot send to", errno);
            return;
        }
        send->bytes_sent += line.size + 1; /* so that an empty one is progress, too */
        send->messages++;
        send->lines_seen = 0;
        etd_buffer_drop(&send->lines, size);
    }
}

static void receive(struct etd_send *send)
{
    static uint8_t room[ETD_SEND_PIECE];
    ssize_t size = recv(send->net.fd, room, sizeof room - 1, MSG_DONTWAIT);
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail_by(send, "no reply from", errno);
        return;
    }
    room[size] = '\n';
    send->bytes_received += (uint64_t)size + 1;
    send->replies++;
    if (!etd_buffer_append(&send->down, &send->pool, etd_bytes(room, (size_t)size + 1)))
        etd_send_fail(send, "there is no memory for the replies");
    end_if_answered(send);
}

static void finish(struct etd_send *send)
{
    send->shut = true;
    end_if_answered(send);
}

static void idle(struct etd_send *send)
{
    char place[ETD_PLACE_TEXT];
    etd_target_place(&send->target, place);
    etd_send_fail(send,
                  "%" PRIu64 " of %" PRIu64
                  " datagrams to %s had no reply; is the service there, and "
                  "does it answer such messages? A longer --timeout waits longer",
                  send->messages - send->replies, send->messages, place);
}

const struct etd_send_way etd_send_datagrams = {
    .receive = receive,
    .transmit = transmit,
    .wants_room = wants_room,
    .finish = finish,
    .idle = idle,
};
