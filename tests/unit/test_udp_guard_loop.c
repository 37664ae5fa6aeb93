/* The loop guard of the UDP guard. */
#include "udp_guard_helper.h"

static struct guarded guarded;

static void begin(void)
{
    guarded_begin(&guarded, ETD_UDP_GUARD_SETS, 2);
}

static void end(void)
{
    guarded_end(&guarded);
}

/* Passes the same bytes round until they are not answered. */
static uint32_t rounds_of_loop(const struct etd_udp_limits *limits, const char *text, uint64_t now,
                               uint64_t pace)
{
    for (uint32_t rounds = 0;; rounds++, now += pace) {
        enum etd_drop_reason reason = ask(&guarded, limits, 1, text, now);
        if (reason != ETD_DROP_NONE) {
            ck_assert_int_eq(reason, ETD_DROP_LOOP_GUARD);
            return rounds;
        }
        ck_assert_uint_lt(rounds, 2000000);
    }
}

START_TEST(a_loop_ends_after_just_so_many_answers_at_any_pace)
{
    static const uint64_t paces[] = {0, 1000, SECOND / 1000, SECOND, HOUR, YEAR / 10};
    static const uint32_t guards[] = {1, 2, 3, 100, 1000};
    for (size_t p = 0; p < sizeof paces / sizeof *paces; p++) {
        for (size_t g = 0; g < sizeof guards / sizeof *guards; g++) {
            struct etd_udp_limits limits =
                etd_udp_limits_make((uint16_t)(8 * p + g), 0, 1, guards[g]);
            /* Started anew, it is no different. */
            for (int time = 0; time < 3; time++)
                ck_assert_uint_eq(rounds_of_loop(&limits, "loop", SECOND, paces[p]), guards[g]);
        }
    }
    struct etd_udp_limits limits = etd_udp_limits_make(1000, 0, 1, 1000000);
    ck_assert_uint_eq(rounds_of_loop(&limits, "", SECOND, 0), 1000000);
}
END_TEST

START_TEST(an_ordinary_client_loses_one_in_many)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1000, 2000, 1000);
    uint32_t lost = 0;
    for (uint64_t i = 0; i < 10 * 1001; i++)
        lost += ask(&guarded, &limits, 1, "time?", (i + 1) * 10 * SECOND) != ETD_DROP_NONE;
    ck_assert_uint_eq(lost, 10);
}
END_TEST

START_TEST(packets_in_one_loop_do_not_shelter_each_other)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 0, 1, 50);
    enum { PACKETS = 100 };
    bool alive[PACKETS];
    uint32_t left = PACKETS, answers = 0;
    memset(alive, true, sizeof alive);
    for (uint32_t round = 0; left > 0; round++) {
        ck_assert_uint_le(round, 50);
        for (int i = 0; i < PACKETS; i++) {
            char text[32];
            snprintf(text, sizeof text, "packet %d", i);
            if (alive[i] && ask(&guarded, &limits, 1, text, SECOND) == ETD_DROP_NONE) {
                answers++;
            } else if (alive[i]) {
                alive[i] = false;
                left--;
            }
        }
    }
    ck_assert_uint_eq(answers, PACKETS * 50);
}
END_TEST

START_TEST(several_copies_end_after_so_many_answers_each)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 0, 1, 100);
    uint32_t copies = 7, answers = 0;
    while (copies > 0) {
        if (ask(&guarded, &limits, 1, "copy", SECOND) == ETD_DROP_NONE)
            answers++;
        else
            copies--;
    }
    ck_assert_uint_eq(answers, 700);
}
END_TEST

/* With a loop_guard of 1, the same again is dropped, and anything else is not. */
static bool is_same_row(const struct etd_address *a, struct etd_bytes first, uint16_t endpoint,
                        const struct etd_address *b, struct etd_bytes second)
{
    static uint64_t secret;
    struct etd_udp_limits one = etd_udp_limits_make(0, 0, 1, 1),
                          other = etd_udp_limits_make(endpoint, 0, 1, 1);
    struct guarded fresh;
    guarded_begin(&fresh, 64, ++secret);
    ck_assert_int_eq(etd_udp_guard_admit(&fresh.guard, &one, a, first, 1), ETD_DROP_NONE);
    bool same = etd_udp_guard_admit(&fresh.guard, &other, b, second, 1) == ETD_DROP_LOOP_GUARD;
    guarded_end(&fresh);
    return same;
}

START_TEST(a_row_is_of_one_source_port_and_endpoint)
{
    struct etd_bytes text = etd_bytes_text("time?");
    struct etd_address here = source_number(1), there = source_number(2), port = here;
    port.port++;
    ck_assert(is_same_row(&here, text, 0, &here, text));
    ck_assert(!is_same_row(&here, text, 1, &here, text));
    ck_assert(!is_same_row(&here, text, 0, &there, text));
    ck_assert(!is_same_row(&here, text, 0, &port, text));
    struct etd_address ipv6 = {.ip = {0x20, 0x01, 0x0d, 0xb8}, .port = 4242}, neighbour = ipv6;
    neighbour.ip[15] = 1;
    ck_assert(is_same_row(&ipv6, text, 0, &ipv6, text));
    ck_assert(!is_same_row(&ipv6, text, 0, &neighbour, text));
}
END_TEST

/* Every byte counts, at every size around the steps of the hash, up to the last before a page that
 * must not be touched. */
