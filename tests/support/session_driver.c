#include "support/session_driver.h"

#include "core/session_parts.h"
#include "support/require.h"

void etd_driver_loop_init(struct etd_driver_loop *loop, struct etd_bytes input,
                          struct etd_bytes output)
{
    *loop = (struct etd_driver_loop){.pool.limit = UINT64_MAX};
    etd_test_memory_init(&loop->memory);
    loop->pool.memory = &loop->memory.memory;
    loop->turn = (struct etd_turn){
        .pool = &loop->pool,
        .clock = &loop->clock,
        .input = (uint8_t *)input.data,
        .input_size = input.size,
        .output = (uint8_t *)output.data,
        .output_size = output.size,
    };
}

void etd_driver_loop_end(const struct etd_driver_loop *loop)
{
    ETD_REQUIRE(loop->held == 0);
    ETD_REQUIRE(loop->pool.in_use == 0);
    ETD_REQUIRE(loop->memory.pieces == 0);
}

/* One message and a fixed margin: twice what is received in a turn, since what was put aside may still
 * hold its memory when the next is, and what is answered in one. */
static uint64_t most_allowed(const struct etd_driver *driver)
{
    const struct etd_session_settings *settings = driver->session.settings;
    const struct etd_framing *framing = settings->framing;
    const struct etd_turn *turn = &driver->loop->turn;
    uint64_t margin = sizeof(struct etd_holding) + 2 * turn->input_size + turn->output_size;
    if (driver->session.awaits_header)
        return margin + ETD_PROXY_HEADER_MAX;
    if (!framing->bounded)
        return margin;
    return margin + framing->header_size + settings->max_message + framing->trailer_size;
}

static void check_memory(struct etd_driver *driver)
{
    const struct etd_holding *holding = driver->session.holding;
    struct etd_driver_loop *loop = driver->loop;
    uint64_t held = 0;
    if (holding != NULL) {
        ETD_REQUIRE(etd_buffer_is_sound(&holding->in));
        ETD_REQUIRE(etd_buffer_is_sound(&holding->out));
        held = sizeof *holding + holding->in.capacity + holding->out.capacity;
    }
    ETD_REQUIRE(held <= most_allowed(driver));
    loop->held = loop->held - driver->held + held;
    driver->held = held;
    driver->most = held > driver->most ? held : driver->most;
    ETD_REQUIRE(loop->pool.in_use == loop->held);
}

/* What the session waits for is what its state asks for. */
static void check_wish(const struct etd_driver *driver)
{
    const struct etd_session *session = &driver->session;
    const struct etd_holding *holding = session->holding;
    bool owes = etd_session_owes(session);
    /* Nothing is kept without bytes in it. */
    if (holding != NULL)
        ETD_REQUIRE(owes || etd_session_holds_input(session));
    if (owes)
        ETD_REQUIRE(driver->wish == ETD_WISH_WRITE || session->state == ETD_SESSION_CLOSED);
    switch ((enum etd_session_state)session->state) {
    case ETD_SESSION_OPEN:
        ETD_REQUIRE(session->stopping || session->reason == ETD_CLOSE_NONE);
        if (driver->wish == ETD_WISH_READ) {
            ETD_REQUIRE(!session->stopping && !session->input_ended);
            /* Only an incomplete message is held, and its clock runs. */
            ETD_REQUIRE(holding == NULL ||
                        (holding->seen == etd_buffer_held(&holding->in).size && holding->begun));
        } else {
            ETD_REQUIRE(driver->wish == ETD_WISH_WRITE);
            ETD_REQUIRE(holding != NULL || session->stopping || session->input_ended);
        }
        break;
    case ETD_SESSION_DRAINING:
        ETD_REQUIRE(owes && holding->in.data == NULL); /* or it would be further */
        ETD_REQUIRE(session->reason != ETD_CLOSE_NONE);
        break;
    case ETD_SESSION_LINGERING:
        ETD_REQUIRE(driver->wish == ETD_WISH_READ && driver->fin && holding == NULL);
        break;
    case ETD_SESSION_CLOSED:
        /* What the owner keeps is told until the end, so that it can be thrown away. */
        ETD_REQUIRE(driver->wish == ETD_WISH_CLOSE && (holding == NULL || holding->kept > 0));
        ETD_REQUIRE(session->reason != ETD_CLOSE_NONE);
        break;
    }
    ETD_REQUIRE(!session->reset || session->state == ETD_SESSION_CLOSED);
}

static void take(struct etd_driver *driver, const uint8_t *bytes, size_t size)
{
    if (driver->got_size + size > driver->got_capacity) {
        driver->got_capacity = 2 * (driver->got_size + size);
        driver->got = realloc(driver->got, driver->got_capacity);
        ETD_REQUIRE(driver->got != NULL);
    }
    memcpy(driver->got + driver->got_size, bytes, size);
    driver->got_size += size;
}

enum { KEEPER = 42 };

