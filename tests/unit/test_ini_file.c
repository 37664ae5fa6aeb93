/* The INI reader: what is told of a text, and that no line is lost, joined or cut in silence. */
#include "platform/ini_file.h"
#include "support/guard.h"
#include "support/suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* All events, a line each: "1 [tcp]", "2 name=value", "3 ! message". */
static char told[512 * 1024];
static size_t told_size;

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(told + told_size, sizeof told - told_size, format, arguments);
    va_end(arguments);
    ck_assert_int_lt(size, (int)(sizeof told - told_size));
    told_size += (size_t)size;
}

static void on_section(void *context, const char *text, uint32_t line)
{
    ck_assert_ptr_eq(context, told);
    tell("%u [%s]\n", line, text != NULL ? text : "?");
}

static void on_pair(void *context, const char *name, const char *value, uint32_t line)
{
    ck_assert_ptr_eq(context, told);
    tell("%u %s=%s\n", line, name, value);
}

static void on_mistake(void *context, const char *message, uint32_t line)
{
    ck_assert_ptr_eq(context, told);
    tell("%u ! %s\n", line, message);
}

/* Reads a text that ends at a page which must not be touched. */
static void parse(const char *text, size_t size)
{
    static const struct etd_ini_events events = {on_section, on_pair, on_mistake};
    struct etd_guard guard = etd_guard_copy(text, size);
    told_size = 0;
    told[0] = '\0';
    etd_ini_parse(etd_bytes(guard.data, guard.size), &events, told);
    etd_guard_free(&guard);
}

static void expect(const char *text, const char *events)
{
    parse(text, strlen(text));
    ck_assert_str_eq(told, events);
}

START_TEST(sections_and_pairs_with_their_lines)
{
    expect("", "");
    expect("\n\n", "");
    expect("[a]\nb=c\n\n[d]\n e\n", "1 [a]\n2 b=c\n4 [d]\n"
                                    "5 ! the line is indented; let it begin at the left margin\n");
    expect("b = c d \t\n", "1 b=c d\n");
    expect("b =\nc=\n", "1 b=\n2 c=\n");
    expect("a=b=c\n", "1 a=b=c\n");
    expect("a=[x]\n", "1 a=[x]\n");
    expect("listen = 127.0.0.1:80\n", "1 listen=127.0.0.1:80\n");
}
END_TEST

START_TEST(empty_sections_are_told)
{
    expect("[tcp]\n[udp]", "1 [tcp]\n2 [udp]\n");
}
END_TEST

START_TEST(line_ends_of_other_systems)
{
    expect("[a]\r\nb=c\r\n\r\nd=e", "1 [a]\n2 b=c\n4 d=e\n");
    expect("[a]\r", "1 [a]\n");
    expect("\xef\xbb\xbf[a]\nb=c", "1 [a]\n2 b=c\n");
    expect("\xef\xbb\xbf", "");
    expect("b=c\rd=e\n", "1 ! the line has a control character; remove it\n");
}
END_TEST

START_TEST(comments)
{
    expect("; a=b\n# a=b\n   ; indented\n\t# too\na=b\n", "5 a=b\n");
    expect("a = b ; c\n", "1 a=b\n");
    expect("a = b\t; c\n", "1 a=b\n");
    expect("a = b;c\n", "1 a=b;c\n");
    expect("a = ; c\n", "1 a=\n");
    expect("a =; c\n", "1 a=; c\n"); /* no value takes that: a mistake, but not of the reader */
    expect("a = b # c\n", "1 a=b # c\n");
    expect("[a] ; c\n[b]\t;\n", "1 [a]\n2 [b]\n");
    expect("a ; = b\n", "1 ! the line has no '='; write NAME = VALUE, [SECTION] or ; COMMENT\n");
}
END_TEST

START_TEST(broken_headings)
{
    expect("[a\nb=c\n", "1 ! the section's heading has no ']'; write it as [tcp]\n1 [?]\n2 b=c\n");
    const char *behind =
        "1 ! something stands behind the section's ']'; a comment begins with ' ;'\n1 [a]\n";
    expect("[a] b\n", behind);
    expect("[a]b\n", behind);
    expect("[a]; b\n", behind);
    expect("[a] # b\n", behind);
    expect("[a]]\n", behind);
    expect("[]\n[ a ]\n[a;b]\n[a ;b]\n", "1 []\n2 [ a ]\n3 [a;b]\n4 [a ;b]\n");
    expect("  [a]\n", "1 ! the line is indented; let it begin at the left margin\n");
}
END_TEST

