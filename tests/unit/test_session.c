/* One TCP peer: how its messages are found and answered, and how it ends. Clocks and memory have
 * files of their own. */
#include "support/session_scene.h"
#include "support/suite.h"
#include "support/test_services.h"

#include <stdio.h>

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

START_TEST(raw_bytes_come_back_as_they_are)
{
    begin_echo(ETD_FRAMING_RAW);
    etd_scene_say(&scene, "a");
    etd_scene_heard(&scene, "a");
    etd_scene_say(&scene, "b\r\n\r\nc");
    etd_scene_heard(&scene, "ab\r\n\r\nc");
    ck_assert_ptr_null(peer->session.holding);
    etd_driver_end(peer);
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_CLOSED);
    end();
}
END_TEST

START_TEST(raw_knows_no_bound_of_length)
{
    begin_echo(ETD_FRAMING_RAW);
    for (int i = 0; i < 100; i++)
        etd_scene_say(&scene, "0123456789abcdef");
    ck_assert_uint_eq(peer->got_size, 1600); /* of at most 64 a message, if it had any */
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    end();
}
END_TEST

START_TEST(pipelined_messages_are_answered_in_order)
{
    begin(ETD_FRAMING_LINE, etd_services[ETD_SERVICE_TIME]);
    etd_scene_say(&scene, "time? unix\ntime? http\r\nwhat\n\ntime? uni");
    etd_scene_heard(
        &scene, "1795354415\nSun, 22 Nov 2026 13:33:35 GMT\r\n"
                "error: send time? or time? FORMAT, FORMAT one of rfc3339, rfc3339_local, unix, "
                "unix_ms, unix_us, unix_ns, http\n"
                "error: send time? or time? FORMAT, FORMAT one of rfc3339, rfc3339_local, unix, "
                "unix_ms, unix_us, unix_ns, http\n");
    ck_assert_uint_eq(peer->session.messages, 4);
    size_t before = peer->got_size;
    etd_scene_say(&scene, "x_ms\n");
    ck_assert_uint_eq(peer->got_size - before, 14);
    ck_assert_mem_eq(peer->got + before, "1795354415000\n", 14);
    end();
}
END_TEST

START_TEST(a_message_may_come_byte_by_byte)
{
    begin_echo(ETD_FRAMING_LENGTH32);
    static const char wire[] = "\0\0\0\5hello\0\0\0\0\0\0\0\1!";
    for (size_t i = 0; i < sizeof wire - 1; i++)
        ck_assert_uint_eq(etd_driver_feed(peer, etd_bytes(wire + i, 1)), 1);
    ck_assert(
        etd_bytes_equal(etd_bytes(peer->got, peer->got_size), etd_bytes(wire, sizeof wire - 1)));
    ck_assert_uint_eq(peer->session.messages, 3);
    ck_assert_ptr_null(peer->session.holding);
    end();
}
END_TEST

START_TEST(half_close_gets_all_that_is_due)
{
    begin_echo(ETD_FRAMING_LINE);
    peer->room = 5;
    etd_scene_say(&scene, "one\ntwo\n");
    etd_scene_heard(&scene, "one\nt");
    /* The peer's FIN waits in the kernel: nothing is read while something is due. */
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    peer->room = SIZE_MAX;
    etd_driver_writable(peer);
    etd_scene_heard(&scene, "one\ntwo\n");
    etd_driver_end(peer);
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    end();
}
END_TEST

START_TEST(the_reply_to_the_last_message_survives_a_full_socket)
{
    begin_echo(ETD_FRAMING_LINE);
    etd_scene_say(&scene, "no end");
    peer->room = 2;
    etd_driver_end(peer);
    etd_scene_heard(&scene, "no");
    ck_assert(!peer->fin);
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    peer->room = SIZE_MAX;
    etd_driver_writable(peer);
    etd_scene_heard(&scene, "no end");
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    end();
}
END_TEST

