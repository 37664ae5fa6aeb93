/* Buffers and the pool that bounds them. */
#include "echotimed/buffer.h"

#include "support/memory.h"
#include "support/random.h"
#include "support/suite.h"

static struct etd_test_memory memory;
static struct etd_pool pool;

static void begin(void)
{
    etd_test_memory_init(&memory);
    pool = (struct etd_pool){.memory = &memory.memory, .limit = 1 << 20};
}

static void end(void)
{
    ck_assert_int_eq(memory.pieces, 0);
    ck_assert_uint_eq(pool.in_use, 0);
}

START_TEST(pool_lends_to_the_limit_exactly)
{
    pool.limit = 100;
    void *first = etd_pool_resize(&pool, NULL, 0, 60);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(etd_pool_resize(&pool, NULL, 0, 41));
    ck_assert_uint_eq(pool.refusals, 1);
    ck_assert_uint_eq(pool.in_use, 60);
    void *second = etd_pool_resize(&pool, NULL, 0, 40);
    ck_assert_ptr_nonnull(second);
    ck_assert_uint_eq(pool.in_use, 100);
    ck_assert_ptr_null(etd_pool_resize(&pool, second, 40, 41));
    ck_assert_uint_eq(pool.refusals, 2);
    /* What was refused is unchanged: it shrinks, and the other grows by as much. */
    second = etd_pool_resize(&pool, second, 40, 30);
    ck_assert_ptr_nonnull(second);
    first = etd_pool_resize(&pool, first, 60, 70);
    ck_assert_ptr_nonnull(first);
    ck_assert_uint_eq(pool.in_use, 100);
    ck_assert_ptr_null(etd_pool_resize(&pool, first, 70, 0));
    ck_assert_ptr_null(etd_pool_resize(&pool, second, 30, 0));
    ck_assert_uint_eq(pool.refusals, 2); /* giving back is no refusal */
}
END_TEST

START_TEST(pool_counts_no_size_that_would_wrap)
{
    pool.limit = UINT64_MAX;
    void *piece = etd_pool_resize(&pool, NULL, 0, 10);
    memory.refuse_at = memory.requests + 1; /* nobody has so much */
    ck_assert_ptr_null(etd_pool_resize(&pool, NULL, 0, SIZE_MAX));
    ck_assert_uint_eq(pool.in_use, 10);
    pool.limit = 20;
    ck_assert_ptr_null(etd_pool_resize(&pool, piece, 10, SIZE_MAX));
    ck_assert_ptr_null(etd_pool_resize(&pool, NULL, 0, SIZE_MAX - 5));
    ck_assert_uint_eq(pool.in_use, 10);
    ck_assert_uint_eq(pool.refusals, 3);
    etd_pool_resize(&pool, piece, 10, 0);
}
END_TEST

START_TEST(pool_over_a_lowered_limit_takes_back_and_lends_nothing)
{
    void *piece = etd_pool_resize(&pool, NULL, 0, 1000);
    pool.limit = 500;
    ck_assert_ptr_null(etd_pool_resize(&pool, NULL, 0, 1));
    ck_assert_ptr_null(etd_pool_resize(&pool, piece, 1000, 1001));
    piece = etd_pool_resize(&pool, piece, 1000, 499);
    ck_assert_ptr_nonnull(piece);
    void *one = etd_pool_resize(&pool, NULL, 0, 1);
    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_null(etd_pool_resize(&pool, NULL, 0, 1));
    etd_pool_resize(&pool, one, 1, 0);
    etd_pool_resize(&pool, piece, 499, 0);
}
END_TEST

START_TEST(pool_passes_a_refusal_of_memory_on)
{
    memory.refuse_at = 2;
    uint8_t *piece = etd_pool_resize(&pool, NULL, 0, 8);
    memcpy(piece, "abcdefgh", 8);
    ck_assert_ptr_null(etd_pool_resize(&pool, piece, 8, 16));
    ck_assert_uint_eq(pool.in_use, 8);
    ck_assert_uint_eq(pool.refusals, 1);
    ck_assert_mem_eq(piece, "abcdefgh", 8);
    ck_assert_ptr_null(etd_pool_resize(&pool, NULL, 0, 0)); /* nothing for nothing */
    ck_assert_uint_eq(pool.refusals, 1);
    etd_pool_resize(&pool, piece, 8, 0);
}
END_TEST

