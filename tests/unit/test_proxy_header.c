/* PROXY headers: what the specification gives as examples and bounds, every cut, every changed byte,
 * and what must be refused. */
#include "echotimed/proxy_header.h"
#include "support/guard.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TEXT(literal) ((struct etd_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

/* Decodes a copy that ends at a page which must not be touched. */
static enum etd_proxy_decoded decode(struct etd_bytes input, struct etd_proxy_header *header)
{
    struct etd_guard guard = etd_guard_copy(input.data, input.size);
    enum etd_proxy_decoded decoded =
        etd_proxy_header_decode(etd_bytes(guard.data, guard.size), header);
    etd_guard_free(&guard);
    return decoded;
}

/* "IP:PORT" of the source that a header names, "-" where it names none, or null where it is bad or
 * not complete. Until the next call. */
static const char *source_of(struct etd_bytes input)
{
    static char text[ETD_ADDRESS_TEXT];
    struct etd_proxy_header header;
    if (decode(input, &header) != ETD_PROXY_DONE)
        return NULL;
    ck_assert_uint_le(header.size, input.size);
    if (!header.names_source)
        return "-";
    etd_address_format(&header.source, text);
    return text;
}

static const struct {
    struct etd_bytes header;
    const char *source;
} good[] = {
    {TEXT("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"), "192.168.0.1:56324"},
    {TEXT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535"},
    {TEXT("PROXY TCP4 0.0.0.0 10.0.0.1 0 0\r\n"), "0.0.0.0:0"},
    {TEXT("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"), "[2001:db8::1]:1"},
    {TEXT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {TEXT("PROXY TCP6 2001:DB8:0:0:0:0:0:00aB :: 5 6\r\n"), "[2001:db8::ab]:5"},
    /* An IPv4 client of a proxy's IPv6 socket, as inet_ntop writes it. */
    {TEXT("PROXY TCP6 ::ffff:192.0.2.7 ::1 9 80\r\n"), "192.0.2.7:9"},
    {TEXT("PROXY UNKNOWN\r\n"), "-"},
    {TEXT("PROXY UNKNOWN \r\n"), "-"},
    {TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "-"}, /* 107 bytes, the longest line */
    {TEXT("PROXY UNKNOWN anything \0 at all\r\n"), "-"},
    {TEXT(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb"), "192.0.2.7:56324"},
    {TEXT(SIGNATURE "\x21\x21\0\x24"
                    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
                    "\0\7\xff\xff"),
     "[2001:db8::1]:7"},
    {TEXT(SIGNATURE "\x21\x21\0\x24"
                    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"
                    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
                    "\0\7\xff\xff"),
     "192.0.2.7:7"},
    /* With extensions: NOOP of 2 bytes, and a unique id of 3. */
    {TEXT(SIGNATURE "\x21\x11\0\x17\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb"
                    "\4\0\2..\5\0\3abc"),
     "192.0.2.7:56324"},
    {TEXT(SIGNATURE "\x20\0\0\0"), "-"},
    {TEXT(SIGNATURE "\x20\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb"), "-"},
    {TEXT(SIGNATURE "\x20\xff\0\3abc"), "-"}, /* LOCAL: the rest is not looked at */
};
enum { GOOD = sizeof good / sizeof good[0] };

static const struct etd_bytes bad[] = {
    TEXT("GET / HTTP/1.1\r\n"),
    TEXT("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY\tTCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY\r\n"),
    TEXT("PROXY \r\n"),
    TEXT("PROXY TCP4\r\n"),
    TEXT("PROXY TCP4 192.0.2.1\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n"),
    TEXT("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2  1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1  2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2\r 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.02 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.0x1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 3221225985 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 +192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n"),
    TEXT("PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP6 2001:db8::1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP6 2001:db8::1::2 2001:db8::2 1 2\r\n"),
    TEXT("PROXY TCP6 2001:db8::12345 2001:db8::2 1 2\r\n"),
    TEXT("PROXY TCP6 fe80::1%lo 2001:db8::2 1 2\r\n"),
    TEXT("PROXY TCP6 1:2:3:4:5:6:7 2001:db8::2 1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 00 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 4294967297 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"),
    TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 0x2\r\n"),
    TEXT("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n"),
    TEXT("PROXY UNKNOWNS\r\n"),
    TEXT("PROXY UNKNOW\r\n"),
    TEXT("PROXY UNKNOWN\n"),
    /* 108 bytes. */
    TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535.\r\n"),
    TEXT("\r\n\r\n\0\r\nQUIT\r\x21\x11\0\x0c............"),
    TEXT(SIGNATURE "\x11\x11\0\x0c............"), /* version 1, 3, 0 */
    TEXT(SIGNATURE "\x31\x11\0\x0c............"),
    TEXT(SIGNATURE "\1\x11\0\x0c............"),
    TEXT(SIGNATURE "\x22\x11\0\x0c............"), /* no such command */
    TEXT(SIGNATURE "\x2f\x11\0\x0c............"),
    TEXT(SIGNATURE "\x21\0\0\0"), /* PROXY, and for whom is unspecified */
    TEXT(SIGNATURE "\x21\x10\0\x0c............"),
    TEXT(SIGNATURE "\x21\1\0\x0c............"),
    TEXT(SIGNATURE "\x21\x12\0\x0c............"), /* UDP */
    TEXT(SIGNATURE "\x21\x22\0\x24...................................."),
    TEXT(SIGNATURE "\x21\x31\0\x0c............"), /* UNIX */
    TEXT(SIGNATURE "\x21\x41\0\x0c............"), /* no such family */
    TEXT(SIGNATURE "\x21\x13\0\x0c............"), /* no such transport */
    TEXT(SIGNATURE "\x21\x11\0\x0b..........."),  /* too short for the family */
    TEXT(SIGNATURE "\x21\x11\0\0"),
    TEXT(SIGNATURE "\x21\x21\0\x23..................................."),
    TEXT(SIGNATURE "\x21\x21\0\x0c............"),
    TEXT(SIGNATURE "\x21\x11\x0f\xf1"), /* 4,097 bytes */
    TEXT(SIGNATURE "\x21\x11\xff\xff"),
    TEXT(SIGNATURE "\x20\0\xff\xff"),
};
enum { BAD = sizeof bad / sizeof bad[0] };

START_TEST(good_headers_name_their_source)
{
    struct etd_proxy_header header;
    ck_assert_int_eq(decode(good[_i].header, &header), ETD_PROXY_DONE);
    ck_assert_uint_eq(header.size, good[_i].header.size);
    ck_assert_str_eq(source_of(good[_i].header), good[_i].source);
}
END_TEST

START_TEST(every_beginning_of_a_header_asks_for_more)
{
    struct etd_proxy_header header;
    for (size_t size = 0; size < good[_i].header.size; size++) {
        ck_assert_msg(decode(etd_bytes(good[_i].header.data, size), &header) == ETD_PROXY_MORE,
                      "after %zu bytes of header %d", size, _i);
        ck_assert_uint_gt(header.size, size);
        ck_assert_uint_le(header.size, ETD_PROXY_HEADER_MAX);
    }
}
END_TEST

/* Whatever follows, even another header, belongs to the stream. */
START_TEST(what_follows_is_left)
{
    static const char *const behind[] = {"x", "\r\n", "\n", "PROXY UNKNOWN\r\n", "\r\n\r\n", " "};
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        uint8_t text[256];
        struct etd_writer writer = etd_writer(text, sizeof text);
        etd_write_bytes(&writer, good[_i].header);
        etd_write_text(&writer, behind[i]);
        struct etd_proxy_header header;
        ck_assert_int_eq(decode(etd_writer_bytes(&writer), &header), ETD_PROXY_DONE);
        ck_assert_uint_eq(header.size, good[_i].header.size);
        ck_assert_str_eq(source_of(etd_writer_bytes(&writer)), good[_i].source);
    }
}
END_TEST

START_TEST(bad_headers_are_refused)
{
    struct etd_proxy_header header;
    ck_assert_msg(decode(bad[_i], &header) == ETD_PROXY_BAD, "not refused: header %d", _i);
    ck_assert_msg(!header.names_source, "a source was named: header %d", _i);
}
END_TEST

/* What is no beginning of a header is refused at once: nobody waits for the rest. */
START_TEST(nonsense_is_refused_at_its_first_byte)
{
    struct etd_proxy_header header;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t first = (uint8_t)byte;
        enum etd_proxy_decoded expected =
            byte == 'P' || byte == '\r' ? ETD_PROXY_MORE : ETD_PROXY_BAD;
        ck_assert_int_eq(decode(etd_bytes(&first, 1), &header), expected);
    }
    ck_assert_int_eq(decode(TEXT("PRO?"), &header), ETD_PROXY_BAD);
    ck_assert_int_eq(decode(TEXT("\r\n\r\nGET"), &header), ETD_PROXY_BAD);
}
END_TEST

START_TEST(a_line_is_at_most_107_bytes)
{
    uint8_t text[120];
    struct etd_proxy_header header;
    memset(text, 'x', sizeof text);
    memcpy(text, "PROXY UNKNOWN ", 14);
    ck_assert_int_eq(decode(etd_bytes(text, 106), &header), ETD_PROXY_MORE);
    ck_assert_uint_eq(header.size, 107);
    ck_assert_int_eq(decode(etd_bytes(text, 107), &header), ETD_PROXY_BAD);
    memcpy(text + 106, "\r\n", 2);
    ck_assert_int_eq(decode(etd_bytes(text, 107), &header), ETD_PROXY_BAD);
    ck_assert_int_eq(decode(etd_bytes(text, 108), &header), ETD_PROXY_BAD);
    memcpy(text + 105, "\r\n", 2);
    ck_assert_int_eq(decode(etd_bytes(text, 106), &header), ETD_PROXY_MORE);
    ck_assert_int_eq(decode(etd_bytes(text, 107), &header), ETD_PROXY_DONE);
}
END_TEST

START_TEST(extensions_have_a_bound)
{
    static uint8_t text[ETD_PROXY_HEADER_MAX + 1];
    struct etd_proxy_header header;
    memcpy(text, SIGNATURE "\x21\x11\x0f\xf0\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb", 28);
    ck_assert_int_eq(decode(etd_bytes(text, ETD_PROXY_HEADER_MAX - 1), &header), ETD_PROXY_MORE);
    ck_assert_uint_eq(header.size, ETD_PROXY_HEADER_MAX);
    ck_assert_int_eq(decode(etd_bytes(text, ETD_PROXY_HEADER_MAX + 1), &header), ETD_PROXY_DONE);
    ck_assert_uint_eq(header.size, ETD_PROXY_HEADER_MAX);
    text[15] = 0xf1;
    ck_assert_int_eq(decode(etd_bytes(text, 16), &header), ETD_PROXY_BAD);
}
END_TEST

/* The words of a line that was accepted say what was understood: an independent reading of it. */
static void check_line(struct etd_bytes line, const struct etd_proxy_header *header)
{
    char text[ETD_PROXY_LINE_MAX + 1] = "", family[16], ip[64], destination[64], rest[64];
    unsigned port, destination_port;
    ck_assert_uint_le(header->size, ETD_PROXY_LINE_MAX);
    memcpy(text, line.data, header->size);
    ck_assert_ptr_eq(strstr(text, "\r\n"), text + header->size - 2);
    ck_assert_int_eq(sscanf(text, "PROXY %15[A-Z0-9] %63[0-9a-fA-F.:] %63[0-9a-fA-F.:] %u %u%63s",
                            family, ip, destination, &port, &destination_port, rest),
                     5);
    struct etd_address address = {.port = 0};
    ck_assert(etd_address_parse_ip(&address, ip));
    ck_assert(etd_address_same_ip(&address, &header->source));
    ck_assert_uint_eq(port, header->source.port);
    ck_assert_uint_le(destination_port, 65535);
    ck_assert_str_eq(family, strchr(ip, ':') == NULL ? "TCP4" : "TCP6");
    char again[ETD_PROXY_LINE_MAX + 1];
    int size = snprintf(again, sizeof again, "PROXY %s %s %s %u %u\r\n", family, ip, destination,
                        port, destination_port);
    ck_assert_uint_eq((size_t)size, header->size); /* not a blank or zero more */
}

static void check_binary(struct etd_bytes text, const struct etd_proxy_header *header)
{
    const uint8_t *at = text.data + 16;
    struct etd_address expected = {.port = 0};
    ck_assert_int_eq(text.data[12], 0x21);
    if (text.data[13] == 0x11) {
        etd_address_set_ipv4(&expected, at);
        expected.port = (uint16_t)(at[8] << 8 | at[9]);
    } else {
        ck_assert_int_eq(text.data[13], 0x21);
        memcpy(expected.ip, at, 16);
        expected.port = (uint16_t)(at[32] << 8 | at[33]);
    }
    ck_assert(etd_address_same_ip(&expected, &header->source));
    ck_assert_uint_eq(expected.port, header->source.port);
    ck_assert_uint_eq(header->size, 16u + (size_t)(text.data[14] << 8 | text.data[15]));
}

/* Any byte changed to any other: it is refused, or is another header that says so itself. */
START_TEST(a_changed_byte_never_names_a_wrong_source)
{
    uint8_t text[160];
    struct etd_bytes original = good[_i].header;
    for (size_t at = 0; at < original.size; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            struct etd_proxy_header header;
            memcpy(text, original.data, original.size);
            text[at] = (uint8_t)byte;
            struct etd_bytes changed = etd_bytes(text, original.size);
            if (etd_proxy_header_decode(changed, &header) != ETD_PROXY_DONE)
                continue;
            ck_assert_uint_le(header.size, changed.size);
            if (!header.names_source)
                ck_assert(text[0] == 'P' ? memcmp(text + 6, "UNKNOWN", 7) == 0 : text[12] == 0x20);
            else if (text[0] == 'P')
                check_line(changed, &header);
            else
                check_binary(changed, &header);
        }
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("proxy_header");
    TCase *tests = tcase_create("headers");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, good_headers_name_their_source, 0, GOOD);
    tcase_add_loop_test(tests, every_beginning_of_a_header_asks_for_more, 0, GOOD);
    tcase_add_loop_test(tests, what_follows_is_left, 0, GOOD);
    tcase_add_loop_test(tests, bad_headers_are_refused, 0, BAD);
    tcase_add_test(tests, nonsense_is_refused_at_its_first_byte);
    tcase_add_test(tests, a_line_is_at_most_107_bytes);
    tcase_add_test(tests, extensions_have_a_bound);
    tcase_add_loop_test(tests, a_changed_byte_never_names_a_wrong_source, 0, GOOD);
    suite_add_tcase(suite, tests);
    return suite;
}
