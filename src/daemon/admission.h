/* Who is served: the limits and lists of a TCP listener.
 *
 * Where a PROXY header is awaited, the peer itself only has to be within max_connections; the lists
 * and the limit for one source are for the source that the header names. */
#ifndef ECHOTIMED_DAEMON_ADMISSION_H
#define ECHOTIMED_DAEMON_ADMISSION_H

#include "echotimed/counters.h"
#include "echotimed/session.h"

#include <stdbool.h>

struct etd_tcp_listener;

/* Whether there is room for a connection that was just accepted, and whether its peer is served, if
 * that is its source; or why not. `*counted` as below. */
enum etd_reject_reason etd_admission_of_peer(const struct etd_tcp_listener *listener,
                                             const struct etd_address *peer, bool *counted);

/* Whether a source is served, or why not. If it is, and its listener limits the connections of one
 * source, it is counted, and its session notes that. */
enum etd_reject_reason etd_admission_of_source(const struct etd_tcp_listener *listener,
                                               const struct etd_address *source, bool *counted);

/* Gives back what was counted for a session that ends. */
void etd_admission_end(const struct etd_tcp_listener *listener, const struct etd_session *session);

/* Counts and logs a connection that is not served. */
void etd_admission_refuse(struct etd_tcp_listener *listener, const struct etd_address *source,
                          enum etd_reject_reason reason);

#endif
