/* Endpoints of two configurations: what is the same, and which go together. */
#include "echotimed/endpoint.h"
#include "support/random.h"
#include "support/require.h"
#include "support/suite.h"

#include <string.h>

static struct etd_endpoint ip(const char *text, uint16_t port)
{
    struct etd_endpoint endpoint = {.kind = ETD_ENDPOINT_IP};
    ck_assert(etd_address_parse_ip(&endpoint.address, text));
    endpoint.address.port = port;
    return endpoint;
}

static struct etd_endpoint named(enum etd_endpoint_kind kind, const char *name, uint16_t port)
{
    struct etd_endpoint endpoint = {.kind = kind, .address.port = port};
    strcpy(endpoint.name, name);
    return endpoint;
}

START_TEST(the_same_says_the_same)
{
    const struct etd_endpoint all[] = {
        ip("127.0.0.1", 80),
        ip("127.0.0.1", 0),
        ip("127.0.0.2", 80),
        ip("::1", 80),
        ip("0.0.0.0", 80),
        ip("::", 80),
        named(ETD_ENDPOINT_ANY, "", 80),
        named(ETD_ENDPOINT_ANY, "", 0),
        named(ETD_ENDPOINT_HOST, "localhost", 80),
        named(ETD_ENDPOINT_HOST, "localhost", 81),
        named(ETD_ENDPOINT_HOST, "elsewhere", 80),
        named(ETD_ENDPOINT_SYSTEMD, "echo", 0),
        named(ETD_ENDPOINT_SYSTEMD, "Echo", 0),
    };
    enum { ALL = sizeof all / sizeof all[0] };
    for (size_t i = 0; i < ALL; i++) {
        for (size_t j = 0; j < ALL; j++)
            ck_assert_msg(etd_endpoint_same(&all[i], &all[j]) == (i == j), "%zu and %zu", i, j);
    }
}
END_TEST

START_TEST(case_of_a_host_name_means_nothing)
{
    struct etd_endpoint a = named(ETD_ENDPOINT_HOST, "LocalHost", 80);
    struct etd_endpoint b = named(ETD_ENDPOINT_HOST, "localhost", 80);
    ck_assert(etd_endpoint_same(&a, &b));
}
END_TEST

/* Sections that change places keep each its own sockets. */
START_TEST(sections_of_one_name_go_together_first)
{
    struct etd_endpoint zero = ip("127.0.0.1", 0);
    struct etd_endpoint_use a[] = {{&zero, ETD_TCP, "one", 0}, {&zero, ETD_TCP, "two", 0}};
    struct etd_endpoint_use b[] = {
        {&zero, ETD_TCP, "three", 0}, {&zero, ETD_TCP, "two", 0}, {&zero, ETD_TCP, "", 0}};
    etd_endpoints_match(a, 2, b, 3);
    ck_assert_uint_eq(a[1].partner, 1);
    ck_assert_uint_eq(b[1].partner, 1);
    ck_assert_uint_eq(a[0].partner, 0);
    ck_assert_uint_eq(b[0].partner, 0);
    ck_assert_uint_eq(b[2].partner, ETD_ENDPOINT_ALONE);
}
END_TEST

START_TEST(transports_are_apart)
{
    struct etd_endpoint same = ip("127.0.0.1", 9000);
    struct etd_endpoint_use a = {&same, ETD_TCP, "", 0}, b = {&same, ETD_UDP, "", 0};
    etd_endpoints_match(&a, 1, &b, 1);
    ck_assert_uint_eq(a.partner, ETD_ENDPOINT_ALONE);
    ck_assert_uint_eq(b.partner, ETD_ENDPOINT_ALONE);
}
END_TEST

START_TEST(nothing_matches_nothing)
{
    struct etd_endpoint same = ip("127.0.0.1", 9000);
    struct etd_endpoint_use a = {&same, ETD_TCP, "", 0};
    etd_endpoints_match(&a, 1, NULL, 0);
    ck_assert_uint_eq(a.partner, ETD_ENDPOINT_ALONE);
    etd_endpoints_match(NULL, 0, &a, 1);
    ck_assert_uint_eq(a.partner, ETD_ENDPOINT_ALONE);
}
END_TEST

