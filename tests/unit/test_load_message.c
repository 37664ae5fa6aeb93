/* The messages of load: that every one differs from the others, and that nothing that a server can do to
 * replies passes for right. */
#include "client/load_message.h"

#include "support/random.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 40, CONNECTION = 77 };

static const size_t sizes[] = {0, 1, 2, 7, 8, 9, 15, 64, 300};

static struct etd_load_messages messages;
static uint8_t *stream;
static size_t stream_size;

static void begin(enum etd_framing_id framing, size_t size)
{
    ck_assert(etd_load_messages_open(&messages, etd_framings[framing], size));
    stream_size = COUNT * messages.frame_size;
    stream = malloc(stream_size + 1); /* exact but for empty ones: sanitizers watch its end */
    ck_assert_ptr_nonnull(stream);
    etd_load_fill(&messages, CONNECTION, 0, 0, stream, stream_size);
}

static void end(void)
{
    free(stream);
    etd_load_messages_close(&messages);
}

static uint8_t *message(size_t number)
{
    return stream + number * messages.frame_size;
}

/* What became of the replies. */
struct tally {
    uint64_t right, damaged, early, late, skipped;
};

static struct tally read_all(struct etd_bytes replies, uint64_t sent, struct etd_random *random)
{
    struct tally tally = {0};
    struct etd_load_reader reader = {.expected = 0};
    while (replies.size > 0) {
        /* A piece of its own, so that sanitizers see reads past its end. */
        size_t size = random != NULL ? 1 + etd_random_below(random, replies.size) : replies.size;
        uint8_t *copy = malloc(size);
        memcpy(copy, replies.data, size);
        struct etd_bytes piece = etd_bytes(copy, size);
        replies = etd_bytes(replies.data + size, replies.size - size);
        while (piece.size > 0) {
            uint64_t skipped;
            tally.right += etd_load_match(&messages, CONNECTION, sent, &reader, &piece);
            if (piece.size == 0)
                break;
            switch (etd_load_take(&messages, CONNECTION, sent, &reader, &piece, &skipped)) {
            case ETD_LOAD_MORE:
                ck_assert_uint_eq(piece.size, 0);
                break;
            case ETD_LOAD_RIGHT:
                tally.right++;
                break;
            case ETD_LOAD_DAMAGED:
                tally.damaged++;
                break;
            case ETD_LOAD_EARLY:
                tally.early++;
                break;
            case ETD_LOAD_LATE:
                tally.late++;
                break;
            }
            tally.skipped += skipped;
        }
        free(copy);
    }
    return tally;
}

START_TEST(messages_are_frames_of_their_framing)
{
    for (int id = 0; id < ETD_FRAMING_COUNT; id++) {
        for (size_t i = id == ETD_FRAMING_RAW; i < sizeof sizes / sizeof *sizes; i++) {
            begin((enum etd_framing_id)id, sizes[i]);
            struct etd_bytes rest = etd_bytes(stream, stream_size);
            struct etd_frame frame;
            for (int n = 0; n < COUNT && id != ETD_FRAMING_RAW; n++) {
                ck_assert_int_eq(etd_framings[id]->decode(rest, 0, 1000, &frame),
                                 ETD_DECODED_MESSAGE);
                ck_assert_uint_eq(frame.payload.size, sizes[i]);
                ck_assert_ptr_null(memchr(frame.payload.data, '\r', frame.payload.size));
                ck_assert_ptr_null(memchr(frame.payload.data, '\n', frame.payload.size));
                rest = etd_bytes(rest.data + frame.size, rest.size - frame.size);
            }
            end();
        }
    }
}
END_TEST

