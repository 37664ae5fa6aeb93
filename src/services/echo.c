/* echo: the same bytes (RFC 862). */
#include "services/rows.h"

static enum etd_verdict answer(const struct etd_request *request, struct etd_writer *reply)
{
    (void)request;
    (void)reply;
    return ETD_VERDICT_SAME;
}

const struct etd_service etd_service_echo = {
    .name = "echo",
    .help = "the same bytes (RFC 862)",
    .framings = ETD_ANY_FRAMING,
    .udp = true,
    .same = true,
    .answer = answer,
};
