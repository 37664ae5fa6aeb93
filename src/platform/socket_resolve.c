#include "platform/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether an IPv6 address of every host that speaks IPv6 can be bound. Where IPv6 was switched off by
 * sysctl the family is there, but ::1 is not. */
static bool can_bind_ipv6(const uint8_t ip[16])
{
    struct etd_socket_address address = {.address.port = 0};
    struct sockaddr_storage storage;
    memcpy(address.address.ip, ip, 16);
    socklen_t length = etd_socket_to_sockaddr(&address, &storage);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool bound = bind(fd, (struct sockaddr *)&storage, length) == 0;
    close(fd);
    return bound;
}

static void resolve_any(uint16_t port, struct etd_socket_addresses *addresses)
{
    static const uint8_t ipv4_any[4], ipv6_any[16];
    struct etd_address *first = &addresses->list[0].address;
    etd_address_set_ipv4(first, ipv4_any);
    first->port = port;
    addresses->count = 1;
    if (can_bind_ipv6(ipv6_any))
        addresses->list[addresses->count++] = (struct etd_socket_address){.address.port = port};
    else
        addresses->left_out = 1;
}

static bool contains(const struct etd_socket_addresses *addresses,
                     const struct etd_socket_address *wanted)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (etd_address_same_ip(&addresses->list[i].address, &wanted->address) &&
            addresses->list[i].scope_id == wanted->scope_id)
            return true;
    }
    return false;
}

/* Passes IPv6 addresses over: Debian's /etc/hosts gives localhost ::1, also where there is no IPv6. */
static void leave_out_ipv6(struct etd_socket_addresses *addresses)
{
    size_t kept = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        if (etd_address_is_ipv4(&addresses->list[i].address))
            addresses->list[kept++] = addresses->list[i];
    }
    /* With nothing but IPv6 they all stay, for the error that opening one of them gives. */
    if (kept > 0) {
        addresses->left_out = addresses->count - kept;
        addresses->count = kept;
    }
}

static bool resolve_host(const struct etd_endpoint *endpoint,
                         struct etd_socket_addresses *addresses, char error[ETD_SOCKET_ERROR])
{
    /* AI_ADDRCONFIG is left away: it hides ::1 from a host whose other addresses are all IPv4. */
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(endpoint->name, NULL, &hints, &found);
    if (failure != 0) {
        snprintf(error, ETD_SOCKET_ERROR,
                 "cannot resolve \"%s\": %s; \"getent ahosts %s\" shows what the resolver says",
                 endpoint->name, failure == EAI_SYSTEM ? strerror(errno) : gai_strerror(failure),
                 endpoint->name);
        return false;
    }
    for (const struct addrinfo *one = found; one != NULL && !addresses->overfull;
         one = one->ai_next) {
        struct etd_socket_address address;
        if (!etd_socket_from_sockaddr(one->ai_addr, one->ai_addrlen, &address))
            continue;
        address.address.port = endpoint->address.port;
        if (contains(addresses, &address))
            continue;
        addresses->overfull = addresses->count == ETD_SOCKET_ADDRESSES;
        if (!addresses->overfull)
            addresses->list[addresses->count++] = address;
    }
    freeaddrinfo(found);
    if (addresses->count == 0) {
        snprintf(error, ETD_SOCKET_ERROR, "\"%s\" has neither an IPv4 nor an IPv6 address",
                 endpoint->name);
        return false;
    }
    static const uint8_t ipv6_loopback[16] = {[15] = 1};
    if (!can_bind_ipv6(ipv6_loopback))
        leave_out_ipv6(addresses);
    if (addresses->overfull) {
        snprintf(error, ETD_SOCKET_ERROR,
                 "\"%s\" has more than %d addresses; name those to listen at one by one",
                 endpoint->name, ETD_SOCKET_ADDRESSES);
    }
    return !addresses->overfull;
}

bool etd_socket_resolve(const struct etd_endpoint *endpoint, struct etd_socket_addresses *addresses,
                        char error[ETD_SOCKET_ERROR])
{
    *addresses = (struct etd_socket_addresses){.count = 0};
    switch (endpoint->kind) {
    case ETD_ENDPOINT_IP:
        addresses->list[addresses->count++].address = endpoint->address;
        return true;
    case ETD_ENDPOINT_ANY:
        resolve_any(endpoint->address.port, addresses);
        return true;
    case ETD_ENDPOINT_HOST:
        return resolve_host(endpoint, addresses, error);
    case ETD_ENDPOINT_SYSTEMD:
        snprintf(error, ETD_SOCKET_ERROR,
                 "\"systemd:%s\" is a socket that is open already, and no address", endpoint->name);
        return false;
    }
    return false;
}