START_TEST(right_replies_are_right_however_they_are_cut)
{
    struct etd_random random = etd_random_begin("right_replies_are_right_however_they_are_cut");
    for (int id = 0; id < ETD_FRAMING_COUNT; id++) {
        for (size_t i = id == ETD_FRAMING_RAW; i < sizeof sizes / sizeof *sizes; i++) {
            begin((enum etd_framing_id)id, sizes[i]);
            for (int round = 0; round < 50 && stream_size > 0; round++) {
                struct tally tally =
                    read_all(etd_bytes(stream, stream_size), COUNT, round == 0 ? NULL : &random);
                ck_assert_uint_eq(tally.right, COUNT);
                ck_assert_uint_eq(tally.damaged + tally.early + tally.late, 0);
            }
            end();
        }
    }
}
END_TEST

START_TEST(any_offset_gives_the_same_stream)
{
    struct etd_random random = etd_random_begin("any_offset_gives_the_same_stream");
    begin(ETD_FRAMING_LENGTH16, 33);
    for (int round = 0; round < 2000; round++) {
        size_t at = etd_random_below(&random, stream_size);
        size_t size = 1 + etd_random_below(&random, stream_size - at);
        uint8_t *piece = malloc(size);
        etd_load_fill(&messages, CONNECTION, at / messages.frame_size, at % messages.frame_size,
                      piece, size);
        ck_assert_mem_eq(piece, stream + at, size);
        free(piece);
    }
    end();
}
END_TEST

START_TEST(every_damaged_byte_is_noticed)
{
    struct etd_random random = etd_random_begin("every_damaged_byte_is_noticed");
    for (int id = 0; id < ETD_FRAMING_COUNT; id++) {
        for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++) {
            begin((enum etd_framing_id)id, sizes[i]);
            for (size_t at = 0; at < stream_size; at++) {
                uint8_t flip = (uint8_t)(1u << etd_random_below(&random, 8));
                stream[at] ^= flip;
                struct tally tally = read_all(etd_bytes(stream, stream_size), COUNT, NULL);
                ck_assert_msg(tally.damaged == 1 && tally.right == COUNT - 1,
                              "framing %d, size %zu, byte %zu: %d damaged, %d right", id, sizes[i],
                              at, (int)tally.damaged, (int)tally.right);
                stream[at] ^= flip;
            }
            end();
        }
    }
}
END_TEST

START_TEST(a_doubled_reply_is_late_and_the_rest_right)
{
    struct etd_random random = etd_random_begin("a_doubled_reply_is_late_and_the_rest_right");
    begin(ETD_FRAMING_LENGTH32, 64);
    size_t frame = messages.frame_size;
    uint8_t *replies = malloc(stream_size + frame);
    for (size_t n = 0; n < COUNT; n++) {
        size_t before = (n + 1) * frame;
        memcpy(replies, stream, before);
        memcpy(replies + before, message(n), frame);
        memcpy(replies + before + frame, stream + before, stream_size - before);
        struct tally tally = read_all(etd_bytes(replies, stream_size + frame), COUNT, &random);
        ck_assert_uint_eq(tally.right, COUNT);
        ck_assert_uint_eq(tally.late, 1);
        ck_assert_uint_eq(tally.damaged + tally.early, 0);
    }
    free(replies);
    end();
}
END_TEST

START_TEST(swapped_replies_are_early_and_late)
{
    begin(ETD_FRAMING_RAW, 64);
    uint8_t one[64];
    memcpy(one, message(5), sizeof one);
    memcpy(message(5), message(9), sizeof one);
    memcpy(message(9), one, sizeof one);
    struct tally tally = read_all(etd_bytes(stream, stream_size), COUNT, NULL);
    /* 5 is skipped for 9; 6, 7, 8 and 5 come behind 9 then. */
    ck_assert_uint_eq(tally.early, 1);
    ck_assert_uint_eq(tally.skipped, 4);
    ck_assert_uint_eq(tally.late, 4);
    ck_assert_uint_eq(tally.right, COUNT - 5);
    ck_assert_uint_eq(tally.damaged, 0);
    end();
}
END_TEST

