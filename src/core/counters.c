#include "echotimed/counters.h"

const char *etd_reject_reason_name(enum etd_reject_reason reason)
{
    static const char *const names[ETD_REJECT_REASONS] = {
        [ETD_REJECT_NONE] = "none",
        [ETD_REJECT_MAX_CONNECTIONS] = "max-connections",
        [ETD_REJECT_MAX_PER_SOURCE] = "max-connections-per-source",
        [ETD_REJECT_DENIED] = "denied",
    };
    return names[reason];
}

const char *etd_drop_reason_name(enum etd_drop_reason reason)
{
    static const char *const names[ETD_DROP_REASONS] = {
        [ETD_DROP_NONE] = "none",
        [ETD_DROP_TRUNCATED] = "truncated",
        [ETD_DROP_DENIED] = "denied",
        [ETD_DROP_PORT_ZERO] = "port-zero",
        [ETD_DROP_LOW_PORT] = "low-port",
        [ETD_DROP_NOT_UNICAST] = "not-unicast",
        [ETD_DROP_NO_ANSWER] = "no-answer",
        [ETD_DROP_SEND_FULL] = "send-buffer-full",
        [ETD_DROP_SEND_ERROR] = "send-error",
    };
    return names[reason];
}
