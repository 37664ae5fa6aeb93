#include "client/target.h"

#include "client/resolve.h"
#include "platform/clock.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool take_source(struct etd_target *target, const char *text, char error[ETD_COMPLAINT])
{
    char ip[ETD_ADDRESS_TEXT];
    size_t size = strcspn(text, "%");
    const struct etd_url *url = &target->settings->url;
    const char *zone = text[size] == '%' ? text + size + 1 : NULL;
    if (size < sizeof ip) {
        memcpy(ip, text, size);
        ip[size] = '\0';
        target->source.scope_id = zone != NULL ? if_nametoindex(zone) : 0;
        target->bound = etd_address_parse_ip(&target->source.address, ip) &&
                        (zone == NULL || target->source.scope_id != 0);
    }
    if (!target->bound)
        snprintf(
            error, ETD_COMPLAINT,
            "cannot reach %s port %u (%s): --source '%s' is no numeric address, or its zone no "
            "interface of this host; \"ip address\" lists both",
            url->host, url->port, etd_transport_name(url->transport), text);
    return target->bound;
}

/* Why no address of the host is left, and what to leave away. */
static void explain_none(const struct etd_target *target, char error[ETD_COMPLAINT])
{
    const struct etd_settings *settings = target->settings;
    const struct etd_url *url = &settings->url;
    bool chosen = settings->ipv4 || settings->ipv6;
    bool ipv4 = chosen ? settings->ipv4 : etd_address_is_ipv4(&target->source.address);
    const char *option = settings->ipv6 ? "-6" : settings->ipv4 ? "-4" : "--source";
    const char *family = ipv4 ? "IPv4" : "IPv6";
    if (chosen && target->bound && etd_address_is_ipv4(&target->source.address) != ipv4)
        snprintf(
            error, ETD_COMPLAINT,
            "cannot reach %s port %u (%s): --source '%s' is no %s address; leave it or %s away",
            url->host, url->port, etd_transport_name(url->transport), settings->source, family,
            option);
    else
        snprintf(error, ETD_COMPLAINT,
                 "cannot reach %s port %u (%s): it has no %s address; leave %s away, or name "
                 "another host",
                 url->host, url->port, etd_transport_name(url->transport), family, option);
}

/* Leaves what the options allow, with the families in turn. */
static void choose(struct etd_target *target, const struct etd_socket_addresses *found)
{
    const struct etd_settings *settings = target->settings;
    const struct etd_socket_address *families[2][ETD_SOCKET_ADDRESSES];
    size_t counts[2] = {0, 0};
    bool source_is_ipv4 = target->bound && etd_address_is_ipv4(&target->source.address);
    for (size_t i = 0; i < found->count; i++) {
        bool ipv4 = etd_address_is_ipv4(&found->list[i].address);
        if ((settings->ipv4 && !ipv4) || (settings->ipv6 && ipv4) ||
            (target->bound && ipv4 != source_is_ipv4))
            continue;
        families[ipv4][counts[ipv4]++] = &found->list[i];
    }
    /* The resolver puts the family that fits best first (RFC 6724). */
    size_t first = etd_address_is_ipv4(&found->list[0].address);
    size_t more = counts[0] > counts[1] ? counts[0] : counts[1];
    for (size_t i = 0; i < more; i++) {
        if (i < counts[first])
            target->list[target->count++] = *families[first][i];
        if (i < counts[!first])
            target->list[target->count++] = *families[!first][i];
    }
}

bool etd_target_find(struct etd_target *target, const struct etd_settings *settings,
                     uint64_t deadline, char error[ETD_COMPLAINT])
{
    struct etd_socket_addresses found;
    *target = (struct etd_target){.settings = settings};
    if (settings->source != NULL && !take_source(target, settings->source, error))
        return false;
    if (!etd_resolve_within(&settings->url, deadline, &found, error))
        return false;
    choose(target, &found);
    if (target->count > 0)
        return true;
    explain_none(target, error);
    return false;
}

