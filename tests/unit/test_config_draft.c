/* Configurations: sections, keys, options, what does not go together, and that every mistake of a
 * run is told, in order. */
#include "config_helper.h"

START_TEST(no_listener_gives_the_default_ones)
{
    static const char *const texts[] = {"", "[daemon]\nlog_level = debug\n"};
    for (size_t i = 0; i < 2; i++) {
        struct helper helper;
        helper_init(&helper);
        helper_load_good(&helper, texts[i]);
        const struct etd_config *config = &helper.loaded.config;
        ck_assert_uint_eq(config->listener_count, 2);
        ck_assert_int_eq(config->listeners[0].transport, ETD_TCP);
        ck_assert_int_eq(config->listeners[0].service, ETD_SERVICE_ECHO);
        ck_assert_uint_eq(config->listeners[0].listen[0].address.port, 8080);
        ck_assert_int_eq(config->listeners[1].transport, ETD_UDP);
        ck_assert_int_eq(config->listeners[1].service, ETD_SERVICE_TIME);
        ck_assert_uint_eq(config->listeners[1].listen[0].address.port, 9000);
        helper_free(&helper);
    }
}
END_TEST

START_TEST(a_listener_section_displaces_the_default_ones)
{
    struct helper helper;
    helper_init(&helper);
    helper_load_good(&helper, "[udp]\n");
    ck_assert_uint_eq(helper.loaded.config.listener_count, 1);
    ck_assert_int_eq(helper.loaded.config.listeners[0].transport, ETD_UDP);
    ck_assert_str_eq(helper.loaded.config.listeners[0].name, "");
    helper_free(&helper);
}
END_TEST

/* Whether the text gives this key, in a section of this kind, a value that is not the default. */
static bool text_changes(const char *text, const struct etd_config_key *key)
{
    char heading[16], line[256], name[64], value[160];
    bool inside = false;
    snprintf(heading, sizeof heading, "[%s", etd_config_section_name(key->section));
    for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
        if (line[0] == '[')
            inside = strncmp(line, heading, strlen(heading)) == 0;
        else if (inside && sscanf(line, "%63s = %159[^\n]", name, value) == 2 &&
                 strcmp(name, key->name) == 0)
            return strcmp(value, key->default_text) != 0;
    }
    return false;
}