/* In place of steps 1 and 2: bytes go from the socket to it, past the session. */
static size_t relay(struct etd_driver *driver, struct etd_bytes bytes)
{
    struct etd_session *session = &driver->session;
    bool reads = driver->pipe_size == 0 && session->state == ETD_SESSION_OPEN && !session->stopping;
    size_t in = reads ? bytes.size : 0;
    if (in > 0) {
        driver->pipe = realloc(driver->pipe, in);
        ETD_REQUIRE(driver->pipe != NULL);
        memcpy(driver->pipe, bytes.data, in);
        driver->pipe_size = in;
    }
    size_t out = driver->pipe_size < driver->piece ? driver->pipe_size : driver->piece;
    out = driver->sends == 0 ? 0 : out < driver->room ? out : driver->room;
    if (out > 0) {
        take(driver, driver->pipe, out);
        memmove(driver->pipe, driver->pipe + out, driver->pipe_size - out);
        driver->pipe_size -= out;
        if (driver->room != SIZE_MAX)
            driver->room -= out;
    }
    etd_session_relayed(session, &driver->loop->turn, in, out, KEEPER);
    return in;
}

static void check_pipe(const struct etd_driver *driver)
{
    int keeper = KEEPER;
    size_t kept = etd_session_kept(&driver->session, &keeper);
    ETD_REQUIRE(kept == 0 || keeper == KEEPER);
    /* Where there was no memory to note it, the session has failed. */
    ETD_REQUIRE(kept == driver->pipe_size || driver->session.reset);
    ETD_REQUIRE(kept == 0 || driver->session.state == ETD_SESSION_CLOSED ||
                etd_session_relays(&driver->session));
}

/* Step 2. */
static void send_output(struct etd_driver *driver)
{
    for (unsigned sends = 0; sends < driver->sends; sends++) {
        struct etd_bytes due = etd_session_output(&driver->session, &driver->loop->turn);
        if (due.size == 0)
            return;
        ETD_REQUIRE(!driver->fin && driver->session.state != ETD_SESSION_CLOSED);
        size_t size = due.size < driver->piece ? due.size : driver->piece;
        size = size < driver->room ? size : driver->room;
        if (size == 0)
            return;
        take(driver, due.data, size);
        if (driver->room != SIZE_MAX)
            driver->room -= size;
        etd_session_sent(&driver->session, &driver->loop->turn, size);
    }
}

/* Step 3. */
static void settle(struct etd_driver *driver)
{
    struct etd_session *session = &driver->session;
    struct etd_turn *turn = &driver->loop->turn;
    struct etd_session before = *session;
    bool rests = etd_session_rests(session, turn);
    driver->wish = etd_session_settle(session, turn);
    /* The daemon leaves the call out then. */
    if (rests)
        ETD_REQUIRE(driver->wish == ETD_WISH_READ && memcmp(session, &before, sizeof before) == 0);
    if (driver->wish == ETD_WISH_SHUTDOWN) {
        ETD_REQUIRE(!driver->fin);
        driver->fin = true;
        driver->wish = etd_session_settle(session, turn);
        ETD_REQUIRE(driver->wish == ETD_WISH_READ);
    }
    if (driver->wish == ETD_WISH_CLOSE && !session->reset)
        driver->fin = true; /* which the close sends */
    ETD_REQUIRE(turn->fresh.size == 0 && turn->due.size == 0);
    ETD_REQUIRE(session->bytes_out == driver->got_size);
    check_wish(driver);
    check_memory(driver);
    check_pipe(driver);
}

/* What comes between steps 1 and 2 where a PROXY header is awaited. */
static void take_header(struct etd_driver *driver)
{
    struct etd_session *session = &driver->session;
    struct etd_address peer = session->peer;
    enum etd_proxy_decoded decoded = etd_session_take_header(session, &driver->loop->turn);
    ETD_REQUIRE(session->awaits_header && driver->got_size == 0 && session->messages == 0);
    if (decoded != ETD_PROXY_DONE) {
        ETD_REQUIRE(memcmp(&session->peer, &peer, sizeof peer) == 0);
        ETD_REQUIRE(decoded == ETD_PROXY_MORE || session->state == ETD_SESSION_DRAINING);
    } else if (driver->rejects) {
        etd_session_fail(session, ETD_CLOSE_REJECTED);
    } else {
        etd_session_admit(session, &driver->loop->turn);
        ETD_REQUIRE(!session->awaits_header);
    }
}

/* What is said once is not taken back. */
static void finish_turn(struct etd_driver *driver, uint8_t state_before, uint8_t reason_before)
{
    if (driver->session.awaits_header)
        take_header(driver);
    send_output(driver);
    settle(driver);
    ETD_REQUIRE(driver->session.state >= state_before);
    ETD_REQUIRE(reason_before == ETD_CLOSE_NONE || driver->session.reason == reason_before);
}

