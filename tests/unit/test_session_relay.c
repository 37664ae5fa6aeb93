/* Raw bytes in bulk, which the owner moves past the session. */
#include "support/session_scene.h"
#include "support/suite.h"

static struct etd_scene scene;
static struct etd_driver *const peer = &scene.peer;
static uint8_t bulk[40000];

static void begin(void)
{
    for (size_t i = 0; i < sizeof bulk; i++)
        bulk[i] = (uint8_t)(i * 7 + i / 256);
    etd_scene_begin(&scene, ETD_FRAMING_RAW, etd_services[ETD_SERVICE_ECHO]);
    scene.settings.may_relay = true;
    scene.settings.idle_timeout = 60000;
    scene.settings.write_timeout = 30000;
    etd_scene_open(&scene);
}

static void end(void)
{
    etd_scene_end(&scene);
}

/* A read that fills the turn's input: there is more where that came from. */
static void become_bulk(void)
{
    ck_assert_uint_eq(etd_driver_feed(peer, etd_bytes(bulk, sizeof bulk)), ETD_SCENE_INPUT);
    ck_assert(etd_session_relays(&peer->session));
}

/* All that was sent came back, up to here. */
static void heard(size_t size)
{
    ck_assert(etd_bytes_equal(etd_bytes(peer->got, peer->got_size), etd_bytes(bulk, size)));
}

START_TEST(only_a_full_read_of_raw_bytes_makes_bulk)
{
    begin();
    etd_driver_feed(peer, etd_bytes(bulk, ETD_SCENE_INPUT - 1));
    ck_assert(!etd_session_relays(&peer->session));
    etd_driver_feed(peer, etd_bytes(bulk, ETD_SCENE_INPUT));
    ck_assert(etd_session_relays(&peer->session));
    end();
    begin();
    scene.settings.may_relay = false;
    etd_driver_feed(peer, etd_bytes(bulk, ETD_SCENE_INPUT));
    ck_assert(!etd_session_relays(&peer->session));
    end();
    begin();
    scene.settings.framing = etd_framings[ETD_FRAMING_LINE];
    scene.settings.max_message = 1000;
    etd_driver_feed(peer, etd_bytes(bulk, ETD_SCENE_INPUT));
    ck_assert(!etd_session_relays(&peer->session));
    end();
}
END_TEST

START_TEST(what_memory_still_holds_goes_first)
{
    begin();
    peer->room = 10;
    etd_driver_feed(peer, etd_bytes(bulk, ETD_SCENE_INPUT));
    ck_assert(!etd_session_relays(&peer->session));
    peer->room = SIZE_MAX;
    etd_driver_writable(peer);
    ck_assert(etd_session_relays(&peer->session));
    heard(ETD_SCENE_INPUT);
    end();
}
END_TEST

START_TEST(relayed_bytes_count_and_stop_when_the_stream_gets_thin)
{
    begin();
    become_bulk();
    etd_driver_feed(peer, etd_bytes(bulk + 256, 30000));
    ck_assert_uint_eq(peer->session.bytes_in, 30256);
    ck_assert_uint_eq(peer->session.bytes_out, 30256);
    ck_assert_uint_eq(peer->held, 0);
    ck_assert(etd_session_relays(&peer->session));
    etd_driver_feed(peer, etd_bytes(bulk + 30256, 100));
    ck_assert(!etd_session_relays(&peer->session));
    etd_driver_feed(peer, etd_bytes(bulk + 30356, 100)); /* by memory again */
    heard(30456);
    etd_driver_end(peer);
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    end();
}
END_TEST

START_TEST(what_the_socket_does_not_take_is_kept_and_nothing_is_read)
{
    begin();
    become_bulk();
    peer->room = 1000;
    etd_driver_feed(peer, etd_bytes(bulk + 256, 20000));
    ck_assert_uint_eq(etd_session_kept(&peer->session, NULL), 19000);
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    ck_assert_uint_eq(etd_session_room(&peer->session, &scene.loop.turn).size, 0);
    peer->room = 18999;
    etd_driver_writable(peer);
    ck_assert_uint_eq(etd_session_kept(&peer->session, NULL), 1);
    ck_assert_int_eq(peer->wish, ETD_WISH_WRITE);
    peer->room = SIZE_MAX;
    etd_driver_writable(peer);
    ck_assert_int_eq(peer->wish, ETD_WISH_READ);
    ck_assert_uint_eq(peer->held, 0);
    heard(20256);
    end();
}
END_TEST

START_TEST(stop_sends_what_is_kept)
{
    begin();
    become_bulk();
    peer->room = 1000;
    etd_driver_feed(peer, etd_bytes(bulk + 256, 20000));
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    ck_assert(!peer->fin);
    peer->room = SIZE_MAX;
    etd_driver_run(peer, etd_bytes(NULL, 0));
    heard(20256);
    etd_scene_closed(&scene, ETD_CLOSE_SHUTDOWN);
    end();
}
END_TEST

START_TEST(who_takes_nothing_of_what_is_kept_is_reset)
{
    begin();
    become_bulk();
    peer->room = 1000;
    etd_driver_feed(peer, etd_bytes(bulk + 256, 20000));
    for (int i = 0; i < 3; i++) { /* every byte taken restarts the clock */
        etd_driver_wait(&scene.loop, 29999);
        etd_driver_look(peer);
        peer->room = 1;
        etd_driver_writable(peer);
    }
    etd_driver_wait(&scene.loop, 29999);
    etd_driver_look(peer);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    etd_driver_writable(peer); /* without room */
    etd_driver_wait(&scene.loop, 1);
    etd_driver_look(peer);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_WRITE_TIMEOUT);
    ck_assert(peer->session.reset);
    end();
}
END_TEST

START_TEST(a_failed_session_still_tells_where_its_bytes_are)
{
    begin();
    become_bulk();
    peer->room = 0;
    etd_driver_feed(peer, etd_bytes(bulk + 256, 20000));
    etd_driver_fail(peer, ETD_CLOSE_PEER_RESET);
    int keeper = 0;
    ck_assert_uint_eq(etd_session_kept(&peer->session, &keeper), 20000);
    ck_assert_int_eq(keeper, 42);
    end();
}
END_TEST

START_TEST(no_memory_to_note_what_is_kept_resets)
{
    begin();
    become_bulk();
    scene.loop.pool.limit = 0;
    peer->room = 0;
    etd_driver_feed(peer, etd_bytes(bulk + 256, 20000));
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NO_BUFFER);
    ck_assert(peer->session.reset);
    end();
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("session relay");
    TCase *tests = tcase_create("relay");
    tcase_add_test(tests, only_a_full_read_of_raw_bytes_makes_bulk);
    tcase_add_test(tests, what_memory_still_holds_goes_first);
    tcase_add_test(tests, relayed_bytes_count_and_stop_when_the_stream_gets_thin);
    tcase_add_test(tests, what_the_socket_does_not_take_is_kept_and_nothing_is_read);
    tcase_add_test(tests, stop_sends_what_is_kept);
    tcase_add_test(tests, who_takes_nothing_of_what_is_kept_is_reset);
    tcase_add_test(tests, a_failed_session_still_tells_where_its_bytes_are);
    tcase_add_test(tests, no_memory_to_note_what_is_kept_resets);
    suite_add_tcase(suite, tests);
    return suite;
}
