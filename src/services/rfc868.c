/* rfc868: the Time Protocol, seconds since 1900-01-01 00:00 UTC in 4 bytes, network byte order. They
 * wrap on 2036-02-07 (RFC 868). */
#include "services/rows.h"

static const int64_t from_1900_to_1970 = 2208988800; /* RFC 868 gives the same number */

static void write_answer(const struct etd_request *request, struct etd_writer *reply)
{
    uint64_t seconds = (uint64_t)request->clock->now.seconds + (uint64_t)from_1900_to_1970;
    etd_write_u32(reply, (uint32_t)seconds);
}

static enum etd_verdict open(const struct etd_request *request, struct etd_writer *reply)
{
    write_answer(request, reply);
    return ETD_VERDICT_CLOSE;
}

/* RFC 868 has the client send an empty datagram. Nothing else is answered, and so no answer is. */
static enum etd_verdict answer(const struct etd_request *request, struct etd_writer *reply)
{
    if (request->payload.size > 0)
        return ETD_VERDICT_SILENT;
    write_answer(request, reply);
    return ETD_VERDICT_REPLY;
}

const struct etd_service etd_service_rfc868 = {
    .name = "rfc868",
    .help = "the time in 4 bytes (Time Protocol, RFC 868); over TCP on connect, then it closes",
    .framings = 1 << ETD_FRAMING_RAW,
    .udp = true,
    .tells_time = true,
    .reply_max = 4,
    .open = open,
    .answer = answer,
};
