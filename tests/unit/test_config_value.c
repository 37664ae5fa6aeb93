/* Values: what each type reads, refuses and writes. */
#include "core/config_value.h"
#include "support/memory.h"
#include "support/suite.h"

#include <stddef.h>
#include <stdio.h>

struct fields {
    bool boolean;
    uint32_t number;
    uint64_t quantity;
    unsigned choice;
    char name[16];
    struct etd_endpoint *endpoints;
    size_t endpoint_count;
    struct etd_prefix *prefixes;
    size_t prefix_count;
};

static struct etd_test_memory memory;
static struct fields fields;
static uint8_t why_text[2048];
static struct etd_writer why;

static void set_up(void)
{
    etd_test_memory_init(&memory);
    fields = (struct fields){0};
}

static enum etd_config_result parse(const struct etd_config_key *key, const char *text)
{
    memset(why_text, 0, sizeof why_text);
    why = etd_writer(why_text, sizeof why_text - 1);
    return etd_value_parse(key, text, &fields, &memory.memory, &why);
}

/* Reads `text`, and expects that the field is written as `written`. */
static void expect_written(const struct etd_config_key *key, const char *text, const char *written)
{
    uint8_t out[4096] = "";
    struct etd_writer writer = etd_writer(out, sizeof out - 1);
    ck_assert_msg(parse(key, text) == ETD_CONFIG_OK, "'%s' was refused: %s", text, why_text);
    etd_value_write(key, &fields, &writer);
    ck_assert_msg(strcmp((char *)out, written) == 0, "'%s' was written as '%s'", text, out);
}

static void expect_refused(const struct etd_config_key *key, const char *text, const char *because)
{
    struct fields before = fields;
    ck_assert_msg(parse(key, text) == ETD_CONFIG_MISTAKEN, "'%s' was not refused", text);
    ck_assert_msg(strcmp((char *)why_text, because) == 0, "'%s' was refused with: %s", text,
                  why_text);
    ck_assert_mem_eq(&fields, &before, sizeof before);
}

static const struct etd_config_key duration = {.name = "test",
                                               .type = ETD_CONFIG_DURATION,
                                               .min = 1000,
                                               .max = UINT64_C(604800000000),
                                               .zero_is_off = true,
                                               .default_text = "60s",
                                               .offset = offsetof(struct fields, quantity)};

START_TEST(duration_units_scale)
{
    static const struct {
        const char *text;
        uint64_t us;
        const char *written;
    } cases[] = {
        {"0", 0, "0"},
        {"0s", 0, "0"},
        {"1ms", 1000, "1ms"},
        {"1500us", 1500, "1500us"},
        {"500ms", 500000, "500ms"},
        {"30", 30000000, "30s"},
        {"30s", 30000000, "30s"},
        {"60s", 60000000, "60s"},
        {"1min", 60000000, "60s"},
        {"5min", 300000000, "5min"},
        {"90s", 90000000, "90s"},
        {"1h", 3600000000, "1h"},
        {"60min", 3600000000, "1h"},
        {"168h", 604800000000, "168h"},
        {"007s", 7000000, "7s"},
        {"0.2", 200000, "200ms"},
        {"0.2s", 200000, "200ms"},
        {"1.5s", 1500000, "1500ms"},
        {"1.50", 1500000, "1500ms"},
        {"0.001", 1000, "1ms"},
        {"2.015ms", 2015, "2015us"},
        {"0.0", 0, "0"},
        {"0.5min", 30000000, "30s"},
        {"0.000001h", 3600, "3600us"},
        {"1.000000000h", 3600000000, "1h"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_written(&duration, cases[i].text, cases[i].written);
        ck_assert_uint_eq(fields.quantity, cases[i].us);
    }
}
END_TEST

START_TEST(duration_nonsense_is_refused)
{
    static const char *const texts[] = {
        "", "s", "1 s", "1S", "-1s", "1,5s", "1d", "+1", "1sec", "0x10", "1ss", " 1s", "1s ", ".5s",
        "1.", "1.s", "1.5.5s", "1.-5s", "1e3",
        /* finer than a microsecond */
        "0.0000001", "1.5us", "0.0000000000001h", "0.18446744073709551616s"};
    char because[256];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(
            because, sizeof because,
            "'%s' is not a duration; write seconds, or us, ms, s, min or h, such as 500ms or 0.5s",
            texts[i]);
        expect_refused(&duration, texts[i], because);
    }
}
END_TEST

