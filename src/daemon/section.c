#include "daemon/section.h"

#include "echotimed/endpoint.h"
#include "echotimed/framing.h"
#include "platform/log.h"
#include "platform/memory.h"
#include "platform/passed.h"
#include "platform/socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void etd_section_title(const struct etd_config_listener *config, char title[ETD_SECTION_TITLE])
{
    snprintf(title, ETD_SECTION_TITLE, "%s%s%s", etd_transport_name(config->transport),
             config->name[0] != '\0' ? " " : "", config->name);
}

static void log_no_memory(const char *title)
{
    etd_log(ETD_LOG_ERROR, "cannot listen: out of memory", "section=\"[%s]\"", title);
}

bool etd_section_access(const struct etd_config_listener *config, const char *title,
                        struct etd_access *access)
{
    struct etd_prefix contradiction; /* the configuration was checked for one */
    enum etd_access_result result = etd_access_init(
        access, &etd_memory_libc,
        (struct etd_prefixes){.list = config->allow, .count = config->allow_count},
        (struct etd_prefixes){.list = config->deny, .count = config->deny_count}, &contradiction);
    if (result == ETD_ACCESS_OK)
        return true;
    log_no_memory(title);
    return false;
}

static void log_refused(const struct etd_section *section, const char *error)
{
    etd_log(ETD_LOG_ERROR, "cannot listen", "section=\"[%s]\" error=\"%s\"", section->title, error);
}

static void log_listening(int fd, const struct etd_section *section)
{
    const struct etd_config_listener *config = section->config;
    struct etd_socket_address bound;
    char address[ETD_ADDRESS_TEXT] = "unknown";
    if (etd_socket_bound(fd, &bound))
        etd_address_format(&bound.address, address);
    const char *service = etd_services[config->service]->name;
    if (config->transport == ETD_TCP)
        etd_log(ETD_LOG_INFO, "listening",
                "listener=\"%s\" transport=tcp service=%s framing=%s address=%s", section->title,
                service, etd_framings[config->framing]->name, address);
    else
        etd_log(ETD_LOG_INFO, "listening", "listener=\"%s\" transport=udp service=%s address=%s",
                section->title, service, address);
}

static void log_granted(const struct etd_section *section, uint64_t granted)
{
    uint64_t asked = section->config->receive_buffer;
    if (granted < asked)
        etd_log(ETD_LOG_NOTICE,
                "the kernel grants a smaller receive buffer than receive_buffer asks for; raise "
                "net.core.rmem_max, or lower receive_buffer",
                "listener=\"%s\" asked=%" PRIu64 " granted=%" PRIu64, section->title, asked,
                granted);
}

static int open_socket(const struct etd_socket_address *address, const struct etd_section *section,
                       char error[ETD_SOCKET_ERROR])
{
    if (section->config->transport == ETD_TCP)
        return etd_socket_open_tcp(address, section->config, error);
    uint64_t granted;
    int fd = etd_socket_open_udp(address, section->config, &granted, error);
    if (fd >= 0)
        log_granted(section, granted);
    return fd;
}

static bool adopt_socket(int fd, const struct etd_section *section, char error[ETD_SOCKET_ERROR])
{
    if (section->config->transport == ETD_TCP)
        return etd_socket_adopt_tcp(fd, section->config, error);
    uint64_t granted;
    if (!etd_socket_adopt_udp(fd, section->config, &granted, error))
        return false;
    log_granted(section, granted);
    return true;
}

static void close_opening(struct etd_opening *opening, struct ev_loop *loop)
{
    for (size_t i = 0; i < opening->count; i++) {
        ev_io_stop(loop, &opening->watchers[i]);
        /* The manager's stay as they are, for whoever listens next. */
        if (!etd_passed_has(opening->watchers[i].fd))
            close(opening->watchers[i].fd);
    }
    free(opening);
}

/* With room for so many sockets. Null: logged. */
static struct etd_opening *make_opening(const struct etd_endpoint *endpoint,
                                        const struct etd_section *section, size_t room)
{
    struct etd_opening *opening = calloc(1, sizeof *opening + room * sizeof *opening->watchers);
    if (opening == NULL) {
        log_no_memory(section->title);
        return NULL;
    }
    opening->owner = section->owner;
    opening->endpoint = *endpoint;
    opening->reuse_port = section->config->reuse_port;
    return opening;
}

static void add_socket(struct etd_opening *opening, int fd, const struct etd_section *section)
{
    ev_io *watcher = &opening->watchers[opening->count++];
    ev_io_init(watcher, section->ready, fd, EV_READ);
    watcher->data = section->owner;
}

/* What the service manager passed under one name: often several sockets, one for each address. Null:
 * logged. */
static struct etd_opening *adopt_passed(const struct etd_endpoint *endpoint,
                                        const struct etd_section *section)
{
    char error[ETD_SOCKET_ERROR];
    enum etd_transport transport = section->config->transport;
    if (!etd_passed_check(endpoint->name, transport, error)) {
        log_refused(section, error);
        return NULL;
    }
    struct etd_opening *opening = make_opening(endpoint, section, etd_passed_count());
    int fd = -1;
    while (opening != NULL && (fd = etd_passed_next(endpoint->name, transport, fd)) >= 0) {
        if (!adopt_socket(fd, section, error)) {
            log_refused(section, error);
            close_opening(opening, section->loop);
            return NULL;
        }
        add_socket(opening, fd, section);
    }
    return opening;
}