/* Every supported key reaches its own field, and the dump gives it back. */
START_TEST(every_key_is_taken)
{
    static const char text[] = "[daemon]\n"
                               "log_level          = warning\n"
                               "log_connections    = yes\n"
                               "max_connections    = 77\n"
                               "buffer_memory      = 2MiB\n"
                               "drain_timeout      = 3s\n"
                               "busy_poll          = 50us\n"
                               "metrics_listen     = *:9100\n"
                               "user               = echo-user\n"
                               "group              = 4711\n"
                               "\n"
                               "[tcp a.b-c_D]\n"
                               "listen             = 127.0.0.1:1, [::1]:2\n"
                               "service            = time\n"
                               "framing            = length16\n"
                               "max_message        = 1000\n"
                               "idle_timeout       = 61s\n"
                               "message_timeout    = 0\n"
                               "write_timeout      = 1500ms\n"
                               "max_connections_per_source = 20\n"
                               "backlog            = 5\n"
                               "congestion_control = reno\n"
                               "allow              = 10.0.0.0/8, 2001:db8::1\n"
                               "deny               = 10.1.0.0/16\n"
                               "proxy_protocol     = yes\n"
                               "reuse_port         = yes\n"
                               "time_format        = unix_ms\n"
                               "require_sync       = yes\n"
                               "\n"
                               "[udp x]\n"
                               "listen             = *:3\n"
                               "service            = ntp\n"
                               "time_format        = http\n"
                               "rate_limit         = 321\n"
                               "rate_burst         = 654\n"
                               "refuse_low_ports   = no\n"
                               "loop_guard         = 987\n"
                               "require_padding    = yes\n"
                               "receive_buffer     = 64KiB\n"
                               "allow              = ::/0\n"
                               "deny               = 192.0.2.7, 2001:db8::/32\n"
                               "reuse_port         = yes\n"
                               "require_sync       = yes\n"
                               "ntp_stratum        = 3\n"
                               "ntp_refid          = 192.0.2.1\n"
                               "stamp_mode         = stateful\n"
                               "stamp_tlvs         = no\n";
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        ck_assert_msg(text_changes(text, key), "the text lacks [%s] %s",
                      etd_config_section_name(key->section), key->name);
    }
    struct helper helper;
    helper_init(&helper);
    helper_load_good(&helper, text);
    const struct etd_config *config = &helper.loaded.config;
    ck_assert_int_eq(config->daemon.log_level, ETD_LOG_WARNING);
    ck_assert(config->daemon.log_connections);
    ck_assert_uint_eq(config->daemon.max_connections, 77);
    ck_assert_uint_eq(config->daemon.buffer_memory, 2 << 20);
    ck_assert_uint_eq(config->daemon.drain_timeout_us, 3000000);
    ck_assert_uint_eq(config->daemon.busy_poll_us, 50);
    ck_assert_uint_eq(config->daemon.metrics_listen_count, 1);
    ck_assert_uint_eq(config->daemon.metrics_listen[0].address.port, 9100);
    ck_assert_str_eq(config->daemon.user, "echo-user");
    ck_assert_str_eq(config->daemon.group, "4711");
    const struct etd_config_listener *tcp = &config->listeners[0];
    ck_assert_str_eq(tcp->name, "a.b-c_D");
    ck_assert_uint_eq(tcp->listen_count, 2);
    ck_assert_uint_eq(tcp->listen[1].address.port, 2);
    ck_assert_int_eq(tcp->service, ETD_SERVICE_TIME);
    ck_assert_int_eq(tcp->framing, ETD_FRAMING_LENGTH16);
    ck_assert_uint_eq(tcp->max_message, 1000);
    ck_assert_uint_eq(tcp->idle_timeout_us, 61000000);
    ck_assert_uint_eq(tcp->message_timeout_us, 0);
    ck_assert_uint_eq(tcp->write_timeout_us, 1500000);
    ck_assert_uint_eq(tcp->backlog, 5);
    ck_assert_str_eq(tcp->congestion_control, "reno");
    ck_assert_uint_eq(tcp->max_connections_per_source, 20);
    ck_assert_uint_eq(tcp->allow_count, 2);
    ck_assert_uint_eq(tcp->allow[0].bits, 96 + 8);
    ck_assert_uint_eq(tcp->allow[1].bits, 128);
    ck_assert_uint_eq(tcp->deny_count, 1);
    ck_assert_uint_eq(tcp->deny[0].bits, 96 + 16);
    ck_assert(tcp->proxy_protocol);
    ck_assert(tcp->reuse_port);
    ck_assert_int_eq(tcp->time_format, ETD_TIME_UNIX_MS);
    ck_assert(tcp->require_sync);
    const struct etd_config_listener *udp = &config->listeners[1];
    ck_assert_int_eq(udp->listen[0].kind, ETD_ENDPOINT_ANY);
    ck_assert_int_eq(udp->service, ETD_SERVICE_NTP);
    ck_assert_int_eq(udp->time_format, ETD_TIME_HTTP);
    ck_assert_uint_eq(udp->rate_limit, 321);
    ck_assert_uint_eq(udp->rate_burst, 654);
    ck_assert(!udp->refuse_low_ports);
    ck_assert_uint_eq(udp->loop_guard, 987);
    ck_assert(udp->require_padding);
    ck_assert_uint_eq(udp->receive_buffer, 65536);
    ck_assert_uint_eq(udp->allow_count, 1);
    ck_assert_uint_eq(udp->allow[0].bits, 0);
    ck_assert_uint_eq(udp->deny_count, 2);
    ck_assert_uint_eq(udp->deny[1].bits, 32);
    ck_assert(udp->reuse_port);
    ck_assert(udp->require_sync);
    ck_assert_uint_eq(udp->ntp_stratum, 3);
    ck_assert_str_eq(udp->ntp_refid, "192.0.2.1");
    ck_assert_int_eq(udp->stamp_mode, ETD_STAMP_STATEFUL);
    ck_assert(!udp->stamp_tlvs);
    ck_assert_str_eq(helper_dump(config), text);
    helper_free(&helper);
}
END_TEST