START_TEST(an_empty_buffer_holds_nothing_and_can_be_asked)
{
    struct etd_buffer buffer = {0};
    ck_assert(etd_buffer_is_sound(&buffer));
    ck_assert(etd_buffer_is_empty(&buffer));
    ck_assert_uint_eq(etd_buffer_held(&buffer).size, 0);
    etd_buffer_drop(&buffer, 0);
    ck_assert(etd_buffer_append(&buffer, &pool, etd_bytes(NULL, 0)));
    etd_buffer_release(&buffer, &pool);
    ck_assert(etd_buffer_is_sound(&buffer));
    ck_assert_uint_eq(memory.requests, 0);
}
END_TEST

START_TEST(unsound_buffers_are_told)
{
    uint8_t data[4];
    ck_assert(etd_buffer_is_sound(&(struct etd_buffer){data, 0, 4, 4}));
    ck_assert(!etd_buffer_is_sound(&(struct etd_buffer){data, 3, 2, 4}));
    ck_assert(!etd_buffer_is_sound(&(struct etd_buffer){data, 0, 5, 4}));
    ck_assert(!etd_buffer_is_sound(&(struct etd_buffer){data, 0, 0, 0}));
    ck_assert(!etd_buffer_is_sound(&(struct etd_buffer){NULL, 0, 0, 4}));
}
END_TEST

START_TEST(reserve_moves_before_it_borrows)
{
    struct etd_buffer buffer = {0};
    ck_assert(etd_buffer_append(&buffer, &pool, etd_bytes_text("0123456789")));
    ck_assert_uint_eq(buffer.capacity, 10);
    uint64_t requests = memory.requests;
    etd_buffer_drop(&buffer, 7);
    ck_assert(etd_buffer_reserve(&buffer, &pool, 7, 0));
    ck_assert_uint_eq(memory.requests, requests);
    ck_assert_uint_eq(buffer.begin, 0);
    ck_assert_mem_eq(etd_buffer_held(&buffer).data, "789", 3);
    ck_assert(etd_buffer_reserve(&buffer, &pool, 8, 0));
    ck_assert_uint_eq(buffer.capacity, 11);
    ck_assert_mem_eq(etd_buffer_held(&buffer).data, "789", 3);
    etd_buffer_release(&buffer, &pool);
}
END_TEST

START_TEST(reserve_grows_within_what_it_promises)
{
    struct etd_buffer buffer = {0};
    ck_assert(etd_buffer_reserve(&buffer, &pool, 1, 5000)); /* a little costs as much as 1 KiB */
    ck_assert_uint_eq(buffer.capacity, 1024);
    buffer.end = 1024;
    ck_assert(etd_buffer_reserve(&buffer, &pool, 1, 5000));
    ck_assert_uint_eq(buffer.capacity, 2048);
    buffer.end = 2048;
    ck_assert(etd_buffer_reserve(&buffer, &pool, 1, 5000));
    ck_assert_uint_eq(buffer.capacity, 4096);
    buffer.end = 4096;
    ck_assert(etd_buffer_reserve(&buffer, &pool, 1, 5000));
    ck_assert_uint_eq(buffer.capacity, 5000);
    buffer.end = 5000;
    ck_assert(etd_buffer_reserve(&buffer, &pool, 1, 5000)); /* the need goes before the bound */
    ck_assert_uint_eq(buffer.capacity, 5001);
    etd_buffer_release(&buffer, &pool);
    ck_assert(etd_buffer_reserve(&buffer, &pool, 1, 10));
    ck_assert_uint_eq(buffer.capacity, 10);
    etd_buffer_release(&buffer, &pool);
}
END_TEST

