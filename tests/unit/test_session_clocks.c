/* The time-outs of one TCP peer: when they begin, what puts them off, and what they end. */
#include "support/session_scene.h"
#include "support/suite.h"
#include "support/test_services.h"

enum { IDLE = 60000, MESSAGE = 10000, WRITE = 30000 };

static struct etd_scene scene;
static struct etd_driver *const peer = &scene.peer;

/* Every test runs at the beginning of time and across the wrap of the clock. */
static const etd_tick starts[] = {0, (etd_tick)-1, (etd_tick)-5000, (etd_tick)-40000, 1u << 31};
enum { STARTS = sizeof starts / sizeof *starts };

static void begin(int start, const struct etd_service *service)
{
    etd_scene_begin(&scene, ETD_FRAMING_LINE, service);
    scene.loop.turn.now = starts[start];
    scene.settings.idle_timeout = IDLE;
    scene.settings.message_timeout = MESSAGE;
    scene.settings.write_timeout = WRITE;
    etd_scene_open(&scene);
}

static void begin_echo(int start)
{
    begin(start, etd_services[ETD_SERVICE_ECHO]);
}

static void end(void)
{
    etd_scene_end(&scene);
}

static void wait_for(uint32_t ms)
{
    etd_driver_wait(&scene.loop, ms);
    etd_driver_look(peer);
}

/* The session lives for `ms` less one, and not a tick longer. */
static void ends_after(uint32_t ms, enum etd_close_reason reason, bool reset)
{
    etd_tick when;
    ck_assert(etd_session_deadline(&peer->session, &when));
    ck_assert_uint_eq(when - scene.loop.turn.now, ms);
    wait_for(ms - 1);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NONE);
    wait_for(1);
    ck_assert_str_eq(etd_close_reason_name((enum etd_close_reason)peer->session.reason),
                     etd_close_reason_name(reason));
    ck_assert_int_eq(peer->session.reset, reset);
}

static void has_no_deadline(void)
{
    etd_tick when;
    ck_assert(!etd_session_deadline(&peer->session, &when));
}

START_TEST(who_says_nothing_is_idle)
{
    begin_echo(_i);
    ends_after(IDLE, ETD_CLOSE_IDLE_TIMEOUT, false);
    etd_scene_closed(&scene, ETD_CLOSE_IDLE_TIMEOUT);
    end();
}
END_TEST

START_TEST(every_message_puts_idleness_off)
{
    begin_echo(_i);
    for (int i = 0; i < 5; i++) {
        wait_for(IDLE - 1);
        etd_scene_say(&scene, "still here\n");
    }
    ends_after(IDLE, ETD_CLOSE_IDLE_TIMEOUT, false);
    end();
}
END_TEST

START_TEST(a_message_without_a_reply_puts_idleness_off)
{
    begin(_i, &etd_mixed_service);
    wait_for(IDLE - 1);
    etd_scene_say(&scene, "silent\n");
    ends_after(IDLE, ETD_CLOSE_IDLE_TIMEOUT, false);
    end();
}
END_TEST

START_TEST(bytes_that_make_no_message_do_not_put_idleness_off)
{
    begin_echo(_i);
    scene.settings.message_timeout = 0;
    for (int i = 0; i < 59; i++) {
        wait_for(1000);
        etd_scene_say(&scene, "x");
    }
    ends_after(1000, ETD_CLOSE_IDLE_TIMEOUT, false);
    end();
}
END_TEST

START_TEST(raw_bytes_put_idleness_off)
{
    etd_scene_begin(&scene, ETD_FRAMING_RAW, etd_services[ETD_SERVICE_ECHO]);
    scene.loop.turn.now = starts[_i];
    scene.settings.idle_timeout = IDLE;
    scene.settings.message_timeout = MESSAGE; /* means nothing to raw bytes */
    etd_scene_open(&scene);
    for (int i = 0; i < 5; i++) {
        wait_for(IDLE - 1);
        etd_scene_say(&scene, "x");
    }
    ends_after(IDLE, ETD_CLOSE_IDLE_TIMEOUT, false);
    end();
}
END_TEST

START_TEST(bytes_that_the_peer_takes_put_idleness_off)
{
    begin_echo(_i);
    scene.settings.write_timeout = 0;
    peer->room = 0;
    etd_scene_say(&scene, "0123456789\n");
    for (int i = 0; i < 5; i++) {
        wait_for(IDLE - 1);
        peer->room = 1;
        etd_driver_writable(peer);
    }
    /* It is closed as idle, and has taken nothing of that for as long already. */
    ends_after(IDLE, ETD_CLOSE_IDLE_TIMEOUT, true);
    end();
}
END_TEST

