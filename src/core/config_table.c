/* The table of keys: what a file can say. Everything else about the configuration reads it. */
#include "echotimed/config.h"

#include "echotimed/framing.h"

#include <stddef.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)
#define US UINT64_C(1)
#define MS (1000 * US)
#define SECONDS (1000 * MS)
#define DAYS (24 * 3600 * SECONDS)

/* A field of a listener, or of the daemon. */
#define LISTENER(field) .offset = offsetof(struct etd_config_listener, field)
#define DAEMON(field) .offset = offsetof(struct etd_config_daemon, field)

/* A choice is stored through an unsigned: the compilers that we know give every enum that size. */
_Static_assert(sizeof(enum etd_log_level) == sizeof(unsigned) &&
                   sizeof(enum etd_service_id) == sizeof(unsigned) &&
                   sizeof(enum etd_framing_id) == sizeof(unsigned) &&
                   sizeof(enum etd_time_format) == sizeof(unsigned),
               "an enum is not as large as unsigned");

static const char *log_level_name(size_t index)
{
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    return names[index];
}

static const char *service_name(size_t index)
{
    return etd_services[index]->name;
}

static const char *framing_name(size_t index)
{
    return etd_framings[index]->name;
}

static const char *time_format_name(size_t index)
{
    return etd_time_format_name((enum etd_time_format)index);
}

static const char *stamp_mode_name(size_t index)
{
    static const char *const names[] = {"stateless", "stateful"};
    return names[index];
}

static const struct etd_config_choices log_levels = {
    .name = log_level_name, .count = ETD_LOG_DEBUG - ETD_LOG_ERROR + 1, .first = ETD_LOG_ERROR};
static const struct etd_config_choices services = {.name = service_name,
                                                   .count = ETD_SERVICE_COUNT};
static const struct etd_config_choices framings = {.name = framing_name,
                                                   .count = ETD_FRAMING_COUNT};
static const struct etd_config_choices time_formats = {.name = time_format_name,
                                                       .count = ETD_TIME_FORMATS};
static const struct etd_config_choices stamp_modes = {.name = stamp_mode_name,
                                                      .count = ETD_STAMP_MODES};

