/* The rows of the service table, each in the file of its name. */
#ifndef ECHOTIMED_SERVICES_ROWS_H
#define ECHOTIMED_SERVICES_ROWS_H

#include "echotimed/service.h"

/* For the `framings` of a row. */
enum {
    ETD_ANY_FRAMING = (1 << ETD_FRAMING_COUNT) - 1,
    ETD_MESSAGE_FRAMING = ETD_ANY_FRAMING & ~(1 << ETD_FRAMING_RAW) /* it keeps messages apart */
};

extern const struct etd_service etd_service_echo;
extern const struct etd_service etd_service_discard;
extern const struct etd_service etd_service_time;
extern const struct etd_service etd_service_daytime;
extern const struct etd_service etd_service_rfc868;

#endif
