#include "platform/passed.h"

#include "echotimed/bytes.h"
#include "platform/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static char **names; /* of the descriptors from ETD_PASSED_FIRST on */
static int count;

bool etd_passed_open(void)
{
    count = etd_passed_receive(&names);
    if (count >= 0)
        return true;
    etd_log(ETD_LOG_ERROR,
            "cannot take the sockets of the service manager: LISTEN_FDS or LISTEN_FDNAMES is wrong",
            "error=\"%s\"", strerror(-count));
    count = 0;
    names = NULL;
    return false;
}

void etd_passed_close(void)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    names = NULL;
    count = 0;
}

size_t etd_passed_count(void)
{
    return (size_t)count;
}

bool etd_passed_has(int fd)
{
    return fd >= ETD_PASSED_FIRST && fd < ETD_PASSED_FIRST + count;
}

static const char *name_of(int fd)
{
    return names[fd - ETD_PASSED_FIRST];
}

/* The descriptor behind `previous` that bears the name. */
static int next_named(const char *name, int previous)
{
    for (int fd = previous < 0 ? ETD_PASSED_FIRST : previous + 1; etd_passed_has(fd); fd++) {
        if (strcmp(name_of(fd), name) == 0)
            return fd;
    }
    return -1;
}

int etd_passed_next(const char *name, enum etd_transport transport, int previous)
{
    enum etd_transport found;
    int fd = previous;
    while ((fd = next_named(name, fd)) >= 0) {
        if (etd_socket_serves(fd, &found) == NULL && found == transport)
            return fd;
    }
    return -1;
}

/* Each name once. */
static void write_names(struct etd_writer *writer)
{
    for (int fd = ETD_PASSED_FIRST; etd_passed_has(fd); fd++) {
        if (next_named(name_of(fd), -1) != fd)
            continue;
        etd_write_text(writer, fd == ETD_PASSED_FIRST ? " " : ", ");
        etd_write_text(writer, name_of(fd));
    }
}

static void explain_absence(const char *name, struct etd_writer *writer)
{
    etd_write_text(writer, "systemd:");
    etd_write_text(writer, name);
    etd_write_text(writer, ": the service manager passed ");
    if (count == 0) {
        etd_write_text(writer, "no socket at all; start it by a socket unit that has "
                               "FileDescriptorName=");
        etd_write_text(writer, name);
        return;
    }
    etd_write_text(writer, "no socket of that name; FileDescriptorName= of a socket unit gives it. "
                           "It passed");
    write_names(writer);
}

static void explain_transport(const char *name, enum etd_transport transport,
                              struct etd_writer *writer)
{
    bool tcp = transport == ETD_TCP;
    etd_write_text(writer, "systemd:");
    etd_write_text(writer, name);
    etd_write_text(writer, tcp ? " has no TCP socket; a [tcp] section takes one from ListenStream="
                               : " has no UDP socket; a [udp] section takes one from "
                                 "ListenDatagram=");
    etd_write_text(writer, " of the socket unit");
}

/* Ends the sentence. One that is too long, for want of room for all names, is cut. */
static void finish(struct etd_writer *writer, char error[ETD_SOCKET_ERROR])
{
    if (writer->failed)
        memcpy(writer->at, "...", 3);
    error[etd_writer_bytes(writer).size + (writer->failed ? 3 : 0)] = '\0';
}

bool etd_passed_check(const char *name, enum etd_transport transport, char error[ETD_SOCKET_ERROR])
{
    struct etd_writer writer = etd_writer((uint8_t *)error, ETD_SOCKET_ERROR - sizeof "...");
    bool serves = false;
    int fd = next_named(name, -1);
    if (fd < 0) {
        explain_absence(name, &writer);
        finish(&writer, error);
        return false;
    }
    for (; fd >= 0; fd = next_named(name, fd)) {
        enum etd_transport found;
        const char *because = etd_socket_serves(fd, &found);
        if (because != NULL) {
            etd_write_text(&writer, "systemd:");
            etd_write_text(&writer, name);
            etd_write_text(&writer, because);
            finish(&writer, error);
            return false;
        }
        serves |= found == transport;
    }
    if (!serves) {
        explain_transport(name, transport, &writer);
        finish(&writer, error);
    }
    return serves;
}

static bool is_used(int fd, const struct etd_config *config)
{
    enum etd_transport transport;
    if (etd_socket_serves(fd, &transport) != NULL)
        return false;
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct etd_config_listener *listener = &config->listeners[i];
        for (size_t j = 0; j < listener->listen_count; j++) {
            const struct etd_endpoint *endpoint = &listener->listen[j];
            if (listener->transport == transport && endpoint->kind == ETD_ENDPOINT_SYSTEMD &&
                strcmp(endpoint->name, name_of(fd)) == 0)
                return true;
        }
    }
    return false;
}

void etd_passed_warn_of_unused(const struct etd_config *config)
{
    for (int fd = ETD_PASSED_FIRST; etd_passed_has(fd); fd++) {
        struct etd_socket_address bound;
        char address[ETD_ADDRESS_TEXT] = "unknown";
        if (is_used(fd, config))
            continue;
        if (etd_socket_bound(fd, &bound))
            etd_address_format(&bound.address, address);
        etd_log(ETD_LOG_WARNING,
                "the service manager passed a socket that no listener uses; name it by listen, or "
                "take it out of the socket unit",
                "listen=systemd:%s address=%s", name_of(fd), address);
    }
}
