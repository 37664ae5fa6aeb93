/* What one TCP peer may hold, and what happens when there is no more. */
#include "core/session_parts.h"
#include "support/session_scene.h"
#include "support/suite.h"
#include "support/test_services.h"

#include <stdlib.h>

static struct etd_scene scene;
static struct etd_driver *const peer = &scene.peer;

static void begin(enum etd_framing_id framing, const struct etd_service *service)
{
    etd_scene_begin(&scene, framing, service);
    etd_scene_open(&scene);
}

static void begin_echo(enum etd_framing_id framing)
{
    begin(framing, etd_services[ETD_SERVICE_ECHO]);
}

static void end(void)
{
    etd_scene_end(&scene);
}

START_TEST(an_ordinary_exchange_borrows_nothing)
{
    for (int framing = 0; framing < ETD_FRAMING_COUNT; framing++) {
        begin_echo((enum etd_framing_id)framing);
        for (int i = 0; i < 10; i++)
            etd_driver_run(peer, etd_bytes("\0\0\0\4abc\n", 8));
        ck_assert_uint_eq(peer->got_size, 80);
        ck_assert_uint_eq(peer->most, 0);
        ck_assert_uint_eq(scene.loop.memory.requests, 0);
        end();
    }
}
END_TEST

START_TEST(an_idle_session_holds_nothing_whatever_it_did)
{
    begin_echo(ETD_FRAMING_LINE);
    scene.settings.max_message = 5000;
    char line[4000];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 3; i++) {
        peer->room = 100;
        etd_driver_run(peer, etd_bytes(line, sizeof line));
        ck_assert_uint_gt(peer->held, 0);
        peer->room = SIZE_MAX;
        etd_driver_run(peer, etd_bytes(NULL, 0));
        ck_assert_uint_eq(peer->held, 0);
        ck_assert_ptr_null(peer->session.holding);
    }
    ck_assert_uint_eq(peer->got_size, 3 * sizeof line);
    end();
}
END_TEST

/* A great announced length borrows nothing by itself: memory comes as the bytes do. */
START_TEST(an_announced_length_borrows_nothing)
{
    begin_echo(ETD_FRAMING_LENGTH32);
    scene.settings.max_message = 1 << 30;
    ck_assert_uint_eq(etd_driver_feed(peer, etd_bytes("\x3f\xff\xff\xff", 4)), 4);
    ck_assert_uint_le(peer->held, sizeof(struct etd_holding) + 1024);
    uint8_t bytes[1000] = {0};
    for (size_t sent = 0; sent < 100000; sent += sizeof bytes) {
        etd_driver_run(peer, etd_bytes(bytes, sizeof bytes));
        ck_assert_uint_le(peer->held, sizeof(struct etd_holding) + 2 * (sent + 4 * sizeof bytes));
    }
    end();
}
END_TEST

/* What a configuration must have at the least (config_check.c) is enough, however a message is cut. */
START_TEST(the_longest_message_fits_into_the_least_memory)
{
    enum { LONGEST = 60000 };
    static uint8_t wire[LONGEST + 5];
    const struct etd_framing *framing = etd_framings[_i];
    size_t size = LONGEST + (size_t)(framing->header_size + framing->trailer_size);
    memset(wire, 'x', sizeof wire);
    framing->encode(wire, LONGEST);
    for (size_t cut = 1; cut < size; cut = cut * 2 + 1) {
        etd_scene_begin(&scene, (enum etd_framing_id)_i, etd_services[ETD_SERVICE_ECHO]);
        scene.settings.max_message = LONGEST;
        scene.loop.pool.limit = size + ETD_SESSION_HOLDING;
        etd_scene_open(&scene);
        etd_driver_run(peer, etd_bytes(wire, cut));
        etd_driver_run(peer, etd_bytes(wire + cut, size - cut));
        ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NONE);
        ck_assert(etd_bytes_equal(etd_bytes(peer->got, peer->got_size), etd_bytes(wire, size)));
        end();
    }
}
END_TEST

/* The driver checks after every turn that no more is held than one message and a fixed margin. Here
 * the worst is made of it: long messages, cut everywhere, to a peer that takes nothing. */
