/* SipHash-2-4 against the vectors of its authors: key 00 01 .. 0f, message 00 01 .. n - 1. The one
 * of 15 bytes is worked out in appendix A of the paper. */
#include "echotimed/siphash.h"
#include "support/guard.h"
#include "support/suite.h"

/* The index is the message's length. */
static const uint64_t vectors[] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    0x3f2acc7f57c29bdb,
};
static const uint64_t vector_of_63 = 0x958a324ceb064572;

static struct etd_siphash_key counting_key(void)
{
    struct etd_siphash_key key;
    for (uint8_t i = 0; i < ETD_SIPHASH_KEY; i++)
        key.bytes[i] = i;
    return key;
}

static uint64_t hash_counting(size_t size)
{
    struct etd_siphash_key key = counting_key();
    struct etd_guard message = etd_guard_make(size);
    for (size_t i = 0; i < size; i++)
        message.data[i] = (uint8_t)i;
    uint64_t hash = etd_siphash(&key, etd_bytes(message.data, size));
    etd_guard_free(&message);
    return hash;
}

START_TEST(reference_vectors)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        ck_assert_msg(hash_counting(i) == vectors[i], "wrong for %zu bytes", i);
    ck_assert_uint_eq(hash_counting(63), vector_of_63);
}
END_TEST

START_TEST(empty_message_may_be_null)
{
    struct etd_siphash_key key = counting_key();
    ck_assert_uint_eq(etd_siphash(&key, etd_bytes(NULL, 0)), vectors[0]);
}
END_TEST

START_TEST(every_bit_of_the_key_counts)
{
    for (unsigned bit = 0; bit < 8 * ETD_SIPHASH_KEY; bit++) {
        struct etd_siphash_key key = counting_key();
        key.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_ne(etd_siphash(&key, etd_bytes_text("")), vectors[0]);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("siphash");
    TCase *tests = tcase_create("vectors");
    tcase_add_test(tests, reference_vectors);
    tcase_add_test(tests, empty_message_may_be_null);
    tcase_add_test(tests, every_bit_of_the_key_counts);
    suite_add_tcase(suite, tests);
    return suite;
}