START_TEST(a_refused_reserve_changes_nothing)
{
    struct etd_buffer buffer = {0};
    ck_assert(etd_buffer_append(&buffer, &pool, etd_bytes_text("0123456789")));
    etd_buffer_drop(&buffer, 2);
    struct etd_buffer before = buffer;
    ck_assert(!etd_buffer_reserve(&buffer, &pool, SIZE_MAX, 0));
    ck_assert(!etd_buffer_reserve(&buffer, &pool, SIZE_MAX - 4, SIZE_MAX));
    pool.limit = 10;
    ck_assert(!etd_buffer_append(&buffer, &pool, etd_bytes_text("abc")));
    pool.limit = 1000;
    memory.refuse_at = memory.requests + 1;
    ck_assert(!etd_buffer_append(&buffer, &pool, etd_bytes_text("abc")));
    ck_assert_mem_eq(&buffer, &before, sizeof buffer);
    ck_assert_mem_eq(etd_buffer_held(&buffer).data, "23456789", 8);
    etd_buffer_release(&buffer, &pool);
}
END_TEST

/* Against the simplest model there is: an array from which the front is cut. Memory is refused now
 * and then, by the limit and by the source. */
START_TEST(random_operations_keep_the_bytes_and_the_invariants)
{
    struct etd_random random = etd_random_begin("random_operations_keep_the_bytes");
    static uint8_t model[1 << 16];
    size_t size = 0;
    uint8_t next = 0;
    struct etd_buffer buffer = {0};
    for (int step = 0; step < 100000; step++) {
        memory.refuse_at = etd_random_once_in(&random, 5) ? memory.requests + 1 : 0;
        pool.limit = etd_random_below(&random, 20000);
        uint8_t bytes[3000];
        size_t count = (size_t)etd_random_below(&random, sizeof bytes);
        switch (etd_random_below(&random, 8)) {
        case 0:
            etd_buffer_release(&buffer, &pool);
            size = 0;
            break;
        case 1:
        case 2:
        case 3:
            count %= size + 1;
            etd_buffer_drop(&buffer, count);
            memmove(model, model + count, size - count);
            size -= count;
            break;
        case 4:
            if (etd_buffer_reserve(&buffer, &pool, count, count * 2) &&
                buffer.capacity - buffer.end < count)
                ck_abort_msg("step %d: reserved, but not there", step);
            break;
        default:
            if (count > sizeof model - size)
                break;
            for (size_t i = 0; i < count; i++)
                bytes[i] = next++;
            if (etd_buffer_append(&buffer, &pool, etd_bytes(bytes, count))) {
                memcpy(model + size, bytes, count);
                size += count;
            }
            break;
        }
        if (!etd_buffer_is_sound(&buffer) ||
            !etd_bytes_equal(etd_buffer_held(&buffer), etd_bytes(model, size)) ||
            pool.in_use != buffer.capacity || memory.pieces != (buffer.data != NULL))
            ck_abort_msg("step %d: the buffer is not what the model holds", step);
    }
    ck_assert_uint_gt(pool.refusals, 1000); /* else this test does not test refusals */
    etd_buffer_release(&buffer, &pool);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("buffer");
    TCase *tests = tcase_create("buffer");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, pool_lends_to_the_limit_exactly);
    tcase_add_test(tests, pool_counts_no_size_that_would_wrap);
    tcase_add_test(tests, pool_over_a_lowered_limit_takes_back_and_lends_nothing);
    tcase_add_test(tests, pool_passes_a_refusal_of_memory_on);
    tcase_add_test(tests, an_empty_buffer_holds_nothing_and_can_be_asked);
    tcase_add_test(tests, unsound_buffers_are_told);
    tcase_add_test(tests, reserve_moves_before_it_borrows);
    tcase_add_test(tests, reserve_grows_within_what_it_promises);
    tcase_add_test(tests, a_refused_reserve_changes_nothing);
    tcase_add_test(tests, random_operations_keep_the_bytes_and_the_invariants);
    suite_add_tcase(suite, tests);
    return suite;
}
