/* What the files of the session share. */
#ifndef ECHOTIMED_CORE_SESSION_PARTS_H
#define ECHOTIMED_CORE_SESSION_PARTS_H

#include "echotimed/session.h"

/* Borrowed while something is incomplete or unsent, given back when neither is. */
struct etd_holding {
    struct etd_buffer in;  /* received, not answered */
    struct etd_buffer out; /* due to the peer; while not empty, nothing is read or answered */
    size_t kept;           /* due, too, and behind `out`: in the owner's keeping */
    int keeper;
    size_t seen; /* bytes of `in` that are known not to hold a complete message */
    size_t need; /* bytes of the frame that begins in `in`, or 0: not known; valid if seen > 0 */
    bool begun;  /* a message is incomplete; the clock of message_timeout runs unless `waits` */
    bool waits;  /* answers wait for room in the socket; the clock of write_timeout runs */
    etd_tick begun_at;
    etd_tick stalled_at;   /* when the peer last took something, or `waits` began */
    size_t unacknowledged; /* bytes in the socket's send queue when they were last counted */
};

_Static_assert(sizeof(struct etd_holding) <= ETD_SESSION_HOLDING, "the pool is checked for that");

static inline bool etd_session_owes(const struct etd_session *session)
{
    return session->holding != NULL &&
           (session->holding->kept > 0 || !etd_buffer_is_empty(&session->holding->out));
}

static inline bool etd_session_holds_input(const struct etd_session *session)
{
    return session->holding != NULL && !etd_buffer_is_empty(&session->holding->in);
}

/* Lends the session its holding, if it has none. False: refused. */
bool etd_session_borrow(struct etd_session *session, struct etd_pool *pool);

/* Answers nothing more, whatever is held or received; the first reason stays. */
void etd_session_drain(struct etd_session *session, enum etd_close_reason reason);

/* Keeps `rest`, the input that is left, as an incomplete message of which so much is known: `need` is
 * as in struct etd_holding. */
void etd_session_hold(struct etd_session *session, struct etd_turn *turn, struct etd_bytes rest,
                      size_t need);

/* At the end of a turn: starts the clocks that run from now on. `waits`: answers wait for room in the
 * socket. */
void etd_session_run_clocks(struct etd_holding *holding, bool waits, etd_tick now);

/* Greets the peer, where the service says something by itself. */
void etd_session_greet(struct etd_session *session, struct etd_turn *turn);

/* Answers messages until there is one piece of memory in turn->due or nothing complete is left. */
void etd_session_answer(struct etd_session *session, struct etd_turn *turn);

#endif
