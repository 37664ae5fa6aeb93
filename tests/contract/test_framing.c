/* What every framing promises (include/echotimed/framing.h): each test runs over the whole table, so
 * that a new row is tested before its author writes a test. */
#include "echotimed/framing.h"

#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

#include <stdlib.h>

enum { LIMIT = 300 }; /* more than one byte of a length can tell */

static const struct etd_framing *framing_of(int index)
{
    return etd_framings[index];
}

/* A payload that holds nothing which a framing could take for an end: no LF. */
static void fill_payload(uint8_t *payload, size_t size, unsigned salt)
{
    for (size_t i = 0; i < size; i++)
        payload[i] = (uint8_t)('A' + (i * 7 + salt) % 26);
}

/* Appends the frame of a payload to `wire` and gives its end. */
static uint8_t *put_frame(uint8_t *wire, const struct etd_framing *framing, const uint8_t *payload,
                          size_t size)
{
    if (size > 0)
        memmove(wire + framing->header_size, payload, size);
    framing->encode(wire, size);
    return wire + framing->header_size + size + framing->trailer_size;
}

static size_t frame_size(const struct etd_framing *framing, size_t payload_size)
{
    return framing->header_size + payload_size + framing->trailer_size;
}

/* Decodes a copy that ends at a guard page, so that a read past its end ends the test. The payload
 * is checked to lie within the copy, and is moved back to the original. */
static enum etd_decoded decode_guarded(const struct etd_framing *framing, struct etd_bytes input,
                                       size_t seen, size_t limit, struct etd_frame *frame)
{
    struct etd_guard guard = etd_guard_copy(input.data, input.size);
    enum etd_decoded decoded =
        framing->decode(etd_bytes(guard.data, guard.size), seen, limit, frame);
    if (decoded == ETD_DECODED_MESSAGE) {
        ck_assert_uint_ge(frame->size, 1);
        ck_assert_uint_le(frame->size, input.size);
        ck_assert(frame->payload.size == 0 ||
                  (frame->payload.data >= guard.data &&
                   frame->payload.data + frame->payload.size <= guard.data + frame->size));
        if (frame->payload.size > 0)
            frame->payload.data = input.data + (frame->payload.data - guard.data);
    }
    etd_guard_free(&guard);
    return decoded;
}

START_TEST(rows_are_complete_and_named_apart)
{
    const struct etd_framing *framing = framing_of(_i);
    ck_assert_ptr_nonnull(framing);
    ck_assert_uint_gt(strlen(framing->name), 0);
    ck_assert_uint_gt(strlen(framing->help), 0);
    ck_assert(framing->decode != NULL && framing->finish != NULL && framing->encode != NULL);
    ck_assert_uint_gt(framing->payload_max, 0);
    for (int i = 0; i < _i; i++)
        ck_assert_str_ne(framing->name, framing_of(i)->name);
    /* What is not bounded has no frame that could be too large or unfinished. */
    if (!framing->bounded)
        ck_assert_uint_eq(framing->header_size + framing->trailer_size, 0);
}
END_TEST

START_TEST(what_is_encoded_decodes_to_the_same)
{
    const struct etd_framing *framing = framing_of(_i);
    static const size_t sizes[] = {0, 1, 2, 127, 128, 255, 256, LIMIT - 1, LIMIT};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        if (size == 0 && !framing->bounded)
            continue; /* such a framing has no empty message */
        uint8_t payload[LIMIT];
        fill_payload(payload, size, 1);
        /* `encode` writes its header and trailer into a room that holds just the frame. */
        struct etd_guard wire = etd_guard_make(frame_size(framing, size));
        uint8_t *end = put_frame(wire.data, framing, payload, size);
        ck_assert_ptr_eq(end, wire.data + wire.size);
        struct etd_frame frame;
        ck_assert_int_eq(framing->decode(etd_bytes(wire.data, wire.size), 0, LIMIT, &frame),
                         ETD_DECODED_MESSAGE);
        ck_assert_uint_eq(frame.size, wire.size);
        ck_assert(etd_bytes_equal(frame.payload, etd_bytes(payload, size)));
        ck_assert_int_eq(frame.terminated, framing->trailer_size > 0);
        etd_guard_free(&wire);
    }
}
END_TEST

