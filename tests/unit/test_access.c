/* Access lists: that the longest prefix decides, against a plain search of both lists. */
#include "echotimed/access.h"
#include "support/memory.h"
#include "support/random.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 64 };

struct lists {
    struct etd_prefix allow[LIST_MAX];
    struct etd_prefix deny[LIST_MAX];
    size_t allow_count;
    size_t deny_count;
};

/* "192.0.2.0/24", or an address alone. The text is right. */
static struct etd_prefix prefix_of(const char *text)
{
    char ip[ETD_ADDRESS_TEXT];
    unsigned bits = 128;
    struct etd_prefix prefix = {.bits = 0};
    int read = sscanf(text, "%55[^/]/%u", ip, &bits);
    ck_assert_int_ge(read, 1);
    ck_assert(etd_address_parse_ip(&prefix.address, ip));
    bool ipv4 = strchr(ip, ':') == NULL;
    prefix.bits = (uint8_t)(read == 2 && ipv4 ? bits + 96 : bits);
    return prefix;
}

/* Blanks part the entries. */
static size_t read_list(const char *text, struct etd_prefix *list)
{
    char copy[512], *rest = copy, *word;
    size_t count = 0;
    strcpy(copy, text);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL)
        list[count++] = prefix_of(word);
    return count;
}

static enum etd_access_result init(struct etd_access *access, const struct etd_memory *memory,
                                   const struct lists *lists, struct etd_prefix *contradiction)
{
    return etd_access_init(
        access, memory, (struct etd_prefixes){.list = lists->allow, .count = lists->allow_count},
        (struct etd_prefixes){.list = lists->deny, .count = lists->deny_count}, contradiction);
}

/* Whether each of the addresses is served: "+192.0.2.1 -192.0.2.2". */
static void expect(const char *allow, const char *deny, const char *sources)
{
    struct etd_test_memory memory;
    struct etd_access access;
    struct etd_prefix contradiction;
    struct lists lists = {0};
    char copy[512], *rest = copy, *word;
    etd_test_memory_init(&memory);
    lists.allow_count = read_list(allow, lists.allow);
    lists.deny_count = read_list(deny, lists.deny);
    ck_assert_int_eq(init(&access, &memory.memory, &lists, &contradiction), ETD_ACCESS_OK);
    strcpy(copy, sources);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
        struct etd_address source = prefix_of(word + 1).address;
        source.port = 4711;
        ck_assert_msg(etd_access_serves(&access, &source) == (word[0] == '+'),
                      "allow %s, deny %s: wrong for %s", allow, deny, word);
    }
    etd_access_free(&access, &memory.memory);
    ck_assert_int_eq(memory.pieces, 0);
}

START_TEST(without_lists_everybody_is_served)
{
    struct etd_access zeros = {0};
    struct etd_address source = prefix_of("192.0.2.1").address;
    expect("", "", "+192.0.2.1 +2001:db8::1 +0.0.0.0 +:: +255.255.255.255");
    ck_assert(etd_access_serves(&zeros, &source));
}
END_TEST

START_TEST(a_deny_list_denies_no_more_than_it_says)
{
    expect("", "192.0.2.0/24", "-192.0.2.0 -192.0.2.255 +192.0.1.255 +192.0.3.0 +2001:db8::1");
    expect("", "192.0.2.7", "-192.0.2.7 +192.0.2.6 +192.0.2.8");
    expect("", "2001:db8::/32", "-2001:db8:: -2001:db8:ffff::1 +2001:db7::1 +2001:db9:: +1.1.1.1");
}
END_TEST

START_TEST(with_an_allow_list_the_rest_is_denied)
{
    expect("192.0.2.0/24", "", "+192.0.2.0 +192.0.2.255 -192.0.1.255 -192.0.3.0 -2001:db8::1");
    expect("2001:db8::/32 10.0.0.0/8", "", "+2001:db8::1 +10.1.2.3 -2001:db9::1 -11.0.0.0 -::");
}
END_TEST

