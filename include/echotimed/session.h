/* A session: one TCP peer, as a state machine without input or output.
 *
 * Its owner moves the bytes. For each readiness of the socket it does, in this order:
 *
 *   1. receive into etd_session_room, then say etd_session_received or etd_session_ended (or
 *      etd_session_open, _expire, _stop or _fail, when that is what happened);
 *   2. while etd_session_output gives bytes: send them, and say etd_session_sent; stop when the socket
 *      takes no more, or when others shall have their turn;
 *   3. etd_session_settle, which puts aside what could not be sent or answered yet and says what the
 *      session waits for.
 *
 * Between 1 and 3 bytes may stand in the turn's shared memory, so a turn serves one session at a
 * time. After 3 the session holds nothing there, and an idle session holds no memory at all. */
#ifndef ECHOTIMED_SESSION_H
#define ECHOTIMED_SESSION_H

#include "echotimed/address.h"
#include "echotimed/buffer.h"
#include "echotimed/framing.h"
#include "echotimed/proxy_header.h"
#include "echotimed/service.h"
#include "echotimed/wheel.h"

/* What a listener's sessions have in common; outlives them. Time-outs are in milliseconds, at most
 * ETD_SESSION_TIMEOUT_MAX, 0: off. */
struct etd_session_settings {
    const struct etd_framing *framing;
    const struct etd_service *service; /* can be carried by `framing` */
    bool may_relay;     /* the owner can move bytes by itself, see etd_session_relays */
    bool proxy_header;  /* a PROXY header comes first, see etd_session_take_header */
    size_t max_message; /* bytes of a payload, at least 1 */
    uint32_t idle_timeout;
    uint32_t message_timeout;
    uint32_t write_timeout;
    enum etd_time_format time_format;
    bool require_sync;
};

enum {
    ETD_SESSION_HOLDING = 128, /* bytes borrowed besides the message, at most, to hold one */
    ETD_SESSION_TIMEOUT_MAX = 7 * 24 * 3600 * 1000, /* ticks can be compared over 24 days */
    ETD_SESSION_LINGER = 2000 /* ms for which input is thrown away behind our FIN */
};

/* What the loop lends to the session that it works on. */
struct etd_turn {
    struct etd_pool *pool;
    etd_tick now;
    const struct etd_clock_reading *clock; /* not null if a service served here tells the time */
    uint8_t *input; /* where to receive; what is held behind a longer message is at most so much */
    size_t input_size;
    uint8_t *output; /* where replies are made; at least one reply of any service fits */
    size_t output_size;

    /* Of the session that is worked on; both are empty before step 1 and after step 3. */
    struct etd_bytes fresh; /* in `input`: received, not answered yet */
    struct etd_bytes due; /* in `input`, `output` or the session's input buffer: to be sent next */
};

enum etd_session_state {
    ETD_SESSION_OPEN,
    ETD_SESSION_DRAINING,  /* answers no more; what is due is still sent, then comes the FIN */
    ETD_SESSION_LINGERING, /* our FIN is sent; input is thrown away until the peer ends too */
    ETD_SESSION_CLOSED     /* the owner closes the socket, with a reset where `reset` says so */
};

enum etd_close_reason {
    ETD_CLOSE_NONE,         /* still open */
    ETD_CLOSE_END_OF_INPUT, /* the peer sent its FIN and got all that was due */
    ETD_CLOSE_BY_SERVICE,   /* the service closes behind its answer, or has none to give */
    ETD_CLOSE_IDLE_TIMEOUT,
    ETD_CLOSE_MESSAGE_TIMEOUT,
    ETD_CLOSE_WRITE_TIMEOUT,
    ETD_CLOSE_MESSAGE_TOO_LARGE,
    ETD_CLOSE_TRUNCATED_MESSAGE, /* the input ended inside a frame */
    ETD_CLOSE_BAD_PROXY_HEADER,  /* something else came first, or only the beginning of one */
    ETD_CLOSE_REJECTED,          /* the source that the PROXY header names is not to be served */
    ETD_CLOSE_NO_BUFFER,         /* buffer_memory is spent */
    ETD_CLOSE_PEER_RESET,        /* the peer reset the connection, or the network lost it */
    ETD_CLOSE_SOCKET_ERROR,      /* any other failure of the socket */
    ETD_CLOSE_SHUTDOWN,          /* the daemon ends */
    ETD_CLOSE_REASONS
};

/* "end-of-input" and so on, as logs and counters say it. */
const char *etd_close_reason_name(enum etd_close_reason reason);

enum etd_session_wish {
    ETD_WISH_READ,     /* wait until the socket can be read */
    ETD_WISH_WRITE,    /* wait until the socket can be written, and read nothing */
    ETD_WISH_SHUTDOWN, /* send the FIN now, then settle again */
    ETD_WISH_CLOSE     /* close now; the state is CLOSED */
};

struct etd_holding; /* what a session holds while something is incomplete or unsent */

