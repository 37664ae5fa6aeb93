/* What opening a socket and taking over an open one have in common. For src/platform/socket*.c. */
#ifndef ECHOTIMED_PLATFORM_SOCKET_PARTS_H
#define ECHOTIMED_PLATFORM_SOCKET_PARTS_H

#include "platform/socket.h"

/* False: errno says why. */
bool etd_socket_set_int(int fd, int level, int option, int value);

/* Asks for the destination address of each datagram (IP_PKTINFO). False: errno says why. */
bool etd_socket_tell_destination(int fd, bool ipv4);

/* The TCP congestion control of that name; empty leaves the host's default. */
bool etd_socket_set_congestion_control(int fd, const char *name, char error[ETD_SOCKET_ERROR]);

/* Asks for a receive buffer of so many bytes, and gives what was granted. */
uint64_t etd_socket_set_receive_buffer(int fd, uint64_t asked);

/* What the receive buffer is now, in the same measure. */
uint64_t etd_socket_receive_buffer(int fd);

/* Says that `doing` failed for an address, why, and for the usual causes what to do. `type` is
 * SOCK_STREAM or SOCK_DGRAM, `failure` an errno(3). */
void etd_socket_explain_failure(char error[ETD_SOCKET_ERROR], const char *doing,
                                const struct etd_socket_address *address, int type, int failure);

#endif
