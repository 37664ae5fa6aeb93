#include "config_check.h"

#include "config_refuse.h"
#include "config_value.h"

#include "echotimed/access.h"
#include "echotimed/framing.h"
#include "echotimed/ntp_packet.h"
#include "echotimed/session.h"

static const struct etd_config_given *given_of(const struct etd_config_draft_section *section,
                                               const char *name)
{
    return &section->given[etd_config_key_find(section->kind, name) - etd_config_keys];
}

static bool is_bad(const struct etd_config_draft_section *section, const char *name)
{
    return given_of(section, name)->bad;
}

/* Where a key got its value: a default came with the section. */
static struct etd_origin origin_of(const struct etd_config_draft_section *section, const char *name)
{
    const struct etd_config_given *given = given_of(section, name);
    return given->at.kind == ETD_ORIGIN_DEFAULT ? section->opened : given->at;
}

static struct etd_origin later(struct etd_origin a, struct etd_origin b)
{
    return etd_origin_compare(a, b) > 0 ? a : b;
}

static struct etd_writer *message_begin(struct etd_config_message *message,
                                        const struct etd_config_listener *listener)
{
    struct etd_writer *writer = etd_config_message_begin(message);
    etd_config_title(listener, writer);
    return writer;
}

static bool listener_carries(const struct etd_config_listener *listener,
                             const struct etd_service *service)
{
    if (listener->transport == ETD_UDP)
        return service->udp;
    return (service->framings & 1u << listener->framing) != 0;
}

static void framings_write(const struct etd_service *service, struct etd_writer *writer)
{
    bool first = true;
    for (unsigned i = 0; i < ETD_FRAMING_COUNT; i++) {
        if ((service->framings & 1u << i) == 0)
            continue;
        etd_write_text(writer, first ? "" : ", ");
        etd_write_text(writer, etd_framings[i]->name);
        first = false;
    }
}

static void check_service(struct etd_config_draft *draft,
                          const struct etd_config_draft_section *section)
{
    const struct etd_config_listener *listener = &section->listener;
    const struct etd_service *service = etd_services[listener->service];
    bool framed = listener->transport == ETD_TCP;
    if (is_bad(section, "service") || (framed && is_bad(section, "framing")) ||
        listener_carries(listener, service))
        return;
    struct etd_config_message message;
    struct etd_writer *writer = message_begin(&message, listener);
    struct etd_origin origin = origin_of(section, "service");
    etd_write_text(writer, ": service ");
    etd_write_text(writer, service->name);
    if (framed && service->framings != 0) {
        origin = later(origin, origin_of(section, "framing"));
        etd_write_text(writer, " cannot be carried by framing ");
        etd_write_text(writer, etd_framings[listener->framing]->name);
        etd_write_text(writer, "; these can: ");
        framings_write(service, writer);
    } else {
        etd_write_text(writer, " cannot be carried over ");
        etd_write_text(writer, framed ? "TCP; put it into a [udp] section"
                                      : "UDP; put it into a [tcp] section");
    }
    etd_config_problems_add(draft->problems, origin, &message);
}

static void check_refid(struct etd_config_draft *draft,
                        const struct etd_config_draft_section *section)
{
    const struct etd_config_listener *listener = &section->listener;
    uint8_t refid[ETD_NTP_REFID];
    if (listener->transport != ETD_UDP || is_bad(section, "ntp_refid") ||
        etd_ntp_refid_parse(listener->ntp_refid, refid))
        return;
    struct etd_config_message message;
    struct etd_writer *writer = message_begin(&message, listener);
    etd_write_text(writer, " ntp_refid: '");
    etd_write_text(writer, listener->ntp_refid);
    etd_write_text(writer, "' is neither one to four characters, such as GPS, nor an IPv4 address");
    etd_config_problems_add(draft->problems, origin_of(section, "ntp_refid"), &message);
}

/* A message that can never be held would break every connection that sends it. */
static void check_memory(struct etd_config_draft *draft,
                         const struct etd_config_draft_section *section)
{
    const struct etd_config_draft_section *daemon = &draft->sections[0];
    const struct etd_config_listener *listener = &section->listener;
    const struct etd_framing *framing = etd_framings[listener->framing];
    if (listener->transport != ETD_TCP || !framing->bounded || is_bad(section, "framing") ||
        is_bad(section, "max_message") || is_bad(daemon, "buffer_memory"))
        return;
    uint64_t payload = listener->max_message;
    if (payload > framing->payload_max)
        payload = framing->payload_max;
    uint64_t least = payload + framing->header_size + framing->trailer_size + ETD_SESSION_HOLDING;
    if (least <= draft->daemon.buffer_memory)
        return;
    struct etd_config_message message;
    struct etd_writer *writer = message_begin(&message, listener);
    etd_write_text(writer, " max_message: to hold the longest message takes ");
    etd_write_decimal(writer, least, 1);
    etd_write_text(writer, " bytes, and [daemon] buffer_memory is ");
    etd_write_decimal(writer, draft->daemon.buffer_memory, 1);
    etd_write_text(writer, "; lower max_message, or raise buffer_memory to ");
    etd_write_decimal(writer, least, 1);
    etd_write_text(writer, " at least");
    etd_config_problems_add(
        draft->problems,
        later(origin_of(section, "max_message"),
              later(origin_of(section, "framing"), origin_of(daemon, "buffer_memory"))),
        &message);
}

