/* A session that awaits a PROXY header: nothing is answered before it, nothing of it is taken for the
 * stream, and who sends none does not stay. The turn's input is smaller than a header here, so that
 * headers are received in both of the ways in which long messages are. */
#include "support/session_scene.h"
#include "support/suite.h"
#include "support/test_services.h"

#include <stdio.h>

enum { IDLE = 60000, MESSAGE = 10000, LIMIT_OF_LINE = 107 };

#define LINE "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TEXT(literal) ((struct etd_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static const struct etd_bytes headers[] = {
    TEXT(LINE),
    TEXT(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb"),
    TEXT("PROXY UNKNOWN\r\n"),
    TEXT(SIGNATURE "\x20\0\0\0"),
};
/* The driver's peer is [::]:7. */
static const char *const sources[] = {"192.0.2.7:56324", "192.0.2.7:56324", "[::]:7", "[::]:7"};
enum { HEADERS = 4 };

static struct etd_scene scene;
static struct etd_driver *const peer = &scene.peer;

static void begin(enum etd_framing_id framing, const struct etd_service *service)
{
    etd_scene_begin(&scene, framing, service);
    scene.settings.proxy_header = true;
    etd_scene_open(&scene);
}

static void begin_echo(void)
{
    begin(ETD_FRAMING_LINE, etd_services[ETD_SERVICE_ECHO]);
}

static void end(void)
{
    etd_scene_end(&scene);
}

static void feed(struct etd_bytes bytes)
{
    etd_driver_run(peer, bytes);
}

static void source_is(const char *expected)
{
    char text[ETD_ADDRESS_TEXT];
    etd_address_format(&peer->session.peer, text);
    ck_assert_str_eq(text, expected);
}

static void wait_for(uint32_t ms)
{
    etd_driver_wait(&scene.loop, ms);
    etd_driver_look(peer);
}

START_TEST(the_header_names_the_source_and_is_not_echoed)
{
    begin_echo();
    feed(headers[_i]);
    etd_scene_heard(&scene, "");
    ck_assert(!peer->session.awaits_header);
    source_is(sources[_i]);
    etd_scene_say(&scene, "hello\n");
    etd_scene_heard(&scene, "hello\n");
    ck_assert_uint_eq(peer->session.messages, 1);
    ck_assert_uint_eq(peer->held, 0);
    end();
}
END_TEST

START_TEST(bytes_behind_the_header_belong_to_the_stream)
{
    uint8_t text[256];
    struct etd_writer writer = etd_writer(text, sizeof text);
    etd_write_bytes(&writer, headers[_i]);
    etd_write_text(&writer, "one\ntwo\nthr");
    begin_echo();
    feed(etd_writer_bytes(&writer));
    etd_scene_heard(&scene, "one\ntwo\n");
    etd_scene_say(&scene, "ee\n");
    etd_scene_heard(&scene, "one\ntwo\nthree\n");
    end();
}
END_TEST

/* The same wherever TCP cuts, and with any input size of the loop. */
START_TEST(it_does_not_matter_where_it_is_cut)
{
    static const size_t inputs[] = {1, 2, 7, 64, 200, ETD_SCENE_INPUT};
    uint8_t text[256];
    struct etd_writer writer = etd_writer(text, sizeof text);
    etd_write_bytes(&writer, headers[_i % HEADERS]);
    etd_write_text(&writer, "one\ntwo\n");
    struct etd_bytes all = etd_writer_bytes(&writer);
    begin_echo();
    scene.loop.turn.input_size = inputs[_i / HEADERS];
    for (size_t first = 0; first <= all.size; first++) {
        for (size_t second = first; second <= all.size; second += 3) {
            etd_scene_reopen(&scene);
            feed(etd_bytes(all.data, first));
            feed(etd_bytes(all.data + first, second - first));
            feed(etd_bytes(all.data + second, all.size - second));
            etd_scene_heard(&scene, "one\ntwo\n");
            source_is(sources[_i % HEADERS]);
            ck_assert_uint_eq(peer->session.bytes_in, all.size);
        }
    }
    end();
}
END_TEST

START_TEST(byte_by_byte)
{
    begin_echo();
    for (size_t i = 0; i < headers[_i].size; i++) {
        ck_assert(peer->session.awaits_header);
        ck_assert_int_eq(peer->wish, ETD_WISH_READ);
        feed(etd_bytes(headers[_i].data + i, 1));
    }
    ck_assert(!peer->session.awaits_header);
    ck_assert_uint_eq(peer->held, 0);
    end();
}
END_TEST

