#include "daemon/admission.h"

#include "daemon/server.h"
#include "platform/clock.h"
#include "platform/log.h"

#include <inttypes.h>
#include <stdio.h>

enum etd_reject_reason etd_admission_of_source(const struct etd_tcp_listener *listener,
                                               const struct etd_address *source, bool *counted)
{
    uint32_t most = listener->max_per_source;
    *counted = false;
    if (!etd_access_serves(&listener->access, source))
        return ETD_REJECT_DENIED;
    if (most == 0)
        return ETD_REJECT_NONE;
    *counted = etd_sources_take(&listener->server->sources, listener->tally->number, source, most);
    return *counted ? ETD_REJECT_NONE : ETD_REJECT_MAX_PER_SOURCE;
}

enum etd_reject_reason etd_admission_of_peer(const struct etd_tcp_listener *listener,
                                             const struct etd_address *peer, bool *counted)
{
    *counted = false;
    if (listener->server->connections.open >= listener->server->max_connections)
        return ETD_REJECT_MAX_CONNECTIONS;
    if (listener->settings.proxy_header)
        return ETD_REJECT_NONE;
    return etd_admission_of_source(listener, peer, counted);
}

void etd_admission_end(const struct etd_tcp_listener *listener, const struct etd_session *session)
{
    if (session->counted)
        etd_sources_give(&listener->server->sources, listener->tally->number, &session->peer);
}

/* The limit that was reached; 0: there is none. */
static uint32_t limit_of(const struct etd_tcp_listener *listener, enum etd_reject_reason reason)
{
    switch (reason) {
    case ETD_REJECT_MAX_CONNECTIONS:
        return listener->server->max_connections;
    case ETD_REJECT_MAX_PER_SOURCE:
        return listener->max_per_source;
    case ETD_REJECT_NONE:
    case ETD_REJECT_DENIED:
    case ETD_REJECT_REASONS:
        break;
    }
    return 0;
}

void etd_admission_refuse(struct etd_tcp_listener *listener, const struct etd_address *source,
                          enum etd_reject_reason reason)
{
    listener->tally->counters.rejected[reason]++;
    uint64_t suppressed;
    if (!etd_log_limit_pass(&listener->rejected_log, etd_clock_monotonic_ms(), &suppressed))
        return;
    char address[ETD_ADDRESS_TEXT], limit[32] = "";
    etd_address_format(source, address);
    if (limit_of(listener, reason) != 0)
        snprintf(limit, sizeof limit, " limit=%" PRIu32, limit_of(listener, reason));
    etd_log(ETD_LOG_WARNING, "connection rejected",
            "source=%s listener=\"%s\" reason=%s%s suppressed=%" PRIu64, address,
            listener->tally->title, etd_reject_reason_name(reason), limit, suppressed);
}
