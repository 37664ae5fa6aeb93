#include "daemon/udp_shared.h"

#include "daemon/udp_batch.h"
#include "daemon/udp_endpoint.h"
#include "platform/log.h"
#include "platform/random.h"
#include "platform/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_AGE_MS = 1000 };

bool etd_udp_shared_open(struct etd_udp_shared *shared, bool with_stamp_sessions)
{
    struct etd_siphash_key keys[2];
    *shared = (struct etd_udp_shared){.batch = etd_udp_batch_make()};
    shared->guard_memory = calloc(1, etd_udp_guard_size(ETD_UDP_GUARD_SETS));
    if (with_stamp_sessions)
        shared->stamp_sessions = calloc(1, sizeof *shared->stamp_sessions);
    if (shared->batch == NULL || shared->guard_memory == NULL ||
        (with_stamp_sessions && shared->stamp_sessions == NULL)) {
        etd_log(ETD_LOG_ERROR, "out of memory for UDP; give the host more", "error=\"%s\"",
                strerror(errno));
        return false;
    }
    if (!etd_random_fill(keys, sizeof keys)) {
        etd_log(ETD_LOG_ERROR, "the kernel gives no random numbers, which limits for sources need",
                "error=\"%s\"", strerror(errno));
        return false;
    }
    etd_udp_guard_init(&shared->guard, shared->guard_memory, ETD_UDP_GUARD_SETS, &keys[0]);
    if (with_stamp_sessions)
        etd_stamp_sessions_init(shared->stamp_sessions, &keys[1]);
    return true;
}

bool etd_udp_shared_note_sockets(struct etd_udp_shared *shared,
                                 const struct etd_udp_endpoint *endpoints, size_t count)
{
    size_t sockets = 0, noted = 0;
    for (size_t i = 0; i < count; i++)
        sockets += endpoints[i].sockets.count;
    struct etd_address *bound = calloc(sockets + 1, sizeof *bound);
    if (bound == NULL) {
        etd_log(ETD_LOG_ERROR, "out of memory for UDP; give the host more", "sockets=%zu", sockets);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < endpoints[i].sockets.count; j++) {
            struct etd_socket_address address;
            if (etd_socket_bound(endpoints[i].sockets.watchers[j].fd, &address))
                bound[noted++] = address.address;
        }
    }
    free(shared->bound);
    shared->bound = bound;
    etd_own_sockets_init(&shared->own, bound, noted);
    return true;
}

void etd_udp_shared_refresh_host(struct etd_udp_shared *shared, uint64_t now)
{
    if (shared->host_read_at != 0 && now - shared->host_read_at < HOST_AGE_MS)
        return;
    struct etd_address *host;
    size_t count;
    shared->host_read_at = now;
    if (!etd_socket_host_addresses(&host, &count))
        return; /* those of the last time go on */
    free(shared->host);
    shared->host = host;
    shared->own.host = host;
    shared->own.host_count = count;
}

void etd_udp_shared_close(struct etd_udp_shared *shared)
{
    etd_udp_batch_free(shared->batch);
    free(shared->guard_memory);
    free(shared->stamp_sessions);
    free(shared->bound);
    free(shared->host);
    *shared = (struct etd_udp_shared){0};
}
