/* The PROXY header in front of a session's stream. */
#include "core/session_parts.h"

/* Moves the cursor behind the header. */
static void pass_over(struct etd_session *session, struct etd_turn *turn, size_t size)
{
    if (etd_session_holds_input(session)) {
        etd_buffer_drop(&session->holding->in, size);
    } else {
        turn->fresh.data += size;
        turn->fresh.size -= size;
    }
    if (session->holding != NULL) {
        session->holding->seen = 0;
        session->holding->begun = false;
    }
}

enum etd_proxy_decoded etd_session_take_header(struct etd_session *session, struct etd_turn *turn)
{
    if (session->state != ETD_SESSION_OPEN)
        return ETD_PROXY_MORE;
    bool held = etd_session_holds_input(session);
    struct etd_bytes input = held ? etd_buffer_held(&session->holding->in) : turn->fresh;
    struct etd_proxy_header header;
    enum etd_proxy_decoded decoded = etd_proxy_header_decode(input, &header);
    if (decoded == ETD_PROXY_MORE && session->input_ended) {
        if (input.size == 0) { /* a peer that only looked whether there is a listener */
            etd_session_drain(session, ETD_CLOSE_END_OF_INPUT);
            return ETD_PROXY_MORE;
        }
        decoded = ETD_PROXY_BAD;
    }
    switch (decoded) {
    case ETD_PROXY_MORE:
        if (input.size > 0)
            etd_session_hold(session, turn, input, header.size);
        break;
    case ETD_PROXY_DONE:
        pass_over(session, turn, header.size);
        if (header.names_source)
            session->peer = header.source;
        break;
    case ETD_PROXY_BAD:
        etd_session_drain(session, ETD_CLOSE_BAD_PROXY_HEADER);
        break;
    }
    return decoded;
}

void etd_session_admit(struct etd_session *session, struct etd_turn *turn)
{
    session->awaits_header = false;
    session->active = turn->now;
    if (session->settings->service->open != NULL)
        etd_session_greet(session, turn);
}