/* Extensions may be longer than the loop's input. */
START_TEST(the_longest_header_is_taken)
{
    static uint8_t text[ETD_PROXY_HEADER_MAX + 4];
    struct etd_writer writer = etd_writer(text, sizeof text);
    etd_write_bytes(&writer,
                    TEXT(SIGNATURE "\x21\x11\x0f\xf0\xc0\0\2\7\xc6\x33\x64\1\xdc\4\1\xbb"));
    memset(writer.at, '\n', etd_writer_left(&writer)); /* of the stream all would be messages */
    memcpy(text + ETD_PROXY_HEADER_MAX, "abc\n", 4);
    begin_echo();
    feed(etd_bytes(text, sizeof text));
    etd_scene_heard(&scene, "abc\n");
    source_is("192.0.2.7:56324");
    ck_assert_uint_lt(peer->most, 3 * ETD_PROXY_HEADER_MAX);
    end();
}
END_TEST

START_TEST(raw_streams_follow_at_once)
{
    begin(ETD_FRAMING_RAW, etd_services[ETD_SERVICE_ECHO]);
    feed(TEXT(LINE "raw bytes"));
    etd_scene_heard(&scene, "raw bytes");
    end();
}
END_TEST

/* Who speaks first does so only when it is known to whom. */
START_TEST(a_greeting_waits_for_the_header)
{
    begin(ETD_FRAMING_LINE, &etd_greeting_service);
    etd_scene_heard(&scene, "");
    feed(TEXT("PROXY TCP4 192.0.2.7 "));
    etd_scene_heard(&scene, "");
    feed(TEXT("198.51.100.1 56324 443\r\nme\n"));
    etd_scene_heard(&scene, "hello\nme\n");
    end();
}
END_TEST

START_TEST(a_service_that_only_tells_does_so_behind_the_header)
{
    begin(ETD_FRAMING_RAW, &etd_telling_service);
    etd_scene_heard(&scene, "");
    feed(TEXT(LINE));
    etd_scene_heard(&scene, "now");
    etd_scene_closed(&scene, ETD_CLOSE_BY_SERVICE);
    end();
}
END_TEST

START_TEST(a_bad_header_closes_unanswered)
{
    static const char *const bad[] = {"hello\n", "PROXY TCP4 1.2.3.4 x\r\nhello\n", "\r\nhello\n",
                                      "PROXY UNKNOWN\nhello\n"};
    begin(ETD_FRAMING_LINE, &etd_greeting_service);
    feed(etd_bytes_text(bad[_i]));
    etd_scene_heard(&scene, "");
    etd_scene_closed(&scene, ETD_CLOSE_BAD_PROXY_HEADER);
    source_is("[::]:7");
    ck_assert_uint_eq(peer->held, 0);
    end();
}
END_TEST

START_TEST(a_line_without_end_is_not_gathered)
{
    char text[LIMIT_OF_LINE + 1];
    memset(text, 'x', LIMIT_OF_LINE);
    memcpy(text, "PROXY UNKNOWN ", 14);
    begin_echo();
    feed(etd_bytes(text, LIMIT_OF_LINE - 1));
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    feed(etd_bytes(text + LIMIT_OF_LINE - 1, 1));
    etd_scene_closed(&scene, ETD_CLOSE_BAD_PROXY_HEADER);
    end();
}
END_TEST

START_TEST(the_end_inside_a_header_is_a_bad_one)
{
    begin_echo();
    feed(etd_bytes(headers[_i].data, headers[_i].size - 1));
    etd_driver_end(peer);
    etd_scene_closed(&scene, ETD_CLOSE_BAD_PROXY_HEADER);
    etd_scene_heard(&scene, "");
    end();
}
END_TEST

/* As checks do that only look whether somebody listens. */
START_TEST(who_comes_and_goes_without_a_byte_did_nothing_wrong)
{
    begin_echo();
    etd_driver_end(peer);
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    end();
}
END_TEST

START_TEST(the_end_right_behind_the_header_is_an_ordinary_one)
{
    begin_echo();
    feed(TEXT(LINE "last"));
    etd_driver_end(peer);
    etd_driver_run(peer, etd_bytes(NULL, 0));
    etd_scene_heard(&scene, "last");
    etd_scene_closed(&scene, ETD_CLOSE_END_OF_INPUT);
    end();
}
END_TEST

START_TEST(a_source_that_is_rejected_hears_nothing)
{
    begin(ETD_FRAMING_LINE, &etd_greeting_service);
    peer->rejects = true;
    feed(TEXT(LINE "hello\n"));
    etd_scene_heard(&scene, "");
    ck_assert_int_eq(peer->session.state, ETD_SESSION_CLOSED);
    ck_assert_int_eq(peer->session.reason, ETD_CLOSE_REJECTED);
    ck_assert_uint_eq(peer->held, 0);
    source_is("192.0.2.7:56324");
    end();
}
END_TEST