START_TEST(unknown_names_get_the_nearest_known)
{
    expect_problems("[tpc]\nlisten=x\nfoo=bar\n", NULL,
                    "test.ini:1: unknown section 'tpc'; did you mean [tcp]?\n");
    expect_problems("[metrics]\n", NULL,
                    "test.ini:1: unknown section 'metrics'; known are [daemon], [tcp], [tcp NAME], "
                    "[udp] and [udp NAME]\n");
    expect_problems("[]\n", NULL,
                    "test.ini:1: unknown section ''; known are [daemon], [tcp], [tcp NAME], "
                    "[udp] and [udp NAME]\n");
    expect_problems("[tcp]\nlisten=*:1\nidel_timeout=1\n", NULL,
                    "test.ini:3: unknown key 'idel_timeout' in [tcp]; did you mean "
                    "idle_timeout?\n");
    expect_problems("[tcp x]\nmax_connections=1\n", NULL,
                    "test.ini:2: unknown key 'max_connections' in [tcp x]; it belongs in "
                    "[daemon]\n");
    expect_problems("[daemon]\nport=1\n", NULL,
                    "test.ini:2: unknown key 'port' in [daemon], which knows log_level, "
                    "log_connections, max_connections, buffer_memory, drain_timeout, "
                    "busy_poll, metrics_listen, user, group\n");
    expect_problems("[udp]\n\x1b[31m\xc3\xa4 = 1\n", NULL,
                    "test.ini:2: the line has a control character; remove it\n");
    expect_problems("[daemon]\n\xc3\xa4 = 1\n", NULL,
                    "test.ini:2: unknown key '\\xc3\\xa4' in [daemon], which knows log_level, "
                    "log_connections, max_connections, buffer_memory, drain_timeout, "
                    "busy_poll, metrics_listen, user, group\n");
}
END_TEST

START_TEST(what_is_given_twice_names_both_lines)
{
    expect_problems("[tcp]\nbacklog=1\nbacklog=2\n", NULL,
                    "test.ini:3: [tcp] backlog was given in line 2 already; keep one of them\n");
    expect_problems("[tcp]\nbacklog=1\n[udp]\n[tcp]\nbacklog=2\nframing=x\n", NULL,
                    "test.ini:4: section [tcp] was given in line 1 already; put its keys together "
                    "there\n"
                    "test.ini:5: [tcp] backlog was given in line 2 already; keep one of them\n"
                    "test.ini:6: [tcp] framing: 'x' is not known; supported: raw, line, length16, "
                    "length32\n");
    expect_problems("[daemon]\n[daemon]\n", NULL,
                    "test.ini:2: section [daemon] was given in line 1 already; put its keys "
                    "together there\n");
    expect_problems("[tcp a]\nlisten=*:1\n[tcp b]\nlisten=*:2\n[udp a]\n", NULL, "");
}
END_TEST

START_TEST(section_names_are_checked)
{
    const char *wrong = " has a wrong name; write one blank and 1 to 32 letters, digits, '-', '_' "
                        "or '.'\n";
    static const char *const headings[] = {
        "tcp a b",
        "tcp  a",
        "tcp ",
        "tcp a/b",
        "udp a:b",
        "tcp a23456789012345678901234567890123",
        "tcp a2345678901234567890123456789012345678901234567890"};
    char text[256], problems[512];
    for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++) {
        snprintf(text, sizeof text, "[%s]\nreuse_port=5\n", headings[i]);
        snprintf(problems, sizeof problems,
                 "test.ini:1: section '%s'%stest.ini:2: [%.3s] reuse_port: '5' is neither yes nor "
                 "no\n",
                 headings[i], wrong, headings[i]);
        expect_problems(text, NULL, problems);
    }
    expect_problems("[tcp a2345678901234567890123456789012]\n", NULL, "");
    expect_problems("[daemon x]\nlog_level=info\n", NULL,
                    "test.ini:1: section [daemon] takes no name; write [daemon]\n");
    expect_problems("[tcp\ta]\n", NULL,
                    "test.ini:1: section 'tcp\\x09a' has a wrong name; write one blank and 1 to "
                    "32 letters, digits, '-', '_' or '.'\n");
}
END_TEST

START_TEST(keys_before_any_section)
{
    expect_problems("listen=*:1\n[tcp]\n", NULL,
                    "test.ini:1: the key stands before any section; write [daemon], [tcp] or "
                    "[udp] above it\n");
}
END_TEST

START_TEST(a_group_needs_a_user)
{
    expect_problems("[daemon]\nlog_level = info\ngroup = games\n", NULL,
                    "test.ini:3: [daemon] group: there is no user to become with it; set user "
                    "too, or leave group out\n");
    struct helper helper;
    helper_init(&helper);
    helper_load_good(&helper, "[daemon]\ngroup = games\nuser = games\n");
    helper_free(&helper);
}
END_TEST

