#include "services/rows.h"

const struct etd_service *const etd_services[ETD_SERVICE_COUNT] = {
    [ETD_SERVICE_ECHO] = &etd_service_echo,     [ETD_SERVICE_DISCARD] = &etd_service_discard,
    [ETD_SERVICE_TIME] = &etd_service_time,     [ETD_SERVICE_DAYTIME] = &etd_service_daytime,
    [ETD_SERVICE_RFC868] = &etd_service_rfc868,
};

const char *etd_transport_name(enum etd_transport transport)
{
    static const char *const names[ETD_TRANSPORT_COUNT] = {[ETD_TCP] = "tcp", [ETD_UDP] = "udp"};
    return names[transport];
}

static bool must_stay_silent(const struct etd_service *service, const struct etd_request *request)
{
    return service->tells_time && request->require_sync && !request->clock->quality.synchronised;
}

enum etd_verdict etd_service_open(const struct etd_service *service,
                                  const struct etd_request *request, struct etd_writer *reply)
{
    if (must_stay_silent(service, request))
        return ETD_VERDICT_CLOSE;
    if (service->open == NULL)
        return ETD_VERDICT_SILENT;
    return service->open(request, reply);
}

enum etd_verdict etd_service_answer(const struct etd_service *service,
                                    const struct etd_request *request, struct etd_writer *reply)
{
    if (service->answer == NULL || must_stay_silent(service, request))
        return ETD_VERDICT_CLOSE;
    return service->answer(request, reply);
}