START_TEST(every_prefix_needs_more_and_says_how_much)
{
    const struct etd_framing *framing = framing_of(_i);
    if (!framing->bounded)
        return; /* there every piece is a message */
    uint8_t payload[LIMIT], wire[LIMIT + 16];
    fill_payload(payload, LIMIT, 2);
    size_t whole = (size_t)(put_frame(wire, framing, payload, LIMIT) - wire);
    for (size_t size = 1; size < whole; size++) {
        struct etd_frame frame = {.size = SIZE_MAX};
        ck_assert_int_eq(decode_guarded(framing, etd_bytes(wire, size), 0, LIMIT, &frame),
                         ETD_DECODED_MORE);
        /* Never more than the frame takes, and more than there is, or else not known. */
        ck_assert(frame.size == 0 || (frame.size > size && frame.size <= whole));
    }
}
END_TEST

/* A sequence of messages of many sizes, cut into two at every byte: the messages are those of the
 * whole. All that a decoder may lean on is `seen`, so every earlier MORE is tried for it. */
START_TEST(every_split_of_a_sequence_equals_the_whole)
{
    const struct etd_framing *framing = framing_of(_i);
    if (!framing->bounded)
        return;
    static const size_t sizes[] = {0, 1, 0, 0, 5, 2, 40, 3, 1, 17, 0};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    uint8_t payloads[COUNT][64], wire[1024];
    uint8_t *end = wire;
    for (size_t i = 0; i < COUNT; i++) {
        fill_payload(payloads[i], sizes[i], (unsigned)i);
        end = put_frame(end, framing, payloads[i], sizes[i]);
    }
    size_t whole = (size_t)(end - wire);
    for (size_t cut = 1; cut <= whole; cut++) {
        size_t have = cut, at = 0, seen = 0, message = 0;
        while (message < COUNT) {
            ck_assert_msg(at < whole, "cut at %zu: the messages end early", cut);
            struct etd_frame frame = {0};
            if (at == have) { /* all before the cut is used up; then comes the rest */
                have = whole;
                seen = 0;
            }
            struct etd_bytes input = etd_bytes(wire + at, have - at);
            enum etd_decoded decoded = decode_guarded(framing, input, seen, 64, &frame);
            if (decoded == ETD_DECODED_MORE) {
                ck_assert_uint_lt(have, whole);
                seen = have - at;
                have = whole;
                continue;
            }
            ck_assert_int_eq(decoded, ETD_DECODED_MESSAGE);
            ck_assert(etd_bytes_equal(frame.payload, etd_bytes(payloads[message], sizes[message])));
            at += frame.size;
            seen = 0;
            message++;
        }
        ck_assert_uint_eq(at, whole);
    }
}
END_TEST

START_TEST(every_earlier_look_gives_the_same_answer)
{
    const struct etd_framing *framing = framing_of(_i);
    if (!framing->bounded)
        return;
    uint8_t payload[40], wire[128];
    fill_payload(payload, sizeof payload, 3);
    uint8_t *end = put_frame(wire, framing, payload, sizeof payload);
    size_t first = (size_t)(end - wire);
    end = put_frame(end, framing, payload, 7); /* what follows must not count as seen either */
    size_t whole = (size_t)(end - wire);
    for (size_t have = 1; have <= whole; have++) {
        struct etd_frame fresh = {0};
        enum etd_decoded wanted =
            decode_guarded(framing, etd_bytes(wire, have), 0, sizeof payload, &fresh);
        for (size_t seen = 1; seen < have && seen < first; seen++) {
            struct etd_frame frame = {0};
            ck_assert_int_eq(
                decode_guarded(framing, etd_bytes(wire, have), seen, sizeof payload, &frame),
                wanted);
            ck_assert_uint_eq(frame.size, fresh.size);
            ck_assert(etd_bytes_equal(frame.payload, fresh.payload));
        }
    }
}
END_TEST

START_TEST(one_byte_over_the_limit_is_too_large)
{
    const struct etd_framing *framing = framing_of(_i);
    uint8_t payload[LIMIT + 2], wire[LIMIT + 32];
    fill_payload(payload, sizeof payload, 4);
    static const size_t limits[] = {1, 2, 255, 256, LIMIT};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t size = limits[i] - 1; size <= limits[i] + 1; size++) {
            size_t whole = (size_t)(put_frame(wire, framing, payload, size) - wire);
            if (whole == 0)
                continue;
            struct etd_frame frame = {0};
            bool fits = !framing->bounded || size <= limits[i];
            ck_assert_int_eq(decode_guarded(framing, etd_bytes(wire, whole), 0, limits[i], &frame),
                             fits ? ETD_DECODED_MESSAGE : ETD_DECODED_TOO_LARGE);
            if (fits)
                continue;
            /* It is told at the latest when that many bytes are there, and once told stays so,
             * however much follows. */
            bool told = false;
            for (size_t have = 1; have <= whole; have++) {
                enum etd_decoded decoded =
                    decode_guarded(framing, etd_bytes(wire, have), 0, limits[i], &frame);
                ck_assert_int_eq(decoded, told || decoded == ETD_DECODED_TOO_LARGE
                                              ? ETD_DECODED_TOO_LARGE
                                              : ETD_DECODED_MORE);
                told = decoded == ETD_DECODED_TOO_LARGE;
                if (have >= framing->header_size + limits[i] + 1)
                    ck_assert(told);
            }
        }
    }
}
END_TEST

