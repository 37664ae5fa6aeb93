/* A session whose bytes its owner moves by itself. */
#include "core/session_parts.h"

enum { BULK = 16 * 1024 }; /* fewer bytes a turn are cheaper to copy than to move in pages */

bool etd_session_relays(const struct etd_session *session)
{
    if (etd_session_kept(session, NULL) > 0)
        return session->state != ETD_SESSION_CLOSED;
    return session->bulk && session->settings->may_relay && session->state == ETD_SESSION_OPEN &&
           session->holding == NULL && !session->stopping && !session->input_ended &&
           session->settings->service->same && !session->settings->framing->bounded;
}

void etd_session_relayed(struct etd_session *session, struct etd_turn *turn, size_t in, size_t out,
                         int keeper)
{
    size_t kept = etd_session_kept(session, NULL) + in - out;
    session->bytes_in += in;
    session->bytes_out += out;
    session->messages += in > 0;
    session->bulk = in >= BULK || kept > 0;
    if (in + out > 0)
        session->active = turn->now;
    if (kept > 0 && !etd_session_borrow(session, turn->pool)) {
        etd_session_fail(session, ETD_CLOSE_NO_BUFFER);
        return;
    }
    if (session->holding == NULL)
        return;
    if (session->holding->kept == 0 || out > 0)
        session->holding->stalled_at = turn->now;
    session->holding->kept = kept;
    session->holding->keeper = keeper;
}

size_t etd_session_kept(const struct etd_session *session, int *keeper)
{
    if (session->holding == NULL)
        return 0;
    if (keeper != NULL)
        *keeper = session->holding->keeper;
    return session->holding->kept;
}
