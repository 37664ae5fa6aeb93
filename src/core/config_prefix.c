/* Prefixes: ADDRESS or ADDRESS/BITS. */
#include "config_value.h"

#include "echotimed/config_problem.h"

enum { IPV4_BITS = 32, IPV6_BITS = 128, MAPPED_BITS = IPV6_BITS - IPV4_BITS };

/* Clears the bits behind the prefix; true when there were none. */
static bool tail_clear(struct etd_prefix *prefix)
{
    bool clear = true;
    for (size_t i = prefix->bits / 8u; i < sizeof prefix->address.ip; i++) {
        unsigned tail = i == prefix->bits / 8u ? 0xffu >> prefix->bits % 8 : 0xffu;
        clear = clear && (prefix->address.ip[i] & tail) == 0;
        prefix->address.ip[i] &= (uint8_t)~tail;
    }
    return clear;
}

static bool refuse(struct etd_bytes text, const char *because, struct etd_writer *why)
{
    etd_write_quoted(why, text);
    etd_write_text(why, because);
    return false;
}

bool etd_prefix_parse(const struct etd_config_key *key, struct etd_bytes text, void *entry,
                      struct etd_writer *why)
{
    (void)key;
    struct etd_prefix *prefix = entry;
    *prefix = (struct etd_prefix){.bits = IPV6_BITS};
    const uint8_t *slash = memchr(text.data, '/', text.size);
    size_t ip_size = slash != NULL ? (size_t)(slash - text.data) : text.size;
    char ip[ETD_ADDRESS_TEXT] = "";
    if (ip_size < sizeof ip)
        memcpy(ip, text.data, ip_size);
    if (!etd_address_parse_ip(&prefix->address, ip))
        return refuse(text, " is neither an address nor a prefix such as 192.0.2.0/24", why);
    if (slash == NULL)
        return true;
    bool ipv4 = strchr(ip, ':') == NULL;
    uint64_t bits;
    struct etd_bytes rest = etd_bytes(slash + 1, text.size - ip_size - 1);
    if (!etd_digits_cut(&rest, &bits) || rest.size > 0 || bits > (ipv4 ? IPV4_BITS : IPV6_BITS))
        return refuse(text, ipv4 ? " needs 0 to 32 bits" : " needs 0 to 128 bits", why);
    prefix->bits = (uint8_t)(bits + (ipv4 ? MAPPED_BITS : 0));
    if (tail_clear(prefix))
        return true;
    refuse(text, " has bits set behind its prefix; write ", why);
    etd_prefix_write(prefix, why);
    return false;
}

void etd_prefix_write(const void *entry, struct etd_writer *writer)
{
    const struct etd_prefix *prefix = entry;
    char ip[ETD_ADDRESS_TEXT];
    bool ipv4 = etd_address_is_ipv4(&prefix->address) && prefix->bits >= MAPPED_BITS;
    etd_address_format_ip(&prefix->address, ip);
    etd_write_text(writer, ip);
    if (prefix->bits == IPV6_BITS)
        return;
    etd_write_text(writer, "/");
    etd_write_decimal(writer, ipv4 ? prefix->bits - MAPPED_BITS : prefix->bits, 1);
}
