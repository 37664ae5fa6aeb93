#include "client/send.h"

#include <inttypes.h>

static size_t line_max(const struct etd_send *send)
{
    size_t most = send->framing != NULL ? send->framing->payload_max : ETD_SEND_DATAGRAM_MAX;
    return most < ETD_SEND_LINE_MAX ? most : ETD_SEND_LINE_MAX;
}

static bool refuse_line(struct etd_send *send)
{
    bool wider = send->framing == etd_framings[ETD_FRAMING_LENGTH16];
    etd_send_fail(send,
                  "line %" PRIu64 " of the input has more than the %zu bytes that %s carries%s",
                  send->messages + 1, line_max(send),
                  send->framing != NULL ? send->framing->name : "a datagram",
                  wider                   ? "; --framing length32 carries more, if the server does"
                  : send->framing == NULL ? "; tcp:// carries more"
                                          : "; --framing raw has no limit");
    return false;
}

bool etd_send_next_line(struct etd_send *send, struct etd_bytes *line, size_t *size)
{
    struct etd_bytes held = etd_buffer_held(&send->lines);
    const uint8_t *lf = NULL;
    if (held.size > send->lines_seen)
        lf = memchr(held.data + send->lines_seen, '\n', held.size - send->lines_seen);
    size_t length = lf != NULL ? (size_t)(lf - held.data) : held.size;
    send->lines_seen = length;
    if (length > line_max(send))
        return refuse_line(send);
    if (lf == NULL && (!send->input_ended || held.size == 0))
        return false;
    *line = etd_bytes(held.data, length);
    *size = length + (lf != NULL);
    return true;
}

bool etd_send_frame_lines(struct etd_send *send)
{
    struct etd_bytes line;
    size_t size;
    const struct etd_framing *framing = send->framing;
    while (send->up.end - send->up.begin < ETD_SEND_PIECE &&
           etd_send_next_line(send, &line, &size)) {
        size_t frame = framing->header_size + line.size + framing->trailer_size;
        if (!etd_buffer_reserve(&send->up, &send->pool, frame, frame)) {
            etd_send_fail(send, "there is no memory for a line of %zu bytes", line.size);
            return false;
        }
        uint8_t *at = send->up.data + send->up.end;
        memcpy(at + framing->header_size, line.data, line.size);
        framing->encode(at, line.size);
        send->up.end += frame;
        etd_buffer_drop(&send->lines, size);
        send->lines_seen = 0;
        send->messages++;
    }
    return !send->failed;
}

/* Takes a byte of a header; at its end the payload begins. */
static void take_header(struct etd_send_unframer *unframer, uint8_t byte)
{
    unframer->left = unframer->header == 0 ? byte : unframer->left << 8 | byte;
    unframer->header++;
}

bool etd_send_unframe(struct etd_send *send, struct etd_bytes received)
{
    struct etd_send_unframer *unframer = &send->unframer;
    const size_t header_size = send->framing->header_size;
    /* An LF takes less than the header that it stands for. */
    if (!etd_buffer_reserve(&send->down, &send->pool, received.size + 1, 0)) {
        etd_send_fail(send, "there is no memory for the replies");
        return false;
    }
    struct etd_writer out =
        etd_writer(send->down.data + send->down.end, send->down.capacity - send->down.end);
    struct etd_reader in = etd_reader(received);
    while (etd_reader_left(&in) > 0) {
        if (unframer->header < header_size)
            take_header(unframer, etd_read_u8(&in));
        if (unframer->header < header_size)
            continue;
        size_t size = etd_reader_left(&in);
        size = size < unframer->left ? size : (size_t)unframer->left;
        etd_write_bytes(&out, etd_read_bytes(&in, size));
        unframer->left -= size;
        if (unframer->left > 0)
            break;
        etd_write_text(&out, "\n");
        unframer->header = 0;
        send->replies++;
    }
    send->down.end += etd_writer_bytes(&out).size;
    return true;
}

bool etd_send_is_cut(struct etd_send *send)
{
    bool framed = send->framing->header_size > 0;
    bool lines = send->framing == etd_framings[ETD_FRAMING_LINE];
    char place[ETD_PLACE_TEXT];
    etd_target_place(&send->target, place);
    if (framed && send->unframer.header > 0)
        etd_send_fail(send, "the connection to %s ended inside reply %" PRIu64 "%s", place,
                      send->replies + 1, "; does the server use this --framing?");
    else if (lines && !send->output_terminated && send->input_terminated)
        etd_send_fail(
            send,
            "the connection to %s ended inside a line; if that is how this server answers, "
            "use --framing raw",
            place);
    return send->failed;
}
