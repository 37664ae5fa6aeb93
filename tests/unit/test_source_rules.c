/* Which sources of datagrams are never answered. */
#include "echotimed/source_rules.h"

#include "support/suite.h"

static struct etd_own_sockets own;
static struct etd_source_rules rules;

static struct etd_address make(const char *ip, uint16_t port)
{
    struct etd_address address;
    ck_assert(etd_address_parse_ip(&address, ip));
    address.port = port;
    return address;
}

static void begin(void)
{
    etd_own_sockets_init(&own, NULL, 0);
    rules = (struct etd_source_rules){.own = &own, .refuse_low_ports = true};
}

static void judged(const char *ip, uint16_t port, enum etd_drop_reason reason)
{
    struct etd_address source = make(ip, port);
    ck_assert_str_eq(etd_drop_reason_name(etd_source_judge(&rules, &source, true)),
                     etd_drop_reason_name(reason));
}

START_TEST(port_zero_is_never_answered)
{
    judged("192.0.2.1", 0, ETD_DROP_PORT_ZERO);
    rules.refuse_low_ports = false;
    rules.serves_ntp = true;
    judged("192.0.2.1", 0, ETD_DROP_PORT_ZERO);
}
END_TEST

START_TEST(low_ports_are_answered_only_where_that_is_lifted)
{
    judged("192.0.2.1", 1, ETD_DROP_LOW_PORT);
    judged("2001:db8::1", 1023, ETD_DROP_LOW_PORT);
    judged("2001:db8::1", 1024, ETD_DROP_NONE);
    judged("192.0.2.1", 65535, ETD_DROP_NONE);
    rules.refuse_low_ports = false;
    judged("192.0.2.1", 1, ETD_DROP_NONE);
    judged("192.0.2.1", 1023, ETD_DROP_NONE);
}
END_TEST

START_TEST(port_123_may_ask_ntp_and_nothing_else)
{
    judged("192.0.2.1", 123, ETD_DROP_LOW_PORT);
    rules.serves_ntp = true;
    judged("192.0.2.1", 123, ETD_DROP_NONE);
    judged("192.0.2.1", 122, ETD_DROP_LOW_PORT);
    judged("192.0.2.1", 124, ETD_DROP_LOW_PORT);
}
END_TEST

START_TEST(what_was_sent_to_many_is_not_answered)
{
    struct etd_address source = make("192.0.2.1", 4242);
    ck_assert_int_eq(etd_source_judge(&rules, &source, false), ETD_DROP_NOT_UNICAST);
    ck_assert_int_eq(etd_source_judge(&rules, &source, true), ETD_DROP_NONE);
}
END_TEST

START_TEST(own_sockets_are_not_answered)
{
    const struct etd_address bound[] = {make("127.0.0.1", 9000), make("2001:db8::1", 9000),
                                        make("192.0.2.1", 65535)};
    etd_own_sockets_init(&own, bound, 3);
    judged("127.0.0.1", 9000, ETD_DROP_OWN_LISTENER);
    judged("2001:db8::1", 9000, ETD_DROP_OWN_LISTENER);
    judged("192.0.2.1", 65535, ETD_DROP_OWN_LISTENER);
    /* Neighbours of those are others. */
    judged("127.0.0.2", 9000, ETD_DROP_NONE);
    judged("127.0.0.1", 9001, ETD_DROP_NONE);
    judged("127.0.0.1", 65535, ETD_DROP_NONE);
    judged("192.0.2.1", 9000, ETD_DROP_NONE);
    judged("2001:db8::2", 9000, ETD_DROP_NONE);
}
END_TEST

START_TEST(a_socket_for_all_addresses_has_those_of_the_host)
{
    const struct etd_address bound[] = {make("0.0.0.0", 9000)};
    const struct etd_address host[] = {make("192.0.2.1", 0), make("2001:db8::1", 77)};
    etd_own_sockets_init(&own, bound, 1);
    judged("192.0.2.1", 9000, ETD_DROP_NONE); /* not known yet */
    own.host = host;
    own.host_count = 2;
    judged("192.0.2.1", 9000, ETD_DROP_OWN_LISTENER);
    judged("127.0.0.1", 9000, ETD_DROP_OWN_LISTENER);
    judged("127.255.255.254", 9000, ETD_DROP_OWN_LISTENER);
    judged("192.0.2.2", 9000, ETD_DROP_NONE);
    judged("192.0.2.1", 9001, ETD_DROP_NONE);
    /* The other family is somebody else's. */
    judged("2001:db8::1", 9000, ETD_DROP_NONE);
    judged("::1", 9000, ETD_DROP_NONE);
}
END_TEST

START_TEST(a_socket_for_both_families_has_the_addresses_of_both)
{
    const struct etd_address bound[] = {make("::", 9000)};
    const struct etd_address host[] = {make("192.0.2.1", 0), make("2001:db8::1", 0)};
    etd_own_sockets_init(&own, bound, 1);
    own.host = host;
    own.host_count = 2;
    judged("2001:db8::1", 9000, ETD_DROP_OWN_LISTENER);
    judged("::1", 9000, ETD_DROP_OWN_LISTENER);
    judged("192.0.2.1", 9000, ETD_DROP_OWN_LISTENER);
    judged("127.0.0.1", 9000, ETD_DROP_OWN_LISTENER);
    judged("2001:db8::2", 9000, ETD_DROP_NONE);
    judged("128.0.0.1", 9000, ETD_DROP_NONE);
}
END_TEST

/* Two sockets on one port: the first does not hide the second. */
START_TEST(every_socket_on_the_port_counts)
{
    const struct etd_address bound[] = {make("192.0.2.7", 9000), make("0.0.0.0", 9000),
                                        make("198.51.100.1", 9000)};
    etd_own_sockets_init(&own, bound, 3);
    judged("198.51.100.1", 9000, ETD_DROP_OWN_LISTENER);
    judged("127.0.0.1", 9000, ETD_DROP_OWN_LISTENER);
    judged("198.51.100.2", 9000, ETD_DROP_NONE);
}
END_TEST

START_TEST(a_port_is_shared_by_its_own_bit_alone)
{
    const struct etd_address bound[] = {make("127.0.0.1", 1), make("127.0.0.1", 64),
                                        make("127.0.0.1", 65535)};
    etd_own_sockets_init(&own, bound, 3);
    for (uint32_t port = 0; port < ETD_PORTS; port++)
        ck_assert_int_eq(etd_own_sockets_share_port(&own, (uint16_t)port),
                         port == 1 || port == 64 || port == 65535);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("source_rules");
    TCase *tests = tcase_create("source_rules");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, port_zero_is_never_answered);
    tcase_add_test(tests, low_ports_are_answered_only_where_that_is_lifted);
    tcase_add_test(tests, port_123_may_ask_ntp_and_nothing_else);
    tcase_add_test(tests, what_was_sent_to_many_is_not_answered);
    tcase_add_test(tests, own_sockets_are_not_answered);
    tcase_add_test(tests, a_socket_for_all_addresses_has_those_of_the_host);
    tcase_add_test(tests, a_socket_for_both_families_has_the_addresses_of_both);
    tcase_add_test(tests, every_socket_on_the_port_counts);
    tcase_add_test(tests, a_port_is_shared_by_its_own_bit_alone);
    suite_add_tcase(suite, tests);
    return suite;
}