/* Null: logged. */
static struct etd_opening *open_endpoint(const struct etd_endpoint *endpoint,
                                         const struct etd_section *section)
{
    char error[ETD_SOCKET_ERROR];
    struct etd_socket_addresses addresses;
    if (endpoint->kind == ETD_ENDPOINT_SYSTEMD)
        return adopt_passed(endpoint, section);
    if (!etd_socket_resolve(endpoint, &addresses, error)) {
        log_refused(section, error);
        return NULL;
    }
    if (addresses.left_out > 0)
        etd_log(ETD_LOG_NOTICE, "this host has no IPv6: listening on IPv4 alone", "listener=\"%s\"",
                section->title);
    struct etd_opening *opening = make_opening(endpoint, section, addresses.count);
    for (size_t i = 0; opening != NULL && i < addresses.count; i++) {
        int fd = open_socket(&addresses.list[i], section, error);
        if (fd < 0) {
            log_refused(section, error);
            close_opening(opening, section->loop);
            return NULL;
        }
        add_socket(opening, fd, section);
    }
    return opening;
}

/* Whether the section can go on with sockets that are open. */
static bool can_keep(const struct etd_opening *opening, const struct etd_section *section)
{
    const struct etd_config_listener *config = section->config;
    char error[ETD_SOCKET_ERROR];
    bool ours = opening->endpoint.kind != ETD_ENDPOINT_SYSTEMD;
    if (ours && opening->reuse_port != config->reuse_port) {
        char text[ETD_ENDPOINT_TEXT];
        etd_endpoint_format(&opening->endpoint, text);
        etd_log(
            ETD_LOG_ERROR,
            "a reload cannot change reuse_port of an address that stays: leave it as it was, or "
            "restart",
            "section=\"[%s]\" address=%s", section->title, text);
        return false;
    }
    if (config->transport == ETD_UDP || etd_socket_can_congest(config->congestion_control, error))
        return true;
    log_refused(section, error);
    return false;
}

bool etd_sockets_open(struct etd_sockets *sockets, const struct etd_section *section,
                      struct etd_opening *const *kept)
{
    const struct etd_config_listener *config = section->config;
    *sockets = (struct etd_sockets){.list = calloc(config->listen_count, sizeof *sockets->list)};
    if (sockets->list == NULL) {
        log_no_memory(section->title);
        return false;
    }
    for (size_t i = 0; i < config->listen_count; i++) {
        struct etd_opening *opening = kept[i];
        if (opening == NULL)
            opening = open_endpoint(&config->listen[i], section);
        else if (!can_keep(opening, section))
            opening = NULL;
        if (opening == NULL) {
            etd_sockets_close(sockets, section->loop, section->owner);
            return false;
        }
        sockets->list[sockets->count++] = opening;
    }
    return true;
}

/* What fails here costs no more than the setting: the socket serves on. */
static void adjust(const struct etd_opening *opening, const struct etd_section *section)
{
    char error[ETD_SOCKET_ERROR];
    for (size_t i = 0; i < opening->count; i++) {
        int fd = opening->watchers[i].fd;
        bool adjusted = true;
        if (etd_passed_has(fd))
            adjusted = adopt_socket(fd, section, error);
        else if (section->config->transport == ETD_UDP)
            log_granted(section, etd_socket_adjust_udp(fd, section->config));
        else
            adjusted = etd_socket_adjust_tcp(fd, section->config, error);
        if (!adjusted)
            etd_log(ETD_LOG_WARNING, "a socket keeps an old setting",
                    "listener=\"%s\" error=\"%s\"", section->title, error);
    }
}

/* Once when it is opened, and again when what was said is true no more. */
static void announce(struct etd_opening *opening, const struct etd_section *section)
{
    const struct etd_config_listener *config = section->config;
    if (strcmp(opening->title, section->title) == 0 && opening->service == config->service &&
        opening->framing == config->framing)
        return;
    snprintf(opening->title, sizeof opening->title, "%s", section->title);
    opening->service = config->service;
    opening->framing = config->framing;
    for (size_t i = 0; i < opening->count; i++)
        log_listening(opening->watchers[i].fd, section);
}

void etd_sockets_take(struct etd_sockets *sockets, const struct etd_section *section)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct etd_opening *opening = sockets->list[i];
        if (opening->owner != section->owner) {
            opening->owner = section->owner;
            for (size_t j = 0; j < opening->count; j++)
                opening->watchers[j].data = section->owner;
            adjust(opening, section);
        }
        announce(opening, section);
    }
}

void etd_sockets_pause(struct etd_sockets *sockets, struct ev_loop *loop)
{
    for (size_t i = 0; i < sockets->count; i++) {
        for (size_t j = 0; j < sockets->list[i]->count; j++)
            ev_io_stop(loop, &sockets->list[i]->watchers[j]);
    }
}

void etd_sockets_resume(struct etd_sockets *sockets, struct ev_loop *loop)
{
    for (size_t i = 0; i < sockets->count; i++) {
        for (size_t j = 0; j < sockets->list[i]->count; j++)
            ev_io_start(loop, &sockets->list[i]->watchers[j]);
    }
}

void etd_sockets_visit(const struct etd_sockets *sockets, void *owner,
                       void (*visit)(void *owner, int fd))
{
    for (size_t i = 0; i < sockets->count; i++) {
        const struct etd_opening *opening = sockets->list[i];
        for (size_t j = 0; opening->owner == owner && j < opening->count; j++)
            visit(owner, opening->watchers[j].fd);
    }
}

size_t etd_sockets_count(const struct etd_sockets *sockets)
{
    size_t count = 0;
    for (size_t i = 0; i < sockets->count; i++)
        count += sockets->list[i]->count;
    return count;
}

void etd_sockets_close(struct etd_sockets *sockets, struct ev_loop *loop, const void *owner)
{
    for (size_t i = 0; i < sockets->count; i++) {
        if (sockets->list[i]->owner == owner)
            close_opening(sockets->list[i], loop);
    }
    free(sockets->list);
    *sockets = (struct etd_sockets){0};
}