START_TEST(metrics_have_a_socket_of_their_own)
{
    expect_problems("[daemon]\nmetrics_listen = systemd:a\n", NULL,
                    "test.ini:2: [daemon] metrics_listen: 'systemd:a' is for listeners; write "
                    "HOST:PORT, [IPV6]:PORT or *:PORT\n");
}
END_TEST

START_TEST(sockets_of_the_manager_serve_one_section_of_each_transport)
{
    expect_problems("[tcp]\nlisten = *:1, systemd:a\n[udp]\nlisten = systemd:a, systemd:b\n", NULL,
                    "");
    expect_problems("[udp]\nlisten = systemd:a\n[udp b]\nlisten = *:1, systemd:a\n", NULL,
                    "test.ini:4: [udp b] listen: systemd:a collides with systemd:a of [udp], given "
                    "in line 2; give each listener an address or port of its own\n");
}
END_TEST

START_TEST(a_service_needs_a_transport_that_carries_it)
{
    expect_problems("[tcp]\nservice=ntp\n", NULL,
                    "test.ini:2: [tcp]: service ntp cannot be carried over TCP; put it into a "
                    "[udp] section\n");
    expect_problems("[tcp]\nframing=line\nservice=stamp\n", NULL,
                    "test.ini:3: [tcp]: service stamp cannot be carried over TCP; put it into a "
                    "[udp] section\n");
    expect_problems("[udp]\nservice=chargen\n", NULL,
                    "test.ini:2: [udp] service: 'chargen' is not known; supported: echo, discard, "
                    "time, daytime, rfc868, ntp, stamp\n");
    char text[64];
    for (size_t i = 0; i < ETD_SERVICE_COUNT; i++) {
        struct helper helper;
        helper_init(&helper);
        snprintf(text, sizeof text, "[udp]\nservice=%s\n", etd_services[i]->name);
        helper_load_good(&helper, text);
        ck_assert_uint_eq(helper.loaded.config.listeners[0].service, i);
        helper_free(&helper);
    }
}
END_TEST

START_TEST(a_refid_is_characters_or_an_address)
{
    static const char *const good[] = {"GPS", "P", "LOCL", "192.0.2.1", "255.255.255.255", "1.23"};
    static const char *const wrong[] = {"ABCDE", "1.2.3", "1.2.3.4.5", "192.0.2.256"};
    char text[64], problems[256];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct helper helper;
        helper_init(&helper);
        snprintf(text, sizeof text, "[udp]\nservice=ntp\nntp_refid=%s\n", good[i]);
        helper_load_good(&helper, text);
        ck_assert_str_eq(helper.loaded.config.listeners[0].ntp_refid, good[i]);
        helper_free(&helper);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(text, sizeof text, "[udp]\n\nntp_refid=%s\n", wrong[i]);
        snprintf(problems, sizeof problems,
                 "test.ini:3: [udp] ntp_refid: '%s' is neither one to four characters, such as "
                 "GPS, nor an IPv4 address\n",
                 wrong[i]);
        expect_problems(text, NULL, problems);
    }
    expect_problems("", "udp.ntp_refid=ABCDE",
                    "-o udp.ntp_refid=ABCDE: [udp] ntp_refid: 'ABCDE' is neither one to four "
                    "characters, such as GPS, nor an IPv4 address\n");
}
END_TEST

START_TEST(a_service_needs_a_framing_that_carries_it)
{
    expect_problems("[tcp]\nservice=time\nbacklog=1\n", NULL,
                    "test.ini:2: [tcp]: service time cannot be carried by framing raw; these can: "
                    "line, length16, length32\n");
    expect_problems("[tcp]\nservice=time\n\nframing=raw\n", NULL,
                    "test.ini:4: [tcp]: service time cannot be carried by framing raw; these can: "
                    "line, length16, length32\n");
    expect_problems("[tcp]\nservice=time\nframing=line\n", NULL, "");
    /* Nothing is said of a pair of which one is not known. */
    expect_problems("[tcp]\nservice=time\nframing=lines\n", NULL,
                    "test.ini:3: [tcp] framing: 'lines' is not known; supported: raw, line, "
                    "length16, length32\n");
}
END_TEST

