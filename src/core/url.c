#include "echotimed/url.h"

#include "echotimed/address.h"

enum { PORT_MAX = 65535 };

static const char expected[] = "; write tcp://HOST:PORT or udp://HOST:PORT";

static bool refuse(struct etd_writer *why, const char *reason, const char *advice)
{
    etd_write_text(why, reason);
    etd_write_text(why, advice);
    return false;
}

/* Cuts "tcp://" or "udp://" off, in letters of either case (RFC 3986 section 3.1). */
static bool cut_scheme(struct etd_bytes *text, enum etd_transport *transport)
{
    static const char separator[] = "://";
    for (int i = 0; i < ETD_TRANSPORT_COUNT; i++) {
        const char *name = etd_transport_name((enum etd_transport)i);
        size_t length = strlen(name), size = length + sizeof separator - 1;
        if (text->size < size || memcmp(text->data + length, separator, sizeof separator - 1) != 0)
            continue;
        bool same = true;
        for (size_t at = 0; at < length && same; at++)
            same = (text->data[at] | 0x20) == name[at];
        if (same) {
            *transport = (enum etd_transport)i;
            *text = etd_bytes(text->data + size, text->size - size);
            return true;
        }
    }
    return false;
}

static bool parse_port(struct etd_bytes text, uint16_t *port)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
        if (value > PORT_MAX)
            return false;
    }
    *port = (uint16_t)value;
    return value > 0;
}

/* Copies the host, and makes "%25" of a zone into the "%" that the resolver wants. Behind a bare
 * "%25" nothing stands: there it is zone 25. */
static void take_host(struct etd_url *url, struct etd_bytes host)
{
    struct etd_writer out = etd_writer((uint8_t *)url->host, ETD_URL_HOST_MAX);
    const uint8_t *percent = memchr(host.data, '%', host.size);
    size_t before = percent != NULL ? (size_t)(percent - host.data) : host.size;
    etd_write_bytes(&out, etd_bytes(host.data, before));
    if (percent != NULL) {
        struct etd_bytes zone = etd_bytes(percent + 1, host.size - before - 1);
        if (zone.size > 2 && memcmp(zone.data, "25", 2) == 0)
            zone = etd_bytes(zone.data + 2, zone.size - 2);
        etd_write_text(&out, "%");
        etd_write_bytes(&out, zone);
    }
    *out.at = '\0';
}

static bool is_ipv6(const char *host)
{
    char ip[ETD_URL_HOST_MAX + 1];
    struct etd_address address;
    size_t size = strcspn(host, "%");
    memcpy(ip, host, size);
    ip[size] = '\0';
    return etd_address_parse_ip(&address, ip) && strchr(ip, ':') != NULL &&
           (host[size] == '\0' || host[size + 1] != '\0');
}

static bool parse_bracketed(struct etd_url *url, struct etd_bytes *rest, struct etd_writer *why)
{
    const uint8_t *end = memchr(rest->data, ']', rest->size);
    if (end == NULL)
        return refuse(why, " has a '[' without a ']'", "");
    struct etd_bytes host = etd_bytes(rest->data + 1, (size_t)(end - rest->data) - 1);
    *rest = etd_bytes(end + 1, rest->size - host.size - 2);
    if (host.size > ETD_URL_HOST_MAX)
        return refuse(why, " names a host with more than 255 characters", "");
    take_host(url, host);
    if (!is_ipv6(url->host))
        return refuse(why, " has no IPv6 address between its brackets",
                      "; write such as tcp://[::1]:7");
    if (rest->size > 0 && rest->data[0] != ':')
        return refuse(why, " goes on behind the ']' without a ':' and a port", "");
    return true;
}

static bool parse_name(struct etd_url *url, struct etd_bytes *rest, struct etd_writer *why)
{
    const uint8_t *colon = memchr(rest->data, ':', rest->size);
    size_t size = colon != NULL ? (size_t)(colon - rest->data) : rest->size;
    if (colon != NULL && memchr(colon + 1, ':', rest->size - size - 1) != NULL)
        return refuse(why, " has several ':'",
                      "; an IPv6 address stands in brackets, such as tcp://[::1]:7");
    if (size > ETD_URL_HOST_MAX)
        return refuse(why, " names a host with more than 255 characters", "");
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = rest->data[i];
        if (byte <= ' ' || byte >= 0x7f || strchr("/?#@[]%\\", byte) != NULL)
            return refuse(why, " has a character that no host name has", expected);
    }
    take_host(url, etd_bytes(rest->data, size));
    *rest = etd_bytes(rest->data + size, rest->size - size);
    return true;
}

bool etd_url_parse(struct etd_url *url, const char *text, struct etd_writer *why)
{
    struct etd_bytes rest = etd_bytes_text(text);
    *url = (struct etd_url){.port = 0};
    if (!cut_scheme(&rest, &url->transport))
        return refuse(why, " begins with neither tcp:// nor udp://", expected);
    if (rest.size > 0 && rest.data[rest.size - 1] == '/')
        rest.size--;
    if (rest.size == 0 ||
        (rest.data[0] == ':' && memchr(rest.data + 1, ':', rest.size - 1) == NULL))
        return refuse(why, " names no host", expected);
    bool good =
        rest.data[0] == '[' ? parse_bracketed(url, &rest, why) : parse_name(url, &rest, why);
    if (!good || rest.size == 0)
        return good;
    if (!parse_port(etd_bytes(rest.data + 1, rest.size - 1), &url->port))
        return refuse(why, " has no port from 1 to 65535 behind its ':'", expected);
    return true;
}

void etd_url_write(struct etd_writer *writer, const struct etd_url *url)
{
    bool bracket = strchr(url->host, ':') != NULL;
    etd_write_text(writer, etd_transport_name(url->transport));
    etd_write_text(writer, bracket ? "://[" : "://");
    etd_write_text(writer, url->host);
    etd_write_text(writer, bracket ? "]" : "");
    if (url->port != 0) {
        etd_write_text(writer, ":");
        etd_write_decimal(writer, url->port, 1);
    }
}

void etd_url_write_place(struct etd_writer *writer, const struct etd_url *url)
{
    etd_write_text(writer, url->host);
    etd_write_text(writer, " port ");
    etd_write_decimal(writer, url->port, 1);
    etd_write_text(writer, " (");
    etd_write_text(writer, etd_transport_name(url->transport));
    etd_write_text(writer, ")");
}