START_TEST(a_lost_reply_is_skipped)
{
    begin(ETD_FRAMING_LINE, 64);
    size_t frame = messages.frame_size;
    memmove(message(5), message(6), stream_size - 6 * frame);
    struct tally tally = read_all(etd_bytes(stream, stream_size - frame), COUNT, NULL);
    ck_assert_uint_eq(tally.early, 1);
    ck_assert_uint_eq(tally.skipped, 1);
    ck_assert_uint_eq(tally.right, COUNT - 2);
    ck_assert_uint_eq(tally.damaged + tally.late, 0);
    end();
}
END_TEST

START_TEST(replies_of_another_connection_are_damaged)
{
    for (size_t i = 1; i < sizeof sizes / sizeof *sizes; i++) {
        begin(ETD_FRAMING_RAW, sizes[i]);
        etd_load_fill(&messages, CONNECTION + 1, 10, 0, message(10), messages.frame_size);
        struct tally tally = read_all(etd_bytes(stream, stream_size), COUNT, NULL);
        ck_assert_uint_eq(tally.damaged, 1);
        ck_assert_uint_eq(tally.right, COUNT - 1);
        end();
    }
}
END_TEST

START_TEST(more_replies_than_messages_are_never_right)
{
    begin(ETD_FRAMING_LENGTH16, 64);
    struct tally tally = read_all(etd_bytes(stream, stream_size), 30, NULL);
    ck_assert_uint_eq(tally.right, 30);
    ck_assert_uint_eq(tally.damaged + tally.late, COUNT - 30);
    end();
    begin(ETD_FRAMING_LENGTH16, 0); /* all alike */
    tally = read_all(etd_bytes(stream, stream_size), 30, NULL);
    ck_assert_uint_eq(tally.right, 30);
    ck_assert_uint_eq(tally.late, COUNT - 30);
    end();
}
END_TEST

/* 29 bits of the number are on the wire: it is found again far behind their wrap. */
START_TEST(datagrams_are_identified)
{
    struct etd_random random = etd_random_begin("datagrams_are_identified");
    begin(ETD_FRAMING_RAW, 64);
    for (int round = 0; round < 20000; round++) {
        uint32_t connection = (uint32_t)etd_random_below(&random, ETD_LOAD_CONNECTIONS_MAX);
        uint64_t number = etd_random_next(&random) >> etd_random_between(&random, 10, 63);
        uint64_t near = number + etd_random_below(&random, 5000), found = number + 1;
        etd_load_fill(&messages, connection, number, 0, stream, 64);
        struct etd_bytes datagram = etd_bytes(stream, 64);
        ck_assert(etd_load_identify(&messages, connection, near, datagram, &found));
        ck_assert_uint_eq(found, number);
        ck_assert(!etd_load_identify(&messages, connection ^ 1, near, datagram, &found));
        ck_assert(!etd_load_identify(&messages, connection, near, etd_bytes(stream, 63), &found));
        size_t at = etd_random_below(&random, 64);
        stream[at] ^= (uint8_t)(1 + etd_random_below(&random, 255));
        ck_assert(!etd_load_identify(&messages, connection, near, datagram, &found));
    }
    end();
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("load_message");
    TCase *tests = tcase_create("load_message");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, messages_are_frames_of_their_framing);
    tcase_add_test(tests, right_replies_are_right_however_they_are_cut);
    tcase_add_test(tests, any_offset_gives_the_same_stream);
    tcase_add_test(tests, every_damaged_byte_is_noticed);
    tcase_add_test(tests, a_doubled_reply_is_late_and_the_rest_right);
    tcase_add_test(tests, swapped_replies_are_early_and_late);
    tcase_add_test(tests, a_lost_reply_is_skipped);
    tcase_add_test(tests, replies_of_another_connection_are_damaged);
    tcase_add_test(tests, more_replies_than_messages_are_never_right);
    tcase_add_test(tests, datagrams_are_identified);
    suite_add_tcase(suite, tests);
    return suite;
}