START_TEST(a_message_must_fit_into_the_memory)
{
    expect_problems("[daemon]\nbuffer_memory=1MiB\n[tcp]\nframing=line\nmax_message=1MiB\n", NULL,
                    "test.ini:5: [tcp] max_message: to hold the longest message takes 1048705 "
                    "bytes, and [daemon] buffer_memory is 1048576; lower max_message, or raise "
                    "buffer_memory to 1048705 at least\n");
    expect_problems("[daemon]\nbuffer_memory=1048705\n[tcp]\nframing=line\nmax_message=1MiB\n",
                    NULL, "");
    expect_problems("[daemon]\nbuffer_memory=1MiB\n[tcp]\nframing=length32\nmax_message=1048445\n",
                    "tcp.reuse_port=no",
                    "test.ini:5: [tcp] max_message: to hold the longest message takes 1048577 "
                    "bytes, and [daemon] buffer_memory is 1048576; lower max_message, or raise "
                    "buffer_memory to 1048577 at least\n");
    expect_problems("[daemon]\nbuffer_memory=1MiB\n[tcp]\nframing=length32\nmax_message=1048444\n",
                    "tcp.reuse_port=no", "");
    /* raw has no messages, and length16 cannot announce more than 65,535 bytes. */
    expect_problems("[daemon]\nbuffer_memory=1MiB\n[tcp]\nmax_message=1GiB\n", NULL, "");
    expect_problems("[daemon]\nbuffer_memory=1MiB\n[tcp]\nframing=length16\nmax_message=1GiB\n",
                    NULL, "");
}
END_TEST

START_TEST(one_prefix_in_both_lists_is_a_mistake)
{
    expect_problems("[tcp]\nallow=10.0.0.0/8,192.0.2.1\ndeny=10.0.0.0/9,192.0.2.1/32\n", NULL,
                    "test.ini:3: [tcp]: 192.0.2.1 stands in both allow and deny; keep it in one of "
                    "them\n");
    expect_problems("[udp a]\ndeny=::/0\nallow=2001:db8::/32,::/0\n", NULL,
                    "test.ini:3: [udp a]: ::/0 stands in both allow and deny; keep it in one of "
                    "them\n");
    expect_problems(
        "[tcp]\nallow=0.0.0.0/0\n", "tcp.deny=::ffff:0:0/96",
        "-o tcp.deny=::ffff:0:0/96: [tcp]: 0.0.0.0/0 stands in both allow and deny; keep "
        "it in one of them\n");
    /* A list that was refused is not held against the other. */
    expect_problems("[tcp]\nallow=10.0.0.0/8\ndeny=10.0.0.0/8,x\n", NULL,
                    "test.ini:3: [tcp] deny: 'x' is neither an address nor a prefix such as "
                    "192.0.2.0/24\n");
    expect_problems("[tcp]\nallow=10.0.0.0/8,10.0.0.0/8\ndeny=10.0.0.0/9\n", NULL, "");
}
END_TEST

START_TEST(two_listeners_on_one_address_name_both_lines)
{
    expect_problems("[tcp]\nlisten=127.0.0.1:7\n[tcp a]\nlisten=127.0.0.1:8,*:7\n", NULL,
                    "test.ini:4: [tcp a] listen: *:7 collides with 127.0.0.1:7 of [tcp], given in "
                    "line 2; give each listener an address or port of its own\n");
    expect_problems("[tcp a]\n[tcp]\n", NULL,
                    "test.ini:2: [tcp] listen: 127.0.0.1:8080 collides with 127.0.0.1:8080 of "
                    "[tcp a], given in the defaults; give each listener an address or port of its "
                    "own\n");
    expect_problems("[udp]\nlisten=[::]:7, a:7, [::1]:7\n", NULL,
                    "test.ini:2: [udp] listen: [::1]:7 collides with [::]:7 of [udp], given in "
                    "line 2; give each listener an address or port of its own\n");
    /* One problem for each section is enough. */
    expect_problems("[tcp a]\n[tcp b]\n[tcp c]\n", NULL,
                    "test.ini:2: [tcp b] listen: 127.0.0.1:8080 collides with 127.0.0.1:8080 of "
                    "[tcp a], given in the defaults; give each listener an address or port of its "
                    "own\n"
                    "test.ini:3: [tcp c] listen: 127.0.0.1:8080 collides with 127.0.0.1:8080 of "
                    "[tcp a], given in the defaults; give each listener an address or port of its "
                    "own\n");
    /* Metrics are served over TCP. */
    expect_problems("[daemon]\nmetrics_listen=*:7\n[tcp]\nlisten=127.0.0.1:8,[::1]:7\n", NULL,
                    "test.ini:4: [tcp] listen: [::1]:7 collides with *:7 of [daemon] "
                    "metrics_listen, given in line 2; give each listener an address or port of its "
                    "own\n");
    expect_problems("[daemon]\nmetrics_listen=127.0.0.1:8080\n", NULL,
                    "test.ini:2: [daemon] metrics_listen: 127.0.0.1:8080 collides with "
                    "127.0.0.1:8080 of [tcp], given in the defaults; give each listener an address "
                    "or port of its own\n");
    expect_problems("[daemon]\nmetrics_listen=*:7\n[udp]\nlisten=*:7\n", NULL, "");
    expect_problems("[daemon]\nmetrics_listen=*\n[tcp]\nlisten=*:7\n", NULL,
                    "test.ini:2: [daemon] metrics_listen: '*' has no port; write HOST:PORT, "
                    "[IPV6]:PORT or *:PORT\n");
    /* Transports have ports of their own, and port 0 is always another one. */
    expect_problems("[tcp]\nlisten=*:7\n[udp]\nlisten=*:7\n", NULL, "");
    expect_problems("[tcp]\nlisten=*:0,*:0\n[tcp a]\nlisten=*:0\n", NULL, "");
    /* A refused list stands for nothing. */
    expect_problems("[tcp]\n[tcp a]\nlisten=*\n", NULL,
                    "test.ini:3: [tcp a] listen: '*' has no port; write HOST:PORT, [IPV6]:PORT or "
                    "*:PORT\n");
}
END_TEST