/* inih would take an indented line for more of the value before it. */
START_TEST(indented_lines_are_not_joined)
{
    expect("[a]\nb=c\n  d=e\n\tf\n   \n", "1 [a]\n2 b=c\n"
                                          "3 ! the line is indented; let it begin at the left "
                                          "margin\n4 ! the line is indented; let it begin at the "
                                          "left margin\n");
}
END_TEST

START_TEST(lines_that_are_no_pairs)
{
    const char *none = "1 ! the line has no '='; write NAME = VALUE, [SECTION] or ; COMMENT\n";
    expect("a\n", none);
    expect("a b c", none);
    expect("]", none);
    expect("=a\n", "1 ! there is no name before the '='; write NAME = VALUE\n");
    expect("a: b\n", "1 ! there is ':' behind the name; write NAME = VALUE\n");
    expect("a: b = c\n", "1 ! there is ':' behind the name; write NAME = VALUE\n");
}
END_TEST

START_TEST(nul_and_control_bytes)
{
    static const char text[] = "[a]\nb=\0c\n\0\nd=\x1b[1m\ne=\x7f\nf=\tg\0";
    parse(text, sizeof text - 1);
    ck_assert_str_eq(told, "1 [a]\n"
                           "2 ! the line has a NUL byte; save the file as plain UTF-8 text\n"
                           "3 ! the line has a NUL byte; save the file as plain UTF-8 text\n"
                           "4 ! the line has a control character; remove it\n"
                           "5 ! the line has a control character; remove it\n"
                           "6 ! the line has a NUL byte; save the file as plain UTF-8 text\n");
}
END_TEST

/* Debian's inih reads 199 bytes of a line unless one asks for more, and takes the rest for the next
 * line. A line of every length near the limits comes whole, or is a mistake. */
START_TEST(long_lines_come_whole_up_to_the_limit)
{
    static const size_t sizes[] = {195,  196,   197,   198,   199,   200,   201,   202,
                                   4000, 65534, 65535, 65536, 65537, 65538, 65539, 90000};
    static char text[128 * 1024], expected[128 * 1024];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(text, 'x', sizes[i]);
        memcpy(text, "a=", 2);
        strcpy(text + sizes[i], "\nb=c\n");
        if (sizes[i] <= ETD_INI_LINE_MAX)
            snprintf(expected, sizeof expected, "1 %.*s\n2 b=c\n", (int)sizes[i], text);
        else
            snprintf(expected, sizeof expected,
                     "1 ! the line has %zu bytes; 65536 are the limit\n2 b=c\n", sizes[i]);
        expect(text, expected);
    }
}
END_TEST

START_TEST(long_comments_and_headings)
{
    static char text[32 * 1024], expected[32 * 1024];
    /* A comment's tail beyond inih's own limit must not come back as a key. */
    memset(text, 'x', 300);
    memcpy(text, "a = b ; ", 8);
    strcpy(text + 300, " c = d\n");
    expect(text, "1 a=b\n");
    memset(text, 'x', 300);
    text[0] = ';';
    strcpy(text + 300, " c = d\nd=e\n");
    expect(text, "2 d=e\n");
    /* Nor may a heading be cut, as inih does at 49 bytes. */
    memset(text, 'x', 300);
    text[0] = '[';
    strcpy(text + 300, "]\n");
    snprintf(expected, sizeof expected, "1 [%.299s]\n", text + 1);
    expect(text, expected);
}
END_TEST

/* Long names, too, are told whole. */
START_TEST(long_names_come_whole)
{
    static char text[1024], expected[1024];
    memset(text, 'n', 500);
    strcpy(text + 500, "= v\n");
    snprintf(expected, sizeof expected, "1 %.500s=v\n", text);
    expect(text, expected);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("ini_file");
    TCase *tests = tcase_create("lines");
    tcase_add_test(tests, sections_and_pairs_with_their_lines);
    tcase_add_test(tests, empty_sections_are_told);
    tcase_add_test(tests, line_ends_of_other_systems);
    tcase_add_test(tests, comments);
    tcase_add_test(tests, broken_headings);
    tcase_add_test(tests, indented_lines_are_not_joined);
    tcase_add_test(tests, lines_that_are_no_pairs);
    tcase_add_test(tests, nul_and_control_bytes);
    tcase_add_test(tests, long_lines_come_whole_up_to_the_limit);
    tcase_add_test(tests, long_comments_and_headings);
    tcase_add_test(tests, long_names_come_whole);
    suite_add_tcase(suite, tests);
    return suite;
}
