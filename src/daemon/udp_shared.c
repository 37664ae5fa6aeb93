#include "daemon/udp_shared.h"

#include "daemon/secret.h"
#include "daemon/udp_batch.h"
#include "daemon/udp_endpoint.h"
#include "platform/log.h"
#include "platform/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_AGE_MS = 1000 };

static void log_no_memory(void)
{
    etd_log(ETD_LOG_ERROR, "out of memory for UDP; give the host more", "error=\"%s\"",
            strerror(ENOMEM));
}

bool etd_udp_shared_open(struct etd_udp_shared *shared)
{
    struct etd_siphash_key key;
    *shared = (struct etd_udp_shared){.batch = etd_udp_batch_make()};
    shared->guard_memory = calloc(1, etd_udp_guard_size(ETD_UDP_GUARD_SETS));
    if (shared->batch == NULL || shared->guard_memory == NULL) {
        log_no_memory();
        return false;
    }
    if (!etd_secret_draw(&key))
        return false;
    etd_udp_guard_init(&shared->guard, shared->guard_memory, ETD_UDP_GUARD_SETS, &key);
    return true;
}

bool etd_udp_shared_open_sessions(struct etd_udp_shared *shared)
{
    struct etd_siphash_key key;
    if (shared->stamp_sessions != NULL)
        return true;
    if (!etd_secret_draw(&key))
        return false;
    shared->stamp_sessions = calloc(1, sizeof *shared->stamp_sessions);
    if (shared->stamp_sessions == NULL) {
        log_no_memory();
        return false;
    }
    etd_stamp_sessions_init(shared->stamp_sessions, &key);
    return true;
}

/* Adds those of one endpoint. */
static void find_bound(struct etd_udp_bound *bound, const struct etd_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct etd_opening *opening = sockets->list[i];
        for (size_t j = 0; j < opening->count; j++) {
            struct etd_socket_address address;
            if (etd_socket_bound(opening->watchers[j].fd, &address))
                bound->list[bound->count++] = address.address;
        }
    }
}

bool etd_udp_bound_find(struct etd_udp_bound *bound, struct etd_udp_endpoint *const *endpoints,
                        size_t count)
{
    size_t sockets = 0;
    for (size_t i = 0; i < count; i++)
        sockets += etd_sockets_count(&endpoints[i]->sockets);
    *bound = (struct etd_udp_bound){.list = calloc(sockets + 1, sizeof *bound->list)};
    if (bound->list == NULL) {
        log_no_memory();
        return false;
    }
    for (size_t i = 0; i < count; i++)
        find_bound(bound, &endpoints[i]->sockets);
    return true;
}

void etd_udp_shared_set_bound(struct etd_udp_shared *shared, struct etd_udp_bound *bound)
{
    size_t host_count = shared->own.host_count;
    free(shared->bound.list);
    shared->bound = *bound;
    *bound = (struct etd_udp_bound){.count = 0};
    etd_own_sockets_init(&shared->own, shared->bound.list, shared->bound.count);
    shared->own.host = shared->host;
    shared->own.host_count = host_count;
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
    free(shared->bound.list);
    free(shared->host);
    *shared = (struct etd_udp_shared){0};
}