START_TEST(options_come_after_the_file)
{
    struct helper helper;
    helper_init(&helper);
    helper_option(&helper, "tcp.listen=*:7000");
    helper_option(&helper, "daemon.log_level=debug");
    helper_option(&helper, "tcp framed.x.framing=line"); /* the last dot before the = parts */
    helper_option(&helper, "tcp framed.x.listen=127.0.0.1:1, a.b:2");
    helper_load_good(&helper, "[daemon]\nlog_level=error\n[tcp]\nlisten=*:1\nbacklog=3\n");
    const struct etd_config *config = &helper.loaded.config;
    ck_assert_int_eq(config->daemon.log_level, ETD_LOG_DEBUG);
    ck_assert_uint_eq(config->listener_count, 2);
    ck_assert_uint_eq(config->listeners[0].listen[0].address.port, 7000);
    ck_assert_uint_eq(config->listeners[0].backlog, 3);
    ck_assert_str_eq(config->listeners[1].name, "framed.x");
    ck_assert_int_eq(config->listeners[1].framing, ETD_FRAMING_LINE);
    ck_assert_uint_eq(config->listeners[1].listen_count, 2);
    helper_free(&helper);

    /* Without a listener in the file they come on top of the default ones. */
    helper_init(&helper);
    helper_option(&helper, "tcp b.listen=*:1");
    helper_load_good(&helper, "");
    ck_assert_uint_eq(helper.loaded.config.listener_count, 3);
    helper_free(&helper);
}
END_TEST

START_TEST(option_mistakes_are_told_with_their_text)
{
    static const char *const shapes[] = {"x", "", "=", "a=b.c", "tcp.listen", "listen=*:1"};
    char problems[256];
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        snprintf(problems, sizeof problems,
                 "-o %s: is not SECTION.KEY=VALUE, such as tcp.listen=*:7000\n", shapes[i]);
        expect_problems("", shapes[i], problems);
    }
    expect_problems("", ".a=b",
                    "-o .a=b: unknown section ''; known are [daemon], [tcp], [tcp NAME], [udp] and "
                    "[udp NAME]\n");
    expect_problems("", "tcp.=b",
                    "-o tcp.=b: unknown key '' in [tcp], which knows listen, service, framing, "
                    "max_message, idle_timeout, message_timeout, write_timeout, "
                    "max_connections_per_source, backlog, congestion_control, allow, deny, "
                    "proxy_protocol, reuse_port, time_format, require_sync\n");
    expect_problems("", "tcp.backlog=0",
                    "-o tcp.backlog=0: [tcp] backlog: '0' is out of its range, 1 to 65535\n");
    expect_problems("", "daemon.group=games",
                    "-o daemon.group=games: [daemon] group: there is no user to become with it; "
                    "set user too, or leave group out\n");
    expect_problems("", "udp.rate_burst=0",
                    "-o udp.rate_burst=0: [udp] rate_burst: '0' is out of its range, 1 to "
                    "10000000\n");
    expect_problems("[tcp]\nlisten=*:7\n", "tcp a.listen=*:7",
                    "-o tcp a.listen=*:7: [tcp a] listen: *:7 collides with *:7 of [tcp], given in "
                    "line 2; give each listener an address or port of its own\n");
    /* The option made the collision, though its section comes first in the file. */
    expect_problems("[tcp]\n[tcp a]\nlisten=*:7\n", "tcp.listen=*:7",
                    "-o tcp.listen=*:7: [tcp] listen: *:7 collides with *:7 of [tcp a], given in "
                    "line 3; give each listener an address or port of its own\n");
    expect_problems("", "tcp.back\nlog=0",
                    "-o tcp.back\\x0alog=0: unknown key 'back\\x0alog' in [tcp]; did you mean "
                    "backlog?\n");
}
END_TEST

