#include "platform/socket.h"
#include "platform/socket_parts.h"

#include "platform/privileges.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static void explain(char error[ETD_SOCKET_ERROR],
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, ETD_SOCKET_ERROR, format, arguments);
    va_end(arguments);
}

socklen_t etd_socket_to_sockaddr(const struct etd_socket_address *address,
                                 struct sockaddr_storage *storage)
{
    memset(storage, 0, sizeof *storage);
    if (etd_address_is_ipv4(&address->address)) {
        struct sockaddr_in *in = (struct sockaddr_in *)storage;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->address.port);
        memcpy(&in->sin_addr, address->address.ip + 12, sizeof in->sin_addr);
        return sizeof *in;
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(address->address.port);
    in6->sin6_scope_id = address->scope_id;
    memcpy(&in6->sin6_addr, address->address.ip, sizeof in6->sin6_addr);
    return sizeof *in6;
}

bool etd_socket_from_sockaddr(const void *sockaddr, socklen_t length,
                              struct etd_socket_address *address)
{
    const struct sockaddr *any = sockaddr;
    if (length >= (socklen_t)sizeof(struct sockaddr_in) && any->sa_family == AF_INET) {
        const struct sockaddr_in *in = sockaddr;
        uint8_t ip[4];
        memcpy(ip, &in->sin_addr, sizeof ip);
        etd_address_set_ipv4(&address->address, ip);
        address->address.port = ntohs(in->sin_port);
        address->scope_id = 0;
        return true;
    }
    if (length >= (socklen_t)sizeof(struct sockaddr_in6) && any->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = sockaddr;
        memcpy(address->address.ip, &in6->sin6_addr, sizeof address->address.ip);
        address->address.port = ntohs(in6->sin6_port);
        address->scope_id = in6->sin6_scope_id;
        return true;
    }
    return false;
}

bool etd_socket_bound(int fd, struct etd_socket_address *address)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    return getsockname(fd, (struct sockaddr *)&storage, &length) == 0 &&
           etd_socket_from_sockaddr(&storage, length, address);
}

bool etd_socket_peer(int fd, struct etd_socket_address *address)
{
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    return getpeername(fd, (struct sockaddr *)&storage, &length) == 0 &&
           etd_socket_from_sockaddr(&storage, length, address);
}

/* fe80::/10 (RFC 4291 section 2.5.6). */
static bool is_link_local(const struct etd_address *address)
{
    return address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

void etd_socket_explain_failure(char error[ETD_SOCKET_ERROR], const char *doing,
                                const struct etd_socket_address *address, int type, int failure)
{
    char text[ETD_ADDRESS_TEXT];
    char advice[160] = "";
    unsigned port = address->address.port;
    etd_address_format(&address->address, text);
    switch (failure) {
    case EADDRINUSE:
        snprintf(advice, sizeof advice, "; \"ss -%snp 'sport = :%u'\" shows what uses the port",
                 type == SOCK_STREAM ? "lt" : "lu", port);
        break;
    case EACCES:
    case EPERM:
        if (port < IPPORT_RESERVED)
            snprintf(advice, sizeof advice,
                     "; a port below 1024 takes the capability CAP_NET_BIND_SERVICE%s",
                     etd_privileges_dropped()
                         ? ", which was given up with root for [daemon] user: restart to bind it"
                         : "");
        break;
    case EADDRNOTAVAIL:
        snprintf(advice, sizeof advice,
                 "; it is no address of this host, \"ip address\" shows those it has");
        break;
    case EINVAL:
        if (is_link_local(&address->address) && address->scope_id == 0)
            snprintf(advice, sizeof advice,
                     "; a link-local address is given with its interface, as in [fe80::1%%eth0]");
        break;
    case EAFNOSUPPORT:
        snprintf(advice, sizeof advice, "; this host has no such address family");
        break;
    case EMFILE:
        snprintf(advice, sizeof advice, "; raise the limit of open files (LimitNOFILE, ulimit -n)");
        break;
    }
    explain(error, "cannot %s %s %s: %s%s", doing, type == SOCK_STREAM ? "TCP" : "UDP", text,
            strerror(failure), advice);
}

bool etd_socket_set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* A socket of the address's family alone: one for :: must not take 0.0.0.0 as well, which has a
 * socket of its own. */
static int open_socket(const struct etd_socket_address *address, int type, bool reuse_port,
                       char error[ETD_SOCKET_ERROR])
{
    bool ipv4 = etd_address_is_ipv4(&address->address);
    int fd = socket(ipv4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        etd_socket_explain_failure(error, "open a socket for", address, type, errno);
        return -1;
    }
    if ((!ipv4 && !etd_socket_set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) ||
        (reuse_port && !etd_socket_set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1))) {
        etd_socket_explain_failure(error, "prepare the socket for", address, type, errno);
        close(fd);
        return -1;
    }
    return fd;
}

static bool bind_socket(int fd, const struct etd_socket_address *address, int type,
                        char error[ETD_SOCKET_ERROR])
{
    struct sockaddr_storage storage;
    socklen_t length = etd_socket_to_sockaddr(address, &storage);
    if (bind(fd, (struct sockaddr *)&storage, length) == 0)
        return true;
    etd_socket_explain_failure(error, "bind to", address, type, errno);
    return false;
}

