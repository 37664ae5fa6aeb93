/* The owner's part of a session, as include/echotimed/session.h describes it, for tests and fuzzers.
 *
 * The socket is modelled: what the session sends is collected, and its room, the size of one send and
 * the sends of one turn are as the test says. Every function below is one turn that ends with
 * etd_session_settle; behind each the promises of the session are checked, and a broken one aborts. */
#ifndef ECHOTIMED_TESTS_SESSION_DRIVER_H
#define ECHOTIMED_TESTS_SESSION_DRIVER_H

#include "echotimed/session.h"
#include "support/memory.h"

/* What the sessions of one loop share. */
struct etd_driver_loop {
    struct etd_test_memory memory;
    struct etd_pool pool; /* its limit may be changed at any time */
    struct etd_clock_reading clock;
    struct etd_turn turn; /* its `now` only by etd_driver_wait */
    uint64_t held;        /* by all sessions, to be found in the pool again */
};

/* `input` and `output` are the caller's, who has an end of memory behind them. */
void etd_driver_loop_init(struct etd_driver_loop *loop, struct etd_bytes input,
                          struct etd_bytes output);

/* Nothing may be lent or held any more. */
void etd_driver_loop_end(const struct etd_driver_loop *loop);

struct etd_driver {
    struct etd_driver_loop *loop;
    struct etd_session session;
    enum etd_session_wish wish; /* READ, WRITE or CLOSE: where a FIN is wished it is sent at once */

    /* The socket. */
    size_t room;    /* bytes that it takes until it is full */
    size_t piece;   /* the most that it takes in one send */
    unsigned sends; /* calls of etd_session_output in one turn; 0: others have their turn first */
    bool fin;       /* sent, behind all that was */
    uint8_t *got;   /* what it took */
    size_t got_size;
    size_t got_capacity;
    uint8_t *pipe; /* what was taken from the socket and is not given back to it yet, unseen by the
                      session; used where the settings allow it */
    size_t pipe_size;

    uint64_t held; /* by this session */
    uint64_t most; /* that it ever held */
};

/* Begins a session whose socket takes everything. With `bytes` the first are received in the same
 * turn, as far as the session has room for them; their number is the result. */
size_t etd_driver_open(struct etd_driver *driver, struct etd_driver_loop *loop,
                       const struct etd_session_settings *settings, struct etd_bytes bytes);

/* Offers bytes to a session that wants to read; as many as it had room for. */
size_t etd_driver_feed(struct etd_driver *driver, struct etd_bytes bytes);

/* The peer's FIN. The session wants to read. */
void etd_driver_end(struct etd_driver *driver);

/* The socket has room. */
void etd_driver_writable(struct etd_driver *driver);

void etd_driver_stop(struct etd_driver *driver, enum etd_close_reason reason);
void etd_driver_fail(struct etd_driver *driver, enum etd_close_reason reason);

/* Lets the time pass for all; then each session of the loop is to be looked at. */
void etd_driver_wait(struct etd_driver_loop *loop, uint32_t ms);

/* Applies the time-outs that have passed. */
void etd_driver_look(struct etd_driver *driver);

/* Feeds all of it and lets everything be sent, in as many turns as it takes, until the session waits
 * for more input, is full or closes. */
void etd_driver_run(struct etd_driver *driver, struct etd_bytes bytes);

/* The owner's end, in any state. */
void etd_driver_release(struct etd_driver *driver);

#endif