START_TEST(an_option_given_twice)
{
    struct helper helper;
    helper_init(&helper);
    helper_option(&helper, "tcp.backlog=1");
    helper_option(&helper, "tcp.backlog=2");
    helper_load(&helper, "");
    ck_assert_str_eq(helper_problems(&helper),
                     "-o tcp.backlog=2: [tcp] backlog was given in -o tcp.backlog=1 already; keep "
                     "one of them\n");
    helper_free(&helper);
}
END_TEST

/* All mistakes of a run, those that concern several lines too, in the order of the file. */
START_TEST(all_mistakes_are_told_in_order)
{
    expect_problems("x=1\n"
                    "[tcp]\n"
                    "listen=*:7\n"
                    "[tcp a]\n"
                    "listen=*:7\n"
                    "backlog=0\n"
                    "nonsense\n"
                    "[udp] junk\n"
                    "service=echo # hm\n",
                    "daemon.log_level=loud",
                    "test.ini:1: the key stands before any section; write [daemon], [tcp] or "
                    "[udp] above it\n"
                    "test.ini:5: [tcp a] listen: *:7 collides with *:7 of [tcp], given in line 3; "
                    "give each listener an address or port of its own\n"
                    "test.ini:6: [tcp a] backlog: '0' is out of its range, 1 to 65535\n"
                    "test.ini:7: the line has no '='; write NAME = VALUE, [SECTION] or ; COMMENT\n"
                    "test.ini:8: something stands behind the section's ']'; a comment begins with "
                    "' ;'\n"
                    "test.ini:9: [udp] service: 'echo # hm' is not known; supported: echo, "
                    "discard, time, daytime, rfc868, ntp, stamp; a comment behind a value begins "
                    "with ' ;'\n"
                    "-o daemon.log_level=loud: [daemon] log_level: 'loud' is not known; supported: "
                    "error, warning, notice, info, debug\n");
}
END_TEST

START_TEST(overlong_texts_are_cut_in_messages_only)
{
    static char text[9000];
    strcpy(text, "[tcp]\nbacklog=");
    memset(text + strlen(text), 'x', 4000);
    struct helper helper;
    helper_init(&helper);
    helper_load(&helper, text);
    ck_assert_uint_eq(helper.loaded.problems.count, 1);
    ck_assert_str_eq(
        helper.loaded.problems.items[0].text,
        "test.ini:2: [tcp] backlog: "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "...' is not a whole number");
    helper_free(&helper);
}
END_TEST

/* The dump of the longest list that is accepted still is a line that can be read. */
START_TEST(the_longest_list_reads_back)
{
    static char text[16 * 1024];
    char name[ETD_ENDPOINT_NAME_MAX + 1];
    strcpy(text, "[tcp]\nlisten=");
    for (int i = 0; i < ETD_LISTEN_MAX; i++) {
        memset(name, 'a' + i, sizeof name - 1);
        name[sizeof name - 1] = '\0';
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s:65535", i > 0 ? "," : "",
                 name);
    }
    struct helper helper, again;
    helper_init(&helper);
    helper_load_good(&helper, text);
    static char dump[16 * 1024];
    strcpy(dump, helper_dump(&helper.loaded.config));
    helper_init(&again);
    helper_load_good(&again, dump);
    ck_assert_str_eq(helper_dump(&again.loaded.config), dump);
    helper_free(&helper);
    helper_free(&again);
}
END_TEST