START_TEST(a_begun_message_has_its_time_however_many_bytes_trickle_in)
{
    begin_echo(_i);
    wait_for(1000);
    etd_scene_say(&scene, "x");
    for (int i = 0; i < 9; i++) {
        wait_for(MESSAGE / 10);
        etd_scene_say(&scene, "x");
    }
    ends_after(MESSAGE / 10, ETD_CLOSE_MESSAGE_TIMEOUT, false);
    etd_scene_closed(&scene, ETD_CLOSE_MESSAGE_TIMEOUT);
    etd_scene_heard(&scene, "");
    end();
}
END_TEST

START_TEST(a_long_message_has_no_more_time_than_a_short_one)
{
    begin_echo(_i);
    scene.settings.max_message = 100000; /* so that the session's own buffer is used */
    for (int i = 0; i < 99; i++) {
        char bytes[200];
        memset(bytes, 'x', sizeof bytes);
        etd_driver_run(peer, etd_bytes(bytes, sizeof bytes));
        wait_for(MESSAGE / 100);
    }
    ends_after(MESSAGE / 100, ETD_CLOSE_MESSAGE_TIMEOUT, false);
    end();
}
END_TEST

START_TEST(each_message_has_a_time_of_its_own)
{
    begin_echo(_i);
    for (int i = 0; i < 5; i++) {
        etd_scene_say(&scene, "begun");
        wait_for(MESSAGE - 1);
        etd_scene_say(&scene, " and done\nbegun");
        wait_for(MESSAGE - 1);
        etd_scene_say(&scene, " and done\n");
    }
    ends_after(IDLE, ETD_CLOSE_IDLE_TIMEOUT, false);
    end();
}
END_TEST

START_TEST(a_message_whose_turn_has_not_come_is_not_late)
{
    begin_echo(_i);
    etd_scene_say(&scene, "beg");
    wait_for(MESSAGE - 1);
    peer->sends = 0; /* others have their turn, and it is complete already */
    etd_scene_say(&scene, "un\n");
    etd_driver_wait(&scene.loop, 1);
    peer->sends = 1;
    etd_driver_look(peer);
    etd_driver_run(peer, etd_bytes(NULL, 0));
    etd_scene_heard(&scene, "begun\n");
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    end();
}
END_TEST

START_TEST(a_begun_message_waits_while_the_peer_takes_its_replies)
{
    begin_echo(_i);
    peer->room = 0;
    etd_scene_say(&scene, "due\nbegun");
    wait_for(MESSAGE + 1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    peer->room = SIZE_MAX;
    etd_driver_writable(peer);
    ends_after(MESSAGE, ETD_CLOSE_MESSAGE_TIMEOUT, false);
    etd_scene_heard(&scene, "due\n");
    end();
}
END_TEST

START_TEST(who_takes_nothing_is_reset)
{
    begin_echo(_i);
    peer->room = 2;
    etd_scene_say(&scene, "due\n");
    ends_after(WRITE, ETD_CLOSE_WRITE_TIMEOUT, true);
    etd_scene_heard(&scene, "du");
    ck_assert(!peer->fin);
    end();
}
END_TEST

START_TEST(every_byte_taken_restarts_the_write_clock)
{
    begin_echo(_i);
    scene.settings.idle_timeout = 0;
    peer->room = 0;
    etd_scene_say(&scene, "0123456\n");
    for (int i = 0; i < 5; i++) {
        wait_for(WRITE - 1);
        peer->room = 1;
        etd_driver_writable(peer);
    }
    ends_after(WRITE, ETD_CLOSE_WRITE_TIMEOUT, true);
    etd_scene_heard(&scene, "01234");
    end();
}
END_TEST

START_TEST(what_the_peer_acknowledges_restarts_the_write_clock)
{
    begin_echo(_i);
    peer->room = 0;
    etd_scene_say(&scene, "due\n");
    etd_session_unacknowledged(&peer->session, &scene.loop.turn, 1000);
    wait_for(WRITE - 1);
    etd_session_unacknowledged(&peer->session, &scene.loop.turn, 999);
    wait_for(WRITE - 1);
    etd_session_unacknowledged(&peer->session, &scene.loop.turn, 999); /* nothing more */
    ends_after(1, ETD_CLOSE_WRITE_TIMEOUT, true);
    end();
}
END_TEST

START_TEST(what_the_peer_acknowledges_puts_idleness_off)
{
    begin_echo(_i);
    peer->room = 0;
    scene.settings.idle_timeout = WRITE / 2;
    etd_scene_say(&scene, "due\n");
    for (size_t left = 1000; left > 990; left--) {
        etd_session_unacknowledged(&peer->session, &scene.loop.turn, left);
        wait_for(WRITE / 2 - 1);
        ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NONE);
    }
    wait_for(1);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_IDLE_TIMEOUT);
    end();
}
END_TEST

