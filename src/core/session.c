#include "core/session_parts.h"

static const char *const reason_names[ETD_CLOSE_REASONS] = {
    [ETD_CLOSE_NONE] = "none",
    [ETD_CLOSE_END_OF_INPUT] = "end-of-input",
    [ETD_CLOSE_BY_SERVICE] = "service",
    [ETD_CLOSE_IDLE_TIMEOUT] = "idle-timeout",
    [ETD_CLOSE_MESSAGE_TIMEOUT] = "message-timeout",
    [ETD_CLOSE_WRITE_TIMEOUT] = "write-timeout",
    [ETD_CLOSE_MESSAGE_TOO_LARGE] = "message-too-large",
    [ETD_CLOSE_TRUNCATED_MESSAGE] = "truncated-message",
    [ETD_CLOSE_BAD_PROXY_HEADER] = "bad-proxy-header",
    [ETD_CLOSE_REJECTED] = "rejected",
    [ETD_CLOSE_NO_BUFFER] = "no-buffer",
    [ETD_CLOSE_PEER_RESET] = "peer-reset",
    [ETD_CLOSE_SOCKET_ERROR] = "socket-error",
    [ETD_CLOSE_SHUTDOWN] = "shutdown",
};

const char *etd_close_reason_name(enum etd_close_reason reason)
{
    return reason_names[reason];
}

void etd_session_open(struct etd_session *session, const struct etd_session_settings *settings,
                      const struct etd_address *peer, struct etd_turn *turn)
{
    *session = (struct etd_session){
        .settings = settings, .opened = turn->now, .active = turn->now, .peer = *peer};
    if (settings->proxy_header)
        session->awaits_header = true;
    else if (settings->service->open != NULL)
        etd_session_greet(session, turn);
}

bool etd_session_borrow(struct etd_session *session, struct etd_pool *pool)
{
    if (session->holding != NULL)
        return true;
    session->holding = etd_pool_resize(pool, NULL, 0, sizeof *session->holding);
    if (session->holding == NULL)
        return false;
    *session->holding = (struct etd_holding){0};
    return true;
}

void etd_session_release(struct etd_session *session, struct etd_pool *pool)
{
    if (session->holding == NULL)
        return;
    etd_buffer_release(&session->holding->in, pool);
    etd_buffer_release(&session->holding->out, pool);
    etd_pool_resize(pool, session->holding, sizeof *session->holding, 0);
    session->holding = NULL;
}

static void set_reason(struct etd_session *session, enum etd_close_reason reason)
{
    if (session->reason == ETD_CLOSE_NONE)
        session->reason = (uint8_t)reason;
}

void etd_session_drain(struct etd_session *session, enum etd_close_reason reason)
{
    set_reason(session, reason);
    if (session->state == ETD_SESSION_OPEN)
        session->state = ETD_SESSION_DRAINING;
}

void etd_session_stop(struct etd_session *session, enum etd_close_reason reason)
{
    set_reason(session, reason);
    session->stopping = true;
    if (session->awaits_header) /* nothing that was received can be answered */
        etd_session_drain(session, reason);
}

void etd_session_fail(struct etd_session *session, enum etd_close_reason reason)
{
    set_reason(session, reason);
    session->state = ETD_SESSION_CLOSED;
    session->reset = true;
}

/* An incomplete message that is short against the turn's input is put in front of what comes next,
 * there: a stream of small messages is then read in large pieces, wherever they are cut. */
static bool continues_in_turn(const struct etd_session *session, const struct etd_turn *turn)
{
    return !etd_session_holds_input(session) ||
           etd_buffer_held(&session->holding->in).size <= turn->input_size / 2;
}

struct etd_room etd_session_room(struct etd_session *session, struct etd_turn *turn)
{
    struct etd_room room = {.data = turn->input, .size = turn->input_size};
    if (session->state == ETD_SESSION_LINGERING)
        return room;
    if (session->state != ETD_SESSION_OPEN || turn->due.size > 0 || etd_session_owes(session))
        return (struct etd_room){.data = NULL, .size = 0};
    if (!etd_session_holds_input(session))
        return room;
    struct etd_buffer *in = &session->holding->in;
    struct etd_bytes held = etd_buffer_held(in);
    if (continues_in_turn(session, turn)) {
        memcpy(turn->input, held.data, held.size);
        room.data += held.size;
        room.size -= held.size;
        return room;
    }
    /* A long one grows by no more than the rest of it, and as its bytes come: a great announced
     * length borrows nothing by itself. */
    size_t need = session->holding->need;
    if (need == 0)
        need = session->settings->max_message + session->settings->framing->trailer_size;
    size_t left = need > held.size ? need - held.size : 1;
    if (!etd_buffer_reserve(in, turn->pool, left < turn->input_size ? left : turn->input_size,
                            need)) {
        etd_session_drain(session, ETD_CLOSE_NO_BUFFER);
        return (struct etd_room){.data = NULL, .size = 0};
    }
    /* Of a frame whose end is not known no more is read than the turn could have held behind it. */
    if (session->holding->need == 0 && left > turn->input_size)
        left = turn->input_size;
    size_t free = in->capacity - in->end;
    return (struct etd_room){.data = in->data + in->end, .size = left < free ? left : free};
}

void etd_session_received(struct etd_session *session, struct etd_turn *turn, size_t size)
{
    if (session->state == ETD_SESSION_LINGERING)
        return;
    session->bytes_in += size;
    if (!continues_in_turn(session, turn)) {
        session->holding->in.end += size;
        return;
    }
    turn->fresh = etd_bytes(turn->input, size);
    session->bulk = size == turn->input_size;
    if (etd_session_holds_input(session)) {
        struct etd_buffer *in = &session->holding->in;
        turn->fresh.size += etd_buffer_held(in).size;
        in->begin = in->end = 0;
    }
}