static void hold_the_most(enum etd_framing_id framing, size_t first, size_t second, size_t cut)
{
    etd_scene_begin(&scene, framing, etd_services[ETD_SERVICE_ECHO]);
    scene.settings.max_message = 20000;
    etd_scene_open(&scene);
    peer->room = 0;
    const struct etd_framing *row = etd_framings[framing];
    size_t overhead = (size_t)(row->header_size + row->trailer_size);
    size_t whole = first + second + 2 * overhead;
    uint8_t *wire = malloc(whole);
    ck_assert_ptr_nonnull(wire);
    memset(wire, 'x', whole);
    row->encode(wire, first);
    row->encode(wire + overhead + first, second);
    etd_driver_run(peer, etd_bytes(wire, cut));
    etd_driver_run(peer, etd_bytes(wire + cut, whole - cut));
    if (peer->wish == ETD_WISH_WRITE) {
        peer->room = SIZE_MAX;
        etd_driver_run(
            peer, etd_bytes(wire + peer->session.bytes_in, whole - (size_t)peer->session.bytes_in));
    }
    ck_assert(etd_bytes_equal(etd_bytes(peer->got, peer->got_size), etd_bytes(wire, whole)));
    free(wire);
    end();
}

START_TEST(one_message_and_a_fixed_margin_is_the_most)
{
    static const size_t sizes[] = {0, 1, 100, 300, 5000, 19999, 20000};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++)
            for (size_t cut = 1; cut < sizes[i] + sizes[j]; cut = cut * 3 / 2 + 1)
                hold_the_most((enum etd_framing_id)_i, sizes[i], sizes[j], cut);
}
END_TEST

/* A long line is read in great pieces. What follows it in the last one, more lines and the beginning of
 * another long one, is bounded by the margin, too. */
START_TEST(what_follows_a_long_line_stays_within_the_margin)
{
    begin_echo(ETD_FRAMING_LINE);
    scene.settings.max_message = 40000;
    peer->room = 0;
    static char wire[60000];
    memset(wire, 'x', sizeof wire);
    wire[20500] = '\n';
    /* 20,400 bytes bring the buffer to a capacity of far more than it holds. */
    etd_driver_run(peer, etd_bytes(wire, 20400));
    etd_driver_run(peer, etd_bytes(wire + 20400, sizeof wire - 20400));
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    ck_assert_uint_le(peer->held, sizeof(struct etd_holding) + 40001 + ETD_SCENE_INPUT);
    end();
}
END_TEST

START_TEST(no_buffer_for_a_begun_message_closes_in_order)
{
    begin_echo(ETD_FRAMING_LINE);
    scene.loop.pool.limit = 0;
    etd_scene_say(&scene, "whole\nbegun");
    etd_scene_heard(&scene, "whole\n"); /* what was due is sent */
    etd_scene_closed(&scene, ETD_CLOSE_NO_BUFFER);
    ck_assert_uint_gt(scene.loop.pool.refusals, 0);
    end();
}
END_TEST

START_TEST(no_buffer_to_grow_closes_in_order)
{
    begin_echo(ETD_FRAMING_LINE);
    scene.settings.max_message = 5000;
    scene.loop.pool.limit = 3000;
    char bytes[4000];
    memset(bytes, 'x', sizeof bytes);
    etd_driver_run(peer, etd_bytes(bytes, sizeof bytes));
    etd_scene_closed(&scene, ETD_CLOSE_NO_BUFFER);
    ck_assert_uint_eq(peer->held, 0);
    end();
}
END_TEST

START_TEST(no_buffer_for_what_is_due_resets)
{
    begin_echo(ETD_FRAMING_LINE);
    scene.loop.pool.limit = 0;
    peer->room = 2;
    etd_scene_say(&scene, "due\n");
    etd_scene_heard(&scene, "du");
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NO_BUFFER);
    ck_assert(peer->session.reset);
    ck_assert(!peer->fin);
    end();
}
END_TEST

/* Complete messages that cannot be kept would have been answered: their loss must not look like a
 * clean end either. */
