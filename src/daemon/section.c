#include "daemon/section.h"

#include "echotimed/framing.h"
#include "platform/log.h"
#include "platform/memory.h"
#include "platform/passed.h"
#include "platform/socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void etd_section_title(const struct etd_config_listener *config, char title[ETD_SECTION_TITLE])
{
    snprintf(title, ETD_SECTION_TITLE, "%s%s%s", etd_transport_name(config->transport),
             config->name[0] != '\0' ? " " : "", config->name);
}

bool etd_section_access(const struct etd_config_listener *config, struct etd_access *access)
{
    struct etd_prefix contradiction; /* the configuration was checked for one */
    enum etd_access_result result = etd_access_init(
        access, &etd_memory_libc,
        (struct etd_prefixes){.list = config->allow, .count = config->allow_count},
        (struct etd_prefixes){.list = config->deny, .count = config->deny_count}, &contradiction);
    if (result == ETD_ACCESS_OK)
        return true;
    char title[ETD_SECTION_TITLE];
    etd_section_title(config, title);
    etd_log(ETD_LOG_ERROR, "cannot listen: out of memory", "section=\"[%s]\"", title);
    return false;
}

static void log_listening(int fd, const struct etd_config_listener *config, const char *title)
{
    struct etd_socket_address bound;
    char address[ETD_ADDRESS_TEXT] = "unknown";
    if (etd_socket_bound(fd, &bound))
        etd_address_format(&bound.address, address);
    const char *service = etd_services[config->service]->name;
    if (config->transport == ETD_TCP)
        etd_log(ETD_LOG_INFO, "listening",
                "listener=\"%s\" transport=tcp service=%s framing=%s address=%s", title, service,
                etd_framings[config->framing]->name, address);
    else
        etd_log(ETD_LOG_INFO, "listening", "listener=\"%s\" transport=udp service=%s address=%s",
                title, service, address);
}

static void log_small_buffer(const struct etd_config_listener *config, const char *title,
                             uint64_t granted)
{
    if (granted < config->receive_buffer)
        etd_log(ETD_LOG_NOTICE,
                "the kernel grants a smaller receive buffer than receive_buffer asks for; raise "
                "net.core.rmem_max, or lower receive_buffer",
                "listener=\"%s\" asked=%" PRIu64 " granted=%" PRIu64, title, config->receive_buffer,
                granted);
}

static int open_socket(const struct etd_socket_address *address,
                       const struct etd_config_listener *config, const char *title,
                       char error[ETD_SOCKET_ERROR])
{
    if (config->transport == ETD_TCP)
        return etd_socket_open_tcp(address, config, error);
    uint64_t granted;
    int fd = etd_socket_open_udp(address, config, &granted, error);
    if (fd >= 0)
        log_small_buffer(config, title, granted);
    return fd;
}

static bool adopt_socket(int fd, const struct etd_config_listener *config, const char *title,
                         char error[ETD_SOCKET_ERROR])
{
    if (config->transport == ETD_TCP)
        return etd_socket_adopt_tcp(fd, config, error);
    uint64_t granted;
    if (!etd_socket_adopt_udp(fd, config, &granted, error))
        return false;
    log_small_buffer(config, title, granted);
    return true;
}

static bool make_room(struct etd_sockets *sockets, size_t more, const char *title)
{
    ev_io *watchers = realloc(sockets->watchers, (sockets->count + more) * sizeof *watchers);
    if (watchers == NULL) {
        etd_log(ETD_LOG_ERROR, "cannot listen: out of memory", "section=\"[%s]\"", title);
        return false;
    }
    sockets->watchers = watchers;
    return true;
}

/* There is room. */
static void add_socket(struct etd_sockets *sockets, int fd, void *data,
                       void (*ready)(EV_P_ ev_io *watcher, int revents))
{
    ev_io *watcher = &sockets->watchers[sockets->count++];
    ev_io_init(watcher, ready, fd, EV_READ);
    watcher->data = data;
}

