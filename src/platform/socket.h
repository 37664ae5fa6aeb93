/* Sockets: endpoints of the configuration become addresses, and addresses become listening TCP
 * sockets and bound UDP sockets.
 *
 * What can fail writes into `error` a sentence that says what failed and, for the usual causes, what
 * to do. It names the address, and no section: that the caller knows. */
#ifndef ECHOTIMED_PLATFORM_SOCKET_H
#define ECHOTIMED_PLATFORM_SOCKET_H

#include "echotimed/address.h"
#include "echotimed/config.h"
#include "echotimed/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    ETD_SOCKET_ERROR = 640,    /* bytes of an error sentence, its NUL included: it may hold a host
                                  name (255), a congestion control (15) and the advice */
    ETD_SOCKET_ADDRESSES = 32, /* that one endpoint may stand for; a name with more is an error */
};

/* An address, with what only the kernel needs to know of it. */
struct etd_socket_address {
    struct etd_address address;
    uint32_t scope_id; /* the interface of a link-local IPv6 address, otherwise 0 */
};

struct etd_socket_addresses {
    struct etd_socket_address list[ETD_SOCKET_ADDRESSES];
    size_t count;    /* at least 1 */
    size_t left_out; /* IPv6 addresses that were passed over because the host has no IPv6 */
};

/* Finds what an endpoint stands for:
 *   IP       the address itself
 *   ANY      0.0.0.0 and ::; without IPv6 on the host the first alone, and left_out is 1
 *   HOST     every address that the resolver knows, none twice; IPv6 ones are passed over on a host
 *            without IPv6 that has an IPv4 one. Asking the resolver may take seconds.
 *   SYSTEMD  an error: such a socket is open already, see platform/passed.h
 * False with `error` filled in when that gives no address. */
bool etd_socket_resolve(const struct etd_endpoint *endpoint, struct etd_socket_addresses *addresses,
                        char error[ETD_SOCKET_ERROR]);

/* Opens a listening TCP socket: non-blocking, close-on-exec, one family only, TCP_NODELAY and the
 * congestion control set so that accepted connections inherit them. Of `listener` it reads backlog,
 * congestion_control and reuse_port. Gives the descriptor, or -1 with `error` filled in. */
int etd_socket_open_tcp(const struct etd_socket_address *address,
                        const struct etd_config_listener *listener, char error[ETD_SOCKET_ERROR]);

/* Opens a bound UDP socket: non-blocking, close-on-exec, one family only, with control messages for
 * the destination address (IP_PKTINFO, IPV6_PKTINFO). Of `listener` it reads receive_buffer and
 * reuse_port. *granted is the receive buffer in bytes that the kernel granted, in the same measure
 * as receive_buffer. Gives the descriptor, or -1 with `error` filled in. */
int etd_socket_open_udp(const struct etd_socket_address *address,
                        const struct etd_config_listener *listener, uint64_t *granted,
                        char error[ETD_SOCKET_ERROR]);

/* For a socket that stays while its listener's settings change: the backlog and the congestion control
 * that it has from now on, with the host's default where the configuration names none. False with
 * `error` filled in; what could be changed is changed all the same. */
bool etd_socket_adjust_tcp(int fd, const struct etd_config_listener *listener,
                           char error[ETD_SOCKET_ERROR]);

/* Likewise the receive buffer; gives what was granted. */
uint64_t etd_socket_adjust_udp(int fd, const struct etd_config_listener *listener);

/* Whether the kernel lets us use the congestion control of that name; empty: of course. */
bool etd_socket_can_congest(const char *name, char error[ETD_SOCKET_ERROR]);

/* Whether a socket that somebody else opened can be served, and how: null when it listens for TCP or is
 * bound for UDP, over IPv4 or IPv6. Otherwise why not, " is a Unix socket; ...": the rest of a
 * sentence that begins with its name. */
const char *etd_socket_serves(int fd, enum etd_transport *transport);

/* Prepares such a socket, as etd_socket_open_tcp prepares its own. Its queue of connections and the
 * sharing of its port are as whoever opened it wants them: of `listener` only congestion_control is
 * read. False with `error` filled in. */
bool etd_socket_adopt_tcp(int fd, const struct etd_config_listener *listener,
                          char error[ETD_SOCKET_ERROR]);

/* Likewise, as etd_socket_open_udp. Its receive buffer can become larger than it was, not smaller. An
 * IPv6 socket that takes IPv4, too, is an error: the kernel does not tell then of a datagram over
 * IPv4 whether it was sent to a broadcast address. */
bool etd_socket_adopt_udp(int fd, const struct etd_config_listener *listener, uint64_t *granted,
                          char error[ETD_SOCKET_ERROR]);

/* The address that a socket is bound to, with the port that the kernel chose for port 0. False when
 * `fd` is no IPv4 or IPv6 socket. */
bool etd_socket_bound(int fd, struct etd_socket_address *address);

/* The address that a connected socket's other end has; false as above, or when it is not connected. */
bool etd_socket_peer(int fd, struct etd_socket_address *address);

/* For bind(2), sendto(2) and the like. An IPv4-mapped address becomes AF_INET. Gives the length. */
socklen_t etd_socket_to_sockaddr(const struct etd_socket_address *address,
                                 struct sockaddr_storage *storage);

/* From what the kernel filled in. False when it is neither IPv4 nor IPv6, or too short. */
bool etd_socket_from_sockaddr(const void *sockaddr, socklen_t length,
                              struct etd_socket_address *address);

/* The addresses of all the host's interfaces; ports are 0. *addresses is to be freed by free(3). False
 * when the kernel does not tell them, or there is no memory. */
bool etd_socket_host_addresses(struct etd_address **addresses, size_t *count);

/* Whether an address stands for one host, as far as is known here: it is no wildcard, broadcast or
 * multicast address. */
bool etd_socket_is_one_host(const struct etd_address *address);

/* Raises the limit of open descriptors (RLIMIT_NOFILE) to its hard limit. Gives the limit that is in
 * force afterwards, UINT64_MAX for none. */
uint64_t etd_socket_raise_descriptor_limit(void);

#endif