START_TEST(an_unterminated_last_line_is_a_message_and_its_answer_is_one)
{
    begin(ETD_FRAMING_LINE, etd_services[ETD_SERVICE_TIME]);
    etd_scene_say(&scene, "time? unix\ntime? unix");
    etd_driver_end(peer);
    etd_scene_heard(&scene, "1795354415\n1795354415");
    ck_assert_uint_eq(peer->session.messages, 2);
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    end();
}
END_TEST

START_TEST(a_frame_that_the_end_cuts_off_is_dropped)
{
    static const char wire[] = "\0\2hi\0\3yo";
    for (size_t size = 5; size < sizeof wire; size++) { /* within the header, and behind it */
        begin_echo(ETD_FRAMING_LENGTH16);
        ck_assert_uint_eq(etd_driver_feed(peer, etd_bytes(wire, size)), size);
        etd_driver_end(peer);
        ck_assert_uint_eq(peer->got_size, 4);
        ck_assert_uint_eq(peer->session.messages, 1);
        etd_scene_closed(&scene, ETD_CLOSE_TRUNCATED_MESSAGE);
        end();
    }
}
END_TEST

START_TEST(the_end_is_seen_though_others_had_their_turn_first)
{
    begin_echo(ETD_FRAMING_LINE);
    etd_scene_say(&scene, "no end");
    peer->sends = 0;
    etd_driver_end(peer);
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE); /* there is nothing to be read any more */
    peer->sends = 1;
    etd_driver_run(peer, etd_bytes(NULL, 0));
    etd_scene_heard(&scene, "no end");
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    end();
}
END_TEST

START_TEST(what_is_due_goes_out_before_the_close_for_a_message_too_large)
{
    static const char wire[] = "\0\2hi\0\1!\0\x41";
    begin_echo(ETD_FRAMING_LENGTH16);
    peer->room = 3;
    ck_assert_uint_eq(etd_driver_feed(peer, etd_bytes(wire, sizeof wire - 1)), sizeof wire - 1);
    ck_assert_uint_eq(peer->got_size, 3);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_DRAINING);
    ck_assert(!peer->fin);
    peer->room = SIZE_MAX;
    etd_driver_writable(peer);
    ck_assert(etd_bytes_equal(etd_bytes(peer->got, peer->got_size), etd_bytes(wire, 7)));
    etd_scene_closed(&scene, ETD_CLOSE_MESSAGE_TOO_LARGE);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_LINGERING);
    end();
}
END_TEST

START_TEST(a_line_is_too_large_from_the_first_byte_over_the_limit)
{
    begin_echo(ETD_FRAMING_LINE);
    char line[ETD_SCENE_MAX_MESSAGE + 1];
    memset(line, 'x', sizeof line);
    ck_assert_uint_eq(etd_driver_feed(peer, etd_bytes(line, ETD_SCENE_MAX_MESSAGE)),
                      ETD_SCENE_MAX_MESSAGE);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    etd_scene_say(&scene, "\n"); /* exactly the limit */
    ck_assert_uint_eq(peer->got_size, ETD_SCENE_MAX_MESSAGE + 1);
    etd_driver_feed(peer, etd_bytes(line, sizeof line));
    etd_scene_closed(&scene, ETD_CLOSE_MESSAGE_TOO_LARGE);
    ck_assert_uint_eq(peer->got_size, ETD_SCENE_MAX_MESSAGE + 1);
    end();
}
END_TEST