START_TEST(duration_out_of_range_names_the_range)
{
    static const char *const texts[] = {"999us", "1us", "169h", "604801",
                                        /* would wrap around to small values */
                                        "18446744073709551616", "18446744073709551615h",
                                        "5124095576030432h"};
    char because[256];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(because, sizeof because, "'%s' is out of its range, 1ms to 168h, or 0", texts[i]);
        expect_refused(&duration, texts[i], because);
    }
}
END_TEST

static const struct etd_config_key size = {.name = "test",
                                           .type = ETD_CONFIG_SIZE,
                                           .min = 1,
                                           .max = UINT64_C(1) << 40,
                                           .default_text = "64KiB",
                                           .offset = offsetof(struct fields, quantity)};

START_TEST(size_units_scale)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        const char *written;
    } cases[] = {
        {"1", 1, "1"},
        {"1023", 1023, "1023"},
        {"1024", 1024, "1KiB"},
        {"64KiB", 65536, "64KiB"},
        {"65536", 65536, "64KiB"},
        {"1MiB", 1048576, "1MiB"},
        {"1GiB", 1073741824, "1GiB"},
        {"1TiB", UINT64_C(1) << 40, "1TiB"},
        {"1025KiB", 1049600, "1025KiB"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_written(&size, cases[i].text, cases[i].written);
        ck_assert_uint_eq(fields.quantity, cases[i].bytes);
    }
    expect_refused(&size, "64KB",
                   "'64KB' is not a size; write bytes, or KiB, MiB, GiB or TiB, such as 64KiB");
    expect_refused(&size, "0", "'0' is out of its range, 1 to 1TiB");
    expect_refused(&size, "16777216TiB", "'16777216TiB' is out of its range, 1 to 1TiB");
}
END_TEST

START_TEST(number_keeps_to_its_range)
{
    static const struct etd_config_key number = {.name = "test",
                                                 .type = ETD_CONFIG_NUMBER,
                                                 .min = 1,
                                                 .max = UINT32_MAX,
                                                 .default_text = "7",
                                                 .offset = offsetof(struct fields, number)};
    expect_written(&number, "1", "1");
    expect_written(&number, "4294967295", "4294967295");
    ck_assert_uint_eq(fields.number, UINT32_MAX);
    expect_refused(&number, "0", "'0' is out of its range, 1 to 4294967295");
    expect_refused(&number, "4294967296", "'4294967296' is out of its range, 1 to 4294967295");
    expect_refused(&number, "1k", "'1k' is not a whole number");
    expect_refused(&number, "", "'' is not a whole number");
}
END_TEST

START_TEST(boolean_words)
{
    static const struct etd_config_key boolean = {
        .name = "test", .type = ETD_CONFIG_BOOLEAN, .offset = offsetof(struct fields, boolean)};
    expect_written(&boolean, "yes", "yes");
    expect_written(&boolean, "true", "yes");
    expect_written(&boolean, "on", "yes");
    expect_written(&boolean, "no", "no");
    expect_written(&boolean, "false", "no");
    expect_written(&boolean, "off", "no");
    expect_refused(&boolean, "1", "'1' is neither yes nor no");
    expect_refused(&boolean, "Yes", "'Yes' is neither yes nor no");
    expect_refused(&boolean, "", "'' is neither yes nor no");
}
END_TEST

static const char *choice_name(size_t index)
{
    static const char *const names[] = {"one", "two", "three"};
    return names[index];
}

START_TEST(choice_stores_the_enumerator)
{
    static const struct etd_config_choices choices = {.name = choice_name, .count = 3, .first = 5};
    static const struct etd_config_key choice = {.name = "test",
                                                 .type = ETD_CONFIG_CHOICE,
                                                 .choices = &choices,
                                                 .offset = offsetof(struct fields, choice)};
    expect_written(&choice, "one", "one");
    ck_assert_uint_eq(fields.choice, 5);
    expect_written(&choice, "three", "three");
    ck_assert_uint_eq(fields.choice, 7);
    expect_refused(&choice, "four", "'four' is not known; supported: one, two, three");
    expect_refused(&choice, "One", "'One' is not known; supported: one, two, three");
}
END_TEST

