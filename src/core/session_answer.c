/* From received bytes to answers. */
#include "core/session_parts.h"

/* Answers that are made in one go. They are either one run of the input, where the answer to each
 * message is the message itself, or bytes written to the turn's output: never both. */
struct batch {
    struct etd_bytes input; /* not looked at yet */
    struct etd_bytes run;
    struct etd_writer out;
    uint64_t messages;
};

static size_t written(const struct batch *batch)
{
    return etd_writer_bytes(&batch->out).size;
}

static struct etd_request make_request(const struct etd_session *session,
                                       const struct etd_turn *turn)
{
    return (struct etd_request){
        .transport = ETD_TCP,
        .time_format = session->settings->time_format,
        .require_sync = session->settings->require_sync,
        .clock = turn->clock,
    };
}

/* Puts the frame around what the service wrote behind the place of its header. */
static void seal(struct batch *batch, const struct etd_framing *framing, size_t payload_size,
                 bool terminated)
{
    framing->encode(batch->out.at, payload_size);
    /* An unterminated last line is answered by one. */
    size_t trailer = terminated ? framing->trailer_size : 0;
    batch->out.at += framing->header_size + payload_size + trailer;
}

static bool has_room(const struct batch *batch, const struct etd_session_settings *settings)
{
    const struct etd_framing *framing = settings->framing;
    size_t most = framing->header_size + settings->service->reply_max + framing->trailer_size;
    return etd_writer_left(&batch->out) >= most;
}

static struct etd_writer reply_room(struct batch *batch,
                                    const struct etd_session_settings *settings)
{
    return etd_writer(batch->out.at + settings->framing->header_size, settings->service->reply_max);
}

/* A service of the same bytes need not be asked: an echo of many small messages spends more time on
 * the question than on the answer. */
static enum etd_verdict ask(const struct etd_session *session, const struct etd_turn *turn,
                            const struct etd_frame *frame, struct etd_writer *reply)
{
    const struct etd_service *service = session->settings->service;
    if (service->same)
        return ETD_VERDICT_SAME;
    struct etd_request request = make_request(session, turn);
    request.payload = frame->payload;
    request.terminated = frame->terminated;
    return etd_service_answer(service, &request, reply);
}

/* Answers one message. False: its answer does not go with those that the batch has already, and is
 * to be asked for again. */
static bool answer_frame(struct etd_session *session, const struct etd_turn *turn,
                         struct batch *batch, const struct etd_frame *frame)
{
    const struct etd_session_settings *settings = session->settings;
    if (!has_room(batch, settings))
        return false;
    struct etd_writer reply = reply_room(batch, settings);
    enum etd_verdict verdict = ask(session, turn, frame, &reply);
    switch (verdict) {
    case ETD_VERDICT_SAME:
        if (written(batch) > 0)
            return false;
        if (batch->run.size == 0)
            batch->run.data = batch->input.data;
        else if (batch->run.data + batch->run.size != batch->input.data)
            return false;
        batch->run.size += frame->size;
        break;
    case ETD_VERDICT_REPLY:
    case ETD_VERDICT_CLOSE:
        if (batch->run.size > 0)
            return false;
        if (verdict == ETD_VERDICT_REPLY || reply.at != reply.start)
            seal(batch, settings->framing, etd_writer_bytes(&reply).size,
                 frame->terminated || settings->framing->trailer_size == 0);
        if (verdict == ETD_VERDICT_CLOSE)
            etd_session_drain(session, ETD_CLOSE_BY_SERVICE);
        break;
    case ETD_VERDICT_SILENT:
        break;
    }
    batch->messages++;
    batch->input.data += frame->size;
    batch->input.size -= frame->size;
    return true;
}

void etd_session_hold(struct etd_session *session, struct etd_turn *turn, struct etd_bytes rest,
                      size_t need)
{
    if (!etd_session_borrow(session, turn->pool)) {
        etd_session_drain(session, ETD_CLOSE_NO_BUFFER);
        return;
    }
    struct etd_holding *holding = session->holding;
    if (etd_buffer_is_empty(&holding->in) && !etd_buffer_append(&holding->in, turn->pool, rest)) {
        etd_session_drain(session, ETD_CLOSE_NO_BUFFER);
        return;
    }
    turn->fresh = etd_bytes(NULL, 0);
    holding->seen = rest.size;
    holding->need = need;
}

/* Moves the session's cursor over what the batch has answered. */
static void consume(struct etd_session *session, struct etd_turn *turn, const struct batch *batch,
                    bool held)
{
    if (batch->messages == 0)
        return;
    session->messages += batch->messages;
    session->active = turn->now;
    if (session->holding != NULL) {
        session->holding->seen = 0;
        session->holding->begun = false;
    }
    if (held) {
        struct etd_buffer *in = &session->holding->in;
        etd_buffer_drop(in, in->end - in->begin - batch->input.size);
    } else {
        turn->fresh = batch->input;
    }
}

void etd_session_answer(struct etd_session *session, struct etd_turn *turn)
{
    const struct etd_session_settings *settings = session->settings;
    bool held = etd_session_holds_input(session);
    struct batch batch = {
        .input = held ? etd_buffer_held(&session->holding->in) : turn->fresh,
        .out = etd_writer(turn->output, turn->output_size),
    };
    size_t seen = session->holding != NULL ? session->holding->seen : 0;
    enum etd_decoded decoded = ETD_DECODED_MESSAGE;
    struct etd_frame frame;
    while (batch.input.size > 0 && session->state == ETD_SESSION_OPEN) {
        decoded = settings->framing->decode(batch.input, seen, settings->max_message, &frame);
        if (decoded == ETD_DECODED_MORE && session->input_ended)
            decoded = settings->framing->finish(batch.input, &frame);
        seen = 0;
        if (decoded != ETD_DECODED_MESSAGE || !answer_frame(session, turn, &batch, &frame))
            break;
    }
    turn->due = batch.run.size > 0 ? batch.run : etd_writer_bytes(&batch.out);
    consume(session, turn, &batch, held);
    switch (decoded) {
    case ETD_DECODED_MESSAGE:
        break;
    case ETD_DECODED_MORE:
        etd_session_hold(session, turn, batch.input, frame.size);
        break;
    case ETD_DECODED_TOO_LARGE:
        etd_session_drain(session, ETD_CLOSE_MESSAGE_TOO_LARGE);
        break;
    case ETD_DECODED_TRUNCATED:
        etd_session_drain(session, ETD_CLOSE_TRUNCATED_MESSAGE);
        break;
    }
    bool complete_left = batch.input.size > 0 && decoded == ETD_DECODED_MESSAGE;
    if (session->stopping && !complete_left)
        etd_session_drain(session, (enum etd_close_reason)session->reason);
    else if (session->input_ended && batch.input.size == 0)
        etd_session_drain(session, ETD_CLOSE_END_OF_INPUT);
}

void etd_session_greet(struct etd_session *session, struct etd_turn *turn)
{
    const struct etd_session_settings *settings = session->settings;
    struct batch batch = {.out = etd_writer(turn->output, turn->output_size)};
    struct etd_request request = make_request(session, turn);
    struct etd_writer reply = reply_room(&batch, settings);
    enum etd_verdict verdict = etd_service_open(settings->service, &request, &reply);
    if (reply.at != reply.start)
        seal(&batch, settings->framing, etd_writer_bytes(&reply).size, true);
    turn->due = etd_writer_bytes(&batch.out);
    if (verdict == ETD_VERDICT_CLOSE)
        etd_session_drain(session, ETD_CLOSE_BY_SERVICE);
}
