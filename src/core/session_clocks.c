/* The time-outs of a session. */
#include "core/session_parts.h"

void etd_session_run_clocks(struct etd_holding *holding, bool waits, etd_tick now)
{
    if (waits && !holding->waits)
        holding->stalled_at = now;
    holding->waits = waits;
    if (!waits && !holding->begun) {
        holding->begun = true;
        holding->begun_at = now;
    }
}

void etd_session_unacknowledged(struct etd_session *session, const struct etd_turn *turn,
                                size_t bytes)
{
    if (session->holding == NULL || !session->holding->waits)
        return;
    if (bytes < session->holding->unacknowledged)
        session->active = session->holding->stalled_at = turn->now;
    session->holding->unacknowledged = bytes;
}

/* A time-out that runs, and what it ends the session for. */
struct clock {
    bool runs;
    etd_tick due;
    enum etd_close_reason reason;
};

static void start(struct clock *clock, etd_tick since, uint32_t timeout,
                  enum etd_close_reason reason)
{
    etd_tick due = since + timeout;
    if (timeout == 0 || (clock->runs && etd_tick_reached(due, clock->due)))
        return;
    *clock = (struct clock){.runs = true, .due = due, .reason = reason};
}

static struct clock next_clock(const struct etd_session *session)
{
    const struct etd_session_settings *settings = session->settings;
    const struct etd_holding *holding = session->holding;
    struct clock clock = {.runs = false};
    bool ending = session->stopping || session->state == ETD_SESSION_DRAINING;
    uint32_t write_timeout = settings->write_timeout;
    switch ((enum etd_session_state)session->state) {
    case ETD_SESSION_OPEN:
    case ETD_SESSION_DRAINING:
        /* Where write_timeout is off, a peer that takes nothing of a close ends as an idle one. */
        if (ending && write_timeout == 0)
            write_timeout = settings->idle_timeout;
        if (holding != NULL && holding->waits)
            start(&clock, holding->stalled_at, write_timeout, ETD_CLOSE_WRITE_TIMEOUT);
        if (ending)
            break;
        if (session->awaits_header)
            start(&clock, session->opened, settings->message_timeout, ETD_CLOSE_MESSAGE_TIMEOUT);
        else if (holding != NULL && !holding->waits)
            start(&clock, holding->begun_at, settings->message_timeout, ETD_CLOSE_MESSAGE_TIMEOUT);
        start(&clock, session->active, settings->idle_timeout, ETD_CLOSE_IDLE_TIMEOUT);
        break;
    case ETD_SESSION_LINGERING:
        start(&clock, session->active, ETD_SESSION_LINGER, ETD_CLOSE_END_OF_INPUT);
        break;
    case ETD_SESSION_CLOSED:
        break;
    }
    return clock;
}

bool etd_session_deadline(const struct etd_session *session, etd_tick *when)
{
    struct clock clock = next_clock(session);
    *when = clock.due;
    return clock.runs;
}

void etd_session_expire(struct etd_session *session, struct etd_turn *turn)
{
    struct clock clock = next_clock(session);
    if (!clock.runs || !etd_tick_reached(turn->now, clock.due))
        return;
    if (session->state == ETD_SESSION_LINGERING)
        session->state = ETD_SESSION_CLOSED;
    else if (clock.reason == ETD_CLOSE_WRITE_TIMEOUT)
        etd_session_fail(session, clock.reason);
    else
        etd_session_stop(session, clock.reason);
}