START_TEST(name_bounds_and_characters)
{
    static const struct etd_config_key name = {.name = "test",
                                               .type = ETD_CONFIG_NAME,
                                               .max = 15,
                                               .offset = offsetof(struct fields, name)};
    expect_written(&name, "", "");
    expect_written(&name, "bbr", "bbr");
    expect_written(&name, "a-b_c.d56789012", "a-b_c.d56789012");
    const char *range = " is not a name; write nothing, or up to 15 letters, digits, '-', '_' or "
                        "'.'";
    char because[256];
    const char *const texts[] = {"a234567890123456", "a b", ";x", "\xc3\xa4"};
    const char *const shown[] = {"a234567890123456", "a b", ";x", "\\xc3\\xa4"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(because, sizeof because, "'%s'%s", shown[i], range);
        expect_refused(&name, texts[i], because);
    }
}
END_TEST

static const struct etd_config_key endpoints = {.section = ETD_SECTION_DAEMON,
                                                .name = "test",
                                                .type = ETD_CONFIG_ENDPOINTS,
                                                .min = 1,
                                                .max = ETD_LISTEN_MAX,
                                                .offset = offsetof(struct fields, endpoints),
                                                .count_offset =
                                                    offsetof(struct fields, endpoint_count)};

START_TEST(endpoints_read_back)
{
    static const struct {
        const char *text;
        enum etd_endpoint_kind kind;
        uint16_t port;
        const char *written;
    } cases[] = {
        {"127.0.0.1:8080", ETD_ENDPOINT_IP, 8080, "127.0.0.1:8080"},
        {"0.0.0.0:0", ETD_ENDPOINT_IP, 0, "0.0.0.0:0"},
        {"127.0.0.1:00080", ETD_ENDPOINT_IP, 80, "127.0.0.1:80"},
        {"[::1]:65535", ETD_ENDPOINT_IP, 65535, "[::1]:65535"},
        {"[0:0::1]:1", ETD_ENDPOINT_IP, 1, "[::1]:1"},
        {"[::ffff:192.0.2.1]:7", ETD_ENDPOINT_IP, 7, "192.0.2.1:7"},
        {"*:7000", ETD_ENDPOINT_ANY, 7000, "*:7000"},
        {"localhost:7", ETD_ENDPOINT_HOST, 7, "localhost:7"},
        {"a.example.:7", ETD_ENDPOINT_HOST, 7, "a.example.:7"},
        {"[fe80::1%eth0]:7", ETD_ENDPOINT_HOST, 7, "[fe80::1%eth0]:7"},
        {"systemd:echo.socket", ETD_ENDPOINT_SYSTEMD, 0, "systemd:echo.socket"},
        {"systemd:echo@1.socket", ETD_ENDPOINT_SYSTEMD, 0, "systemd:echo@1.socket"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_written(&endpoints, cases[i].text, cases[i].written);
        ck_assert_uint_eq(fields.endpoint_count, 1);
        ck_assert_int_eq(fields.endpoints[0].kind, cases[i].kind);
        ck_assert_uint_eq(fields.endpoints[0].address.port, cases[i].port);
    }
    expect_written(&endpoints, "*:1,\t[::1]:2 ,a:3", "*:1, [::1]:2, a:3");
    ck_assert_uint_eq(fields.endpoint_count, 3);
    etd_value_clear(&endpoints, &fields, &memory.memory);
    ck_assert_ptr_null(fields.endpoints);
    ck_assert_int_eq(memory.pieces, 0);
}
END_TEST

START_TEST(endpoint_mistakes_are_explained)
{
    static const struct {
        const char *text;
        const char *because;
    } cases[] = {
        {"127.0.0.1", " has no port; write HOST:PORT, [IPV6]:PORT or *:PORT"},
        {"[::1]", " has no port; write HOST:PORT, [IPV6]:PORT or *:PORT"},
        {"8080", " has no port; write HOST:PORT, [IPV6]:PORT or *:PORT"},
        {"127.0.0.1:", " has no port from 0 to 65535 behind its last colon"},
        {"127.0.0.1:65536", " has no port from 0 to 65535 behind its last colon"},
        {"127.0.0.1:-1", " has no port from 0 to 65535 behind its last colon"},
        {"127.0.0.1:http", " has no port from 0 to 65535 behind its last colon"},
        {"::1:80", " needs brackets around the IPv6 address, [IPV6]:PORT"},
        {"[::1:80", " has no IPv6 address in its brackets"},
        {"[127.0.0.1]:80", " has no IPv6 address in its brackets"},
        {"[]:80", " has no IPv6 address in its brackets"},
        {"[:80", " has no IPv6 address in its brackets"},
        {"[fe80::1%]:80", " has no IPv6 address in its brackets"},
        {"[fe80::1%a23456789012345x]:80", " has no IPv6 address in its brackets"},
        {"[%eth0]:80", " has no IPv6 address in its brackets"},
        {":80", " has neither an address nor a host name before its port"},
        {"300.1.1.1:80", " has neither an address nor a host name before its port"},
        {"1.2.3:80", " has neither an address nor a host name before its port"},
        {"a b:80", " has neither an address nor a host name before its port"},
        {".:80", " has neither an address nor a host name before its port"},
        {"systemd:", " names no socket; write systemd:NAME"},
        {"systemd:a b", " names no socket; write systemd:NAME"},
        {"systemd:@a", " names no socket; write systemd:NAME"},
        {"systemd:a@b@c", " names no socket; write systemd:NAME"},
        {"systemd:a:1", " names no socket; write systemd:NAME"},
    };
    char because[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(because, sizeof because, "'%s'%s", cases[i].text, cases[i].because);
        expect_refused(&endpoints, cases[i].text, because);
    }
    const char *range = "write 1 to 16 of HOST:PORT, [IPV6]:PORT or *:PORT";
    snprintf(because, sizeof because, "the list is empty; %s", range);
    expect_refused(&endpoints, "", because);
    expect_refused(&endpoints, "*:1,,*:2", "an entry is empty; remove a comma");
    expect_refused(&endpoints, "*:1,", "an entry is empty; remove a comma");
    snprintf(because, sizeof because, "the list is too long; %s", range);
    expect_refused(&endpoints,
                   "a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1,a:1", because);
    ck_assert_int_eq(memory.pieces, 0);
}
END_TEST

/* 255 characters of a name fit, 256 do not. */
START_TEST(endpoint_name_has_a_greatest_length)
{
    char text[300];
    memset(text, 'a', sizeof text);
    strcpy(text + ETD_ENDPOINT_NAME_MAX, ":7");
    expect_written(&endpoints, text, text);
    memset(text, 'a', sizeof text);
    strcpy(text + ETD_ENDPOINT_NAME_MAX + 1, ":7");
    ck_assert_int_eq(parse(&endpoints, text), ETD_CONFIG_MISTAKEN);
    etd_value_clear(&endpoints, &fields, &memory.memory);
}
END_TEST

static bool collide(const char *a, const char *b)
{
    struct etd_endpoint one, two;
    uint8_t unheard[256];
    struct etd_writer writer = etd_writer(unheard, sizeof unheard);
    ck_assert(etd_endpoint_parse(&endpoints, etd_bytes_text(a), &one, &writer));
    ck_assert(etd_endpoint_parse(&endpoints, etd_bytes_text(b), &two, &writer));
    bool result = etd_endpoint_collides(&one, &two);
    ck_assert_int_eq(etd_endpoint_collides(&two, &one), result);
    return result;
}

START_TEST(endpoints_that_collide)
{
    ck_assert(collide("127.0.0.1:1", "127.0.0.1:1"));
    ck_assert(collide("127.0.0.1:1", "0.0.0.0:1"));
    ck_assert(collide("127.0.0.1:1", "*:1"));
    ck_assert(collide("127.0.0.1:1", "[::ffff:127.0.0.1]:1"));
    ck_assert(collide("[::1]:1", "[::]:1"));
    ck_assert(collide("[::1]:1", "*:1"));
    ck_assert(collide("[::]:1", "*:1"));
    ck_assert(collide("*:1", "*:1"));
    ck_assert(collide("localhost:1", "LocalHost:1"));
    ck_assert(collide("localhost:1", "*:1"));
    ck_assert(collide("[fe80::1%eth0]:1", "[::]:1"));
    ck_assert(collide("systemd:a", "systemd:a"));

    ck_assert(!collide("127.0.0.1:1", "127.0.0.1:2"));
    ck_assert(!collide("127.0.0.1:1", "127.0.0.2:1"));
    ck_assert(!collide("127.0.0.1:1", "[::]:1"));
    ck_assert(!collide("0.0.0.0:1", "[::]:1"));
    ck_assert(!collide("[fe80::1%eth0]:1", "0.0.0.0:1"));
    ck_assert(!collide("[fe80::1%eth0]:1", "[fe80::1%eth1]:1"));
    ck_assert(!collide("localhost:1", "127.0.0.1:1"));
    ck_assert(!collide("*:0", "*:0"));
    ck_assert(!collide("127.0.0.1:0", "127.0.0.1:0"));
    ck_assert(!collide("systemd:a", "systemd:b"));
    ck_assert(!collide("systemd:a", "*:1"));
}
END_TEST

START_TEST(prefixes_read_back)
{
    static const struct etd_config_key prefixes = {.name = "test",
                                                   .type = ETD_CONFIG_PREFIXES,
                                                   .max = 100,
                                                   .offset = offsetof(struct fields, prefixes),
                                                   .count_offset =
                                                       offsetof(struct fields, prefix_count)};
    expect_written(&prefixes, "", "");
    ck_assert_uint_eq(fields.prefix_count, 0);
    expect_written(&prefixes, "192.0.2.0/24", "192.0.2.0/24");
    ck_assert_uint_eq(fields.prefixes[0].bits, 120);
    expect_written(&prefixes, "192.0.2.1/32,10.0.0.0/8, ::1", "192.0.2.1, 10.0.0.0/8, ::1");
    expect_written(&prefixes, "2001:db8::/32", "2001:db8::/32");
    ck_assert_uint_eq(fields.prefixes[0].bits, 32);
    expect_written(&prefixes, "0.0.0.0/0", "0.0.0.0/0");
    ck_assert_uint_eq(fields.prefixes[0].bits, 96);
    expect_written(&prefixes, "::/0", "::/0");
    ck_assert_uint_eq(fields.prefixes[0].bits, 0);
    expect_written(&prefixes, "128.0.0.0/1", "128.0.0.0/1");
    expect_refused(&prefixes, "10.0.0.1/8",
                   "'10.0.0.1/8' has bits set behind its prefix; write 10.0.0.0/8");
    expect_refused(&prefixes, "10.0.0.0/33", "'10.0.0.0/33' needs 0 to 32 bits");
    expect_refused(&prefixes, "::/129", "'::/129' needs 0 to 128 bits");
    expect_refused(&prefixes, "10.0.0.0/", "'10.0.0.0/' needs 0 to 32 bits");
    expect_refused(&prefixes, "10/8",
                   "'10/8' is neither an address nor a prefix such as 192.0.2.0/24");
    etd_value_clear(&prefixes, &fields, &memory.memory);
    ck_assert_int_eq(memory.pieces, 0);
}
END_TEST

START_TEST(list_without_memory_keeps_the_old_one)
{
    expect_written(&endpoints, "*:1", "*:1");
    memory.refuse_at = memory.requests + 1;
    ck_assert_int_eq(parse(&endpoints, "*:2"), ETD_CONFIG_NO_MEMORY);
    ck_assert_uint_eq(fields.endpoint_count, 1);
    ck_assert_uint_eq(fields.endpoints[0].address.port, 1);
    etd_value_clear(&endpoints, &fields, &memory.memory);
    ck_assert_int_eq(memory.pieces, 0);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("config_value");
    TCase *tests = tcase_create("values");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, duration_units_scale);
    tcase_add_test(tests, duration_nonsense_is_refused);
    tcase_add_test(tests, duration_out_of_range_names_the_range);
    tcase_add_test(tests, size_units_scale);
    tcase_add_test(tests, number_keeps_to_its_range);
    tcase_add_test(tests, boolean_words);
    tcase_add_test(tests, choice_stores_the_enumerator);
    tcase_add_test(tests, name_bounds_and_characters);
    tcase_add_test(tests, endpoints_read_back);
    tcase_add_test(tests, endpoint_mistakes_are_explained);
    tcase_add_test(tests, endpoint_name_has_a_greatest_length);
    tcase_add_test(tests, endpoints_that_collide);
    tcase_add_test(tests, prefixes_read_back);
    tcase_add_test(tests, list_without_memory_keeps_the_old_one);
    suite_add_tcase(suite, tests);
    return suite;
}
