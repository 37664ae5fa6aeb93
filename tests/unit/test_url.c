/* URLs: what is taken, and what is refused with which reason. */
#include "echotimed/url.h"
#include "support/suite.h"

#include <stdio.h>

static char why[256];

static bool parse(struct etd_url *url, const char *text)
{
    struct etd_writer writer = etd_writer((uint8_t *)why, sizeof why - 1);
    bool good = etd_url_parse(url, text, &writer);
    ck_assert(!writer.failed);
    *writer.at = '\0';
    return good;
}

static void expect(const char *text, enum etd_transport transport, const char *host, uint16_t port,
                   const char *back)
{
    struct etd_url url;
    char written[ETD_URL_TEXT];
    struct etd_writer writer = etd_writer((uint8_t *)written, sizeof written - 1);
    ck_assert_msg(parse(&url, text), "%s: %s", text, why);
    ck_assert_int_eq(url.transport, transport);
    ck_assert_str_eq(url.host, host);
    ck_assert_uint_eq(url.port, port);
    etd_url_write(&writer, &url);
    ck_assert(!writer.failed);
    *writer.at = '\0';
    ck_assert_str_eq(written, back != NULL ? back : text);
}

static void expect_refused(const char *text, const char *reason)
{
    struct etd_url url;
    ck_assert_msg(!parse(&url, text), "'%s' was taken", text);
    ck_assert_msg(strstr(why, reason) == why, "'%s': '%s' and not '%s'", text, why, reason);
}

START_TEST(names_addresses_and_ports)
{
    expect("tcp://localhost:8080", ETD_TCP, "localhost", 8080, NULL);
    expect("udp://192.0.2.1", ETD_UDP, "192.0.2.1", 0, NULL);
    expect("UDP://example.org:65535/", ETD_UDP, "example.org", 65535, "udp://example.org:65535");
    expect("tcp://[::1]:7", ETD_TCP, "::1", 7, NULL);
    expect("tcp://[2001:db8::7]", ETD_TCP, "2001:db8::7", 0, NULL);
    expect("tcp://h:00080", ETD_TCP, "h", 80, "tcp://h:80");
}
END_TEST

START_TEST(zones)
{
    expect("udp://[fe80::1%eth0]:123", ETD_UDP, "fe80::1%eth0", 123, NULL);
    expect("udp://[fe80::1%25eth0]", ETD_UDP, "fe80::1%eth0", 0, "udp://[fe80::1%eth0]");
    expect("udp://[fe80::1%25]", ETD_UDP, "fe80::1%25", 0, NULL);
    expect("udp://[fe80::1%2525]", ETD_UDP, "fe80::1%25", 0, "udp://[fe80::1%25]");
    expect_refused("udp://[fe80::1%]:7", " has no IPv6 address between its brackets");
}
END_TEST

START_TEST(what_is_wrong_is_said)
{
    expect_refused("", " begins with neither tcp:// nor udp://");
    expect_refused("localhost:7", " begins with neither");
    expect_refused("http://localhost", " begins with neither");
    expect_refused("tcp:/localhost", " begins with neither");
    expect_refused("tcpx//localhost", " begins with neither");
    expect_refused("tcp://", " names no host");
    expect_refused("tcp:///", " names no host");
    expect_refused("tcp://:7", " names no host");
    expect_refused("tcp://h:", " has no port from 1 to 65535");
    expect_refused("tcp://h:0", " has no port from 1 to 65535");
    expect_refused("tcp://h:65536", " has no port from 1 to 65535");
    expect_refused("tcp://h:4294967303", " has no port from 1 to 65535");
    expect_refused("tcp://h:7x", " has no port from 1 to 65535");
    expect_refused("tcp://::1", " has several ':'");
    expect_refused("tcp://fe80::1:7", " has several ':'");
    expect_refused("tcp://[::1", " has a '[' without a ']'");
    expect_refused("tcp://[]:7", " has no IPv6 address between its brackets");
    expect_refused("tcp://[192.0.2.1]:7", " has no IPv6 address between its brackets");
    expect_refused("tcp://[name]:7", " has no IPv6 address between its brackets");
    expect_refused("tcp://[::1]7", " goes on behind the ']'");
    expect_refused("tcp://a b:7", " has a character that no host name has");
    expect_refused("tcp://user@h", " has a character that no host name has");
    expect_refused("tcp://h/path", " has a character that no host name has");
    expect_refused("tcp://h%eth0", " has a character that no host name has");
    expect_refused("tcp://h\xc3\xa9", " has a character that no host name has");
}
END_TEST

START_TEST(hosts_have_a_greatest_length)
{
    char text[512];
    for (size_t length = ETD_URL_HOST_MAX - 1; length <= ETD_URL_HOST_MAX + 1; length++) {
        struct etd_url url;
        char *end = text + sprintf(text, "tcp://");
        memset(end, 'a', length);
        sprintf(end + length, ":1");
        ck_assert_int_eq(parse(&url, text), length <= ETD_URL_HOST_MAX);
        end = text + sprintf(text, "tcp://[fe80::1%%");
        memset(end, 'z', length - 8);
        sprintf(end + length - 8, "]:1");
        ck_assert_int_eq(parse(&url, text), length <= ETD_URL_HOST_MAX);
    }
}
END_TEST

/* A reason that does not fit is cut: what refuses stays. */
START_TEST(a_reason_never_overflows)
{
    struct etd_url url;
    for (size_t size = 0; size < 40; size++) {
        uint8_t room[40];
        struct etd_writer writer = etd_writer(room, size);
        ck_assert(!etd_url_parse(&url, "tcp://h:0", &writer));
        ck_assert_uint_le(etd_writer_bytes(&writer).size, size);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("url");
    TCase *all = tcase_create("all");
    tcase_add_test(all, names_addresses_and_ports);
    tcase_add_test(all, zones);
    tcase_add_test(all, what_is_wrong_is_said);
    tcase_add_test(all, hosts_have_a_greatest_length);
    tcase_add_test(all, a_reason_never_overflows);
    suite_add_tcase(suite, all);
    return suite;
}