START_TEST(the_longest_prefix_decides)
{
    expect("10.0.0.0/8 10.1.1.0/24", "10.1.0.0/16 10.1.1.1",
           "+10.0.0.1 -10.1.0.1 +10.1.1.2 -10.1.1.1 +10.2.0.0 -9.255.255.255 -11.0.0.0");
    expect("10.1.1.1", "10.1.0.0/16", "+10.1.1.1 -10.1.1.2 -10.2.0.0");
    /* Whichever list, and whichever order. */
    expect("10.1.1.0/24 10.0.0.0/8", "10.1.1.1 10.1.0.0/16", "+10.0.0.1 -10.1.0.1 +10.1.1.2");
    expect("0.0.0.0/0", "10.0.0.0/8", "+1.1.1.1 -10.0.0.0 -2001:db8::1");
    expect("10.0.0.0/9 10.128.0.0/9", "10.0.0.0/8", "+10.0.0.0 +10.255.255.255 -11.0.0.0");
}
END_TEST

/* ::/0 holds the mapped addresses, but nobody who writes it means IPv4. */
START_TEST(families_are_apart)
{
    expect("", "::/0", "-2001:db8::1 -:: +192.0.2.1 +0.0.0.0");
    expect("::/0", "", "+2001:db8::1 -192.0.2.1");
    expect("", "0.0.0.0/0", "-192.0.2.1 -255.255.255.255 +2001:db8::1 +::fffe:ffff:ffff");
    expect("0.0.0.0/0 ::/0", "192.0.2.1", "+192.0.2.2 +2001:db8::1 -192.0.2.1");
    expect("::/0", "0.0.0.0/0", "+2001:db8::1 -192.0.2.1");
    expect("", "::/64", "-::1 -::fffe:0:1 +0.0.0.1 +192.0.2.1 +0:0:0:1::");
    expect("::ffff:192.0.2.0/120", "", "+192.0.2.1 -192.0.3.1"); /* another way to write it */
}
END_TEST

