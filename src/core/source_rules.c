#include "echotimed/source_rules.h"

enum { IPV4_AT = 12, IPV4_LOOPBACK = 127 };

void etd_own_sockets_init(struct etd_own_sockets *own, const struct etd_address *bound,
                          size_t count)
{
    *own = (struct etd_own_sockets){.bound = bound, .bound_count = count};
    for (size_t i = 0; i < count; i++)
        own->ports[bound[i].port / 64] |= UINT64_C(1) << bound[i].port % 64;
}

static bool is_loopback(const struct etd_address *address)
{
    static const struct etd_address ipv6 = {.ip = {[15] = 1}};
    if (etd_address_is_ipv4(address))
        return address->ip[IPV4_AT] == IPV4_LOOPBACK;
    return etd_address_same_ip(address, &ipv6);
}

static bool is_of_host(const struct etd_own_sockets *own, const struct etd_address *address)
{
    for (size_t i = 0; i < own->host_count; i++) {
        if (etd_address_same_ip(&own->host[i], address))
            return true;
    }
    return is_loopback(address);
}

/* Whether a socket that is bound there has all addresses of that one's family. */
static bool has_all_like(const struct etd_address *bound, const struct etd_address *address)
{
    return etd_address_is_any(bound) &&
           (etd_address_is_ipv4(address) || !etd_address_is_ipv4(bound));
}

bool etd_own_sockets_hold(const struct etd_own_sockets *own, const struct etd_address *source)
{
    bool has_all = false;
    if (!etd_own_sockets_share_port(own, source->port))
        return false;
    for (size_t i = 0; i < own->bound_count; i++) {
        const struct etd_address *bound = &own->bound[i];
        if (bound->port != source->port)
            continue;
        if (etd_address_same_ip(bound, source))
            return true;
        has_all = has_all || has_all_like(bound, source);
    }
    return has_all && is_of_host(own, source);
}

enum etd_drop_reason etd_source_judge(const struct etd_source_rules *rules,
                                      const struct etd_address *source, bool to_one_host)
{
    if (source->port == 0)
        return ETD_DROP_PORT_ZERO;
    if (rules->refuse_low_ports && source->port < ETD_LOW_PORTS &&
        !(rules->serves_ntp && source->port == ETD_NTP_PORT))
        return ETD_DROP_LOW_PORT;
    if (!to_one_host)
        return ETD_DROP_NOT_UNICAST;
    if (etd_own_sockets_hold(rules->own, source))
        return ETD_DROP_OWN_LISTENER;
    return ETD_DROP_NONE;
}
