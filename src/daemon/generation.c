#include "daemon/generation.h"

#include "daemon/metrics.h"
#include "daemon/secret.h"
#include "daemon/server.h"
#include "echotimed/endpoint.h"
#include "platform/log.h"
#include "platform/passed.h"
#include "platform/socket.h"

#include <inttypes.h>
#include <stdlib.h>

/* For the loop, the log, libraries, what a reload opens, and connections to be rejected. */
enum { SPARE_DESCRIPTORS = 32 };

/* What was settled at the start stays: who has given up root cannot become another user. */
static bool keeps_fixed_keys(const struct etd_config *from, const struct etd_config *to)
{
    bool keeps = true;
    for (size_t i = 0; from != NULL && i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        if (key->section != ETD_SECTION_DAEMON || !key->fixed ||
            etd_config_same(key, &from->daemon, &to->daemon))
            continue;
        etd_log(ETD_LOG_ERROR, "a reload cannot change this key: leave it as it was, or restart",
                "section=\"[daemon]\" key=%s", key->name);
        keeps = false;
    }
    return keeps;
}

/* As many connections as asked for, as far as the descriptor limit allows. */
static uint32_t connection_limit(const struct etd_generation *generation)
{
    uint32_t asked = generation->config->daemon.max_connections;
    uint64_t descriptors = etd_socket_raise_descriptor_limit();
    uint64_t others = SPARE_DESCRIPTORS + 2 * ETD_RELAY_PIPES +
                      etd_listeners_sockets(&generation->listeners) +
                      etd_metrics_descriptors(generation->metrics);
    uint64_t possible = descriptors > others ? descriptors - others : 1;
    if (asked <= possible)
        return asked;
    etd_log(ETD_LOG_WARNING,
            "the descriptor limit allows fewer connections than max_connections; raise it "
            "(LimitNOFILE=, ulimit -Hn), or lower max_connections",
            "asked=%" PRIu32 " possible=%" PRIu64 " descriptors=%" PRIu64, asked, possible,
            descriptors);
    return (uint32_t)possible;
}

static void log_no_memory(const struct etd_generation *generation)
{
    etd_log(ETD_LOG_ERROR, "out of memory; lower max_connections, or give the host more",
            "max_connections=%" PRIu32, generation->max_connections);
}

/* Makes a table of sources, if any listener limits their connections and there is none that is large
 * enough. */
static bool open_sources(struct etd_generation *generation, const struct etd_server *server)
{
    const struct etd_config *config = generation->config;
    size_t count = etd_sources_slots(generation->max_connections);
    bool limited = false;
    for (size_t i = 0; i < config->listener_count; i++)
        limited |= config->listeners[i].max_connections_per_source != 0;
    if (!limited || (server->sources.slots != NULL && count <= server->sources.mask + 1))
        return true;
    struct etd_siphash_key key;
    if (!etd_secret_draw(&key))
        return false;
    struct etd_source_slot *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        log_no_memory(generation);
        return false;
    }
    etd_sources_init(&generation->sources, slots, count, &key);
    return true;
}

/* Those of the server only grow, so nothing needs to be taken back. */
static bool open_sessions(const struct etd_generation *generation, struct etd_server *server)
{
    bool stateful = false;
    for (size_t i = 0; i < generation->listeners.udp_count; i++)
        stateful |= generation->listeners.udp[i]->stateful;
    return !stateful || etd_udp_shared_open_sessions(&server->udp_shared);
}

/* Those that are served stay where the address does: a scraper feels nothing. */
static bool open_metrics(struct etd_generation *generation, struct etd_server *server)
{
    const struct etd_endpoint *wanted = generation->config->daemon.metrics_listen;
    if (wanted == NULL)
        return true;
    if (etd_metrics_serves(server->metrics) &&
        etd_endpoint_same(wanted, server->config->daemon.metrics_listen)) {
        generation->metrics = server->metrics;
        return true;
    }
    generation->metrics = etd_metrics_make(server, wanted);
    if (generation->metrics == NULL)
        etd_listeners_explain_overlap(server, ETD_TCP, wanted);
    return generation->metrics != NULL;
}

bool etd_generation_open(struct etd_generation *generation, struct etd_server *server,
                         const struct etd_config *config)
{
    *generation = (struct etd_generation){.config = config};
    if (!keeps_fixed_keys(server->config, config) ||
        !etd_listeners_open(&generation->listeners, server, config))
        return false;
    if (!open_metrics(generation, server))
        goto fail;
    /* Behind the listeners, whose descriptors count. */
    generation->max_connections = connection_limit(generation);
    if (!etd_connections_make_room(&server->connections, generation->max_connections)) {
        log_no_memory(generation);
        goto fail;
    }
    if (open_sessions(generation, server) && open_sources(generation, server) &&
        etd_udp_bound_find(&generation->bound, generation->listeners.udp,
                           generation->listeners.udp_count))
        return true;
fail:
    free(generation->sources.slots);
    if (generation->metrics != server->metrics)
        etd_metrics_free(generation->metrics);
    etd_listeners_free(&generation->listeners);
    return false;
}

void etd_generation_begin(struct etd_generation *generation, struct etd_server *server)
{
    const struct etd_config *config = generation->config;
    server->config = config;
    server->max_connections = generation->max_connections;
    server->pool.limit = config->daemon.buffer_memory;
    if (generation->sources.slots != NULL) {
        if (server->sources.slots != NULL)
            etd_sources_copy(&generation->sources, &server->sources);
        free(server->sources.slots);
        server->sources = generation->sources;
    }
    etd_listeners_begin(&generation->listeners, server, config);
    etd_udp_shared_set_bound(&server->udp_shared, &generation->bound);
    if (server->metrics != generation->metrics) {
        etd_metrics_free(server->metrics);
        etd_metrics_announce(generation->metrics);
        server->metrics = generation->metrics;
    }
    etd_passed_warn_of_unused(config);
}