int etd_target_open(const struct etd_target *target)
{
    const struct etd_socket_address *address = &target->list[target->current];
    struct sockaddr_storage storage;
    socklen_t length = etd_socket_to_sockaddr(address, &storage);
    bool tcp = target->settings->url.transport == ETD_TCP;
    int kind = (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, on = 1;
    int fd = socket(storage.ss_family, kind, 0);
    if (fd < 0)
        return -1;
    /* Neither is more than a help: without them it is slower, or a little less exact. */
    if (tcp)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    else
        (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (target->bound) {
        struct sockaddr_storage source;
        socklen_t source_length = etd_socket_to_sockaddr(&target->source, &source);
        if (bind(fd, (struct sockaddr *)&source, source_length) != 0)
            goto fail;
    }
    if (connect(fd, (struct sockaddr *)&storage, length) == 0 || errno == EINPROGRESS)
        return fd;
fail:;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

int etd_target_connected(int fd)
{
    int failure = 0;
    socklen_t length = sizeof failure;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length) != 0)
        return errno;
    return failure;
}

uint64_t etd_target_share(const struct etd_target *target, uint64_t deadline)
{
    uint64_t now = etd_clock_monotonic_us();
    return deadline <= now ? deadline : now + (deadline - now) / (target->count - target->current);
}

/* Waits until the connection is there; gives 0 or the errno. */
static int await(int fd, uint64_t deadline)
{
    struct pollfd watched = {.fd = fd, .events = POLLOUT};
    for (;;) {
        uint64_t now = etd_clock_monotonic_us();
        int wait_ms = now < deadline ? (int)((deadline - now + 999) / 1000) : 0;
        int ready = poll(&watched, 1, wait_ms);
        if (ready > 0)
            return etd_target_connected(fd);
        if (ready == 0)
            return ETIMEDOUT;
        if (errno != EINTR)
            return errno;
    }
}

static const char *reason(int failure)
{
    if (failure == ETIME)
        return "connected, but no answer in time";
    return failure == ETIMEDOUT ? "no answer in time" : strerror(failure);
}

void etd_failures_add(struct etd_failures *failures, const struct etd_target *target, int failure)
{
    char ip[ETD_ADDRESS_TEXT];
    size_t room = sizeof failures->text - failures->used;
    etd_address_format_ip(&target->list[target->current].address, ip);
    bool same = strcmp(ip, target->settings->url.host) == 0;
    int size =
        snprintf(failures->text + failures->used, room, "%s%s%s%s", failures->count > 0 ? ", " : "",
                 reason(failure), same ? "" : " at ", same ? "" : ip);
    if (size > 0 && (size_t)size < room)
        failures->used += (size_t)size;
    failures->text[failures->used] = '\0'; /* what does not fit whole is left out */
    failures->count++;
    failures->last = failure;
}

void etd_failures_tell(const struct etd_failures *failures, const struct etd_target *target,
                       const char *doing, char error[ETD_COMPLAINT])
{
    const struct etd_url *url = &target->settings->url;
    snprintf(error, ETD_COMPLAINT, "%s %s port %u (%s): %s%s", doing, url->host, url->port,
             etd_transport_name(url->transport), failures->text, etd_advice(failures->last));
}

int etd_target_connect(struct etd_target *target, uint64_t deadline, char error[ETD_COMPLAINT])
{
    struct etd_failures failures = {.count = 0};
    for (; target->current < target->count; target->current++) {
        int fd = etd_target_open(target);
        int failure = fd < 0 ? errno : 0;
        if (fd >= 0 && target->settings->url.transport == ETD_TCP)
            failure = await(fd, etd_target_share(target, deadline));
        if (fd >= 0 && failure == 0)
            return fd;
        if (fd >= 0)
            close(fd);
        etd_failures_add(&failures, target, failure);
    }
    target->current = target->count - 1;
    etd_failures_tell(&failures, target, "cannot connect to", error);
    return -1;
}

void etd_target_place(const struct etd_target *target, char text[ETD_PLACE_TEXT])
{
    char ip[ETD_ADDRESS_TEXT];
    const struct etd_url *url = &target->settings->url;
    etd_address_format_ip(&target->list[target->current].address, ip);
    bool same = strcmp(ip, url->host) == 0;
    snprintf(text, ETD_PLACE_TEXT, "%s port %u (%s%s%s)", url->host, url->port,
             etd_transport_name(url->transport), same ? "" : ", at ", same ? "" : ip);
}

const char *etd_advice(int failure)
{
    static const struct {
        int failure;
        const char *advice;
    } advices[] = {
        {ECONNREFUSED, "; nothing listens there: is the server started, and is this its port?"},
        {ETIMEDOUT,
         "; is the host up, and does a firewall drop what goes there? A longer --timeout "
         "waits longer"},
        {ENETUNREACH, "; this host has no route to it: \"ip route\" shows the routes there are"},
        {EHOSTUNREACH, "; no host answers there, or a firewall says so: is the address right?"},
        {EADDRNOTAVAIL, "; is --source an address of this host? \"ip address\" lists them"},
        {EINVAL, "; a link-local address takes a zone: [fe80::1%eth0]"},
        {EACCES, "; a firewall of this host forbids it, or it is a broadcast address"},
        {EPERM, "; a firewall of this host forbids it"},
        {EMSGSIZE, "; the datagram is larger than the path takes: try a smaller --size"},
        {ECONNRESET,
         "; the server cut the connection: does it serve this protocol, and this client?"},
        {EPIPE,
         "; the server closed the connection: does it serve this protocol, and this client?"},
        {EMFILE, "; raise the limit of open files: ulimit -n"},
    };
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        if (advices[i].failure == failure)
            return advices[i].advice;
    }
    return "";
}

void etd_target_explain(const struct etd_target *target, const char *doing, int failure,
                        char error[ETD_COMPLAINT])
{
    char place[ETD_PLACE_TEXT];
    etd_target_place(target, place);
    snprintf(error, ETD_COMPLAINT, "%s %s: %s%s", doing, place, reason(failure),
             etd_advice(failure));
}