/* The greatest lengths that a header can announce, alone at a guard page: with a small limit, with
 * the greatest limit, and with one that a wrapped sum would slip under. */
START_TEST(the_greatest_announced_lengths_do_not_wrap)
{
    const struct etd_framing *framing = framing_of(_i);
    if (framing->header_size == 0)
        return; /* announces nothing */
    for (size_t less = 0; less <= 8; less++) {
        size_t announced = framing->payload_max - less;
        uint8_t header[16];
        framing->encode(header, announced);
        for (size_t extra = 0; extra <= 8; extra++) {
            uint8_t wire[24];
            memcpy(wire, header, framing->header_size);
            memset(wire + framing->header_size, 'x', extra);
            struct etd_bytes input = etd_bytes(wire, framing->header_size + extra);
            struct etd_frame frame = {0};
            ck_assert_int_eq(decode_guarded(framing, input, 0, LIMIT, &frame),
                             ETD_DECODED_TOO_LARGE);
            ck_assert_int_eq(decode_guarded(framing, input, 0, announced - 1, &frame),
                             ETD_DECODED_TOO_LARGE);
            ck_assert_int_eq(decode_guarded(framing, input, 0, announced, &frame),
                             ETD_DECODED_MORE);
            ck_assert_uint_eq(frame.size, frame_size(framing, announced));
            ck_assert_int_eq(decode_guarded(framing, input, 0, SIZE_MAX, &frame), ETD_DECODED_MORE);
            ck_assert_uint_eq(frame.size, frame_size(framing, announced));
        }
    }
}
END_TEST

START_TEST(the_greatest_frame_decodes_where_it_fits_a_test)
{
    const struct etd_framing *framing = framing_of(_i);
    size_t size = framing->payload_max < 1 << 20 ? framing->payload_max : 1 << 20;
    uint8_t *payload = malloc(size);
    ck_assert_ptr_nonnull(payload);
    fill_payload(payload, size, 5);
    struct etd_guard wire = etd_guard_make(frame_size(framing, size));
    put_frame(wire.data, framing, payload, size);
    struct etd_frame frame;
    ck_assert_int_eq(framing->decode(etd_bytes(wire.data, wire.size), 0, size, &frame),
                     ETD_DECODED_MESSAGE);
    ck_assert_uint_eq(frame.size, wire.size);
    ck_assert(etd_bytes_equal(frame.payload, etd_bytes(payload, size)));
    etd_guard_free(&wire);
    free(payload);
}
END_TEST

/* The end of input makes a message of the rest or cuts it off: one or the other, for every rest. */
START_TEST(finish_gives_the_whole_rest_or_says_truncated)
{
    const struct etd_framing *framing = framing_of(_i);
    if (!framing->bounded)
        return; /* has no rest */
    uint8_t payload[LIMIT], wire[LIMIT + 16];
    fill_payload(payload, LIMIT, 6);
    size_t whole = (size_t)(put_frame(wire, framing, payload, LIMIT) - wire);
    for (size_t have = 1; have < whole; have++) {
        struct etd_guard guard = etd_guard_copy(wire, have);
        struct etd_frame frame;
        enum etd_decoded decoded = framing->finish(etd_bytes(guard.data, have), &frame);
        if (decoded == ETD_DECODED_MESSAGE) {
            ck_assert_uint_eq(framing->header_size, 0); /* else the rest is not all payload */
            ck_assert_uint_eq(frame.size, have);
            ck_assert_ptr_eq(frame.payload.data, guard.data);
            ck_assert_uint_eq(frame.payload.size, have);
            ck_assert(!frame.terminated);
        } else {
            ck_assert_int_eq(decoded, ETD_DECODED_TRUNCATED);
        }
        etd_guard_free(&guard);
    }
}
END_TEST