/* clang-format off: a row reads better in lines of our own choice */
const struct etd_config_key etd_config_keys[ETD_CONFIG_KEYS] = {
    {ETD_SECTION_DAEMON, "log_level", ETD_CONFIG_CHOICE, .choices = &log_levels,
     .default_text = "info", DAEMON(log_level),
     .help =
         "The least important messages that are logged: error, warning, notice, info or debug."},
    {ETD_SECTION_DAEMON, "log_connections", ETD_CONFIG_BOOLEAN, .default_text = "no",
     DAEMON(log_connections),
     .help = "Log a line for every closed TCP connection: who it was, why it ended, and how much "
             "was moved."},
    {ETD_SECTION_DAEMON, "max_connections", ETD_CONFIG_NUMBER, 1, ETD_CONNECTIONS_MAX,
     .default_text = "10000", DAEMON(max_connections),
     .help = "How many TCP connections may be open at the same time, over all listeners. One more "
             "is accepted and closed at once. The limit of open files can make it less; the log "
             "says so then."},
    {ETD_SECTION_DAEMON, "buffer_memory", ETD_CONFIG_SIZE, MIB, TIB, .default_text = "64MiB",
     DAEMON(buffer_memory),
     .help = "Memory for messages that are incomplete or wait to be sent, over all connections. "
             "When it is spent, a connection that needs more is closed."},
    {ETD_SECTION_DAEMON, "drain_timeout", ETD_CONFIG_DURATION, MS, 7 * DAYS, .zero_is_off = true,
     .default_text = "10s", DAEMON(drain_timeout_us),
     .help = "How long open connections may go on after a signal to stop; what is left is reset. "
             "0: as long as they need."},
    {ETD_SECTION_DAEMON, "busy_poll", ETD_CONFIG_DURATION, US, 100 * MS, .zero_is_off = true,
     .default_text = "0", DAEMON(busy_poll_us),
     .help = "After work, ask for more for so long before sleeping: less latency, for a core that "
             "is kept busy. 0: off."},
    {ETD_SECTION_DAEMON, "metrics_listen", ETD_CONFIG_ENDPOINTS, 0, 1, .own_socket = true,
     .default_text = "", DAEMON(metrics_listen),
     .count_offset = offsetof(struct etd_config_daemon, metrics_listen_count),
     .help = "Where metrics are served over HTTP, at /metrics, and the state of health, at "
             "/healthz: HOST:PORT, [IPV6]:PORT or *:PORT. Whoever can connect can read them. "
             "Empty: off."},
    {ETD_SECTION_DAEMON, "user", ETD_CONFIG_NAME, 0, ETD_USER_NAME_MAX, .fixed = true,
     .default_text = "", DAEMON(user),
     .help = "The user to become, for good, when all listeners are bound, when started as root: a "
             "name, or an id in digits. It must be able to read the configuration file for a "
             "reload, which can bind no new port below 1024. Empty: stay."},
    {ETD_SECTION_DAEMON, "group", ETD_CONFIG_NAME, 0, ETD_USER_NAME_MAX, .fixed = true,
     .default_text = "", DAEMON(group),
     .help = "The group to become with it; all others are left. Empty: the user's own."},

    {ETD_SECTION_TCP, "listen", ETD_CONFIG_ENDPOINTS, 1, ETD_LISTEN_MAX,
     .default_text = "127.0.0.1:8080", LISTENER(listen),
     .count_offset = offsetof(struct etd_config_listener, listen_count),
     .help = "Where to listen: HOST:PORT, [IPV6]:PORT, *:PORT for every address of the host, or "
             "systemd:NAME for a socket from the service manager; several are parted by commas. "
             "Port 0 asks the kernel for a free port."},
    {ETD_SECTION_TCP, "service", ETD_CONFIG_CHOICE, .choices = &services, .default_text = "echo",
     LISTENER(service), .help = "What is answered; echotimed(8) tells of each service."},
    {ETD_SECTION_TCP, "framing", ETD_CONFIG_CHOICE, .choices = &framings, .default_text = "raw",
     LISTENER(framing),
     .help = "How the byte stream is cut into messages: raw (not at all), line (each ends in LF), "
             "length16 or length32 (each is led by its length in 2 or 4 bytes, network byte "
             "order)."},
    {ETD_SECTION_TCP, "max_message", ETD_CONFIG_SIZE, 1, GIB, .default_text = "64KiB",
     LISTENER(max_message),
     .help = "The longest message in bytes, its length prefix or LF not counted. A longer one ends "
             "the connection. Without meaning for raw."},
    {ETD_SECTION_TCP, "idle_timeout", ETD_CONFIG_DURATION, MS, 7 * DAYS, .zero_is_off = true,
     .default_text = "60s", LISTENER(idle_timeout_us),
     .help = "Close a connection on which no complete message came and nothing was sent for so "
             "long. 0: never."},
    {ETD_SECTION_TCP, "message_timeout", ETD_CONFIG_DURATION, MS, 7 * DAYS, .zero_is_off = true,
     .default_text = "10s", LISTENER(message_timeout_us),
     .help = "Close a connection on which a message was begun and is not complete after so long, "
             "however many bytes trickle in. 0: never."},
    {ETD_SECTION_TCP, "write_timeout", ETD_CONFIG_DURATION, MS, 7 * DAYS, .zero_is_off = true,
     .default_text = "30s", LISTENER(write_timeout_us),
     .help = "Reset a connection whose peer has taken none of the bytes due to it for so long. "
             "0: never."},
    {ETD_SECTION_TCP, "max_connections_per_source", ETD_CONFIG_NUMBER, 1, 1000000,
     .zero_is_off = true, .default_text = "0", LISTENER(max_connections_per_source),
     .help = "How many connections one IPv4 address or IPv6 /64 may have open. 0: no limit."},
    {ETD_SECTION_TCP, "backlog", ETD_CONFIG_NUMBER, 1, 65535, .default_text = "1024",
     LISTENER(backlog),
     .help = "How many connections may wait to be accepted. The kernel's net.core.somaxconn can "
             "make it less."},
    {ETD_SECTION_TCP, "congestion_control", ETD_CONFIG_NAME, 0, ETD_CONGESTION_MAX,
     .default_text = "", LISTENER(congestion_control),
     .help = "The TCP congestion control, by a name that the kernel knows, such as bbr. Empty: the "
             "host's default."},
    {ETD_SECTION_TCP, "allow", ETD_CONFIG_PREFIXES, 0, ETD_PREFIXES_MAX, .default_text = "",
     LISTENER(allow), .count_offset = offsetof(struct etd_config_listener, allow_count),
     .help = "Addresses and prefixes that may connect; the rest may not then. The longest match of "
             "allow and deny decides. Empty: all."},
    {ETD_SECTION_TCP, "deny", ETD_CONFIG_PREFIXES, 0, ETD_PREFIXES_MAX, .default_text = "",
     LISTENER(deny), .count_offset = offsetof(struct etd_config_listener, deny_count),
     .help = "Addresses and prefixes that may not connect."},
    {ETD_SECTION_TCP, "proxy_protocol", ETD_CONFIG_BOOLEAN, .default_text = "no",
     LISTENER(proxy_protocol),
     .help = "Require a PROXY header, version 1 or 2, which names the source. One of version 2 is at "
             "most 4,096 bytes long, its extensions included, which are passed over."},
    {ETD_SECTION_TCP, "reuse_port", ETD_CONFIG_BOOLEAN, .fixed = true, .default_text = "no",
     LISTENER(reuse_port),
     .help =
         "Share the port with other instances that also say yes; the kernel spreads the "
         "connections over them. It is settled when a socket is opened: a reload that changes it "
         "for an address that stays is refused."},
    {ETD_SECTION_TCP, "time_format", ETD_CONFIG_CHOICE, .choices = &time_formats,
     .default_text = "rfc3339", LISTENER(time_format),
     .help = "The format in which service time answers a query that names none."},
    {ETD_SECTION_TCP, "require_sync", ETD_CONFIG_BOOLEAN, .default_text = "no",
     LISTENER(require_sync),
     .help = "Tell no time while the kernel does not call its clock synchronised: close instead."},

    {ETD_SECTION_UDP, "listen", ETD_CONFIG_ENDPOINTS, 1, ETD_LISTEN_MAX,
     .default_text = "127.0.0.1:9000", LISTENER(listen),
     .count_offset = offsetof(struct etd_config_listener, listen_count),
     .help = "Where to listen: HOST:PORT, [IPV6]:PORT, *:PORT for every address of the host, or "
             "systemd:NAME for a socket from the service manager; several are parted by commas. "
             "Port 0 asks the kernel for a free port."},
    {ETD_SECTION_UDP, "service", ETD_CONFIG_CHOICE, .choices = &services, .default_text = "time",
     LISTENER(service), .help = "What is answered; echotimed(8) tells of each service."},
    {ETD_SECTION_UDP, "time_format", ETD_CONFIG_CHOICE, .choices = &time_formats,
     .default_text = "rfc3339", LISTENER(time_format),
     .help = "The format in which service time answers a query that names none."},
    {ETD_SECTION_UDP, "rate_limit", ETD_CONFIG_NUMBER, 1, 10000000, .zero_is_off = true,
     .default_text = "1000", LISTENER(rate_limit),
     .help = "Answers a second to one source. 0: no limit."},
    {ETD_SECTION_UDP, "rate_burst", ETD_CONFIG_NUMBER, 1, 10000000, .default_text = "2000",
     LISTENER(rate_burst), .help = "Answers to one source at once, after a pause."},
    {ETD_SECTION_UDP, "refuse_low_ports", ETD_CONFIG_BOOLEAN, .default_text = "yes",
     LISTENER(refuse_low_ports),
     .help = "Never answer a source port below 1024, where other servers might answer the answer."},
    {ETD_SECTION_UDP, "loop_guard", ETD_CONFIG_NUMBER, 1, 1000000, .zero_is_off = true,
     .default_text = "1000", LISTENER(loop_guard),
     .help = "After so many answers in a row to one source for the very same bytes, drop one. "
             "0: off."},
    {ETD_SECTION_UDP, "require_padding", ETD_CONFIG_BOOLEAN, .default_text = "no",
     LISTENER(require_padding), .help = "Send no answer that is longer than its request."},
    {ETD_SECTION_UDP, "receive_buffer", ETD_CONFIG_SIZE, 4 * KIB, 512 * MIB, .default_text = "4MiB",
     LISTENER(receive_buffer),
     .help = "Bytes that the kernel may hold of datagrams not yet read. The kernel's "
             "net.core.rmem_max can make it less; the log says so then."},
    {ETD_SECTION_UDP, "allow", ETD_CONFIG_PREFIXES, 0, ETD_PREFIXES_MAX, .default_text = "",
     LISTENER(allow), .count_offset = offsetof(struct etd_config_listener, allow_count),
     .help = "Addresses and prefixes that are answered; the rest are not then. The longest match "
             "of allow and deny decides. Empty: all."},
    {ETD_SECTION_UDP, "deny", ETD_CONFIG_PREFIXES, 0, ETD_PREFIXES_MAX, .default_text = "",
     LISTENER(deny), .count_offset = offsetof(struct etd_config_listener, deny_count),
     .help = "Addresses and prefixes that are not answered."},
    {ETD_SECTION_UDP, "reuse_port", ETD_CONFIG_BOOLEAN, .fixed = true, .default_text = "no",
     LISTENER(reuse_port),
     .help =
         "Share the port with other instances that also say yes; the kernel spreads the "
         "sources over them. It is settled when a socket is opened: a reload that changes it for "
         "an address that stays is refused."},
    {ETD_SECTION_UDP, "require_sync", ETD_CONFIG_BOOLEAN, .default_text = "no",
     LISTENER(require_sync),
     .help = "Tell no time while the kernel does not call its clock synchronised: stay silent."},
    {ETD_SECTION_UDP, "ntp_stratum", ETD_CONFIG_NUMBER, 1, 15, .default_text = "10",
     LISTENER(ntp_stratum),
     .help = "The stratum that service ntp tells while the clock is synchronised."},
    {ETD_SECTION_UDP, "ntp_refid", ETD_CONFIG_NAME, 1, ETD_REFID_MAX, .default_text = "LOCL",
     LISTENER(ntp_refid),
     .help = "The reference that service ntp tells: up to four characters, or an IPv4 address."},
    {ETD_SECTION_UDP, "stamp_mode", ETD_CONFIG_CHOICE, .choices = &stamp_modes,
     .default_text = "stateless", LISTENER(stamp_mode),
     .help = "How service stamp numbers its answers: stateless copies the sender's number, "
             "stateful counts the answers to each sender."},
    {ETD_SECTION_UDP, "stamp_tlvs", ETD_CONFIG_BOOLEAN, .default_text = "yes", LISTENER(stamp_tlvs),
     .help = "Process the extensions of RFC 8972 behind the packet; no: send them back as they "
             "came."},
};
/* clang-format on */

const char *etd_config_section_name(enum etd_config_section section)
{
    static const char *const names[ETD_SECTION_COUNT] = {
        [ETD_SECTION_DAEMON] = "daemon", [ETD_SECTION_TCP] = "tcp", [ETD_SECTION_UDP] = "udp"};
    return names[section];
}

const struct etd_config_key *etd_config_key_find(enum etd_config_section section, const char *name)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        if (key->section == section && strcmp(key->name, name) == 0)
            return key;
    }
    return NULL;
}