static size_t receive(struct etd_driver *driver, struct etd_bytes bytes)
{
    struct etd_session *session = &driver->session;
    struct etd_turn *turn = &driver->loop->turn;
    if (etd_session_relays(session))
        return relay(driver, bytes);
    struct etd_room room = etd_session_room(session, turn);
    size_t size = bytes.size < room.size ? bytes.size : room.size;
    if (size > 0) {
        uint64_t before = session->bytes_in;
        memcpy(room.data, bytes.data, size);
        etd_session_received(session, turn, size);
        ETD_REQUIRE(session->bytes_in ==
                    before + (session->state == ETD_SESSION_LINGERING ? 0 : size));
    }
    return size;
}

size_t etd_driver_open(struct etd_driver *driver, struct etd_driver_loop *loop,
                       const struct etd_session_settings *settings, struct etd_bytes bytes)
{
    static const struct etd_address peer = {.port = 7};
    *driver = (struct etd_driver){.loop = loop, .room = SIZE_MAX, .piece = SIZE_MAX, .sends = 16};
    etd_session_open(&driver->session, settings, &peer, &loop->turn);
    size_t size = receive(driver, bytes);
    finish_turn(driver, ETD_SESSION_OPEN, ETD_CLOSE_NONE);
    return size;
}

size_t etd_driver_feed(struct etd_driver *driver, struct etd_bytes bytes)
{
    ETD_REQUIRE(driver->wish == ETD_WISH_READ && !driver->session.input_ended);
    uint8_t state = driver->session.state, reason = driver->session.reason;
    size_t size = receive(driver, bytes);
    finish_turn(driver, state, reason);
    return size;
}

void etd_driver_end(struct etd_driver *driver)
{
    ETD_REQUIRE(driver->wish == ETD_WISH_READ && !driver->session.input_ended);
    uint8_t state = driver->session.state, reason = driver->session.reason;
    /* Room is asked for before it is known that nothing more comes. */
    struct etd_room room = etd_session_room(&driver->session, &driver->loop->turn);
    if (room.size > 0)
        etd_session_ended(&driver->session, &driver->loop->turn);
    finish_turn(driver, state, reason);
}

void etd_driver_writable(struct etd_driver *driver)
{
    uint8_t state = driver->session.state, reason = driver->session.reason;
    if (etd_session_relays(&driver->session))
        (void)relay(driver, etd_bytes(NULL, 0));
    finish_turn(driver, state, reason);
}

void etd_driver_stop(struct etd_driver *driver, enum etd_close_reason reason)
{
    uint8_t state = driver->session.state, before = driver->session.reason;
    etd_session_stop(&driver->session, reason);
    finish_turn(driver, state, before);
}

void etd_driver_fail(struct etd_driver *driver, enum etd_close_reason reason)
{
    uint8_t state = driver->session.state, before = driver->session.reason;
    etd_session_fail(&driver->session, reason);
    finish_turn(driver, state, before);
    ETD_REQUIRE(driver->wish == ETD_WISH_CLOSE && driver->session.reset);
}

void etd_driver_wait(struct etd_driver_loop *loop, uint32_t ms)
{
    loop->turn.now += ms;
}

void etd_driver_look(struct etd_driver *driver)
{
    etd_tick when;
    /* A time-out may lead to the next, but not on and on: a loop would spin. */
    for (int i = 0; i < 3; i++) {
        if (!etd_session_deadline(&driver->session, &when) ||
            !etd_tick_reached(driver->loop->turn.now, when))
            return;
        uint8_t state = driver->session.state, reason = driver->session.reason;
        etd_session_expire(&driver->session, &driver->loop->turn);
        finish_turn(driver, state, reason);
    }
    ETD_REQUIRE(false && "time-outs without end");
}

/* A turn in which the socket has room leads somewhere, or a loop would spin. */
static void write_on(struct etd_driver *driver)
{
    struct etd_session before = driver->session;
    etd_driver_writable(driver);
    ETD_REQUIRE(driver->session.bytes_out != before.bytes_out ||
                driver->session.messages != before.messages ||
                driver->session.state != before.state || driver->wish != ETD_WISH_WRITE);
}

void etd_driver_run(struct etd_driver *driver, struct etd_bytes bytes)
{
    while (driver->wish != ETD_WISH_CLOSE) {
        if (driver->wish == ETD_WISH_WRITE) {
            if (driver->room == 0 || driver->sends == 0)
                return;
            write_on(driver);
        } else {
            if (bytes.size == 0)
                return;
            size_t size = etd_driver_feed(driver, bytes);
            bytes = etd_bytes(bytes.data + size, bytes.size - size);
        }
    }
}

void etd_driver_release(struct etd_driver *driver)
{
    etd_session_release(&driver->session, &driver->loop->pool);
    ETD_REQUIRE(driver->session.holding == NULL);
    driver->loop->held -= driver->held;
    driver->held = 0;
    ETD_REQUIRE(driver->loop->pool.in_use == driver->loop->held);
    free(driver->got);
    free(driver->pipe);
    driver->got = driver->pipe = NULL;
}
