/* Send over TCP. */
#include "client/send.h"

#include "platform/clock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char advice[] = "; does the server take this --framing, and so long a message?";

static void fail_by(struct etd_send *send, int failure)
{
    char place[ETD_PLACE_TEXT];
    etd_target_place(&send->target, place);
    etd_send_fail(send, "the connection to %s was lost: %s%s", place, strerror(failure),
                  etd_advice(failure));
}

static bool wants_room(const struct etd_send *send)
{
    return send->up.end > send->up.begin;
}

static void transmit(struct etd_send *send)
{
    while (send->framing->header_size == 0 || etd_send_frame_lines(send)) {
        struct etd_bytes bytes = etd_buffer_held(&send->up);
        if (bytes.size == 0)
            return;
        ssize_t size =
            sendto(send->net.fd, bytes.data, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
        if (size < 0) {
            if (errno != EAGAIN && errno != EINTR)
                fail_by(send, errno);
            return;
        }
        etd_buffer_drop(&send->up, (size_t)size);
        send->bytes_sent += (uint64_t)size;
    }
}

/* Whether the input has nothing more. The end may be there and only not have had its turn yet. */
static bool is_input_over(const struct etd_send *send)
{
    uint8_t byte;
    return send->input_ended ||
           (send->up.begin == send->up.end && send->lines.begin == send->lines.end &&
            etd_send_read(STDIN_FILENO, send->in_kind, &byte, 1) == 0);
}

/* The far end has closed its half: in order, if it had all that we had to say. */
static void end_of_stream(struct etd_send *send)
{
    char place[ETD_PLACE_TEXT];
    int unsent = 0;
    send->peer_ended = true;
    send->replies += send->framing->header_size == 0 && !send->output_terminated;
    etd_target_place(&send->target, place);
    /* What the far end's kernel did not confirm; our own end of the stream counts for one. */
    bool unconfirmed = ioctl(send->net.fd, SIOCOUTQ, &unsent) == 0 && unsent > 1;
    if (unconfirmed || (!send->shut && !is_input_over(send)))
        etd_send_fail(send, "%s closed the connection before it had the whole input%s", place,
                      advice);
    else
        etd_send_is_cut(send);
}

static void receive(struct etd_send *send)
{
    static uint8_t room[ETD_SEND_PIECE];
    ssize_t size = recv(send->net.fd, room, sizeof room, MSG_DONTWAIT);
    if (size == 0) {
        end_of_stream(send);
        return;
    }
    if (size < 0) {
        if (errno != EAGAIN && errno != EINTR)
            fail_by(send, errno);
        return;
    }
    struct etd_bytes bytes = etd_bytes(room, (size_t)size);
    send->bytes_received += bytes.size;
    send->output_terminated = room[size - 1] == '\n';
    if (send->framing->header_size > 0) {
        etd_send_unframe(send, bytes);
        return;
    }
    for (const uint8_t *at = room, *end = room + size;
         at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        send->replies++;
    if (!etd_buffer_append(&send->down, &send->pool, bytes))
        etd_send_fail(send, "there is no memory for the replies");
}

static void finish(struct etd_send *send)
{
    /* After a reset it says ENOTCONN, and the socket still holds the cause. */
    if (shutdown(send->net.fd, SHUT_WR) != 0) {
        int failure = errno, cause = etd_target_connected(send->net.fd);
        fail_by(send, cause != 0 ? cause : failure);
    }
    send->shut = true;
}

/* On a slow path what the kernel holds for us may take longer than the time-out. */
static bool goes_on(struct etd_send *send)
{
    int before = send->unconfirmed;
    return ioctl(send->net.fd, SIOCOUTQ, &send->unconfirmed) == 0 && send->unconfirmed != before;
}

static void idle(struct etd_send *send)
{
    char place[ETD_PLACE_TEXT];
    etd_target_place(&send->target, place);
    if (goes_on(send))
        send->progress_us = etd_clock_monotonic_us();
    else if (!send->shut)
        etd_send_fail(send, "%s takes no more of the input; a longer --timeout waits longer",
                      place);
    else
        etd_send_fail(
            send, "%s neither answers nor closes the connection; a longer --timeout waits longer",
            place);
}

const struct etd_send_way etd_send_stream = {
    .receive = receive,
    .transmit = transmit,
    .wants_room = wants_room,
    .finish = finish,
    .idle = idle,
};