bool etd_socket_set_congestion_control(int fd, const char *name, char error[ETD_SOCKET_ERROR])
{
    if (name[0] == '\0' ||
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0)
        return true;
    if (errno == ENOENT)
        explain(error,
                "cannot set the congestion control \"%s\": the kernel does not know it; \"sysctl "
                "net.ipv4.tcp_available_congestion_control\" shows those it knows, and \"modprobe "
                "tcp_%s\" may load it",
                name, name);
    else if (errno == EPERM)
        explain(error,
                "cannot set the congestion control \"%s\": the kernel does not let everybody use "
                "it; add it to net.ipv4.tcp_allowed_congestion_control",
                name);
    else
        explain(error, "cannot set the congestion control \"%s\": %s", name, strerror(errno));
    return false;
}

static int backlog_of(const struct etd_config_listener *listener)
{
    return listener->backlog > INT_MAX ? INT_MAX : (int)listener->backlog;
}

int etd_socket_open_tcp(const struct etd_socket_address *address,
                        const struct etd_config_listener *listener, char error[ETD_SOCKET_ERROR])
{
    int fd = open_socket(address, SOCK_STREAM, listener->reuse_port, error);
    if (fd < 0)
        return -1;
    /* SO_REUSEADDR: a restart must not wait for old connections in TIME_WAIT. */
    if (!etd_socket_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) ||
        !etd_socket_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1)) {
        etd_socket_explain_failure(error, "prepare the socket for", address, SOCK_STREAM, errno);
        goto fail;
    }
    if (!etd_socket_set_congestion_control(fd, listener->congestion_control, error) ||
        !bind_socket(fd, address, SOCK_STREAM, error))
        goto fail;
    /* Two sockets may be bound to one port under SO_REUSEADDR; the second finds out here. */
    if (listen(fd, backlog_of(listener)) != 0) {
        etd_socket_explain_failure(error, "listen on", address, SOCK_STREAM, errno);
        goto fail;
    }
    return fd;

fail:
    close(fd);
    return -1;
}

uint64_t etd_socket_receive_buffer(int fd)
{
    int doubled = 0;
    socklen_t length = sizeof doubled;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &doubled, &length) != 0)
        return 0;
    return (uint64_t)doubled / 2;
}

/* SO_RCVBUFFORCE goes past net.core.rmem_max, given CAP_NET_ADMIN. */
uint64_t etd_socket_set_receive_buffer(int fd, uint64_t asked)
{
    /* The kernel keeps twice what is asked, for its own bookkeeping, and tells the doubled value. */
    int size = asked > INT_MAX / 2 ? INT_MAX / 2 : (int)asked;
    if (!etd_socket_set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, size))
        (void)etd_socket_set_int(fd, SOL_SOCKET, SO_RCVBUF, size);
    return etd_socket_receive_buffer(fd);
}

bool etd_socket_tell_destination(int fd, bool ipv4)
{
    return ipv4 ? etd_socket_set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)
                : etd_socket_set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

int etd_socket_open_udp(const struct etd_socket_address *address,
                        const struct etd_config_listener *listener, uint64_t *granted,
                        char error[ETD_SOCKET_ERROR])
{
    bool ipv4 = etd_address_is_ipv4(&address->address);
    /* No SO_REUSEADDR: over UDP it would let two programs share a port without a word. */
    int fd = open_socket(address, SOCK_DGRAM, listener->reuse_port, error);
    if (fd < 0)
        return -1;
    /* A socket at one host's address gets nothing else, and answers from there by itself. */
    bool informed =
        etd_socket_is_one_host(&address->address) || etd_socket_tell_destination(fd, ipv4);
    if (!informed) {
        etd_socket_explain_failure(error, "prepare the socket for", address, SOCK_DGRAM, errno);
        goto fail;
    }
    *granted = etd_socket_set_receive_buffer(fd, listener->receive_buffer);
    if (!bind_socket(fd, address, SOCK_DGRAM, error))
        goto fail;
    return fd;

fail:
    close(fd);
    return -1;
}

/* Sets a congestion control, or none, at a socket of no use; gives which one that socket has then,
 * which without a name is the host's default. */
static bool try_congestion_control(const char *name, char actual[ETD_CONGESTION_MAX + 1],
                                   char error[ETD_SOCKET_ERROR])
{
    socklen_t length = ETD_CONGESTION_MAX;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memset(actual, 0, ETD_CONGESTION_MAX + 1);
    if (fd < 0) {
        explain(error, "cannot open a socket to try the congestion control: %s", strerror(errno));
        return false;
    }
    bool known = etd_socket_set_congestion_control(fd, name, error);
    if (known && getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, actual, &length) != 0) {
        explain(error, "cannot ask for the congestion control: %s", strerror(errno));
        known = false;
    }
    close(fd);
    return known;
}

bool etd_socket_can_congest(const char *name, char error[ETD_SOCKET_ERROR])
{
    char actual[ETD_CONGESTION_MAX + 1];
    return name[0] == '\0' || try_congestion_control(name, actual, error);
}

bool etd_socket_adjust_tcp(int fd, const struct etd_config_listener *listener,
                           char error[ETD_SOCKET_ERROR])
{
    char name[ETD_CONGESTION_MAX + 1];
    if (listen(fd, backlog_of(listener)) != 0) {
        explain(error, "cannot change the backlog: %s", strerror(errno));
        return false;
    }
    return try_congestion_control(listener->congestion_control, name, error) &&
           etd_socket_set_congestion_control(fd, name, error);
}

uint64_t etd_socket_adjust_udp(int fd, const struct etd_config_listener *listener)
{
    return etd_socket_set_receive_buffer(fd, listener->receive_buffer);
}

uint64_t etd_socket_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}
