/* The prober's bytes: printable, told apart at any size, and every change of one found. */
#include "echotimed/pattern.h"
#include "support/guard.h"
#include "support/suite.h"

START_TEST(no_line_ending_is_in_it)
{
    uint8_t data[4096];
    for (uint32_t number = 0; number < 300; number++) {
        etd_pattern_fill(data, sizeof data, number * 77, number);
        for (size_t i = 0; i < sizeof data; i++)
            ck_assert(data[i] > ' ' && data[i] <= '~');
    }
}
END_TEST

START_TEST(the_number_is_found_again)
{
    static const uint32_t numbers[] = {0, 1, 255, 0x12345678, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint8_t data[ETD_PATTERN_HEAD];
        uint32_t found;
        etd_pattern_fill(data, sizeof data, 0xcafe, numbers[i]);
        ck_assert(etd_pattern_number(etd_bytes(data, sizeof data), 0xcafe, &found));
        ck_assert_uint_eq(found, numbers[i]);
        ck_assert(!etd_pattern_number(etd_bytes(data, sizeof data), 0xcaff, &found));
        ck_assert(!etd_pattern_number(etd_bytes(data, sizeof data - 1), 0xcafe, &found));
        data[3] = 'g';
        ck_assert(!etd_pattern_number(etd_bytes(data, sizeof data), 0xcafe, &found));
    }
}
END_TEST

START_TEST(every_changed_byte_is_counted)
{
    uint8_t data[200];
    size_t first = 999;
    etd_pattern_fill(data, sizeof data, 5, 6);
    ck_assert_uint_eq(etd_pattern_differs(etd_bytes(data, sizeof data), 5, 6, &first), 0);
    ck_assert_uint_eq(first, 999);
    for (size_t i = 0; i < sizeof data; i++) {
        for (int bit = 0; bit < 8; bit++) {
            data[i] ^= (uint8_t)(1 << bit);
            ck_assert_uint_eq(etd_pattern_differs(etd_bytes(data, sizeof data), 5, 6, &first), 1);
            ck_assert_uint_eq(first, i);
            data[i] ^= (uint8_t)(1 << bit);
        }
    }
}
END_TEST

/* A far end that mixes up messages, or moves bytes, is found out. */
START_TEST(another_message_is_most_unlike)
{
    uint8_t data[1024];
    size_t first;
    etd_pattern_fill(data, sizeof data, 5, 6);
    struct etd_bytes tail = etd_bytes(data, sizeof data);
    ck_assert_uint_gt(etd_pattern_differs(tail, 5, 7, &first), 900);
    ck_assert_uint_gt(etd_pattern_differs(tail, 4, 6, &first), 900);
    memmove(data + 100, data + 101, sizeof data - 101);
    ck_assert_uint_gt(etd_pattern_differs(tail, 5, 6, &first), 800);
    ck_assert_uint_ge(first, 100);
}
END_TEST

/* The lowest digit is the first byte, so that even one byte tells neighbours apart. */
START_TEST(short_messages_tell_neighbours_apart)
{
    for (size_t size = 1; size < ETD_PATTERN_NUMBER; size++) {
        struct etd_guard a = etd_guard_make(size), b = etd_guard_make(size);
        for (uint32_t number = 0; number < 15; number++) {
            etd_pattern_fill(a.data, size, 1, number);
            etd_pattern_fill(b.data, size, 1, number + 1);
            ck_assert_mem_ne(a.data, b.data, size);
        }
        etd_guard_free(&a);
        etd_guard_free(&b);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("pattern");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120); /* millions of bytes, and under the sanitizers */
    tcase_add_test(all, no_line_ending_is_in_it);
    tcase_add_test(all, the_number_is_found_again);
    tcase_add_test(all, every_changed_byte_is_counted);
    tcase_add_test(all, another_message_is_most_unlike);
    tcase_add_test(all, short_messages_tell_neighbours_apart);
    suite_add_tcase(suite, all);
    return suite;
}