START_TEST(the_longest_list_of_prefixes_reads_back)
{
    /* As many as may be, each as long as can be; and that the dump writes longer than this file. */
    static const char *const entries[][2] = {{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:", "/127"},
                                             {"::", ":1"}};
    static char text[64 * 1024], dump[128 * 1024];
    for (size_t i = 0; i < 2; i++) {
        char *at = text + sprintf(text, "[tcp]\ndeny=");
        for (unsigned j = 0; j < ETD_PREFIXES_MAX; j++) {
            const char *comma = j > 0 ? "," : "";
            at += sprintf(at, "%s%s%x%s", comma, entries[i][0], 0xf000 + 2 * j, entries[i][1]);
        }
        struct helper helper, again;
        helper_init(&helper);
        helper_load_good(&helper, text);
        strcpy(dump, helper_dump(&helper.loaded.config));
        helper_init(&again);
        helper_load_good(&again, dump);
        ck_assert_str_eq(helper_dump(&again.loaded.config), dump);
        helper_free(&helper);
        helper_free(&again);
        strcpy(at, ",::1");
        expect_problems(
            text, NULL,
            "test.ini:2: [tcp] deny: the list is too long; write nothing, or up to 1000 of "
            "ADDRESS or ADDRESS/BITS\n");
    }
}
END_TEST

START_TEST(too_many_sections_are_refused)
{
    static char text[64 * 1024];
    size_t size = 0;
    for (int i = 0; i <= ETD_LISTENERS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "[udp a%d]\nlisten=*:0\n", i);
    expect_problems(text, NULL,
                    "test.ini:2001: there are too many sections; 1000 listeners are the limit\n");
}
END_TEST

/* Whichever request for memory fails: no leak, no crash, and it is said. */
START_TEST(want_of_memory_is_survived_anywhere)
{
    static const char *const texts[] = {
        "[daemon]\n[tcp]\nlisten=*:1,*:2\nallow=::1\ndeny=::/0\n[tcp a]\nlisten=*:3\n[udp]\n[udp "
        "a]\nlisten=*:4\n"
        "[udp b]\nlisten=*:5\n",
        "[tcp]\nlisten=x\nlisten=y\n[tpc]\n[tcp a b]\nfoo=bar\n1\n2\n3\n4\n5\n6\n",
    };
    for (size_t i = 0; i < 2; i++) {
        for (uint64_t refuse_at = 1;; refuse_at++) {
            struct helper helper;
            helper_init(&helper);
            helper_option(&helper, "tcp c.listen=*:9");
            helper.memory.refuse_at = refuse_at;
            helper.memory.refuse_on = (int)(refuse_at % 2);
            helper_load(&helper, texts[i]);
            bool refused = helper.memory.requests >= refuse_at;
            if (refused)
                ck_assert_int_eq(helper.result, ETD_CONFIG_NO_MEMORY);
            helper_free(&helper);
            if (!refused) {
                ck_assert_int_eq(helper.result, i == 0 ? ETD_CONFIG_OK : ETD_CONFIG_MISTAKEN);
                ck_assert_uint_gt(refuse_at, 8);
                break;
            }
        }
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("config_draft");
    TCase *tests = tcase_create("texts");
    tcase_add_test(tests, no_listener_gives_the_default_ones);
    tcase_add_test(tests, a_listener_section_displaces_the_default_ones);
    tcase_add_test(tests, every_key_is_taken);
    tcase_add_test(tests, unknown_names_get_the_nearest_known);
    tcase_add_test(tests, what_is_given_twice_names_both_lines);
    tcase_add_test(tests, section_names_are_checked);
    tcase_add_test(tests, keys_before_any_section);
    tcase_add_test(tests, metrics_have_a_socket_of_their_own);
    tcase_add_test(tests, a_group_needs_a_user);
    tcase_add_test(tests, sockets_of_the_manager_serve_one_section_of_each_transport);
    tcase_add_test(tests, a_service_needs_a_transport_that_carries_it);
    tcase_add_test(tests, a_refid_is_characters_or_an_address);
    tcase_add_test(tests, a_service_needs_a_framing_that_carries_it);
    tcase_add_test(tests, a_message_must_fit_into_the_memory);
    tcase_add_test(tests, one_prefix_in_both_lists_is_a_mistake);
    tcase_add_test(tests, two_listeners_on_one_address_name_both_lines);
    tcase_add_test(tests, options_come_after_the_file);
    tcase_add_test(tests, option_mistakes_are_told_with_their_text);
    tcase_add_test(tests, an_option_given_twice);
    tcase_add_test(tests, all_mistakes_are_told_in_order);
    tcase_add_test(tests, overlong_texts_are_cut_in_messages_only);
    tcase_add_test(tests, the_longest_list_reads_back);
    tcase_add_test(tests, the_longest_list_of_prefixes_reads_back);
    tcase_add_test(tests, too_many_sections_are_refused);
    tcase_add_test(tests, want_of_memory_is_survived_anywhere);
    suite_add_tcase(suite, tests);
    return suite;
}