START_TEST(an_empty_try_does_not_restart_the_write_clock)
{
    begin_echo(_i);
    peer->room = 0;
    etd_scene_say(&scene, "due\n");
    for (int i = 0; i < 29; i++) {
        wait_for(WRITE / 30);
        etd_driver_writable(peer); /* a wake-up without room */
    }
    ends_after(WRITE / 30, ETD_CLOSE_WRITE_TIMEOUT, true);
    end();
}
END_TEST

/* The socket took the last send whole and is full; more messages are held, whose answers are not
 * made. Then nothing is due by name, and yet the peer takes nothing. */
START_TEST(held_messages_that_the_socket_has_no_room_for_run_the_write_clock)
{
    begin(_i, &etd_mixed_service);
    peer->sends = 1;
    etd_scene_say(&scene, "one\nr23\nfour\n");
    etd_scene_heard(&scene, "one\n");
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    ends_after(WRITE, ETD_CLOSE_WRITE_TIMEOUT, true);
    end();
}
END_TEST

START_TEST(looking_again_does_not_restart_the_write_clock)
{
    begin(_i, &etd_mixed_service);
    peer->sends = 1;
    etd_scene_say(&scene, "one\nr23\nfour\n");
    peer->room = 0;
    wait_for(WRITE / 2);
    etd_driver_writable(peer); /* now the next answer is made, but not taken */
    ends_after(WRITE / 2, ETD_CLOSE_WRITE_TIMEOUT, true);
    end();
}
END_TEST

/* Closed in order: what is due is sent, the answers to complete messages that are held included. */
START_TEST(idleness_answers_complete_messages_first)
{
    begin(_i, &etd_mixed_service);
    scene.settings.write_timeout = 2 * IDLE;
    peer->sends = 1;
    peer->room = 1;
    etd_scene_say(&scene, "one\nr23\nfour\nfiv");
    wait_for(IDLE);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_IDLE_TIMEOUT);
    ck_assert(!peer->fin && !peer->session.reset);
    peer->room = SIZE_MAX;
    etd_driver_run(peer, etd_bytes(NULL, 0));
    etd_scene_heard(&scene, "one\n32r\nfour\n");
    etd_scene_closed(&scene, ETD_CLOSE_IDLE_TIMEOUT);
    end();
}
END_TEST

START_TEST(who_takes_nothing_of_an_orderly_close_is_reset_at_last)
{
    begin_echo(_i);
    scene.settings.write_timeout = 2 * IDLE;
    peer->room = 0;
    etd_scene_say(&scene, "due\n");
    wait_for(IDLE);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_IDLE_TIMEOUT);
    wait_for(IDLE - 1);
    ck_assert_int_ne(peer->session.state, ETD_SESSION_CLOSED);
    wait_for(1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_CLOSED);
    ck_assert(peer->session.reset);
    end();
}
END_TEST

START_TEST(a_stopped_session_ends_by_the_write_clock_and_not_as_idle)
{
    begin_echo(_i);
    scene.settings.idle_timeout = 1000;
    peer->room = 0;
    etd_scene_say(&scene, "due\n");
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    wait_for(WRITE - 1);
    ck_assert_int_ne(peer->session.state, ETD_SESSION_CLOSED);
    wait_for(1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_CLOSED);
    ck_assert(peer->session.reset);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_SHUTDOWN);
    end();
}
END_TEST

START_TEST(without_a_write_clock_a_close_takes_as_long_as_idleness)
{
    begin_echo(_i);
    scene.settings.write_timeout = 0;
    peer->room = 0;
    etd_scene_say(&scene, "due\n");
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    wait_for(IDLE - 1);
    ck_assert_int_ne(peer->session.state, ETD_SESSION_CLOSED);
    wait_for(1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_CLOSED);
    ck_assert(peer->session.reset);
    end();
}
END_TEST

START_TEST(input_is_thrown_away_for_a_short_while_only)
{
    begin_echo(_i);
    wait_for(IDLE / 2);
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_LINGERING);
    for (int i = 0; i < 9; i++) { /* which no byte extends */
        wait_for(ETD_SESSION_LINGER / 10);
        etd_scene_say(&scene, "more\n");
    }
    wait_for(ETD_SESSION_LINGER / 10 - 1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_LINGERING);
    wait_for(1);
    ck_assert_int_eq(peer->wish, ETD_WISH_CLOSE);
    etd_scene_closed(&scene, ETD_CLOSE_SHUTDOWN);
    end();
}
END_TEST