enum { MOST = 12, ROUNDS = 20000 };

static bool is_pair(const struct etd_endpoint_use *a, const struct etd_endpoint_use *b)
{
    return a->transport == b->transport && etd_endpoint_same(a->endpoint, b->endpoint);
}

static bool is_of_one_section(const struct etd_endpoint_use *a, const struct etd_endpoint_use *b)
{
    return is_pair(a, b) && strcmp(a->section, b->section) == 0;
}

/* How many of `uses` are a pair with `wanted`. */
static size_t
count(const struct etd_endpoint_use *uses, size_t number, const struct etd_endpoint_use *wanted,
      bool (*together)(const struct etd_endpoint_use *, const struct etd_endpoint_use *))
{
    size_t found = 0;
    for (size_t i = 0; i < number; i++)
        found += together(&uses[i], wanted);
    return found;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void check(const struct etd_endpoint_use *a, size_t a_count,
                  const struct etd_endpoint_use *b, size_t b_count)
{
    for (size_t i = 0; i < a_count; i++) {
        size_t matched = 0, in_section = 0;
        if (a[i].partner != ETD_ENDPOINT_ALONE) {
            ETD_REQUIRE(a[i].partner < b_count);
            ETD_REQUIRE(b[a[i].partner].partner == i); /* so none is the partner of two */
            ETD_REQUIRE(is_pair(&a[i], &b[a[i].partner]));
        }
        for (size_t k = 0; k < a_count; k++) {
            if (a[k].partner == ETD_ENDPOINT_ALONE || !is_pair(&a[k], &a[i]))
                continue;
            matched++;
            in_section +=
                is_of_one_section(&a[k], &a[i]) && is_of_one_section(&b[a[k].partner], &a[i]);
        }
        /* As many as can be, and of those of one section as many as can be. */
        ETD_REQUIRE(matched ==
                    least(count(a, a_count, &a[i], is_pair), count(b, b_count, &a[i], is_pair)));
        ETD_REQUIRE(in_section == least(count(a, a_count, &a[i], is_of_one_section),
                                        count(b, b_count, &a[i], is_of_one_section)));
    }
}

START_TEST(as_many_go_together_as_can)
{
    static const char *const sections[] = {"", "one", "two"};
    const struct etd_endpoint endpoints[] = {ip("127.0.0.1", 0), ip("127.0.0.1", 7),
                                             named(ETD_ENDPOINT_ANY, "", 0),
                                             named(ETD_ENDPOINT_SYSTEMD, "echo", 0)};
    struct etd_random random = etd_random_begin("as_many_go_together_as_can");
    for (int round = 0; round < ROUNDS; round++) {
        struct etd_endpoint_use uses[2][MOST];
        size_t counts[2];
        for (int side = 0; side < 2; side++) {
            counts[side] = etd_random_between(&random, 0, MOST);
            for (size_t i = 0; i < counts[side]; i++)
                uses[side][i] = (struct etd_endpoint_use){
                    .endpoint = &endpoints[etd_random_below(&random, 4)],
                    .transport = etd_random_once_in(&random, 3) ? ETD_UDP : ETD_TCP,
                    .section = sections[etd_random_below(&random, 3)],
                    .partner = 1};
        }
        etd_endpoints_match(uses[0], counts[0], uses[1], counts[1]);
        check(uses[0], counts[0], uses[1], counts[1]);
        check(uses[1], counts[1], uses[0], counts[0]);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("endpoint_match");
    TCase *tests = tcase_create("match");
    tcase_add_test(tests, the_same_says_the_same);
    tcase_add_test(tests, case_of_a_host_name_means_nothing);
    tcase_add_test(tests, sections_of_one_name_go_together_first);
    tcase_add_test(tests, transports_are_apart);
    tcase_add_test(tests, nothing_matches_nothing);
    tcase_add_test(tests, as_many_go_together_as_can);
    suite_add_tcase(suite, tests);
    return suite;
}
