/* The far end: from the URL to addresses, and from an address to a connected socket. A name's IPv6
 * and IPv4 addresses are tried in turn, the resolver's order kept within each family. */
#ifndef ECHOTIMED_CLIENT_TARGET_H
#define ECHOTIMED_CLIENT_TARGET_H

#include "client/options.h"
#include "platform/socket.h"

enum {
    ETD_COMPLAINT = 1536, /* bytes of a sentence on what failed, its NUL included */
    ETD_PLACE_TEXT = 400, /* bytes of "HOST port PORT (tcp, at ADDRESS)" */
};

struct etd_target {
    const struct etd_settings *settings;
    struct etd_socket_address list[ETD_SOCKET_ADDRESSES];
    size_t count;
    size_t current; /* the address in use */
    bool bound;     /* --source was given: */
    struct etd_socket_address source;
};

/* What happened at one address after the other. All zeros is an empty one. */
struct etd_failures {
    size_t count;
    int last; /* errno */
    size_t used;
    char text[ETD_COMPLAINT / 2];
};

/* Notes that the current address failed for that errno. ETIMEDOUT: no answer in time; ETIME: the same
 * on a connection that was there. */
void etd_failures_add(struct etd_failures *failures, const struct etd_target *target, int failure);

/* Writes "DOING HOST port PORT (tcp): REASON at ADDRESS, ...; what to try". */
void etd_failures_tell(const struct etd_failures *failures, const struct etd_target *target,
                       const char *doing, char error[ETD_COMPLAINT]);

/* Resolves the host of the URL; -4, -6 and --source leave out what does not fit. `deadline` is in
 * microseconds of the monotonic clock: the resolver may take longer, but is not waited for. False
 * with a whole sentence in `error`. */
bool etd_target_find(struct etd_target *target, const struct etd_settings *settings,
                     uint64_t deadline, char error[ETD_COMPLAINT]);

/* Opens a socket for the current address and begins to connect it: non-blocking, close-on-exec, bound
 * to --source, TCP_NODELAY; of UDP it asks for the kernel's receive times. Gives the descriptor, which
 * is the caller's, or -1 with errno. Over TCP the connection is there when the descriptor is
 * writable, see etd_target_connected. */
int etd_target_open(const struct etd_target *target);

/* How a connect ended, once the descriptor was writable: 0 or the errno. */
int etd_target_connected(int fd);

/* Tries the addresses from the current one on, each with its share of the time until `deadline`, and
 * leaves `current` at the one that answered. (Of UDP connect(2) says no more than that there is a
 * route.) Gives the descriptor, or -1 with a whole sentence in `error`. */
int etd_target_connect(struct etd_target *target, uint64_t deadline, char error[ETD_COMPLAINT]);

/* When to give the current address up, so that those behind it have their share until `deadline`. */
uint64_t etd_target_share(const struct etd_target *target, uint64_t deadline);

/* Writes "localhost port 7 (udp, at ::1)". */
void etd_target_place(const struct etd_target *target, char text[ETD_PLACE_TEXT]);

/* What to try after such a failure of a call, as a clause behind a semicolon: "; ...", or "". */
const char *etd_advice(int failure);

/* Writes "DOING PLACE: what the errno means; what to try". `doing` is such as "cannot send to". */
void etd_target_explain(const struct etd_target *target, const char *doing, int failure,
                        char error[ETD_COMPLAINT]);

#endif
