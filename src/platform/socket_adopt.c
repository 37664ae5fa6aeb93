/* Sockets that somebody else opened: what they are, and what we need of them. */
#include "platform/socket.h"
#include "platform/socket_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

/* -1 where there is no such thing, as of what is no socket. */
static int get_int(int fd, int level, int option)
{
    int value;
    socklen_t length = sizeof value;
    return getsockopt(fd, level, option, &value, &length) == 0 ? value : -1;
}

static bool is_connected(int fd)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &length) == 0;
}

const char *etd_socket_serves(int fd, enum etd_transport *transport)
{
    int family = get_int(fd, SOL_SOCKET, SO_DOMAIN);
    if (family == -1)
        return " is no socket; use ListenStream= or ListenDatagram= in the socket unit";
    if (family == AF_UNIX)
        return " is a Unix socket; write an address and port in the socket unit";
    if (family != AF_INET && family != AF_INET6)
        return " is neither an IPv4 nor an IPv6 socket; write an address and port in the socket "
               "unit";
    switch (get_int(fd, SOL_SOCKET, SO_PROTOCOL)) {
    case IPPROTO_TCP:
        *transport = ETD_TCP;
        if (get_int(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1)
            return NULL;
        return is_connected(fd) ? " is a single connection; write Accept=no in the socket unit"
                                : " does not listen; whoever passes it must call listen(2)";
    case IPPROTO_UDP:
        *transport = ETD_UDP;
        return is_connected(fd) ? " is connected to one peer; pass a socket that is only bound"
                                : NULL;
    default:
        return " is neither a TCP nor a UDP socket; use ListenStream= or ListenDatagram= in the "
               "socket unit";
    }
}

static bool prepare(int fd, int type, bool prepared, char error[ETD_SOCKET_ERROR])
{
    struct etd_socket_address bound = {.scope_id = 0};
    int flags = fcntl(fd, F_GETFL);
    if (prepared && flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
        return true;
    int failure = errno;
    (void)etd_socket_bound(fd, &bound);
    etd_socket_explain_failure(error, "prepare the socket for", &bound, type, failure);
    return false;
}

bool etd_socket_adopt_tcp(int fd, const struct etd_config_listener *listener,
                          char error[ETD_SOCKET_ERROR])
{
    return prepare(fd, SOCK_STREAM, etd_socket_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1), error) &&
           etd_socket_set_congestion_control(fd, listener->congestion_control, error);
}

/* Whether IPv4 comes in at an IPv6 socket. It cannot be switched off once the socket is bound. */
static bool takes_both(int fd)
{
    struct etd_socket_address bound;
    return get_int(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6 &&
           get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0 && etd_socket_bound(fd, &bound) &&
           (etd_address_is_any(&bound.address) || etd_address_is_ipv4(&bound.address));
}

/* Asking for more than net.core.rmem_max gives that much, which is less than what the service manager
 * may have set: it can go past it. So a socket that is thrown away is asked first. */
static uint64_t enlarge_receive_buffer(int fd, uint64_t asked)
{
    uint64_t present = etd_socket_receive_buffer(fd);
    if (present >= asked)
        return present;
    int trial = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint64_t obtainable = trial >= 0 ? etd_socket_set_receive_buffer(trial, asked) : 0;
    if (trial >= 0)
        close(trial);
    return obtainable > present ? etd_socket_set_receive_buffer(fd, asked) : present;
}

bool etd_socket_adopt_udp(int fd, const struct etd_config_listener *listener, uint64_t *granted,
                          char error[ETD_SOCKET_ERROR])
{
    if (takes_both(fd)) {
        struct etd_socket_address bound;
        char text[ETD_ADDRESS_TEXT] = "";
        if (etd_socket_bound(fd, &bound))
            etd_address_format(&bound.address, text);
        snprintf(
            error, ETD_SOCKET_ERROR,
            "the UDP socket %s takes IPv4 and IPv6 at once, and then it cannot be told what was "
            "sent to a broadcast address; write BindIPv6Only=ipv6-only in the socket unit, and "
            "a ListenDatagram=0.0.0.0:%u for IPv4",
            text, bound.address.port);
        return false;
    }
    bool ipv4 = get_int(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET;
    if (!prepare(fd, SOCK_DGRAM, etd_socket_tell_destination(fd, ipv4), error))
        return false;
    *granted = enlarge_receive_buffer(fd, listener->receive_buffer);
    return true;
}
