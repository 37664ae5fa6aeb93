#include "echotimed/address.h"

#include "echotimed/bytes.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool etd_address_is_ipv4(const struct etd_address *address)
{
    return memcmp(address->ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

bool etd_address_is_any(const struct etd_address *address)
{
    static const uint8_t zero[16];
    if (etd_address_is_ipv4(address))
        return memcmp(address->ip + 12, zero, 4) == 0;
    return memcmp(address->ip, zero, 16) == 0;
}

void etd_address_set_ipv4(struct etd_address *address, const uint8_t ip[4])
{
    memcpy(address->ip, mapped_prefix, sizeof mapped_prefix);
    memcpy(address->ip + 12, ip, 4);
}

bool etd_address_same_ip(const struct etd_address *a, const struct etd_address *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool etd_address_parse_ip(struct etd_address *address, const char *text)
{
    uint8_t ip[16];
    if (inet_pton(AF_INET, text, ip) == 1) {
        etd_address_set_ipv4(address, ip);
        return true;
    }
    if (inet_pton(AF_INET6, text, ip) == 1) {
        memcpy(address->ip, ip, sizeof ip);
        return true;
    }
    return false;
}

void etd_address_format_ip(const struct etd_address *address, char text[ETD_ADDRESS_TEXT])
{
    if (etd_address_is_ipv4(address))
        inet_ntop(AF_INET, address->ip + 12, text, ETD_ADDRESS_TEXT);
    else
        inet_ntop(AF_INET6, address->ip, text, ETD_ADDRESS_TEXT);
}

void etd_address_format(const struct etd_address *address, char text[ETD_ADDRESS_TEXT])
{
    char ip[ETD_ADDRESS_TEXT];
    etd_address_format_ip(address, ip);
    bool bracket = !etd_address_is_ipv4(address);
    struct etd_writer out = etd_writer((uint8_t *)text, ETD_ADDRESS_TEXT - 1);
    etd_write_text(&out, bracket ? "[" : "");
    etd_write_text(&out, ip);
    etd_write_text(&out, bracket ? "]:" : ":");
    etd_write_decimal(&out, address->port, 1);
    *out.at = '\0';
}
