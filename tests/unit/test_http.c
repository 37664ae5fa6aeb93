/* The HTTP server by itself, with a real client's socket at the other end. */
#include "platform/http.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TRIES = 2000, PAUSE_US = 1000 };

static const char body[] = "said";
static struct etd_http *http;
static struct sockaddr_in address;
static int listening;
static uint64_t now;

static bool answer(void *context, const struct etd_http_request *request,
                   struct etd_http_answer *given)
{
    ck_assert_ptr_eq(context, &address);
    if (strcmp(request->path, "/nothing") == 0)
        return false;
    given->content_type = "text/plain";
    given->body = etd_bytes_text(body);
    return true;
}

static void begin(void)
{
    socklen_t length = sizeof address;
    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listening, 128), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    now = 1000;
    http = etd_http_open(answer, &address);
    ck_assert_ptr_nonnull(http);
}

static void finish(void)
{
    etd_http_close(http);
    close(listening);
}

/* A client of that address of the loopback network, already let in. */
static int client_from(uint32_t host)
{
    struct sockaddr_in source = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&source, sizeof source), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(etd_http_accept(http, listening, now), ETD_HTTP_ACCEPTED);
    return fd;
}

/* Runs the server until the client has all of its answer; -1: it was cut off. */
static ssize_t heard(int fd, char *text, size_t size)
{
    size_t got = 0;
    for (int i = 0; i < TRIES; i++) {
        ck_assert(etd_http_run(http, now));
        ssize_t one = recv(fd, text + got, size - 1 - got, MSG_DONTWAIT);
        if (one == 0 || (one < 0 && errno == ECONNRESET)) {
            text[got] = '\0';
            return one < 0 ? -1 : (ssize_t)got;
        }
        if (one > 0)
            got += (size_t)one;
        else
            usleep(PAUSE_US);
    }
    ck_abort_msg("no end of the answer");
}

static bool is_open(int fd)
{
    char c;
    for (int i = 0; i < 20; i++) {
        ck_assert(etd_http_run(http, now));
        ssize_t one = recv(fd, &c, 1, MSG_DONTWAIT);
        if (one >= 0 || errno != EAGAIN)
            return false;
        usleep(PAUSE_US);
    }
    return true;
}

static void ask(int fd, const char *path)
{
    char text[128];
    int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    ck_assert_int_eq(send(fd, text, (size_t)size, 0), size);
}

START_TEST(an_answer_and_the_end)
{
    char text[1024];
    int fd = client_from(0);
    ask(fd, "/");
    ck_assert_int_gt(heard(fd, text, sizeof text), 0);
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\nsaid"));
    ck_assert_uint_eq(etd_http_connections(http), 0);
    close(fd);
}
END_TEST

START_TEST(a_request_without_an_answer_is_cut_off_alone)
{
    char text[1024];
    int other = client_from(0), fd = client_from(0);
    ask(fd, "/nothing");
    ck_assert_int_le(heard(fd, text, sizeof text), 0);
    ask(other, "/");
    ck_assert_int_gt(heard(other, text, sizeof text), 0);
    close(fd);
    close(other);
}
END_TEST

/* Bytes that trickle in do not put the end off. */
START_TEST(nobody_outlives_the_lifetime)
{
    uint64_t left;
    int fd = client_from(0);
    ck_assert(etd_http_due(http, now, &left));
    ck_assert_uint_le(left, ETD_HTTP_LIFETIME_MS);
    now += ETD_HTTP_LIFETIME_MS - 1;
    ck_assert_int_eq(send(fd, "GET /", 5, 0), 5);
    ck_assert(is_open(fd));
    now++;
    ck_assert(etd_http_due(http, now, &left));
    ck_assert_uint_eq(left, 0);
    ck_assert(!is_open(fd));
    ck_assert_uint_eq(etd_http_connections(http), 0);
    ck_assert(!etd_http_due(http, now, &left));
    close(fd);
}
END_TEST

START_TEST(a_crowd_pushes_out_its_own_oldest)
{
    int crowd[ETD_HTTP_CONNECTIONS + 5];
    char text[1024];
    int honest = client_from(1);
    for (int i = 0; i < ETD_HTTP_CONNECTIONS + 5; i++) {
        now++;
        crowd[i] = client_from(2);
        ck_assert_uint_le(etd_http_connections(http), ETD_HTTP_CONNECTIONS);
    }
    for (int i = 0; i < ETD_HTTP_CONNECTIONS + 5; i++)
        ck_assert_msg(is_open(crowd[i]) == (i >= 6), "client %d", i);
    ask(honest, "/");
    ck_assert_int_gt(heard(honest, text, sizeof text), 0);
    for (int i = 0; i < ETD_HTTP_CONNECTIONS + 5; i++)
        close(crowd[i]);
    close(honest);
}
END_TEST

/* The server's end of the connection, by its peer's name. */
static int other_end(int client)
{
    struct sockaddr_in wanted, peer;
    socklen_t length = sizeof wanted;
    ck_assert_int_eq(getsockname(client, (struct sockaddr *)&wanted, &length), 0);
    for (int fd = 0; fd < 1024; fd++) {
        length = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && length == sizeof peer &&
            peer.sin_port == wanted.sin_port && peer.sin_addr.s_addr == wanted.sin_addr.s_addr)
            return fd;
    }
    ck_abort_msg("no other end");
}

/* The library would abort the process: a descriptor of its own is not there any more. The copy keeps the
 * kernel telling it of events. */
START_TEST(a_library_that_is_broken_does_not_end_the_process)
{
    int client = client_from(0), taken = other_end(client), copy = dup(taken);
    ck_assert_int_ge(copy, 0);
    ck_assert_int_eq(close(taken), 0);
    ask(client, "/");
    bool sound = true;
    for (int i = 0; i < TRIES && sound; i++) {
        sound = etd_http_run(http, now);
        usleep(PAUSE_US);
    }
    ck_assert_msg(!sound, "the library did not notice");
    ck_assert(!etd_http_run(http, now));
    etd_http_close(http);
    _exit(EXIT_SUCCESS); /* what is given up on purpose is no leak to be found */
}
END_TEST

/* The same when it is found at the end. */
START_TEST(a_library_that_is_broken_can_be_closed)
{
    int client = client_from(0);
    ck_assert_int_eq(close(other_end(client)), 0);
    etd_http_close(http);
    _exit(EXIT_SUCCESS);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("server");
    tcase_add_checked_fixture(tests, begin, finish);
    tcase_add_test(tests, an_answer_and_the_end);
    tcase_add_test(tests, a_request_without_an_answer_is_cut_off_alone);
    tcase_add_test(tests, nobody_outlives_the_lifetime);
    tcase_add_test(tests, a_crowd_pushes_out_its_own_oldest);
    tcase_add_exit_test(tests, a_library_that_is_broken_does_not_end_the_process, EXIT_SUCCESS);
    tcase_add_exit_test(tests, a_library_that_is_broken_can_be_closed, EXIT_SUCCESS);
    suite_add_tcase(suite, tests);
    return suite;
}
