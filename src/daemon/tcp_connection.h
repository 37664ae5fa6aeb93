/* A TCP connection: moves bytes between a socket and its session. */
#ifndef ECHOTIMED_DAEMON_TCP_CONNECTION_H
#define ECHOTIMED_DAEMON_TCP_CONNECTION_H

#include "daemon/connections.h"
#include "echotimed/address.h"

struct etd_server;
struct etd_tcp_listener;

/* Takes over an accepted, non-blocking socket and serves it at once. Fewer than max_connections are
 * open. `counted` is what etd_admission_of_peer said. */
void etd_tcp_connection_begin(struct etd_tcp_listener *listener, int fd,
                              const struct etd_address *peer, bool counted);

/* Looks at the deadline of a connection that came up in the wheel. */
void etd_tcp_connection_expire(struct etd_server *server, struct etd_connection *connection);

/* While the server drains: ends the connection in order when all that the kernel received for it is
 * answered. */
void etd_tcp_connection_drain(struct etd_server *server, struct etd_connection *connection);

/* Resets the connection now. */
void etd_tcp_connection_abort(struct etd_server *server, struct etd_connection *connection);

/* What a failed recv, send or splice says of its connection. */
enum etd_close_reason etd_tcp_close_reason(int error);

#endif
