#include "daemon/listeners.h"

#include "daemon/metrics.h"
#include "daemon/server.h"
#include "echotimed/endpoint.h"
#include "platform/log.h"

#include <stdlib.h>
#include <string.h>

/* The endpoints of the server and those of a configuration, and for each of the latter the sockets
 * that it keeps, or null. */
struct plan {
    struct etd_endpoint_use *open;
    struct etd_opening **openings; /* of each that is open */
    size_t open_count;
    struct etd_endpoint_use *wanted;
    struct etd_opening **kept;
    size_t wanted_count;
};

static void plan_free(struct plan *plan)
{
    free(plan->open);
    free(plan->openings);
    free(plan->wanted);
    free(plan->kept);
}

static size_t count_endpoints(const struct etd_config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < config->listener_count; i++)
        count += config->listeners[i].listen_count;
    return count;
}

/* The name in a title, "tcp NAME": both transports have words of one length. */
static const char *name_in(const char *title)
{
    enum { WORD = sizeof "tcp" - 1 };
    return title[WORD] == '\0' ? "" : title + WORD + 1;
}

static void add_open(struct plan *plan, enum etd_transport transport,
                     const struct etd_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct etd_opening *opening = sockets->list[i];
        plan->openings[plan->open_count] = opening;
        plan->open[plan->open_count++] =
            (struct etd_endpoint_use){.endpoint = &opening->endpoint,
                                      .transport = transport,
                                      .section = name_in(opening->title)};
    }
}

static void add_wanted(struct plan *plan, const struct etd_config_listener *config)
{
    for (size_t i = 0; i < config->listen_count; i++)
        plan->wanted[plan->wanted_count++] =
            (struct etd_endpoint_use){.endpoint = &config->listen[i],
                                      .transport = config->transport,
                                      .section = config->name};
}

/* False: out of memory. Free it all the same. */
static bool make_plan(struct plan *plan, const struct etd_listeners *old,
                      const struct etd_config *config)
{
    size_t open = 1, wanted = count_endpoints(config);
    for (size_t i = 0; i < old->tcp_count; i++)
        open += old->tcp[i]->sockets.count;
    for (size_t i = 0; i < old->udp_count; i++)
        open += old->udp[i]->sockets.count;
    *plan = (struct plan){.open = calloc(open, sizeof *plan->open),
                          .openings = calloc(open, sizeof(struct etd_opening *)),
                          .wanted = calloc(wanted, sizeof *plan->wanted),
                          .kept = calloc(wanted, sizeof(struct etd_opening *))};
    if (plan->open == NULL || plan->openings == NULL || plan->wanted == NULL || plan->kept == NULL)
        return false;
    for (size_t i = 0; i < old->tcp_count; i++)
        add_open(plan, ETD_TCP, &old->tcp[i]->sockets);
    for (size_t i = 0; i < old->udp_count; i++)
        add_open(plan, ETD_UDP, &old->udp[i]->sockets);
    for (size_t i = 0; i < config->listener_count; i++)
        add_wanted(plan, &config->listeners[i]);
    etd_endpoints_match(plan->open, plan->open_count, plan->wanted, plan->wanted_count);
    for (size_t i = 0; i < plan->wanted_count; i++) {
        if (plan->wanted[i].partner != ETD_ENDPOINT_ALONE)
            plan->kept[i] = plan->openings[plan->wanted[i].partner];
    }
    return true;
}

static void log_overlap(const char *title, const struct etd_endpoint *served)
{
    char text[ETD_ENDPOINT_TEXT];
    etd_endpoint_format(served, text);
    etd_log(ETD_LOG_ERROR,
            "a new address overlaps with one that is served, and is opened before that is closed: "
            "reload without the old address first, or restart",
            "section=\"[%s]\" served=%s", title, text);
}

static bool explain_by(const struct etd_sockets *sockets, const struct etd_endpoint *wanted)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (!etd_endpoint_collides(&sockets->list[i]->endpoint, wanted))
            continue;
        log_overlap(sockets->list[i]->title, &sockets->list[i]->endpoint);
        return true;
    }
    return false;
}

bool etd_listeners_explain_overlap(const struct etd_server *server, enum etd_transport transport,
                                   const struct etd_endpoint *wanted)
{
    const struct etd_listeners *old = &server->listeners;
    bool explained = false;
    switch (transport) {
    case ETD_TCP:
        if (etd_metrics_serves(server->metrics) &&
            etd_endpoint_collides(server->config->daemon.metrics_listen, wanted)) {
            log_overlap("daemon", server->config->daemon.metrics_listen);
            explained = true;
        }
        for (size_t i = 0; i < old->tcp_count && !explained; i++)
            explained = explain_by(&old->tcp[i]->sockets, wanted);
        break;
    case ETD_UDP:
        for (size_t i = 0; i < old->udp_count && !explained; i++)
            explained = explain_by(&old->udp[i]->sockets, wanted);
        break;
    case ETD_TRANSPORT_COUNT:
        break;
    }
    return explained;
}

/* Of a listener that could not be opened, with so many endpoints of the plan from `first` on. */
static void explain_failure(const struct plan *plan, size_t first, size_t count,
                            const struct etd_server *server)
{
    for (size_t i = first; i < first + count; i++) {
        const struct etd_endpoint_use *use = &plan->wanted[i];
        if (plan->kept[i] == NULL &&
            etd_listeners_explain_overlap(server, use->transport, use->endpoint))
            return;
    }
}