START_TEST(what_comes_behind_our_fin_is_thrown_away)
{
    begin_echo(ETD_FRAMING_LINE);
    char line[2 * ETD_SCENE_MAX_MESSAGE];
    memset(line, 'x', sizeof line);
    etd_driver_feed(peer, etd_bytes(line, sizeof line));
    uint64_t before = peer->session.bytes_in;
    for (int i = 0; i < 10; i++)
        etd_scene_say(&scene, "more\nand more\n");
    ck_assert_uint_eq(peer->got_size, 0);
    ck_assert_uint_eq(peer->session.bytes_in, before);
    ck_assert_int_eq(peer->wish, ETD_WISH_READ);
    etd_driver_end(peer);
    ck_assert_int_eq(peer->wish, ETD_WISH_CLOSE);
    etd_scene_closed(&scene, ETD_CLOSE_MESSAGE_TOO_LARGE); /* the first reason stays */
    end();
}
END_TEST

START_TEST(a_full_socket_stops_reading_and_loses_nothing)
{
    begin_echo(ETD_FRAMING_LINE);
    peer->room = 0;
    etd_scene_say(&scene, "one\ntwo\nthr");
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    struct etd_room room = etd_session_room(&peer->session, &scene.loop.turn);
    ck_assert_uint_eq(room.size, 0);
    for (int i = 0; i < 5; i++) {
        peer->room = 1;
        etd_driver_writable(peer);
        ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    }
    etd_scene_heard(&scene, "one\nt");
    peer->room = SIZE_MAX;
    etd_driver_writable(peer);
    etd_scene_heard(&scene, "one\ntwo\n");
    ck_assert_int_eq(peer->wish, ETD_WISH_READ);
    etd_scene_say(&scene, "ee\n");
    etd_scene_heard(&scene, "one\ntwo\nthree\n");
    end();
}
END_TEST

START_TEST(others_have_their_turn_between_two_sends)
{
    begin(ETD_FRAMING_LINE, etd_services[ETD_SERVICE_TIME]);
    char lines[221] = "", wanted[512] = "";
    for (int i = 0; i < 20; i++) { /* 20 answers do not go into one output of 512 bytes */
        strcat(lines, "time? unix\n");
        strcat(wanted, "1795354415\n");
    }
    scene.loop.turn.output_size = 200;
    scene.loop.turn.output += ETD_SCENE_OUTPUT - 200;
    peer->sends = 1;
    ck_assert_uint_eq(etd_driver_feed(peer, etd_bytes(lines, 220)), 220);
    ck_assert_uint_lt(peer->got_size, 220);
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    etd_driver_run(peer, etd_bytes(NULL, 0));
    etd_scene_heard(&scene, wanted);
    end();
}
END_TEST

START_TEST(every_verdict_keeps_the_order_of_answers)
{
    begin(ETD_FRAMING_LINE, &etd_mixed_service);
    etd_scene_say(&scene, "one\nr123\nsilent\ntwo\nthree\nn\nsilent\nr45\n\nfour\nsilent\nfive\n");
    etd_scene_heard(&scene, "one\n321r\ntwo\nthree\n\n54r\n\nfour\nfive\n");
    ck_assert_uint_eq(peer->session.messages, 12);
    ck_assert_ptr_null(peer->session.holding);
    end();
}
END_TEST

