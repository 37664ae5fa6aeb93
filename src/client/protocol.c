#include "client/protocol.h"

#include "echotimed/config_problem.h"

const struct etd_protocol *const etd_protocols[ETD_PROTOCOL_COUNT] = {
    [ETD_PROTOCOL_ECHO] = &etd_protocol_echo,       [ETD_PROTOCOL_TEXT] = &etd_protocol_text,
    [ETD_PROTOCOL_DAYTIME] = &etd_protocol_daytime, [ETD_PROTOCOL_RFC868] = &etd_protocol_rfc868,
    [ETD_PROTOCOL_NTP] = &etd_protocol_ntp,         [ETD_PROTOCOL_STAMP] = &etd_protocol_stamp,
};

enum etd_protocol_id etd_protocol_choose(const struct etd_protocol_choice *choices,
                                         enum etd_transport transport, uint16_t port)
{
    for (const struct etd_protocol_choice *one = choices; one->name != NULL && port != 0; one++) {
        const struct etd_protocol *protocol = etd_protocols[one->protocol];
        if (protocol->registered && protocol->ports[transport] == port)
            return one->protocol;
    }
    return choices[0].protocol;
}

enum etd_judgement etd_answer_wrong(struct etd_writer *why, const char *reason)
{
    etd_write_text(why, reason);
    return ETD_ANSWER_WRONG;
}

enum etd_judgement etd_answer_foreign(struct etd_writer *why, const char *reason)
{
    etd_write_text(why, reason);
    return ETD_ANSWER_FOREIGN;
}

void etd_answer_quote(struct etd_writer *why, struct etd_bytes payload)
{
    while (payload.size > 0 &&
           (payload.data[payload.size - 1] == '\n' || payload.data[payload.size - 1] == '\r'))
        payload.size--;
    etd_write_quoted(why, payload);
}
