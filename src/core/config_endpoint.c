/* Endpoints: HOST:PORT, [IPV6]:PORT, *:PORT, systemd:NAME. */
#include "config_value.h"

#include "echotimed/config_problem.h"

enum { ZONE_MAX = 15 }; /* IFNAMSIZ of linux/if.h, less its NUL */

static bool refuse(struct etd_bytes text, const char *because, struct etd_writer *why)
{
    etd_write_quoted(why, text);
    etd_write_text(why, because);
    return false;
}

static bool port_parse(struct etd_bytes text, uint16_t *port)
{
    uint64_t value;
    if (!etd_digits_cut(&text, &value) || text.size > 0 || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* Makes a C string of `text`; false when it does not fit. */
static bool text_copy(char *to, size_t size, struct etd_bytes text)
{
    if (text.size >= size)
        return false;
    memcpy(to, text.data, text.size);
    to[text.size] = '\0';
    return true;
}

static bool ip_parse(struct etd_bytes text, struct etd_address *address)
{
    char ip[ETD_ADDRESS_TEXT];
    return text_copy(ip, sizeof ip, text) && etd_address_parse_ip(address, ip);
}

/* An interface's name behind the % of a link-local address. */
static bool zone_is_valid(struct etd_bytes zone)
{
    if (zone.size == 0 || zone.size > ZONE_MAX)
        return false;
    return etd_bytes_are_name(zone);
}

/* What stands in brackets: IPv6, and perhaps a zone, which only the resolver can look up. */
static bool bracketed_parse(struct etd_bytes text, struct etd_endpoint *endpoint)
{
    const uint8_t *percent = text.size > 0 ? memchr(text.data, '%', text.size) : NULL;
    struct etd_bytes ip =
        percent != NULL ? etd_bytes(text.data, (size_t)(percent - text.data)) : text;
    if (memchr(text.data, ':', text.size) == NULL || !ip_parse(ip, &endpoint->address))
        return false;
    endpoint->kind = ETD_ENDPOINT_IP;
    if (percent == NULL)
        return true;
    endpoint->kind = ETD_ENDPOINT_HOST;
    memset(endpoint->address.ip, 0, sizeof endpoint->address.ip);
    return zone_is_valid(etd_bytes(percent + 1, text.size - ip.size - 1)) &&
           text_copy(endpoint->name, sizeof endpoint->name, text);
}

/* A host name cannot end in a number: that would be a mistyped IPv4 address. */
static bool host_is_valid(struct etd_bytes host)
{
    if (host.size == 0 || host.size > ETD_ENDPOINT_NAME_MAX || !etd_bytes_are_name(host))
        return false;
    bool digits = true;
    size_t label = host.size - (host.data[host.size - 1] == '.'); /* a full name may end in a dot */
    for (; label > 0 && host.data[label - 1] != '.'; label--)
        digits = digits && etd_char_is_digit((char)host.data[label - 1]);
    return !digits;
}

static bool host_parse(struct etd_bytes text, struct etd_bytes host, struct etd_endpoint *endpoint,
                       struct etd_writer *why)
{
    if (host.size == 1 && host.data[0] == '*') {
        endpoint->kind = ETD_ENDPOINT_ANY;
        return true;
    }
    if (host.size > 0 && host.data[0] == '[') {
        if (host.data[host.size - 1] == ']' &&
            bracketed_parse(etd_bytes(host.data + 1, host.size - 2), endpoint))
            return true;
        return refuse(text, " has no IPv6 address in its brackets", why);
    }
    if (memchr(host.data, ':', host.size) != NULL)
        return refuse(text, " needs brackets around the IPv6 address, [IPV6]:PORT", why);
    if (ip_parse(host, &endpoint->address)) {
        endpoint->kind = ETD_ENDPOINT_IP;
        return true;
    }
    if (!host_is_valid(host))
        return refuse(text, " has neither an address nor a host name before its port", why);
    endpoint->kind = ETD_ENDPOINT_HOST;
    return text_copy(endpoint->name, sizeof endpoint->name, host);
}

/* What the manager calls a socket: a word that FileDescriptorName= chose, or its unit's name, which
 * may have an instance behind an @. */
static bool socket_name_is_valid(struct etd_bytes name)
{
    const uint8_t *at = name.size > 0 ? memchr(name.data, '@', name.size) : NULL;
    if (at == NULL)
        return name.size > 0 && etd_bytes_are_name(name);
    size_t before = (size_t)(at - name.data);
    return before > 0 && etd_bytes_are_name(etd_bytes(name.data, before)) &&
           etd_bytes_are_name(etd_bytes(at + 1, name.size - before - 1));
}

static bool systemd_parse(const struct etd_config_key *key, struct etd_bytes text,
                          struct etd_bytes name, struct etd_endpoint *endpoint,
                          struct etd_writer *why)
{
    if (key->own_socket)
        return refuse(text, " is for listeners; write HOST:PORT, [IPV6]:PORT or *:PORT", why);
    endpoint->kind = ETD_ENDPOINT_SYSTEMD;
    if (!socket_name_is_valid(name) || !text_copy(endpoint->name, sizeof endpoint->name, name))
        return refuse(text, " names no socket; write systemd:NAME", why);
    return true;
}

bool etd_endpoint_parse(const struct etd_config_key *key, struct etd_bytes text, void *entry,
                        struct etd_writer *why)
{
    static const char systemd[] = "systemd:";
    struct etd_endpoint *endpoint = entry;
    *endpoint = (struct etd_endpoint){.kind = ETD_ENDPOINT_IP};
    if (text.size >= sizeof systemd - 1 && memcmp(text.data, systemd, sizeof systemd - 1) == 0) {
        struct etd_bytes name =
            etd_bytes(text.data + sizeof systemd - 1, text.size - sizeof systemd + 1);
        return systemd_parse(key, text, name, endpoint, why);
    }
    const uint8_t *colon = memrchr(text.data, ':', text.size);
    if (colon == NULL || text.data[text.size - 1] == ']')
        return refuse(text, " has no port; write HOST:PORT, [IPV6]:PORT or *:PORT", why);
    struct etd_bytes host = etd_bytes(text.data, (size_t)(colon - text.data));
    struct etd_bytes port = etd_bytes(colon + 1, text.size - host.size - 1);
    if (!host_parse(text, host, endpoint, why))
        return false;
    if (!port_parse(port, &endpoint->address.port))
        return refuse(text, " has no port from 0 to 65535 behind its last colon", why);
    return true;
}

void etd_endpoint_write(const void *entry, struct etd_writer *writer)
{
    const struct etd_endpoint *endpoint = entry;
    char ip[ETD_ADDRESS_TEXT];
    switch (endpoint->kind) {
    case ETD_ENDPOINT_IP:
        etd_address_format(&endpoint->address, ip);
        etd_write_text(writer, ip);
        return;
    case ETD_ENDPOINT_ANY:
        etd_write_text(writer, "*");
        break;
    case ETD_ENDPOINT_HOST: {
        bool brackets = strchr(endpoint->name, ':') != NULL;
        etd_write_text(writer, brackets ? "[" : "");
        etd_write_text(writer, endpoint->name);
        etd_write_text(writer, brackets ? "]" : "");
        break;
    }
    case ETD_ENDPOINT_SYSTEMD:
        etd_write_text(writer, "systemd:");
        etd_write_text(writer, endpoint->name);
        return;
    }
    etd_write_text(writer, ":");
    etd_write_decimal(writer, endpoint->address.port, 1);
}

void etd_endpoint_format(const struct etd_endpoint *endpoint, char text[ETD_ENDPOINT_TEXT])
{
    struct etd_writer writer = etd_writer((uint8_t *)text, ETD_ENDPOINT_TEXT - 1);
    memset(text, 0, ETD_ENDPOINT_TEXT);
    etd_endpoint_write(endpoint, &writer);
}

/* Whether `any`, a wildcard, covers `other`, of which no more than this may be known. */
static bool covers(const struct etd_endpoint *any, const struct etd_endpoint *other)
{
    if (any->kind == ETD_ENDPOINT_ANY)
        return true;
    if (any->kind != ETD_ENDPOINT_IP || !etd_address_is_any(&any->address))
        return false;
    bool ipv4 = etd_address_is_ipv4(&any->address);
    if (other->kind == ETD_ENDPOINT_IP)
        return etd_address_is_ipv4(&other->address) == ipv4;
    return other->kind == ETD_ENDPOINT_HOST && !ipv4 && strchr(other->name, ':') != NULL;
}

bool etd_endpoint_collides(const struct etd_endpoint *a, const struct etd_endpoint *b)
{
    if (a->kind == ETD_ENDPOINT_SYSTEMD || b->kind == ETD_ENDPOINT_SYSTEMD)
        return a->kind == b->kind && strcmp(a->name, b->name) == 0;
    if (a->address.port != b->address.port || a->address.port == 0)
        return false;
    if (covers(a, b) || covers(b, a))
        return true;
    if (a->kind != b->kind)
        return false;
    if (a->kind == ETD_ENDPOINT_HOST)
        return strcasecmp(a->name, b->name) == 0;
    return etd_address_same_ip(&a->address, &b->address);
}