START_TEST(a_time_out_of_zero_is_off)
{
    begin_echo(_i);
    scene.settings.idle_timeout = 0;
    scene.settings.message_timeout = 0;
    scene.settings.write_timeout = 0;
    has_no_deadline();
    etd_scene_say(&scene, "begun");
    has_no_deadline();
    peer->room = 0;
    etd_scene_say(&scene, "\n");
    has_no_deadline();
    for (int i = 0; i < 10; i++)
        wait_for(ETD_SESSION_TIMEOUT_MAX);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    end();
}
END_TEST

START_TEST(the_longest_time_outs_can_be_told_apart)
{
    begin_echo(_i);
    scene.settings.idle_timeout = ETD_SESSION_TIMEOUT_MAX;
    scene.settings.message_timeout = ETD_SESSION_TIMEOUT_MAX - 1;
    etd_scene_say(&scene, "begun");
    ends_after(ETD_SESSION_TIMEOUT_MAX - 1, ETD_CLOSE_MESSAGE_TIMEOUT, false);
    etd_scene_reopen(&scene);
    ends_after(ETD_SESSION_TIMEOUT_MAX, ETD_CLOSE_IDLE_TIMEOUT, false);
    end();
}
END_TEST

/* What an owner with a lazy wheel leans on: while nothing is held a deadline is only put off. */
START_TEST(an_ordinary_exchange_brings_no_deadline_nearer)
{
    begin_echo(_i);
    etd_tick before, after;
    ck_assert(etd_session_deadline(&peer->session, &before));
    for (int i = 0; i < 100; i++) {
        wait_for(7);
        etd_scene_say(&scene, "ping\n");
        ck_assert_ptr_null(peer->session.holding);
        ck_assert(etd_session_deadline(&peer->session, &after));
        ck_assert(etd_tick_reached(after, before));
        before = after;
    }
    end();
}
END_TEST

START_TEST(looking_early_changes_nothing)
{
    begin_echo(_i);
    wait_for(IDLE - 1);
    struct etd_session before = peer->session;
    etd_session_expire(&peer->session, &scene.loop.turn);
    ck_assert_mem_eq(&before, &peer->session, sizeof before);
    end();
}
END_TEST

#define ADD(test) tcase_add_loop_test(tests, test, 0, STARTS)

Suite *etd_suite(void)
{
    Suite *suite = suite_create("session clocks");
    TCase *tests = tcase_create("idle");
    ADD(who_says_nothing_is_idle);
    ADD(every_message_puts_idleness_off);
    ADD(a_message_without_a_reply_puts_idleness_off);
    ADD(bytes_that_make_no_message_do_not_put_idleness_off);
    ADD(raw_bytes_put_idleness_off);
    ADD(bytes_that_the_peer_takes_put_idleness_off);
    ADD(idleness_answers_complete_messages_first);
    suite_add_tcase(suite, tests);
    tests = tcase_create("message");
    ADD(a_begun_message_has_its_time_however_many_bytes_trickle_in);
    ADD(a_long_message_has_no_more_time_than_a_short_one);
    ADD(each_message_has_a_time_of_its_own);
    ADD(a_message_whose_turn_has_not_come_is_not_late);
    ADD(a_begun_message_waits_while_the_peer_takes_its_replies);
    suite_add_tcase(suite, tests);
    tests = tcase_create("write");
    ADD(who_takes_nothing_is_reset);
    ADD(every_byte_taken_restarts_the_write_clock);
    ADD(what_the_peer_acknowledges_restarts_the_write_clock);
    ADD(what_the_peer_acknowledges_puts_idleness_off);
    ADD(an_empty_try_does_not_restart_the_write_clock);
    ADD(held_messages_that_the_socket_has_no_room_for_run_the_write_clock);
    ADD(looking_again_does_not_restart_the_write_clock);
    ADD(who_takes_nothing_of_an_orderly_close_is_reset_at_last);
    ADD(a_stopped_session_ends_by_the_write_clock_and_not_as_idle);
    ADD(without_a_write_clock_a_close_takes_as_long_as_idleness);
    suite_add_tcase(suite, tests);
    tests = tcase_create("all");
    ADD(input_is_thrown_away_for_a_short_while_only);
    ADD(a_time_out_of_zero_is_off);
    ADD(the_longest_time_outs_can_be_told_apart);
    ADD(an_ordinary_exchange_brings_no_deadline_nearer);
    ADD(looking_early_changes_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
