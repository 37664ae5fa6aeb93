/* JSON: commas, escapes, numbers; valid whatever goes in, and never beyond its room. */
#include "echotimed/json.h"
#include "support/guard.h"
#include "support/suite.h"

#include <stdio.h>

static uint8_t room[4096];
static struct etd_writer writer;

static struct etd_json begin(void)
{
    writer = etd_writer(room, sizeof room - 1);
    return etd_json(&writer);
}

static const char *text(void)
{
    ck_assert(!writer.failed);
    *writer.at = '\0';
    return (const char *)room;
}

START_TEST(nested_values_get_their_commas)
{
    struct etd_json json = begin();
    etd_json_object(&json, NULL);
    etd_json_text(&json, "a", "b");
    etd_json_object(&json, "empty");
    etd_json_object_end(&json);
    etd_json_array(&json, "list");
    etd_json_unsigned(&json, NULL, 1);
    etd_json_object(&json, NULL);
    etd_json_null(&json, "n");
    etd_json_object_end(&json);
    etd_json_array_end(&json);
    etd_json_bool(&json, "yes", true);
    etd_json_bool(&json, "no", false);
    etd_json_object_end(&json);
    ck_assert_str_eq(text(), "{\"a\":\"b\",\"empty\":{},\"list\":[1,{\"n\":null}],\"yes\":true,"
                             "\"no\":false}");
}
END_TEST

START_TEST(numbers_are_exact)
{
    struct etd_json json = begin();
    etd_json_array(&json, NULL);
    etd_json_integer(&json, NULL, INT64_MIN);
    etd_json_integer(&json, NULL, INT64_MAX);
    etd_json_unsigned(&json, NULL, UINT64_MAX);
    etd_json_decimal(&json, NULL, 12345, 3);
    etd_json_decimal(&json, NULL, -5, 3);
    etd_json_decimal(&json, NULL, 0, 1);
    etd_json_decimal(&json, NULL, INT64_MIN, 19);
    etd_json_array_end(&json);
    ck_assert_str_eq(text(), "[-9223372036854775808,9223372036854775807,18446744073709551615,"
                             "12.345,-0.005,0.0,-0.9223372036854775808]");
}
END_TEST

static const char *escaped(const void *data, size_t size)
{
    struct etd_json json = begin();
    etd_json_bytes(&json, NULL, etd_bytes(data, size));
    return text();
}

START_TEST(control_bytes_quotes_and_names_are_escaped)
{
    ck_assert_str_eq(escaped("a\"b\\c/\b\f\n\r\t\0\x1f\x7f", 14),
                     "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\"");
    struct etd_json json = begin();
    etd_json_object(&json, NULL);
    etd_json_unsigned(&json, "a\"b", 1);
    etd_json_object_end(&json);
    ck_assert_str_eq(text(), "{\"a\\\"b\":1}");
}
END_TEST

START_TEST(utf8_passes_and_what_is_none_is_replaced)
{
#define R "\xef\xbf\xbd"
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\x80", R},                   /* a continuation alone */
        {"a\xffz", "a" R "z"},         /* no byte of UTF-8 */
        {"\xc3z", R "z"},              /* cut short by another */
        {"\xe2\x82", R R},             /* cut short by the end */
        {"\xc0\xaf", R R},             /* too long for '/' */
        {"\xe0\x80\xaf", R R R},       /* likewise */
        {"\xed\xa0\x80", R R R},       /* a surrogate */
        {"\xf4\x90\x80\x80", R R R R}, /* beyond U+10FFFF */
        {"\xf8\x88\x80\x80\x80", R R R R R},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "\"%s\"", cases[i].out);
        ck_assert_str_eq(escaped(cases[i].in, strlen(cases[i].in)), expected);
    }
#undef R
}
END_TEST

static void write_some(struct etd_writer *out)
{
    struct etd_json json = etd_json(out);
    etd_json_object(&json, NULL);
    etd_json_text(&json, "text", "\xff\x01\xe2\x82\xac quite long enough");
    etd_json_decimal(&json, "number", -1234567, 3);
    etd_json_object_end(&json);
}

START_TEST(room_that_ends_is_never_left)
{
    begin();
    write_some(&writer);
    size_t whole = strlen(text());
    for (size_t size = 0; size <= whole; size++) {
        struct etd_guard guard = etd_guard_make(size);
        struct etd_writer small = etd_writer(guard.data, guard.size);
        write_some(&small);
        ck_assert_int_eq(small.failed, size < whole);
        etd_guard_free(&guard);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *all = tcase_create("all");
    tcase_add_test(all, nested_values_get_their_commas);
    tcase_add_test(all, numbers_are_exact);
    tcase_add_test(all, control_bytes_quotes_and_names_are_escaped);
    tcase_add_test(all, utf8_passes_and_what_is_none_is_replaced);
    tcase_add_test(all, room_that_ends_is_never_left);
    suite_add_tcase(suite, all);
    return suite;
}
