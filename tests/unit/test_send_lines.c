/* Lines to frames and frames to lines, however the bytes come. */
#include "client/send.h"

#include "platform/memory.h"
#include "support/random.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT = 4000 };

static struct etd_settings settings;
static struct etd_send *send_state;

static void begin(enum etd_framing_id framing)
{
    send_state = calloc(1, sizeof *send_state);
    ck_assert_ptr_nonnull(send_state);
    strcpy(settings.url.host, "localhost");
    send_state->settings = &settings;
    send_state->target.settings = &settings;
    send_state->target.count = 1;
    send_state->framing = etd_framings[framing];
    send_state->pool = (struct etd_pool){.memory = &etd_memory_libc, .limit = ETD_SEND_MEMORY};
}

static void end(void)
{
    etd_buffer_release(&send_state->lines, &send_state->pool);
    etd_buffer_release(&send_state->up, &send_state->pool);
    etd_buffer_release(&send_state->down, &send_state->pool);
    free(send_state);
}

/* Text of lines of all lengths, many of them empty. */
static size_t make_text(uint8_t text[TEXT], struct etd_random *random, bool terminated)
{
    size_t size = 1 + etd_random_below(random, TEXT - 1);
    uint64_t seldom = 1 + etd_random_below(random, 300);
    for (size_t i = 0; i < size; i++)
        text[i] = etd_random_once_in(random, seldom) ? '\n' : (uint8_t)('a' + i % 26);
    text[size - 1] = terminated ? '\n' : 'z';
    return size;
}

/* Puts the text in by pieces; what comes out is taken away by pieces. */
static void round_trip(const uint8_t *text, size_t size, struct etd_random *random)
{
    size_t given = 0;
    while (given < size || !etd_buffer_is_empty(&send_state->up)) {
        size_t piece = etd_random_below(random, size - given + 1);
        ck_assert(etd_buffer_append(&send_state->lines, &send_state->pool,
                                    etd_bytes(text + given, piece)));
        given += piece;
        send_state->input_ended = given == size;
        ck_assert(etd_send_frame_lines(send_state));
        struct etd_bytes up = etd_buffer_held(&send_state->up);
        if (up.size == 0)
            continue;
        size_t taken = 1 + etd_random_below(random, up.size);
        uint8_t *copy = malloc(taken); /* exact: sanitizers watch its end */
        memcpy(copy, up.data, taken);
        ck_assert(etd_send_unframe(send_state, etd_bytes(copy, taken)));
        free(copy);
        etd_buffer_drop(&send_state->up, taken);
    }
}

START_TEST(lines_survive_frames_however_they_are_cut)
{
    static uint8_t text[TEXT + 1];
    struct etd_random random = etd_random_begin("lines_survive_frames_however_they_are_cut");
    for (int round = 0; round < 2000; round++) {
        bool terminated = etd_random_once_in(&random, 2);
        size_t size = make_text(text, &random, terminated), lines = !terminated;
        for (size_t i = 0; i < size; i++)
            lines += text[i] == '\n';
        begin(etd_random_once_in(&random, 2) ? ETD_FRAMING_LENGTH16 : ETD_FRAMING_LENGTH32);
        round_trip(text, size, &random);
        text[size] = '\n'; /* a frame does not tell that the last line had none */
        struct etd_bytes down = etd_buffer_held(&send_state->down);
        ck_assert_uint_eq(down.size, size + !terminated);
        ck_assert_mem_eq(down.data, text, down.size);
        ck_assert_uint_eq(send_state->messages, lines);
        ck_assert_uint_eq(send_state->replies, lines);
        ck_assert(!etd_send_is_cut(send_state));
        end();
    }
}
END_TEST

START_TEST(an_end_anywhere_inside_a_frame_is_a_cut)
{
    static const uint8_t frames[] = {0, 2, 'h', 'i', 0, 0, 0, 3, 'a', 'b', 'c'};
    for (size_t size = 0; size <= sizeof frames; size++) {
        begin(ETD_FRAMING_LENGTH16);
        send_state->output_terminated = true;
        ck_assert(etd_send_unframe(send_state, etd_bytes(frames, size)));
        bool whole = size == 0 || size == 4 || size == 6 || size == sizeof frames;
        ck_assert_msg(etd_send_is_cut(send_state) != whole, "after %zu bytes", size);
        end();
    }
}
END_TEST

START_TEST(a_line_may_have_as_many_bytes_as_the_header_announces_and_no_more)
{
    for (size_t size = UINT16_MAX - 1; size <= UINT16_MAX + 1; size++) {
        begin(ETD_FRAMING_LENGTH16);
        uint8_t *line = malloc(size + 1);
        memset(line, 'x', size);
        line[size] = '\n';
        ck_assert(
            etd_buffer_append(&send_state->lines, &send_state->pool, etd_bytes(line, size + 1)));
        ck_assert_int_eq(etd_send_frame_lines(send_state), size <= UINT16_MAX);
        ck_assert_int_eq(send_state->failed, size > UINT16_MAX);
        if (send_state->failed)
            ck_assert_ptr_nonnull(strstr(send_state->error, "line 1 of the input has more than"));
        free(line);
        end();
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("send_lines");
    TCase *tests = tcase_create("send_lines");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, lines_survive_frames_however_they_are_cut);
    tcase_add_test(tests, an_end_anywhere_inside_a_frame_is_a_cut);
    tcase_add_test(tests, a_line_may_have_as_many_bytes_as_the_header_announces_and_no_more);
    suite_add_tcase(suite, tests);
    return suite;
}
