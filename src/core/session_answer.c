/* From received bytes to answers. */
#include "core/session_parts.h"

/* Answers that are made in one go. They are either one run of the input, where the answer to each
 * message is the message itself, or bytes written to the turn's output: never both. */
struct batch {
    struct etd_bytes input; /* not looked at yet */
    struct etd_bytes run;
    struct etd_writer out; /* unused where the service's answers are the same bytes */
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

static enum etd_verdict ask(const struct etd_session *session, const struct etd_turn *turn,
                            const struct etd_frame *frame, struct etd_writer *reply)
{
    struct etd_request request = make_request(session, turn);
    request.payload = frame->payload;
    request.terminated = frame->terminated;
    return etd_service_answer(session->settings->service, &request, reply);
}

static void advance(struct batch *batch, size_t size)
{
    batch->messages++;
    batch->input.data += size;
    batch->input.size -= size;
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
    advance(batch, frame->size);
    return true;
}

/* Cuts the next message off. `seen` bytes are known not to hold a complete one. */
static enum etd_decoded decode(const struct etd_session *session, struct etd_bytes input,
                               size_t seen, struct etd_frame *frame)
{
    const struct etd_framing *framing = session->settings->framing;
    enum etd_decoded decoded = framing->decode(input, seen, session->settings->max_message, frame);
    if (decoded == ETD_DECODED_MORE && session->input_ended)
        decoded = framing->finish(input, frame);
    return decoded;
}

/* A service of the same bytes is not asked, as an echo of many small messages would spend more time on
 * the questions than on the answers: a run of messages is its own answer. */
static enum etd_decoded answer_same(const struct etd_session *session, struct etd_turn *turn,
                                    struct batch *batch, size_t seen, struct etd_frame *frame)
{
    enum etd_decoded decoded = ETD_DECODED_MESSAGE;
    batch->run.data = batch->input.data;
    while (batch->input.size > 0) {
        decoded = decode(session, batch->input, seen, frame);
        if (decoded != ETD_DECODED_MESSAGE)
            break;
        seen = 0;
        batch->run.size += frame->size;
        advance(batch, frame->size);
    }
    turn->due = batch->run;
    return decoded;
}

static enum etd_decoded answer_each(struct etd_session *session, struct etd_turn *turn,
                                    struct batch *batch, size_t seen, struct etd_frame *frame)
{
    enum etd_decoded decoded = ETD_DECODED_MESSAGE;
    batch->out = etd_writer(turn->output, turn->output_size);
    while (batch->input.size > 0 && session->state == ETD_SESSION_OPEN) {
        decoded = decode(session, batch->input, seen, frame);
        seen = 0;
        if (decoded != ETD_DECODED_MESSAGE || !answer_frame(session, turn, batch, frame))
            break;
    }
    turn->due = batch->run.size > 0 ? batch->run : etd_writer_bytes(&batch->out);
    return decoded;
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
    bool held = etd_session_holds_input(session);
    struct batch batch = {.input = held ? etd_buffer_held(&session->holding->in) : turn->fresh};
    size_t seen = session->holding != NULL ? session->holding->seen : 0;
    struct etd_frame frame;
    enum etd_decoded decoded = session->settings->service->same
                                   ? answer_same(session, turn, &batch, seen, &frame)
                                   : answer_each(session, turn, &batch, seen, &frame);
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
