/* discard: takes everything and answers nothing (RFC 863). */
#include "services/rows.h"

static enum etd_verdict answer(const struct etd_request *request, struct etd_writer *reply)
{
    (void)request;
    (void)reply;
    return ETD_VERDICT_SILENT;
}

const struct etd_service etd_service_discard = {
    .name = "discard",
    .help = "nothing, whatever is sent (RFC 863)",
    .framings = ETD_ANY_FRAMING,
    .udp = true,
    .answer = answer,
};