/* The clock of the header runs from the beginning, and bytes do not put it off. */
START_TEST(a_header_has_message_timeout_in_all)
{
    begin_echo();
    scene.settings.message_timeout = MESSAGE;
    scene.settings.idle_timeout = IDLE;
    etd_scene_reopen(&scene);
    size_t said = (size_t)_i * 4; /* nothing at all, too */
    for (size_t i = 0; i < said; i++) {
        wait_for(100);
        feed(etd_bytes(headers[0].data + i, 1));
    }
    wait_for(MESSAGE - (uint32_t)said * 100 - 1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    wait_for(1);
    etd_scene_closed(&scene, ETD_CLOSE_MESSAGE_TIMEOUT);
    etd_scene_heard(&scene, "");
    ck_assert_uint_eq(peer->held, 0);
    end();
}
END_TEST

START_TEST(without_message_timeout_it_is_idle)
{
    begin_echo();
    scene.settings.idle_timeout = IDLE;
    etd_scene_reopen(&scene);
    wait_for(IDLE - 1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    feed(etd_bytes(headers[0].data, 5));
    wait_for(1);
    etd_scene_closed(&scene, ETD_CLOSE_IDLE_TIMEOUT);
    end();
}
END_TEST

/* The header's clock does not go on as that of the first message, nor as idleness. */
START_TEST(clocks_begin_anew_behind_the_header)
{
    begin_echo();
    scene.settings.message_timeout = MESSAGE;
    scene.settings.idle_timeout = MESSAGE + MESSAGE / 2;
    etd_scene_reopen(&scene);
    feed(etd_bytes(headers[0].data, 9));
    wait_for(MESSAGE - 1);
    feed(TEXT("4 192.0.2.7 198.51.100.1 56324 443\r\nbegun")); /* and the message with it */
    ck_assert(!peer->session.awaits_header);
    wait_for(MESSAGE - 1);
    ck_assert_int_eq(peer->session.state, ETD_SESSION_OPEN);
    wait_for(1);
    etd_scene_closed(&scene, ETD_CLOSE_MESSAGE_TIMEOUT);
    end();
}
END_TEST

START_TEST(a_stop_does_not_wait_for_the_header)
{
    begin_echo();
    feed(etd_bytes(headers[0].data, (size_t)_i * 9));
    etd_driver_stop(peer, ETD_CLOSE_SHUTDOWN);
    etd_scene_closed(&scene, ETD_CLOSE_SHUTDOWN);
    ck_assert_uint_eq(peer->held, 0);
    end();
}
END_TEST

/* Whichever request for memory fails, it is this session that ends, and nothing is answered. */
START_TEST(want_of_memory_closes)
{
    begin_echo();
    for (uint64_t request = 1;; request++) {
        etd_scene_reopen(&scene);
        scene.loop.memory.requests = 0;
        scene.loop.memory.refuse_at = request;
        for (size_t i = 0; i < headers[1].size && peer->session.state == ETD_SESSION_OPEN; i += 2)
            feed(etd_bytes(headers[1].data + i, 2));
        etd_scene_heard(&scene, "");
        if (scene.loop.memory.requests < request)
            break;
        ck_assert_int_eq(peer->session.reason, ETD_CLOSE_NO_BUFFER);
    }
    ck_assert(!peer->session.awaits_header);
    end();
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("session_header");
    TCase *tests = tcase_create("headers");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_header_names_the_source_and_is_not_echoed, 0, HEADERS);
    tcase_add_loop_test(tests, bytes_behind_the_header_belong_to_the_stream, 0, HEADERS);
    tcase_add_loop_test(tests, it_does_not_matter_where_it_is_cut, 0, 6 * HEADERS);
    tcase_add_loop_test(tests, byte_by_byte, 0, HEADERS);
    tcase_add_test(tests, the_longest_header_is_taken);
    tcase_add_test(tests, raw_streams_follow_at_once);
    tcase_add_test(tests, a_greeting_waits_for_the_header);
    tcase_add_test(tests, a_service_that_only_tells_does_so_behind_the_header);
    tcase_add_loop_test(tests, a_bad_header_closes_unanswered, 0, 4);
    tcase_add_test(tests, a_line_without_end_is_not_gathered);
    tcase_add_loop_test(tests, the_end_inside_a_header_is_a_bad_one, 0, HEADERS);
    tcase_add_test(tests, who_comes_and_goes_without_a_byte_did_nothing_wrong);
    tcase_add_test(tests, the_end_right_behind_the_header_is_an_ordinary_one);
    tcase_add_test(tests, a_source_that_is_rejected_hears_nothing);
    tcase_add_loop_test(tests, a_header_has_message_timeout_in_all, 0, 4);
    tcase_add_test(tests, without_message_timeout_it_is_idle);
    tcase_add_test(tests, clocks_begin_anew_behind_the_header);
    tcase_add_loop_test(tests, a_stop_does_not_wait_for_the_header, 0, 3);
    tcase_add_test(tests, want_of_memory_closes);
    suite_add_tcase(suite, tests);
    return suite;
}
