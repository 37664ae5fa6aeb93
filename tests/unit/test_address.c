/* Addresses as values, and their text. */
#include "echotimed/address.h"

#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

#include <string.h>

START_TEST(texts_read_and_write_back)
{
    static const struct {
        const char *text;
        const char *ip;       /* as written */
        const char *endpoint; /* with port 7 */
        int ipv4;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", "192.0.2.1:7", 1},
        {"0.0.0.0", "0.0.0.0", "0.0.0.0:7", 1},
        {"255.255.255.255", "255.255.255.255", "255.255.255.255:7", 1},
        {"::", "::", "[::]:7", 0},
        {"::1", "::1", "[::1]:7", 0},
        {"2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]:7", 0},
        {"fe80::1:2:3:4", "fe80::1:2:3:4", "[fe80::1:2:3:4]:7", 0},
        /* An IPv4-mapped address is the IPv4 address. */
        {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:7", 1},
        {"::ffff:c000:201", "192.0.2.1", "192.0.2.1:7", 1},
        {"64:ff9b::192.0.2.1", "64:ff9b::c000:201", "[64:ff9b::c000:201]:7", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etd_address address = {.port = 7};
        char text[ETD_ADDRESS_TEXT];
        ck_assert_msg(etd_address_parse_ip(&address, cases[i].text), "%s", cases[i].text);
        ck_assert_uint_eq(address.port, 7);
        ck_assert_int_eq(etd_address_is_ipv4(&address), cases[i].ipv4);
        etd_address_format_ip(&address, text);
        ck_assert_str_eq(text, cases[i].ip);
        etd_address_format(&address, text);
        ck_assert_str_eq(text, cases[i].endpoint);
    }
}
END_TEST

START_TEST(what_is_no_address_is_refused_and_changes_nothing)
{
    static const char *const texts[] = {
        "",
        "localhost",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1:7",
        "192.0.2.1 ",
        " 192.0.2.1",
        "192.0.2.1/24",
        "[::1]",
        "::1%lo",
        "fe80::1%1",
        ":",
        ":::",
        "1:2:3:4:5:6:7:8:9",
        "2001:db8::g",
        "*",
        "1:2:3:4:5:6:7",
        "::1::",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct etd_address address;
        memset(&address, 0xa5, sizeof address);
        struct etd_address before = address;
        ck_assert_msg(!etd_address_parse_ip(&address, texts[i]), "%s", texts[i]);
        ck_assert_mem_eq(&address, &before, sizeof address);
    }
}
END_TEST

START_TEST(wildcards_are_known_in_both_families)
{
    static const struct {
        const char *text;
        int any;
    } cases[] = {{"0.0.0.0", 1}, {"::", 1},      {"0.0.0.1", 0},
                 {"::1", 0},     {"1.0.0.0", 0}, {"8000::", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct etd_address address = {0};
        ck_assert(etd_address_parse_ip(&address, cases[i].text));
        ck_assert_int_eq(etd_address_is_any(&address), cases[i].any);
    }
}
END_TEST

START_TEST(families_are_not_mixed_up)
{
    struct etd_address ipv4 = {.port = 1}, ipv6 = {0}, set = {.port = 2};
    ck_assert(etd_address_parse_ip(&ipv4, "192.0.2.1"));
    /* ::192.0.2.1 (the deprecated compatible form) is not IPv4. */
    ck_assert(etd_address_parse_ip(&ipv6, "::192.0.2.1"));
    ck_assert(!etd_address_is_ipv4(&ipv6));
    ck_assert(!etd_address_same_ip(&ipv4, &ipv6));
    etd_address_set_ipv4(&set, (const uint8_t[]){192, 0, 2, 1});
    ck_assert(etd_address_same_ip(&ipv4, &set)); /* whatever their ports */
    ck_assert_uint_eq(set.port, 2);
}
END_TEST

/* The longest texts end at the guard page, so that a text longer than promised ends the test. */
START_TEST(every_text_fits_its_room)
{
    struct etd_random random = etd_random_begin("every_text_fits_its_room");
    struct etd_guard guard = etd_guard_make(ETD_ADDRESS_TEXT);
    char *text = (char *)guard.data;
    size_t longest = 0;
    for (int i = 0; i < 20000; i++) {
        struct etd_address address = {.port = 65535};
        for (size_t j = 0; j < sizeof address.ip; j++)
            address.ip[j] = (uint8_t)etd_random_between(&random, i % 2 ? 0x10 : 0, 255);
        if (i % 5 == 0)
            memcpy(address.ip, (const uint8_t[12]){[10] = 0xff, [11] = 0xff}, 12);
        etd_address_format(&address, text);
        longest = strlen(text) > longest ? strlen(text) : longest;
        /* And back. */
        struct etd_address again = {.port = 65535};
        etd_address_format_ip(&address, text);
        ck_assert(etd_address_parse_ip(&again, text));
        ck_assert_mem_eq(&again, &address, sizeof address);
    }
    ck_assert_uint_eq(longest, strlen("[1111:1111:1111:1111:1111:1111:1111:1111]:65535"));
    etd_guard_free(&guard);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("address");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, texts_read_and_write_back);
    tcase_add_test(tests, what_is_no_address_is_refused_and_changes_nothing);
    tcase_add_test(tests, wildcards_are_known_in_both_families);
    tcase_add_test(tests, families_are_not_mixed_up);
    tcase_add_test(tests, every_text_fits_its_room);
    suite_add_tcase(suite, tests);
    return suite;
}