START_TEST(a_row_is_of_the_very_same_bytes)
{
    static const size_t sizes[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  15,  16,   17,   23,
                                   24, 25, 31, 32, 33, 39, 40, 63, 64, 65, 100, 1399, 1400, 65507};
    struct etd_address source = source_number(1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i], step = size > 100 ? size / 50 : 1;
        struct etd_guard text = etd_guard_make(size), changed = etd_guard_make(size);
        struct etd_bytes a = etd_bytes(text.data, size), b = etd_bytes(changed.data, size);
        ck_assert(is_same_row(&source, a, 0, &source, b));
        for (size_t at = 0; at < size; at += step) {
            changed.data[at] ^= (uint8_t)(1 << at % 8);
            ck_assert(!is_same_row(&source, a, 0, &source, b));
            changed.data[at] = 0;
            ck_assert(!is_same_row(&source, a, 0, &source,
                                   etd_bytes(changed.data + at + 1, size - at - 1)));
        }
        etd_guard_free(&text);
        etd_guard_free(&changed);
    }
}
END_TEST

START_TEST(messages_that_are_never_the_same_are_never_dropped)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 0, 1, 1);
    struct etd_address source = source_number(1);
    uint32_t lost = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        uint8_t text[48] = "a probe with a number in it";
        memcpy(text + 40, &i, sizeof i);
        lost += etd_udp_guard_admit(&guarded.guard, &limits, &source, etd_bytes(text, sizeof text),
                                    SECOND) != ETD_DROP_NONE;
    }
    ck_assert_uint_eq(lost, 0);
}
END_TEST

/* What the rate limit dropped was no answer. */
START_TEST(only_answers_count)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 1, 4, 5);
    ck_assert_uint_eq(answered_of(&guarded, &limits, 1, 100, SECOND), 4);
    ck_assert_int_eq(ask(&guarded, &limits, 1, "time?", 2 * SECOND), ETD_DROP_NONE);
    ck_assert_int_eq(ask(&guarded, &limits, 1, "time?", 2 * SECOND), ETD_DROP_RATE_LIMIT);
    ck_assert_int_eq(ask(&guarded, &limits, 1, "time?", 3 * SECOND), ETD_DROP_LOOP_GUARD);
    ck_assert_int_eq(ask(&guarded, &limits, 1, "time?", 4 * SECOND), ETD_DROP_NONE);
}
END_TEST

START_TEST(a_new_guard_keeps_the_rows)
{
    struct etd_udp_limits wide = etd_udp_limits_make(0, 0, 1, 100),
                          narrow = etd_udp_limits_make(0, 0, 1, 10),
                          off = etd_udp_limits_make(0, 0, 1, 0);
    ck_assert_uint_eq(answered_of(&guarded, &wide, 1, 50, 1), 50);
    ck_assert_uint_eq(answered_of(&guarded, &off, 1, 500, 1), 500);
    ck_assert_int_eq(ask(&guarded, &narrow, 1, "time?", 1), ETD_DROP_LOOP_GUARD);
    ck_assert_uint_eq(answered_of(&guarded, &narrow, 1, 11, 1), 10);
}
END_TEST

/* A slow loop, and between two of its rounds two dozen others for each set. The first two rounds
 * come with little in between, and then nothing pushes it out. */
START_TEST(a_flood_of_different_messages_does_not_hide_a_loop)
{
    struct etd_udp_limits limits = etd_udp_limits_make(0, 0, 1, 10);
    struct etd_address source = source_number(2);
    uint32_t number = 0;
    for (uint32_t round = 0; round < 10; round++) {
        ck_assert_int_eq(ask(&guarded, &limits, 1, "loop", round * SECOND), ETD_DROP_NONE);
        for (uint32_t i = 0; i < (round == 0 ? 100 : 200000); i++, number++)
            etd_udp_guard_admit(&guarded.guard, &limits, &source, etd_bytes(&number, 4),
                                round * SECOND);
    }
    ck_assert_int_eq(ask(&guarded, &limits, 1, "loop", 10 * SECOND), ETD_DROP_LOOP_GUARD);
}
END_TEST

/* Rows that nobody continues, however long, do not stand in the way of new ones for ever. */
START_TEST(old_rows_make_room)
{
    struct guarded small;
    guarded_begin(&small, 1, 3);
    struct etd_udp_limits limits = etd_udp_limits_make(0, 0, 1, 1000);
    for (uint32_t source = 100; source < 100 + ETD_LOOP_WAYS; source++)
        ck_assert_uint_eq(answered_of(&small, &limits, source, 999, 1), 999);
    uint32_t rounds = 0;
    bool alive[3] = {true, true, true};
    for (; rounds <= 1000; rounds++) { /* three loops at once */
        for (uint32_t i = 0; i < 3; i++)
            alive[i] = alive[i] && ask(&small, &limits, i, "loop", rounds) == ETD_DROP_NONE;
    }
    ck_assert(!alive[0] && !alive[1] && !alive[2]);
    guarded_end(&small);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("udp_guard_loop");
    TCase *tests = tcase_create("udp_guard_loop");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_loop_ends_after_just_so_many_answers_at_any_pace);
    tcase_add_test(tests, an_ordinary_client_loses_one_in_many);
    tcase_add_test(tests, packets_in_one_loop_do_not_shelter_each_other);
    tcase_add_test(tests, several_copies_end_after_so_many_answers_each);
    tcase_add_test(tests, a_row_is_of_one_source_port_and_endpoint);
    tcase_add_test(tests, a_row_is_of_the_very_same_bytes);
    tcase_add_test(tests, messages_that_are_never_the_same_are_never_dropped);
    tcase_add_test(tests, only_answers_count);
    tcase_add_test(tests, a_new_guard_keeps_the_rows);
    tcase_add_test(tests, a_flood_of_different_messages_does_not_hide_a_loop);
    tcase_add_test(tests, old_rows_make_room);
    suite_add_tcase(suite, tests);
    return suite;
}