/* The longest match decides, so one prefix in both lists decides nothing. */
static void check_access(struct etd_config_draft *draft,
                         const struct etd_config_draft_section *section)
{
    const struct etd_config_listener *listener = &section->listener;
    if (is_bad(section, "allow") || is_bad(section, "deny"))
        return;
    struct etd_access access;
    struct etd_prefix contradiction;
    struct etd_config_message message;
    switch (etd_access_init(
        &access, draft->memory,
        (struct etd_prefixes){.list = listener->allow, .count = listener->allow_count},
        (struct etd_prefixes){.list = listener->deny, .count = listener->deny_count},
        &contradiction)) {
    case ETD_ACCESS_OK:
        etd_access_free(&access, draft->memory);
        return;
    case ETD_ACCESS_NO_MEMORY:
        draft->no_memory = true;
        return;
    case ETD_ACCESS_CONTRADICTS:
        break;
    }
    struct etd_writer *writer = message_begin(&message, listener);
    etd_write_text(writer, ": ");
    etd_prefix_write(&contradiction, writer);
    etd_write_text(writer, " stands in both allow and deny; keep it in one of them");
    etd_config_problems_add(
        draft->problems, later(origin_of(section, "allow"), origin_of(section, "deny")), &message);
}

/* Where a section says what sockets it opens. */
struct sockets {
    const char *key;
    enum etd_transport transport;
    const struct etd_endpoint *list;
    size_t count;
};

static struct sockets sockets_of(const struct etd_config_draft *draft,
                                 const struct etd_config_draft_section *section)
{
    if (section->kind == ETD_SECTION_DAEMON)
        return (struct sockets){"metrics_listen", ETD_TCP, draft->daemon.metrics_listen,
                                draft->daemon.metrics_listen_count};
    const struct etd_config_listener *listener = &section->listener;
    return (struct sockets){"listen", listener->transport, listener->listen,
                            listener->listen_count};
}

static void refuse_collision(struct etd_config_draft *draft,
                             const struct etd_config_draft_section *section,
                             const struct etd_endpoint *endpoint,
                             const struct etd_config_draft_section *other,
                             const struct etd_endpoint *taken)
{
    struct sockets sockets = sockets_of(draft, section), others = sockets_of(draft, other);
    struct etd_origin origin = origin_of(section, sockets.key);
    struct etd_origin other_origin = origin_of(other, others.key);
    if (etd_origin_compare(origin, other_origin) < 0) {
        refuse_collision(draft, other, taken, section, endpoint);
        return;
    }
    struct etd_config_message message;
    struct etd_writer *writer = etd_refuse_key_begin(
        &message, section, etd_config_key_find(section->kind, sockets.key), ": ");
    etd_endpoint_write(endpoint, writer);
    etd_write_text(writer, " collides with ");
    etd_endpoint_write(taken, writer);
    etd_write_text(writer, " of ");
    etd_refuse_title(other, writer);
    etd_write_text(writer, other->kind == ETD_SECTION_DAEMON ? " metrics_listen" : "");
    etd_write_text(writer, ", given in ");
    etd_origin_write(given_of(other, others.key)->at, draft->problems->sources, writer);
    etd_write_text(writer, "; give each listener an address or port of its own");
    etd_config_problems_add(draft->problems, origin, &message);
}

/* The first of `others` that `endpoint` collides with, of those that stand before it. */
static const struct etd_endpoint *taken_by(const struct etd_endpoint *endpoint,
                                           const struct sockets *others)
{
    for (size_t i = 0; i < others->count; i++) {
        const struct etd_endpoint *taken = &others->list[i];
        if (taken == endpoint)
            break;
        if (etd_endpoint_collides(endpoint, taken))
            return taken;
    }
    return NULL;
}

/* A section against those before it and itself; one problem for each section is enough. */
static void check_addresses(struct etd_config_draft *draft, size_t index)
{
    const struct etd_config_draft_section *section = &draft->sections[index];
    struct sockets sockets = sockets_of(draft, section);
    if (is_bad(section, sockets.key))
        return;
    for (size_t i = 0; i <= index; i++) {
        const struct etd_config_draft_section *other = &draft->sections[i];
        struct sockets others = sockets_of(draft, other);
        if (others.transport != sockets.transport || other->nameless || is_bad(other, others.key))
            continue;
        for (size_t j = 0; j < sockets.count; j++) {
            const struct etd_endpoint *endpoint = &sockets.list[j];
            const struct etd_endpoint *taken = taken_by(endpoint, &others);
            if (taken != NULL) {
                refuse_collision(draft, section, endpoint, other, taken);
                return;
            }
        }
    }
}

static void check_group(struct etd_config_draft *draft)
{
    const struct etd_config_draft_section *daemon = &draft->sections[0];
    if (draft->daemon.group[0] == '\0' || draft->daemon.user[0] != '\0' ||
        is_bad(daemon, "group") || is_bad(daemon, "user"))
        return;
    struct etd_config_message message;
    struct etd_writer *writer = etd_config_message_begin(&message);
    etd_write_text(writer, "[daemon] group: there is no user to become with it; set user too, or "
                           "leave group out");
    etd_config_problems_add(draft->problems, origin_of(daemon, "group"), &message);
}

void etd_draft_check(struct etd_config_draft *draft)
{
    check_group(draft);
    for (size_t i = 0; i < draft->section_count; i++) {
        const struct etd_config_draft_section *section = &draft->sections[i];
        if (section->kind == ETD_SECTION_DAEMON || section->nameless)
            continue; /* what [daemon] collides with comes behind it */
        check_service(draft, section);
        check_memory(draft, section);
        check_refid(draft, section);
        check_access(draft, section);
        check_addresses(draft, i);
    }
}