START_TEST(ends_of_the_address_space)
{
    expect("", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ::",
           "-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff -:: +::1 "
           "+ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
    expect("", "255.255.255.255 0.0.0.0", "-255.255.255.255 -0.0.0.0 +255.255.255.254 +0.0.0.1");
}
END_TEST

START_TEST(a_prefix_twice_in_one_list_is_one)
{
    expect("10.0.0.0/8 10.0.0.0/8", "10.1.0.0/16 10.1.0.0/16", "+10.0.0.1 -10.1.0.1");
}
END_TEST

START_TEST(a_prefix_in_both_lists_is_a_contradiction)
{
    struct etd_test_memory memory;
    struct etd_access access;
    struct etd_prefix contradiction;
    struct lists lists = {0};
    etd_test_memory_init(&memory);
    lists.allow_count = read_list("10.0.0.0/8 192.0.2.0/24 ::/0", lists.allow);
    lists.deny_count = read_list("10.0.0.0/9 192.0.2.0/24", lists.deny);
    ck_assert_int_eq(init(&access, &memory.memory, &lists, &contradiction), ETD_ACCESS_CONTRADICTS);
    struct etd_prefix expected = prefix_of("192.0.2.0/24");
    ck_assert_int_eq(contradiction.bits, expected.bits);
    ck_assert(etd_address_same_ip(&contradiction.address, &expected.address));
    ck_assert_int_eq(memory.pieces, 0);
}
END_TEST

START_TEST(want_of_memory_is_said)
{
    struct etd_test_memory memory;
    struct etd_access access;
    struct etd_prefix contradiction;
    struct lists lists = {0};
    etd_test_memory_init(&memory);
    memory.refuse_at = 1;
    lists.deny_count = read_list("10.0.0.0/8", lists.deny);
    ck_assert_int_eq(init(&access, &memory.memory, &lists, &contradiction), ETD_ACCESS_NO_MEMORY);
    ck_assert_int_eq(memory.pieces, 0);
}
END_TEST

/* A prefix of few bits that differ, so that many nest. */
static struct etd_prefix random_prefix(struct etd_random *random)
{
    struct etd_prefix prefix = {.bits = (uint8_t)etd_random_below(random, 129)};
    bool ipv4 = etd_random_once_in(random, 2);
    if (ipv4) {
        prefix.address = prefix_of("10.0.0.0").address;
        prefix.bits = (uint8_t)etd_random_between(random, 96, 128);
    }
    for (int i = 0; i < 4; i++) {
        uint64_t bit = etd_random_between(random, ipv4 ? 96 : 0, 127);
        prefix.address.ip[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned bit = prefix.bits; bit < 128; bit++)
        prefix.address.ip[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
    return prefix;
}

static bool holds_plainly(const struct etd_prefix *prefix, const struct etd_address *address)
{
    if (etd_address_is_ipv4(address) !=
        (etd_address_is_ipv4(&prefix->address) && prefix->bits >= 96))
        return false;
    for (unsigned bit = 0; bit < prefix->bits; bit++) {
        if ((prefix->address.ip[bit / 8] ^ address->ip[bit / 8]) & 0x80u >> bit % 8)
            return false;
    }
    return true;
}

static int longest_of(const struct etd_prefix *list, size_t count, const struct etd_address *source)
{
    int longest = -1;
    for (size_t i = 0; i < count; i++) {
        if (list[i].bits > longest && holds_plainly(&list[i], source))
            longest = list[i].bits;
    }
    return longest;
}

START_TEST(decides_as_a_plain_search_does)
{
    struct etd_random random = etd_random_begin("decides_as_a_plain_search_does");
    int decided = 0, served = 0, contradictions = 0;
    for (int round = 0; round < 2000; round++) {
        struct etd_test_memory memory;
        struct etd_access access;
        struct etd_prefix contradiction;
        struct lists lists = {.allow_count = etd_random_below(&random, 12),
                              .deny_count = etd_random_below(&random, 12)};
        etd_test_memory_init(&memory);
        for (size_t i = 0; i < lists.allow_count; i++)
            lists.allow[i] = random_prefix(&random);
        for (size_t i = 0; i < lists.deny_count; i++)
            lists.deny[i] = random_prefix(&random);
        if (init(&access, &memory.memory, &lists, &contradiction) != ETD_ACCESS_OK) {
            contradictions++;
            continue;
        }
        for (int i = 0; i < 50; i++) {
            struct etd_address source = random_prefix(&random).address;
            int allow = longest_of(lists.allow, lists.allow_count, &source);
            int deny = longest_of(lists.deny, lists.deny_count, &source);
            bool expected = allow == deny ? lists.allow_count == 0 : allow > deny;
            ck_assert_int_eq(etd_access_serves(&access, &source), expected);
            decided += allow != deny;
            served += expected;
        }
        etd_access_free(&access, &memory.memory);
    }
    /* The rounds were worth something. */
    ck_assert_int_gt(decided, 1000);
    ck_assert_int_gt(served, 1000);
    ck_assert_int_lt(contradictions, 1000);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("access");
    TCase *tests = tcase_create("lists");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, without_lists_everybody_is_served);
    tcase_add_test(tests, a_deny_list_denies_no_more_than_it_says);
    tcase_add_test(tests, with_an_allow_list_the_rest_is_denied);
    tcase_add_test(tests, the_longest_prefix_decides);
    tcase_add_test(tests, families_are_apart);
    tcase_add_test(tests, ends_of_the_address_space);
    tcase_add_test(tests, a_prefix_twice_in_one_list_is_one);
    tcase_add_test(tests, a_prefix_in_both_lists_is_a_contradiction);
    tcase_add_test(tests, want_of_memory_is_said);
    tcase_add_test(tests, decides_as_a_plain_search_does);
    suite_add_tcase(suite, tests);
    return suite;
}