static struct etd_udp_endpoint *find_udp(const struct etd_listeners *listeners, const char *title)
{
    for (size_t i = 0; i < listeners->udp_count; i++) {
        if (strcmp(listeners->udp[i]->title, title) == 0)
            return listeners->udp[i];
    }
    return NULL;
}

static bool has_number(const struct etd_listeners *listeners, uint16_t number)
{
    for (size_t i = 0; i < listeners->udp_count; i++) {
        if (listeners->udp[i]->limits.endpoint == number)
            return true;
    }
    return false;
}

/* The guard and reflectors know an endpoint by its number: a section that stays keeps it. */
static uint16_t udp_number(struct etd_server *server, const struct etd_listeners *made,
                           const struct etd_config_listener *config)
{
    char title[ETD_SECTION_TITLE];
    etd_section_title(config, title);
    const struct etd_udp_endpoint *old = find_udp(&server->listeners, title);
    if (old != NULL)
        return old->limits.endpoint;
    do
        server->udp_number++;
    while (has_number(&server->listeners, server->udp_number) ||
           has_number(made, server->udp_number));
    return server->udp_number;
}

static bool open_one(struct etd_listeners *listeners, struct etd_server *server,
                     const struct etd_config_listener *config, struct etd_opening *const *kept)
{
    switch (config->transport) {
    case ETD_TCP:
        listeners->tcp[listeners->tcp_count] = etd_tcp_listener_open(server, config, kept);
        if (listeners->tcp[listeners->tcp_count] == NULL)
            return false;
        listeners->tcp_count++;
        return true;
    case ETD_UDP:
        listeners->udp[listeners->udp_count] =
            etd_udp_endpoint_open(server, config, kept, udp_number(server, listeners, config));
        if (listeners->udp[listeners->udp_count] == NULL)
            return false;
        listeners->udp_count++;
        return true;
    case ETD_TRANSPORT_COUNT:
        break;
    }
    return false;
}

/* Opens all, so that every address that cannot be had is in the log. */
static bool open_all(struct etd_listeners *listeners, struct etd_server *server,
                     const struct etd_config *config, const struct plan *plan)
{
    bool opened = true;
    size_t first = 0;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct etd_config_listener *one = &config->listeners[i];
        if (!open_one(listeners, server, one, plan->kept + first)) {
            explain_failure(plan, first, one->listen_count, server);
            opened = false;
        }
        first += one->listen_count;
    }
    return opened;
}

bool etd_listeners_open(struct etd_listeners *listeners, struct etd_server *server,
                        const struct etd_config *config)
{
    struct plan plan;
    size_t count = config->listener_count;
    bool opened = false;
    *listeners = (struct etd_listeners){.tcp = calloc(count, sizeof(struct etd_tcp_listener *)),
                                        .udp = calloc(count, sizeof(struct etd_udp_endpoint *))};
    if (make_plan(&plan, &server->listeners, config) && listeners->tcp != NULL &&
        listeners->udp != NULL)
        opened = open_all(listeners, server, config, &plan);
    else
        etd_log(ETD_LOG_ERROR, "out of memory; serve fewer listeners, or give the host more",
                "listeners=%zu", count);
    plan_free(&plan);
    if (!opened)
        etd_listeners_free(listeners);
    return opened;
}

/* Ends the listeners that were; what they counted over UDP goes on. */
static void retire(struct etd_listeners *old, const struct etd_listeners *listeners)
{
    etd_listeners_stop(old);
    for (size_t i = 0; i < listeners->udp_count; i++) {
        struct etd_udp_endpoint *endpoint = listeners->udp[i];
        const struct etd_udp_endpoint *before = find_udp(old, endpoint->title);
        if (before != NULL)
            endpoint->counters = before->counters;
    }
    etd_listeners_free(old);
}

void etd_listeners_begin(struct etd_listeners *listeners, struct etd_server *server,
                         const struct etd_config *config)
{
    struct etd_listeners old = server->listeners;
    size_t tcp = 0, udp = 0;
    server->listeners = *listeners;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct etd_config_listener *one = &config->listeners[i];
        if (one->transport == ETD_TCP)
            etd_tcp_listener_begin(listeners->tcp[tcp++], one);
        else
            etd_udp_endpoint_begin(listeners->udp[udp++], one);
    }
    retire(&old, listeners);
    *listeners = (struct etd_listeners){.tcp_count = 0};
}

void etd_listeners_stop(const struct etd_listeners *listeners)
{
    for (size_t i = 0; i < listeners->tcp_count; i++)
        etd_tcp_listener_close(listeners->tcp[i]);
    for (size_t i = 0; i < listeners->udp_count; i++)
        etd_udp_endpoint_close(listeners->udp[i]);
}

void etd_listeners_free(struct etd_listeners *listeners)
{
    for (size_t i = 0; i < listeners->tcp_count; i++)
        etd_tcp_listener_release(listeners->tcp[i]);
    for (size_t i = 0; i < listeners->udp_count; i++)
        etd_udp_endpoint_free(listeners->udp[i]);
    free(listeners->tcp);
    free(listeners->udp);
    *listeners = (struct etd_listeners){.tcp_count = 0};
}

size_t etd_listeners_sockets(const struct etd_listeners *listeners)
{
    size_t count = 0;
    for (size_t i = 0; i < listeners->tcp_count; i++)
        count += etd_sockets_count(&listeners->tcp[i]->sockets);
    for (size_t i = 0; i < listeners->udp_count; i++)
        count += etd_sockets_count(&listeners->udp[i]->sockets);
    return count;
}
