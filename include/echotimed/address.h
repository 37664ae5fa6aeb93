/* Network addresses as plain values, without the socket headers. */
#ifndef ECHOTIMED_ADDRESS_H
#define ECHOTIMED_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address and a port. IPv4 is kept as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that one
 * comparison serves both. The port is in host byte order. */
struct etd_address {
    uint8_t ip[16];
    uint16_t port;
};

/* Longest text of an address with a port and a NUL: "[", 45 characters of IPv6, "]:65535". */
enum { ETD_ADDRESS_TEXT = 56 };

bool etd_address_is_ipv4(const struct etd_address *address);

/* The wildcard address of its family, 0.0.0.0 or ::. */
bool etd_address_is_any(const struct etd_address *address);

/* Sets the four bytes (network order) of an IPv4 address. */
void etd_address_set_ipv4(struct etd_address *address, const uint8_t ip[4]);

bool etd_address_same_ip(const struct etd_address *a, const struct etd_address *b);

/* Reads a numeric IPv4 or IPv6 address without a port or a zone; false when `text` is neither.
 * The port is left as it was. */
bool etd_address_parse_ip(struct etd_address *address, const char *text);

/* Writes "192.0.2.1" or "2001:db8::1", NUL-terminated, at most ETD_ADDRESS_TEXT bytes. */
void etd_address_format_ip(const struct etd_address *address, char text[ETD_ADDRESS_TEXT]);

/* Writes "192.0.2.1:7" or "[2001:db8::1]:7", likewise. */
void etd_address_format(const struct etd_address *address, char text[ETD_ADDRESS_TEXT]);

#endif