void etd_session_ended(struct etd_session *session, struct etd_turn *turn)
{
    (void)turn;
    session->input_ended = true;
    if (session->state == ETD_SESSION_LINGERING)
        session->state = ETD_SESSION_CLOSED;
}

struct etd_bytes etd_session_output(struct etd_session *session, struct etd_turn *turn)
{
    if (turn->due.size > 0 || session->state == ETD_SESSION_CLOSED)
        return turn->due;
    if (etd_session_owes(session))
        return etd_buffer_held(&session->holding->out);
    bool idle = turn->fresh.size == 0 && session->holding == NULL && !session->input_ended &&
                !session->stopping;
    if (!idle && session->state == ETD_SESSION_OPEN && !session->awaits_header)
        etd_session_answer(session, turn);
    return turn->due;
}

void etd_session_sent(struct etd_session *session, struct etd_turn *turn, size_t size)
{
    session->bytes_out += size;
    session->active = turn->now;
    if (session->holding != NULL)
        session->holding->stalled_at = turn->now;
    if (turn->due.size > 0) {
        turn->due.data += size;
        turn->due.size -= size;
        return;
    }
    etd_buffer_drop(&session->holding->out, size);
}

/* Whether `due` stands in the memory of the session's own input buffer. */
static bool due_is_held(const struct etd_session *session, const struct etd_turn *turn)
{
    const struct etd_buffer *in = &session->holding->in;
    return in->data != NULL && turn->due.data >= in->data &&
           turn->due.data < in->data + in->capacity;
}

/* Keeps what the socket did not take. A long message that was received into the session's own buffer
 * stays where it is: the buffer changes sides, so that there are never two of its size. */
static bool keep_due(struct etd_session *session, struct etd_turn *turn)
{
    if (!etd_session_borrow(session, turn->pool))
        return false;
    struct etd_holding *holding = session->holding;
    if (!due_is_held(session, turn))
        return etd_buffer_append(&holding->out, turn->pool, turn->due);
    struct etd_buffer rest = {0};
    if (session->state == ETD_SESSION_OPEN &&
        !etd_buffer_append(&rest, turn->pool, etd_buffer_held(&holding->in)))
        return false;
    etd_buffer_release(&holding->out, turn->pool);
    holding->out = holding->in;
    holding->out.begin = (size_t)(turn->due.data - holding->out.data);
    holding->out.end = holding->out.begin + turn->due.size;
    holding->in = rest;
    return true;
}

static bool keep_fresh(struct etd_session *session, struct etd_turn *turn)
{
    if (!etd_session_borrow(session, turn->pool) ||
        !etd_buffer_append(&session->holding->in, turn->pool, turn->fresh))
        return false;
    session->holding->seen = 0;
    return true;
}

/* Moves what stands in the turn's memory to the session's own. What cannot be kept is lost in the
 * middle of an exchange, and must not look like its end. */
static void keep(struct etd_session *session, struct etd_turn *turn)
{
    if (turn->due.size > 0 && session->state != ETD_SESSION_CLOSED && !keep_due(session, turn))
        etd_session_fail(session, ETD_CLOSE_NO_BUFFER);
    if (turn->fresh.size > 0 && session->state == ETD_SESSION_OPEN && !keep_fresh(session, turn))
        etd_session_fail(session, ETD_CLOSE_NO_BUFFER);
    turn->due = turn->fresh = etd_bytes(NULL, 0);
}

/* Gives back what is not needed any more. */
static void tidy(struct etd_session *session, struct etd_turn *turn)
{
    struct etd_holding *holding = session->holding;
    if (holding == NULL)
        return;
    if (session->state != ETD_SESSION_OPEN || etd_buffer_is_empty(&holding->in))
        etd_buffer_release(&holding->in, turn->pool);
    if (session->state == ETD_SESSION_CLOSED || etd_buffer_is_empty(&holding->out))
        etd_buffer_release(&holding->out, turn->pool);
    if (holding->in.data == NULL && holding->out.data == NULL && holding->kept == 0)
        etd_session_release(session, turn->pool);
}

/* Whether what is held begins with an incomplete message, so that only the peer can go on. */
static bool lacks_input(const struct etd_session *session)
{
    return etd_session_holds_input(session) &&
           session->holding->seen == etd_buffer_held(&session->holding->in).size;
}

/* Whether answers wait for room in the socket: due ones, or those of messages held. */
static bool waits_to_write(const struct etd_session *session)
{
    if (session->state == ETD_SESSION_CLOSED)
        return false;
    return etd_session_owes(session) || (etd_session_holds_input(session) && !lacks_input(session));
}

enum etd_session_wish etd_session_settle(struct etd_session *session, struct etd_turn *turn)
{
    keep(session, turn);
    tidy(session, turn);
    bool waits = waits_to_write(session);
    if (session->holding != NULL)
        etd_session_run_clocks(session->holding, waits, turn->now);
    if (waits)
        return ETD_WISH_WRITE;
    switch ((enum etd_session_state)session->state) {
    case ETD_SESSION_OPEN:
        return session->stopping || session->input_ended ? ETD_WISH_WRITE : ETD_WISH_READ;
    case ETD_SESSION_DRAINING:
        session->state = session->input_ended ? ETD_SESSION_CLOSED : ETD_SESSION_LINGERING;
        session->active = turn->now;
        return session->input_ended ? ETD_WISH_CLOSE : ETD_WISH_SHUTDOWN;
    case ETD_SESSION_LINGERING:
        return ETD_WISH_READ;
    case ETD_SESSION_CLOSED:
        return ETD_WISH_CLOSE;
    }
    __builtin_unreachable();
}