START_TEST(arbitrary_bytes_are_decoded_within_their_bounds)
{
    const struct etd_framing *framing = framing_of(_i);
    struct etd_random random = etd_random_begin(framing->name);
    struct etd_guard guard = etd_guard_make(64);
    for (int i = 0; i < 200000; i++) {
        size_t size = (size_t)etd_random_between(&random, 1, guard.size);
        size_t limit = (size_t)etd_random_between(&random, 1, 80);
        uint8_t *data = guard.data + guard.size - size;
        for (size_t j = 0; j < size; j++) /* small lengths and LF are frequent */
            data[j] = (uint8_t)(etd_random_next(&random) >> etd_random_below(&random, 64));
        struct etd_frame frame = {0};
        enum etd_decoded decoded = framing->decode(etd_bytes(data, size), 0, limit, &frame);
        bool good = true;
        switch (decoded) {
        case ETD_DECODED_MESSAGE:
            good = frame.size >= 1 && frame.size <= size && frame.payload.size <= frame.size &&
                   frame.payload.data >= data &&
                   frame.payload.data + frame.payload.size <= data + frame.size &&
                   (frame.payload.size <= limit || !framing->bounded);
            break;
        case ETD_DECODED_MORE:
            good = framing->bounded && (frame.size == 0 || frame.size > size);
            break;
        case ETD_DECODED_TOO_LARGE:
            good = framing->bounded;
            break;
        case ETD_DECODED_TRUNCATED:
            good = false;
            break;
        }
        if (!good)
            ck_abort_msg("step %d: %s gave %d, frame %zu, payload %zu", i, framing->name,
                         (int)decoded, frame.size, frame.payload.size);
    }
    etd_guard_free(&guard);
}
END_TEST

/* Written down, so that both sides of a framing cannot be wrong in the same way. */
START_TEST(known_bytes_on_the_wire)
{
    static const struct {
        enum etd_framing_id id;
        const char *wire;
        size_t size, payload_at, payload_size;
    } cases[] = {
        {ETD_FRAMING_RAW, "ab\n", 3, 0, 3},
        {ETD_FRAMING_LINE, "\n", 1, 0, 0},
        {ETD_FRAMING_LINE, "ab\n", 3, 0, 2},
        {ETD_FRAMING_LINE, "ab\r\n", 4, 0, 3}, /* the CR belongs to the message */
        {ETD_FRAMING_LINE, "a\0b\n", 4, 0, 3},
        {ETD_FRAMING_LENGTH16, "\0\0", 2, 2, 0},
        {ETD_FRAMING_LENGTH16, "\0\2\n\n", 4, 2, 2},
        {ETD_FRAMING_LENGTH16, "\1\0" /* and 256 bytes */, 258, 2, 256},
        {ETD_FRAMING_LENGTH32, "\0\0\0\0", 4, 4, 0},
        {ETD_FRAMING_LENGTH32, "\0\0\0\3abc", 7, 4, 3},
        {ETD_FRAMING_LENGTH32, "\0\0\1\0", 260, 4, 256},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct etd_framing *framing = etd_framings[cases[i].id];
        uint8_t wire[300] = {0}, made[300] = {0};
        memcpy(wire, cases[i].wire, cases[i].size < 8 ? cases[i].size : framing->header_size);
        struct etd_frame frame;
        ck_assert_int_eq(decode_guarded(framing, etd_bytes(wire, cases[i].size), 0, LIMIT, &frame),
                         ETD_DECODED_MESSAGE);
        ck_assert_uint_eq(frame.size, cases[i].size);
        ck_assert_uint_eq(frame.payload.size, cases[i].payload_size);
        if (frame.payload.size > 0)
            ck_assert_ptr_eq(frame.payload.data, wire + cases[i].payload_at);
        uint8_t *end = put_frame(made, framing, wire + cases[i].payload_at, cases[i].payload_size);
        ck_assert(
            etd_bytes_equal(etd_bytes(made, (size_t)(end - made)), etd_bytes(wire, cases[i].size)));
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("framing");
    TCase *tests = tcase_create("every framing");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, rows_are_complete_and_named_apart, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, what_is_encoded_decodes_to_the_same, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, every_prefix_needs_more_and_says_how_much, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, every_split_of_a_sequence_equals_the_whole, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, every_earlier_look_gives_the_same_answer, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, one_byte_over_the_limit_is_too_large, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, the_greatest_announced_lengths_do_not_wrap, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, the_greatest_frame_decodes_where_it_fits_a_test, 0,
                        ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, finish_gives_the_whole_rest_or_says_truncated, 0, ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, arbitrary_bytes_are_decoded_within_their_bounds, 0,
                        ETD_FRAMING_COUNT);
    tcase_add_test(tests, known_bytes_on_the_wire);
    suite_add_tcase(suite, tests);
    return suite;
}