START_TEST(no_buffer_for_complete_messages_resets)
{
    begin(ETD_FRAMING_LINE, &etd_mixed_service);
    scene.loop.pool.limit = 0;
    peer->sends = 1;
    etd_scene_say(&scene, "one\nr23\nfour\n");
    etd_scene_heard(&scene, "one\n");
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NO_BUFFER);
    ck_assert(peer->session.reset);
    end();
}
END_TEST

START_TEST(no_other_session_suffers_from_a_spent_pool)
{
    begin_echo(ETD_FRAMING_LINE);
    struct etd_driver greedy, waiting;
    etd_driver_open(&greedy, &scene.loop, &scene.settings, etd_bytes(NULL, 0));
    etd_driver_open(&waiting, &scene.loop, &scene.settings, etd_bytes(NULL, 0));
    etd_driver_run(&waiting, etd_bytes_text("begun"));
    greedy.room = 0;
    etd_driver_run(&greedy, etd_bytes_text("0123456789\n0123456789\n"));
    scene.loop.pool.limit = scene.loop.pool.in_use; /* spent */

    etd_scene_say(&scene, "one\ntwo\n");
    etd_scene_heard(&scene, "one\ntwo\n");
    /* What is held goes on in what it has. */
    etd_driver_run(&waiting, etd_bytes_text(" and done\n"));
    ck_assert(etd_bytes_equal(etd_bytes(waiting.got, waiting.got_size),
                              etd_bytes_text("begun and done\n")));
    greedy.room = SIZE_MAX;
    etd_driver_run(&greedy, etd_bytes(NULL, 0));
    ck_assert_uint_eq(greedy.got_size, 22);
    /* And room that was given back is there for others. */
    etd_scene_say(&scene, "thr");
    etd_scene_say(&scene, "ee\n");
    etd_scene_heard(&scene, "one\ntwo\nthree\n");
    etd_driver_release(&greedy);
    etd_driver_release(&waiting);
    end();
}
END_TEST

START_TEST(release_gives_everything_back_in_any_state)
{
    for (int state = 0; state < 6; state++) {
        begin(ETD_FRAMING_LINE, &etd_mixed_service);
        switch (state) {
        case 1: /* a short message is begun */
            etd_scene_say(&scene, "begun");
            break;
        case 2: /* a long one, in a buffer of its own */
            scene.settings.max_message = 5000;
            for (int i = 0; i < 100; i++)
                etd_driver_run(peer, etd_bytes_text("0123456789"));
            break;
        case 3: /* replies are due, and messages held */
            peer->room = 1;
            etd_scene_say(&scene, "one\nr23\nfour");
            break;
        case 4: /* draining */
            peer->room = 1;
            etd_scene_say(&scene, "one\nclose\n");
            etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
            break;
        case 5: /* lingering */
            etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
            break;
        default: /* idle */
            break;
        }
        ck_assert_int_eq(peer->held > 0, state >= 1 && state <= 4);
        end(); /* which finds what is left */
    }
}
END_TEST

/* Each request for memory fails in turn, alone and with all that follow. What was heard before the
 * close is always the beginning of what should be heard. */
struct scenario {
    enum etd_framing_id framing;
    const struct etd_service *service;
    size_t max_message;
    size_t room;  /* of the socket at first */
    size_t chunk; /* of what is fed */
    size_t message;
    unsigned count;
};

static size_t make_wire(const struct scenario *scenario, uint8_t *wire)
{
    const struct etd_framing *framing = etd_framings[scenario->framing];
    uint8_t *at = wire;
    for (unsigned i = 0; i < scenario->count; i++) {
        memset(at + framing->header_size, i % 2 ? 'e' : 'r', scenario->message);
        framing->encode(at, scenario->message);
        at += framing->header_size + scenario->message + framing->trailer_size;
    }
    return (size_t)(at - wire);
}