START_TEST(a_service_that_closes_answers_nothing_behind)
{
    static const struct {
        const char *said, *heard;
    } cases[] = {
        {"one\nclose\ntwo\n", "one\nbye\n"},
        {"r1\nclose\ntwo\n", "1r\nbye\n"},
        {"one\nquit\ntwo\n", "one\n"},
        {"close\nclose\n", "bye\n"},
        {"quit\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(ETD_FRAMING_LINE, &etd_mixed_service);
        etd_scene_say(&scene, cases[i].said);
        etd_scene_heard(&scene, cases[i].heard);
        etd_scene_closed(&scene, ETD_CLOSE_BY_SERVICE);
        ck_assert_int_eq(peer->session.state, ETD_SESSION_LINGERING);
        end();
    }
}
END_TEST

START_TEST(a_service_may_speak_first)
{
    begin(ETD_FRAMING_LINE, &etd_greeting_service);
    etd_scene_heard(&scene, "hello\n");
    etd_scene_say(&scene, "and you\n");
    etd_scene_heard(&scene, "hello\nand you\n");
    end();
    begin(ETD_FRAMING_LENGTH16, &etd_greeting_service);
    ck_assert(etd_bytes_equal(etd_bytes(peer->got, peer->got_size), etd_bytes("\0\5hello", 7)));
    end();
}
END_TEST

START_TEST(a_greeting_goes_before_what_was_already_sent)
{
    etd_scene_begin(&scene, ETD_FRAMING_LINE, &etd_greeting_service);
    /* What is in the kernel already is read in the same turn, or else in the next. */
    struct etd_bytes said = etd_bytes_text("early\n");
    size_t size = etd_driver_open(peer, &scene.loop, &scene.settings, said);
    etd_driver_run(peer, etd_bytes(said.data + size, said.size - size));
    etd_scene_heard(&scene, "hello\nearly\n");
    end();
}
END_TEST

START_TEST(a_service_may_speak_and_close)
{
    etd_scene_begin(&scene, ETD_FRAMING_RAW, &etd_telling_service);
    size_t size =
        etd_driver_open(peer, &scene.loop, &scene.settings, etd_bytes_text("not looked at"));
    ck_assert_uint_eq(size, 0);
    etd_scene_heard(&scene, "now");
    etd_scene_closed(&scene, ETD_CLOSE_BY_SERVICE);
    ck_assert_int_eq(peer->wish, ETD_WISH_READ); /* until the peer ends, too */
    end();
}
END_TEST

START_TEST(require_sync_closes_without_an_answer)
{
    etd_scene_begin(&scene, ETD_FRAMING_LINE, etd_services[ETD_SERVICE_TIME]);
    scene.settings.require_sync = true;
    etd_scene_open(&scene);
    etd_scene_say(&scene, "time? unix\n");
    etd_scene_heard(&scene, "1795354415\n");
    scene.loop.clock.quality.synchronised = false;
    etd_scene_say(&scene, "time? unix\n");
    etd_scene_heard(&scene, "1795354415\n");
    etd_scene_closed(&scene, ETD_CLOSE_BY_SERVICE);
    end();
}
END_TEST

START_TEST(stop_answers_complete_messages_and_closes)
{
    begin_echo(ETD_FRAMING_LINE);
    peer->room = 2;
    etd_scene_say(&scene, "one\ntwo\nthr");
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    ck_assert(!peer->fin);
    peer->room = SIZE_MAX;
    etd_driver_run(peer, etd_bytes(NULL, 0));
    etd_scene_heard(&scene, "one\ntwo\n");
    etd_scene_closed(&scene, ETD_CLOSE_SHUTDOWN);
    end();
}
END_TEST

START_TEST(stop_answers_what_was_put_aside)
{
    begin(ETD_FRAMING_LINE, &etd_mixed_service);
    peer->sends = 1; /* "one" is sent, and the rest is held */
    etd_scene_say(&scene, "one\nr23\nfour\nfiv");
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    etd_driver_run(peer, etd_bytes(NULL, 0));
    etd_scene_heard(&scene, "one\n32r\nfour\n");
    etd_scene_closed(&scene, ETD_CLOSE_SHUTDOWN);
    end();
}
END_TEST

START_TEST(stop_closes_an_idle_session_and_one_that_has_begun_a_message)
{
    begin_echo(ETD_FRAMING_LINE);
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    etd_scene_closed(&scene, ETD_CLOSE_SHUTDOWN);
    end();
    begin_echo(ETD_FRAMING_LINE);
    etd_scene_say(&scene, "begun");
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    etd_scene_closed(&scene, ETD_CLOSE_SHUTDOWN);
    etd_scene_heard(&scene, "");
    end();
}
END_TEST

START_TEST(stop_and_end_together_close_at_once)
{
    begin_echo(ETD_FRAMING_LINE);
    peer->sends = 0;
    etd_driver_end(peer);
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    peer->sends = 1;
    etd_driver_run(peer, etd_bytes(NULL, 0));
    ck_assert_int_eq(peer->wish, ETD_WISH_CLOSE);
    end();
}
END_TEST

/* Whatever a session was doing, a failure closes it at once, with a reset. */
START_TEST(fail_resets_in_every_state)
{
    for (int i = 0; i < 5; i++) {
        begin_echo(ETD_FRAMING_LINE);
        if (i == 1)
            etd_scene_say(&scene, "begun");
        if (i == 2 || i == 3)
            peer->room = 0;
        if (i == 2)
            etd_scene_say(&scene, "due\nbegun");
        if (i == 3) {
            etd_scene_say(&scene, "due\n");
            etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
        }
        if (i == 4)
            etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN); /* lingers */
        etd_driver_fail(peer, ETD_CLOSE_PEER_RESET);
        ck_assert_int_eq(peer->session.reason, i < 3 ? ETD_CLOSE_PEER_RESET : ETD_CLOSE_SHUTDOWN);
        ck_assert_ptr_null(peer->session.holding);
        ck_assert_uint_eq(peer->got_size, 0);
        end();
    }
}
END_TEST

