/* Views, and the cursors that read and write wire formats. */
#include "echotimed/bytes.h"

#include "support/guard.h"
#include "support/suite.h"

START_TEST(reader_gives_integers_in_network_order)
{
    static const uint8_t wire[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct etd_reader reader = etd_reader(etd_bytes(wire, sizeof wire));
    ck_assert_uint_eq(etd_read_u8(&reader), 0x01);
    ck_assert_uint_eq(etd_read_u16(&reader), 0x0203);
    ck_assert_uint_eq(etd_read_u32(&reader), 0x04050607);
    ck_assert_uint_eq(etd_read_u64(&reader), UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert_uint_eq(etd_reader_left(&reader), 0);
    ck_assert(!reader.failed);
}
END_TEST

START_TEST(reader_failure_sticks_and_moves_nothing)
{
    struct etd_guard guard = etd_guard_copy("\xff\xfe\xfd", 3);
    struct etd_reader reader = etd_reader(etd_bytes(guard.data, guard.size));
    ck_assert_uint_eq(etd_read_u32(&reader), 0);
    ck_assert(reader.failed);
    ck_assert_uint_eq(etd_reader_left(&reader), 3);
    /* One byte is there, but a reader that failed once gives nothing more. */
    ck_assert_uint_eq(etd_read_u8(&reader), 0);
    ck_assert(reader.failed);
    ck_assert_uint_eq(etd_read_bytes(&reader, 0).size, 0);
    ck_assert_uint_eq(etd_reader_left(&reader), 3);
    etd_guard_free(&guard);
}
END_TEST

START_TEST(reader_takes_exactly_what_is_there)
{
    struct etd_guard guard = etd_guard_copy("abcdefgh", 8);
    for (size_t size = 0; size <= 10; size++) {
        struct etd_reader reader = etd_reader(etd_bytes(guard.data, guard.size));
        struct etd_bytes view = etd_read_bytes(&reader, size);
        ck_assert_int_eq(reader.failed, size > 8);
        ck_assert_uint_eq(view.size, size > 8 ? 0 : size);
        if (view.size > 0)
            ck_assert_ptr_eq(view.data, guard.data);
        ck_assert_uint_eq(etd_reader_left(&reader), size > 8 ? 8 : 8 - size);
    }
    etd_guard_free(&guard);
}
END_TEST

START_TEST(reader_refuses_sizes_that_would_wrap_a_pointer)
{
    static const uint8_t wire[4] = {0};
    struct etd_reader reader = etd_reader(etd_bytes(wire, sizeof wire));
    ck_assert_uint_eq(etd_read_bytes(&reader, SIZE_MAX).size, 0);
    ck_assert(reader.failed);
    reader = etd_reader(etd_bytes(wire, sizeof wire));
    ck_assert_uint_eq(etd_read_bytes(&reader, SIZE_MAX - 2).size, 0);
    ck_assert(reader.failed);
}
END_TEST

START_TEST(empty_views_may_be_null)
{
    struct etd_reader reader = etd_reader(etd_bytes(NULL, 0));
    ck_assert_uint_eq(etd_reader_left(&reader), 0);
    ck_assert_uint_eq(etd_read_bytes(&reader, 0).size, 0);
    ck_assert(!reader.failed);
    ck_assert_uint_eq(etd_read_u8(&reader), 0);
    ck_assert(reader.failed);

    ck_assert(etd_bytes_equal(etd_bytes(NULL, 0), etd_bytes_text("")));
    ck_assert(!etd_bytes_equal(etd_bytes(NULL, 0), etd_bytes_text("a")));
}
END_TEST

START_TEST(equal_compares_size_and_content)
{
    ck_assert(etd_bytes_equal(etd_bytes_text("abc"), etd_bytes("abcd", 3)));
    ck_assert(!etd_bytes_equal(etd_bytes_text("abc"), etd_bytes_text("abcd")));
    ck_assert(!etd_bytes_equal(etd_bytes_text("abc"), etd_bytes_text("abd")));
    ck_assert(etd_bytes_equal(etd_bytes("a\0b", 3), etd_bytes("a\0b", 3)));
    ck_assert(!etd_bytes_equal(etd_bytes("a\0b", 3), etd_bytes("a\0c", 3)));
}
END_TEST

START_TEST(writer_puts_integers_in_network_order)
{
    static const uint8_t wanted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct etd_guard guard = etd_guard_make(sizeof wanted);
    struct etd_writer writer = etd_writer(guard.data, guard.size);
    etd_write_u8(&writer, 0x01);
    etd_write_u16(&writer, 0x0203);
    etd_write_u32(&writer, 0x04050607);
    etd_write_u64(&writer, UINT64_C(0x08090a0b0c0d0e0f));
    ck_assert(!writer.failed);
    ck_assert_uint_eq(etd_writer_left(&writer), 0);
    ck_assert(etd_bytes_equal(etd_writer_bytes(&writer), etd_bytes(wanted, sizeof wanted)));
    etd_guard_free(&guard);
}
END_TEST

START_TEST(writer_failure_sticks_and_writes_nothing)
{
    struct etd_guard guard = etd_guard_copy("......", 6);
    struct etd_writer writer = etd_writer(guard.data, guard.size);
    etd_write_text(&writer, "abcd");
    etd_write_text(&writer, "efg"); /* one byte more than fits: not even its beginning is written */
    ck_assert(writer.failed);
    etd_write_text(&writer, "h"); /* would fit, but stands behind a hole */
    etd_write_u8(&writer, 'i');
    etd_write_decimal(&writer, 7, 1);
    ck_assert(writer.failed);
    ck_assert_mem_eq(guard.data, "abcd..", 6);
    ck_assert_uint_eq(etd_writer_bytes(&writer).size, 4);
    etd_guard_free(&guard);
}
END_TEST

START_TEST(decimal_writes_leading_zeros_and_every_digit)
{
    static const struct {
        uint64_t value;
        size_t width;
        const char *text;
    } cases[] = {
        {0, 1, "0"},
        {0, 4, "0000"},
        {7, 2, "07"},
        {42, 1, "42"},
        {999999, 6, "999999"},
        {1000000, 6, "1000000"},
        {UINT64_MAX, 1, "18446744073709551615"},
        {UINT64_MAX, 20, "18446744073709551615"},
        {1, 20, "00000000000000000001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = strlen(cases[i].text);
        struct etd_guard guard = etd_guard_make(size);
        struct etd_writer writer = etd_writer(guard.data, size);
        etd_write_decimal(&writer, cases[i].value, cases[i].width);
        ck_assert_msg(!writer.failed && memcmp(guard.data, cases[i].text, size) == 0, "%s",
                      cases[i].text);
        writer = etd_writer(guard.data, size - 1);
        etd_write_decimal(&writer, cases[i].value, cases[i].width);
        ck_assert(writer.failed);
        etd_guard_free(&guard);
    }
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    static const uint64_t values[] = {
        0,         1, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x80000000u, 0xffffffffu, UINT64_C(1) << 63,
        UINT64_MAX};
    for (size_t width = 1; width <= 8; width++) {
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            uint64_t mask = width == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width) - 1;
            uint8_t wire[8];
            struct etd_writer writer = etd_writer(wire, width);
            etd_write_uint(&writer, values[i], width);
            ck_assert(!writer.failed);
            struct etd_reader reader = etd_reader(etd_writer_bytes(&writer));
            ck_assert_uint_eq(etd_read_uint(&reader, width), values[i] & mask);
            ck_assert(!reader.failed);
        }
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("bytes");
    TCase *tests = tcase_create("cursors");
    tcase_add_test(tests, reader_gives_integers_in_network_order);
    tcase_add_test(tests, reader_failure_sticks_and_moves_nothing);
    tcase_add_test(tests, reader_takes_exactly_what_is_there);
    tcase_add_test(tests, reader_refuses_sizes_that_would_wrap_a_pointer);
    tcase_add_test(tests, empty_views_may_be_null);
    tcase_add_test(tests, equal_compares_size_and_content);
    tcase_add_test(tests, writer_puts_integers_in_network_order);
    tcase_add_test(tests, writer_failure_sticks_and_writes_nothing);
    tcase_add_test(tests, decimal_writes_leading_zeros_and_every_digit);
    tcase_add_test(tests, what_is_written_reads_back);
    suite_add_tcase(suite, tests);
    return suite;
}