struct etd_session {
    const struct etd_session_settings *settings;
    struct etd_holding *holding; /* borrowed from the pool; null: nothing is held */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t messages; /* complete ones received */
    etd_tick opened;
    etd_tick
        active; /* the last complete message (raw: byte) in, or byte out; in LINGERING: our FIN */
    struct etd_address peer; /* or whom the PROXY header names; for the owner's logs and limits */
    uint8_t state;           /* enum etd_session_state */
    uint8_t reason;          /* enum etd_close_reason, the first that applied */
    bool input_ended;        /* the peer's FIN was read */
    bool stopping;           /* DRAINING comes once the complete messages held are answered */
    bool bulk;               /* the last read filled the turn's input: there is likely to be more */
    bool reset : 1; /* what was due is lost: the peer must not take the end for a clean one */
    bool awaits_header : 1; /* nothing is answered before etd_session_admit */
    bool counted : 1;       /* the owner's: a limit of its counts this session */
};

/* Begins a session. Nothing is borrowed. */
void etd_session_open(struct etd_session *session, const struct etd_session_settings *settings,
                      const struct etd_address *peer, struct etd_turn *turn);

/* Where to receive next: the turn's shared input, or the session's own buffer behind what it holds.
 * Valid until the next call. An empty room means that nothing may be received now. */
struct etd_room {
    uint8_t *data;
    size_t size;
};
struct etd_room etd_session_room(struct etd_session *session, struct etd_turn *turn);

/* `size` bytes, 1 to the room's size, now stand in the room. */
void etd_session_received(struct etd_session *session, struct etd_turn *turn, size_t size);

/* The peer's FIN was read. */
void etd_session_ended(struct etd_session *session, struct etd_turn *turn);

/* For a session that awaits its PROXY header (`awaits_header`), between steps 1 and 2. DONE: `peer` is
 * the source, and the owner now says either etd_session_admit, or etd_session_fail with REJECTED.
 * BAD: the session closes. */
enum etd_proxy_decoded etd_session_take_header(struct etd_session *session, struct etd_turn *turn);

/* Serves the source; what came behind the header is the first of its bytes. */
void etd_session_admit(struct etd_session *session, struct etd_turn *turn);

/* The next bytes to send; empty: none, or none in this turn. Answers as many messages as give one
 * piece of memory: repeated calls continue. Valid until the next call. */
struct etd_bytes etd_session_output(struct etd_session *session, struct etd_turn *turn);

/* The socket took `size` bytes, 1 to all of what etd_session_output gave. */
void etd_session_sent(struct etd_session *session, struct etd_turn *turn, size_t size);

/* A stream of raw bytes that are answered by the same bytes need not pass through memory: while
 * etd_session_relays says so, the owner may in place of steps 1 and 2 take bytes from the socket and
 * give them back to it by itself, and keep what the socket does not take. */
bool etd_session_relays(const struct etd_session *session);

/* The owner took `in` bytes from the socket and gave it `out`; what is left of both is due, and the
 * owner keeps it at `keeper`, a number of its own. Reads nothing more while something is due. */
void etd_session_relayed(struct etd_session *session, struct etd_turn *turn, size_t in, size_t out,
                         int keeper);

/* How many bytes the owner keeps for the session, and where. */
size_t etd_session_kept(const struct etd_session *session, int *keeper);

/* Whether there is nothing to settle: what was received is answered and sent, and the session waits for
 * more, as it did before. */
static inline bool etd_session_rests(const struct etd_session *session, const struct etd_turn *turn)
{
    return session->holding == NULL && session->state == ETD_SESSION_OPEN && !session->stopping &&
           !session->input_ended && turn->due.size == 0 && turn->fresh.size == 0;
}

/* Ends the session's part of the turn and says what it waits for. */
enum etd_session_wish etd_session_settle(struct etd_session *session, struct etd_turn *turn);

/* For a session that waits to write: how many of the bytes sent the peer has not acknowledged yet. Where
 * that has become less since the last call, the peer takes what it is sent, if too slowly to make
 * room in the socket, and the write and idle time-outs begin again. */
void etd_session_unacknowledged(struct etd_session *session, const struct etd_turn *turn,
                                size_t bytes);

/* When etd_session_expire is to be called; false: never. What the peer sends or takes in an ordinary
 * exchange only puts it off, so it is enough to look again when the time has come; it may come nearer
 * only while something is held, or when the state changes. */
bool etd_session_deadline(const struct etd_session *session, etd_tick *when);

/* Applies the time-outs that have passed at turn->now. */
void etd_session_expire(struct etd_session *session, struct etd_turn *turn);

/* Asks for a close in order, once the complete messages that were received are answered. */
void etd_session_stop(struct etd_session *session, enum etd_close_reason reason);

/* The connection is lost or given up: CLOSED, with a reset; nothing more is sent. */
void etd_session_fail(struct etd_session *session, enum etd_close_reason reason);

/* Gives back all that is borrowed, in any state. The session is not used any more. */
void etd_session_release(struct etd_session *session, struct etd_pool *pool);

#endif