START_TEST(reasons_have_names_of_their_own)
{
    for (int i = 0; i < ETD_CLOSE_REASONS; i++) {
        const char *name = etd_close_reason_name((enum etd_close_reason)i);
        ck_assert_ptr_nonnull(name);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(name, etd_close_reason_name((enum etd_close_reason)j));
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("messages");
    tcase_add_test(tests, raw_bytes_come_back_as_they_are);
    tcase_add_test(tests, raw_knows_no_bound_of_length);
    tcase_add_test(tests, pipelined_messages_are_answered_in_order);
    tcase_add_test(tests, a_message_may_come_byte_by_byte);
    tcase_add_test(tests, what_is_due_goes_out_before_the_close_for_a_message_too_large);
    tcase_add_test(tests, a_line_is_too_large_from_the_first_byte_over_the_limit);
    tcase_add_test(tests, a_full_socket_stops_reading_and_loses_nothing);
    tcase_add_test(tests, others_have_their_turn_between_two_sends);
    suite_add_tcase(suite, tests);
    tests = tcase_create("services");
    tcase_add_test(tests, every_verdict_keeps_the_order_of_answers);
    tcase_add_test(tests, a_service_that_closes_answers_nothing_behind);
    tcase_add_test(tests, a_service_may_speak_first);
    tcase_add_test(tests, a_greeting_goes_before_what_was_already_sent);
    tcase_add_test(tests, a_service_may_speak_and_close);
    tcase_add_test(tests, require_sync_closes_without_an_answer);
    suite_add_tcase(suite, tests);
    tests = tcase_create("ends");
    tcase_add_test(tests, half_close_gets_all_that_is_due);
    tcase_add_test(tests, the_reply_to_the_last_message_survives_a_full_socket);
    tcase_add_test(tests, an_unterminated_last_line_is_a_message_and_its_answer_is_one);
    tcase_add_test(tests, a_frame_that_the_end_cuts_off_is_dropped);
    tcase_add_test(tests, the_end_is_seen_though_others_had_their_turn_first);
    tcase_add_test(tests, what_comes_behind_our_fin_is_thrown_away);
    tcase_add_test(tests, stop_answers_complete_messages_and_closes);
    tcase_add_test(tests, stop_answers_what_was_put_aside);
    tcase_add_test(tests, stop_closes_an_idle_session_and_one_that_has_begun_a_message);
    tcase_add_test(tests, stop_and_end_together_close_at_once);
    tcase_add_test(tests, fail_resets_in_every_state);
    tcase_add_test(tests, reasons_have_names_of_their_own);
    suite_add_tcase(suite, tests);
    return suite;
}