/* What the service manager passed under one name: often several sockets, one for each address. */
static bool adopt_passed(struct etd_sockets *sockets, const struct etd_config_listener *config,
                         const char *name, const char *title, void *data,
                         void (*ready)(EV_P_ ev_io *watcher, int revents))
{
    char error[ETD_SOCKET_ERROR];
    bool adopted = etd_passed_check(name, config->transport, error);
    if (adopted && !make_room(sockets, etd_passed_count(), title))
        return false;
    for (int fd = -1; adopted && (fd = etd_passed_next(name, config->transport, fd)) >= 0;) {
        adopted = adopt_socket(fd, config, title, error);
        if (!adopted)
            break;
        add_socket(sockets, fd, data, ready);
        log_listening(fd, config, title);
    }
    if (!adopted)
        etd_log(ETD_LOG_ERROR, "cannot listen", "section=\"[%s]\" error=\"%s\"", title, error);
    return adopted;
}

static bool open_endpoint(struct etd_sockets *sockets, const struct etd_config_listener *config,
                          const struct etd_endpoint *endpoint, const char *title, void *data,
                          void (*ready)(EV_P_ ev_io *watcher, int revents))
{
    char error[ETD_SOCKET_ERROR];
    struct etd_socket_addresses addresses;
    if (endpoint->kind == ETD_ENDPOINT_SYSTEMD)
        return adopt_passed(sockets, config, endpoint->name, title, data, ready);
    if (!etd_socket_resolve(endpoint, &addresses, error)) {
        etd_log(ETD_LOG_ERROR, "cannot listen", "section=\"[%s]\" error=\"%s\"", title, error);
        return false;
    }
    if (addresses.left_out > 0)
        etd_log(ETD_LOG_NOTICE, "this host has no IPv6: listening on IPv4 alone", "listener=\"%s\"",
                title);
    if (!make_room(sockets, addresses.count, title))
        return false;
    for (size_t i = 0; i < addresses.count; i++) {
        int fd = open_socket(&addresses.list[i], config, title, error);
        if (fd < 0) {
            etd_log(ETD_LOG_ERROR, "cannot listen", "section=\"[%s]\" error=\"%s\"", title, error);
            return false;
        }
        add_socket(sockets, fd, data, ready);
        log_listening(fd, config, title);
    }
    return true;
}

bool etd_sockets_open(struct etd_sockets *sockets, struct ev_loop *loop,
                      const struct etd_config_listener *config, void *data,
                      void (*ready)(EV_P_ ev_io *watcher, int revents))
{
    char title[ETD_SECTION_TITLE];
    etd_section_title(config, title);
    *sockets = (struct etd_sockets){0};
    for (size_t i = 0; i < config->listen_count; i++) {
        if (!open_endpoint(sockets, config, &config->listen[i], title, data, ready)) {
            etd_sockets_close(sockets, loop);
            return false;
        }
    }
    etd_sockets_resume(sockets, loop);
    return true;
}

void etd_sockets_pause(struct etd_sockets *sockets, struct ev_loop *loop)
{
    for (size_t i = 0; i < sockets->count; i++)
        ev_io_stop(loop, &sockets->watchers[i]);
}

void etd_sockets_resume(struct etd_sockets *sockets, struct ev_loop *loop)
{
    for (size_t i = 0; i < sockets->count; i++)
        ev_io_start(loop, &sockets->watchers[i]);
}

void etd_sockets_close(struct etd_sockets *sockets, struct ev_loop *loop)
{
    for (size_t i = 0; i < sockets->count; i++) {
        ev_io_stop(loop, &sockets->watchers[i]);
        /* The manager's stay as they are, for whoever listens next. */
        if (!etd_passed_has(sockets->watchers[i].fd))
            close(sockets->watchers[i].fd);
    }
    free(sockets->watchers);
    *sockets = (struct etd_sockets){0};
}
