#include "services/rows.h"

const struct etd_service *const etd_services[ETD_SERVICE_COUNT] = {
    [ETD_SERVICE_ECHO] = &etd_service_echo,
    [ETD_SERVICE_TIME] = &etd_service_time,
};

const char *etd_transport_name(enum etd_transport transport)
{
    static const char *const names[ETD_TRANSPORT_COUNT] = {[ETD_TCP] = "tcp", [ETD_UDP] = "udp"};
    return names[transport];
}
