/* The table of keys: that its rows are sound, so that whoever reads it need not ask. */
#include "echotimed/config.h"
#include "support/suite.h"

#include <string.h>

START_TEST(rows_are_sound)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        ck_assert_msg(key->name != NULL && key->name[0] != '\0', "row %zu has no name", i);
        ck_assert_msg(key->default_text != NULL, "%s has no default", key->name);
        ck_assert_msg(key->help != NULL && strlen(key->help) > 10, "%s has no help", key->name);
        ck_assert_msg(key->help[strlen(key->help) - 1] == '.', "help of %s is cut", key->name);
        ck_assert_msg(strlen(key->name) <= 40, "%s is too long to be suggested", key->name);
        ck_assert_msg(key->min <= key->max, "%s has no range", key->name);
        ck_assert_msg((key->type == ETD_CONFIG_CHOICE) == (key->choices != NULL),
                      "%s has no choices", key->name);
        ck_assert_msg(i == 0 || key->section >= key[-1].section, "%s is out of order", key->name);
    }
}
END_TEST

START_TEST(names_are_unique_in_a_section_and_found)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++)
        ck_assert_ptr_eq(etd_config_key_find(etd_config_keys[i].section, etd_config_keys[i].name),
                         &etd_config_keys[i]);
    ck_assert_ptr_null(etd_config_key_find(ETD_SECTION_DAEMON, "listen"));
    ck_assert_ptr_null(etd_config_key_find(ETD_SECTION_TCP, ""));
}
END_TEST

/* Two rows with one field would overwrite each other. */
START_TEST(fields_are_not_shared)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct etd_config_key *a = &etd_config_keys[i], *b = &etd_config_keys[j];
            if (a->section != b->section)
                continue;
            ck_assert_msg(a->offset != b->offset, "%s and %s share a field", a->name, b->name);
        }
    }
}
END_TEST

START_TEST(values_are_compared_by_their_key)
{
    const struct etd_config_daemon a = {.log_level = ETD_LOG_INFO, .busy_poll_us = 50};
    const struct etd_config_daemon b = {.log_level = ETD_LOG_INFO, .busy_poll_us = 51};
    const struct etd_config_key *level = etd_config_key_find(ETD_SECTION_DAEMON, "log_level");
    const struct etd_config_key *poll = etd_config_key_find(ETD_SECTION_DAEMON, "busy_poll");
    ck_assert(etd_config_same(level, &a, &b));
    ck_assert(!etd_config_same(poll, &a, &b));
    ck_assert(etd_config_same(poll, &a, &a));
}
END_TEST

/* A list is the same whoever owns it, and its end counts. */
START_TEST(lists_are_compared_entry_by_entry)
{
    struct etd_endpoint one[2] = {{.kind = ETD_ENDPOINT_ANY, .address.port = 1},
                                  {.kind = ETD_ENDPOINT_ANY, .address.port = 2}};
    struct etd_endpoint other[2] = {one[0], one[1]};
    struct etd_config_listener a = {.listen = one, .listen_count = 2};
    struct etd_config_listener b = {.listen = other, .listen_count = 2};
    const struct etd_config_key *listen = etd_config_key_find(ETD_SECTION_TCP, "listen");
    ck_assert(etd_config_same(listen, &a, &b));
    b.listen_count = 1;
    ck_assert(!etd_config_same(listen, &a, &b));
    b.listen_count = 2;
    other[1].address.port = 3;
    ck_assert(!etd_config_same(listen, &a, &b));
}
END_TEST

static const char *range(enum etd_config_section section, const char *name)
{
    static uint8_t text[512];
    memset(text, 0, sizeof text);
    struct etd_writer writer = etd_writer(text, sizeof text - 1);
    etd_config_write_range(etd_config_key_find(section, name), &writer);
    return (const char *)text;
}

START_TEST(ranges_read_well)
{
    ck_assert_str_eq(range(ETD_SECTION_DAEMON, "log_level"), "error, warning, notice, info, debug");
    ck_assert_str_eq(range(ETD_SECTION_DAEMON, "log_connections"), "yes or no");
    ck_assert_str_eq(range(ETD_SECTION_DAEMON, "buffer_memory"), "1MiB to 1TiB");
    ck_assert_str_eq(range(ETD_SECTION_DAEMON, "busy_poll"), "1us to 100ms, or 0");
    ck_assert_str_eq(range(ETD_SECTION_TCP, "max_message"), "1 to 1GiB");
    ck_assert_str_eq(range(ETD_SECTION_TCP, "backlog"), "1 to 65535");
    ck_assert_str_eq(range(ETD_SECTION_TCP, "congestion_control"),
                     "nothing, or up to 15 letters, digits, '-', '_' or '.'");
    ck_assert_str_eq(range(ETD_SECTION_TCP, "listen"),
                     "1 to 16 of HOST:PORT, [IPV6]:PORT or *:PORT");
    ck_assert_str_eq(range(ETD_SECTION_TCP, "deny"),
                     "nothing, or up to 1000 of ADDRESS or ADDRESS/BITS");
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("config_table");
    TCase *tests = tcase_create("rows");
    tcase_add_test(tests, rows_are_sound);
    tcase_add_test(tests, names_are_unique_in_a_section_and_found);
    tcase_add_test(tests, fields_are_not_shared);
    tcase_add_test(tests, values_are_compared_by_their_key);
    tcase_add_test(tests, lists_are_compared_entry_by_entry);
    tcase_add_test(tests, ranges_read_well);
    suite_add_tcase(suite, tests);
    return suite;
}
