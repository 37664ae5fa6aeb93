#include "platform/socket.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>

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