static void play(const struct scenario *scenario, struct etd_bytes wire)
{
    etd_scene_open(&scene);
    peer->room = scenario->room;
    while (wire.size > 0 && peer->wish == ETD_WISH_READ &&
           peer->session.state == ETD_SESSION_OPEN) {
        size_t size = wire.size < scenario->chunk ? wire.size : scenario->chunk;
        size = etd_driver_feed(peer, etd_bytes(wire.data, size));
        wire = etd_bytes(wire.data + size, wire.size - size);
        if (peer->wish == ETD_WISH_WRITE) {
            etd_driver_writable(peer);
            peer->room = SIZE_MAX;
            etd_driver_run(peer, etd_bytes(NULL, 0));
            peer->room = scenario->room;
        }
    }
    if (peer->wish == ETD_WISH_READ && peer->session.state == ETD_SESSION_OPEN)
        etd_driver_end(peer);
    peer->room = SIZE_MAX;
    etd_driver_run(peer, etd_bytes(NULL, 0));
}

START_TEST(every_refused_request_ends_cleanly)
{
    static const struct scenario scenarios[] = {
        {ETD_FRAMING_RAW, NULL, 1, 5, 50, 40, 8},
        {ETD_FRAMING_LINE, NULL, 64, 5, 50, 40, 8},
        {ETD_FRAMING_LINE, NULL, 5000, 5, 200, 4000, 3},
        {ETD_FRAMING_LINE, &etd_mixed_service, 64, 0, 250, 9, 60},
        {ETD_FRAMING_LENGTH16, NULL, 5000, 0, 7, 1000, 3},
        {ETD_FRAMING_LENGTH32, NULL, 5000, 1, 256, 4000, 3},
        {ETD_FRAMING_LENGTH32, &etd_mixed_service, 64, 3, 100, 20, 30},
    };
    const struct scenario *scenario = &scenarios[_i / 2];
    static uint8_t wire[20000], wanted[20000];
    struct etd_bytes input = etd_bytes(wire, make_wire(scenario, wire));
    etd_scene_begin(&scene, scenario->framing,
                    scenario->service != NULL ? scenario->service : etd_services[ETD_SERVICE_ECHO]);
    scene.settings.max_message = scenario->max_message;
    play(scenario, input);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_END_OF_INPUT);
    size_t wanted_size = peer->got_size;
    memcpy(wanted, peer->got, wanted_size);
    uint64_t requests = scene.loop.memory.requests;
    ck_assert_uint_gt(requests, 2); /* else this scenario shows nothing */
    for (uint64_t refused = 1; refused <= requests; refused++) {
        etd_driver_release(peer);
        scene.loop.memory.requests = 0;
        scene.loop.memory.refuse_at = refused;
        scene.loop.memory.refuse_on = _i % 2;
        play(scenario, input);
        ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NO_BUFFER);
        ck_assert_uint_le(peer->got_size, wanted_size);
        ck_assert(etd_bytes_equal(etd_bytes(peer->got, peer->got_size),
                                  etd_bytes(wanted, peer->got_size)));
    }
    end();
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("session memory");
    TCase *tests = tcase_create("bounds");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_ordinary_exchange_borrows_nothing);
    tcase_add_test(tests, an_idle_session_holds_nothing_whatever_it_did);
    tcase_add_test(tests, an_announced_length_borrows_nothing);
    tcase_add_loop_test(tests, the_longest_message_fits_into_the_least_memory, ETD_FRAMING_LINE,
                        ETD_FRAMING_COUNT);
    tcase_add_loop_test(tests, one_message_and_a_fixed_margin_is_the_most, ETD_FRAMING_LINE,
                        ETD_FRAMING_COUNT);
    tcase_add_test(tests, what_follows_a_long_line_stays_within_the_margin);
    suite_add_tcase(suite, tests);
    tests = tcase_create("refusals");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, no_buffer_for_a_begun_message_closes_in_order);
    tcase_add_test(tests, no_buffer_to_grow_closes_in_order);
    tcase_add_test(tests, no_buffer_for_what_is_due_resets);
    tcase_add_test(tests, no_buffer_for_complete_messages_resets);
    tcase_add_test(tests, no_other_session_suffers_from_a_spent_pool);
    tcase_add_test(tests, release_gives_everything_back_in_any_state);
    tcase_add_loop_test(tests, every_refused_request_ends_cleanly, 0, 14);
    suite_add_tcase(suite, tests);
    return suite;
}
