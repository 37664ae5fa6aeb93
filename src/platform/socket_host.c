#include "platform/socket.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static socklen_t length_of(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                          : sizeof(struct sockaddr_in);
}

bool etd_socket_host_addresses(struct etd_address **addresses, size_t *count)
{
    struct ifaddrs *interfaces;
    size_t most = 1;
    if (getifaddrs(&interfaces) < 0)
        return false;
    for (const struct ifaddrs *one = interfaces; one != NULL; one = one->ifa_next)
        most++;
    *count = 0;
    *addresses = calloc(most, sizeof **addresses);
    for (const struct ifaddrs *one = interfaces; *addresses != NULL && one != NULL;
         one = one->ifa_next) {
        struct etd_socket_address address;
        if (one->ifa_addr != NULL &&
            etd_socket_from_sockaddr(one->ifa_addr, length_of(one->ifa_addr), &address))
            (*addresses)[(*count)++] = address.address;
    }
    freeifaddrs(interfaces);
    return *addresses != NULL;
}

static bool is_ipv4_loopback(const struct etd_address *address)
{
    static const uint8_t broadcast[] = {127, 255, 255, 255};
    const uint8_t *ip = address->ip + sizeof address->ip - sizeof broadcast;
    return ip[0] == 127 && memcmp(ip, broadcast, sizeof broadcast) != 0;
}

static bool is_of_this_host(const struct etd_address *address)
{
    struct etd_address *host;
    size_t count;
    if (!etd_socket_host_addresses(&host, &count))
        return false;
    bool found = false;
    for (size_t i = 0; i < count && !found; i++)
        found = etd_address_same_ip(&host[i], address);
    free(host);
    return found;
}

bool etd_socket_is_one_host(const struct etd_address *address)
{
    if (etd_address_is_any(address))
        return false;
    if (!etd_address_is_ipv4(address))
        return address->ip[0] != 0xff; /* multicast, RFC 4291 section 2.7; there is no broadcast */
    /* What of IPv4 is a broadcast address depends on the networks that the host is in. */
    return is_ipv4_loopback(address) || is_of_this_host(address);
}
