/* A call that fails in a reload is done without, or the whole reload is refused: then everything is as
 * it was, and the next one succeeds. In neither case is a connection felt to change. */
#include "fault/stream.h"
#include "fault/sweep.h"
#include "support/suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The order in which they are bound, the last ones by the reload, perhaps more than once. */
enum { STAYING, GOING };
enum { COMING_FROM_END = 2, METRICS_FROM_END = 1 };

static const char before[] = "[tcp]\nlisten = 127.0.0.1:0\n"
                             "[tcp going]\nlisten = 0.0.0.0:0\n"
                             "[udp]\nlisten = 127.0.0.1:0\n";
static const char behind[] = "[daemon]\nmax_connections = 50000\nmetrics_listen = 127.0.0.1:0\n"
                             "[tcp]\nlisten = 127.0.0.1:0\nbacklog = 9\ncongestion_control = reno\n"
                             "max_connections_per_source = 30\nallow = 127.0.0.0/8\n"
                             "[udp]\nlisten = 127.0.0.1:0\nservice = stamp\nstamp_mode = stateful\n"
                             "[udp coming]\nlisten = 127.0.0.1:0\nservice = ntp\n"
                             "[tcp coming]\nlisten = 127.0.0.1:0\nframing = line\n";

static const struct fault_sweep sweeps[] = {
    {FAULT_SOCKET, 0, FAULT_ERRORS(EMFILE, ENFILE, ENOBUFS, ENOMEM)},
    {FAULT_BIND, 0, FAULT_ERRORS(EACCES, EADDRINUSE, ENOMEM)},
    {FAULT_LISTEN, 0, FAULT_ERRORS(EADDRINUSE, ENOTSOCK)},
    {FAULT_SETSOCKOPT, 0, FAULT_ERRORS(ENOMEM, ENOPROTOOPT, EPERM)},
    {FAULT_GETSOCKOPT, 0, FAULT_ERRORS(ENOBUFS, ENOPROTOOPT)},
    {FAULT_GETSOCKNAME, 0, FAULT_ERRORS(ENOBUFS)},
    {FAULT_EPOLL_CTL, 0, FAULT_ERRORS(ENOMEM, ENOSPC)},
    {FAULT_READ, 0, FAULT_ERRORS(EIO, EISDIR)},
    {FAULT_ALLOCATION, 0, FAULT_ERRORS(ENOMEM)},
};

static char path[] = "/tmp/echotimed-fault-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void make_file(void)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_file(void)
{
    unlink(path);
}

static unsigned count(const char *text, const char *part)
{
    unsigned found = 0;
    while ((text = strstr(text, part)) != NULL) {
        found++;
        text++;
    }
    return found;
}

/* Reloads, and gives whether that was taken. */
static bool reload(const struct fault_daemon *daemon)
{
    unsigned good = count(fault_daemon_log(daemon), "reloaded:");
    unsigned bad = count(fault_daemon_log(daemon), "reload refused:");
    struct pollfd wait = {.fd = daemon->process, .events = POLLIN};
    fault_daemon_reload(daemon);
    for (int ms = 0; ms < FAULT_DEADLINE_MS; ms++) {
        if (count(fault_daemon_log(daemon), "reloaded:") > good)
            return true;
        if (count(fault_daemon_log(daemon), "reload refused:") > bad)
            return false;
        ck_assert_msg(poll(&wait, 1, 1) == 0, "it ended\n%s", fault_daemon_log(daemon));
    }
    ck_abort_msg("a reload comes to no end\n%s", fault_daemon_log(daemon));
}

/* A connection that the failing call was for may feel it; the next one does not. */
static bool was_hit(const struct fault_daemon *daemon, const struct fault_stream *stream)
{
    return stream->port != 0 && daemon->report->hit == stream->port;
}

static enum fault_end ask(const struct fault_daemon *daemon, unsigned listener)
{
    const struct etd_bytes word = etd_bytes_text("word\n");
    struct fault_stream stream;
    do {
        fault_stream_open(&stream, "asked", daemon, (enum fault_listener)listener);
        fault_stream_exchange(&stream, word, word);
        fault_stream_finish(&stream, true);
    } while (stream.end != FAULT_COMPLETE && was_hit(daemon, &stream));
    return stream.end;
}

static enum fault_end ask_last(const struct fault_daemon *daemon, unsigned from_end)
{
    return ask(daemon, daemon->report->bound_count - from_end);
}

/* Whether metrics say that it serves. Who asks may be hit by the failing call, and then asks again. */
static bool is_healthy(const struct fault_daemon *daemon)
{
    static const char question[] = "GET /healthz HTTP/1.0\r\n\r\n";
    unsigned last = daemon->report->bound_count - METRICS_FROM_END;
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(fault_daemon_port(daemon, (enum fault_listener)last)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int tries = 0; tries < 3; tries++) {
        char answer[1024] = "";
        const struct timeval patience = {.tv_sec = FAULT_DEADLINE_MS / 1000};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
        bool asked = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                     send(fd, question, sizeof question - 1, MSG_NOSIGNAL) > 0 &&
                     recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 0;
        close(fd);
        if (asked && strstr(answer, " 200 OK\r\n") != NULL)
            return true;
    }
    return false;
}

#define REQUIRE(daemon, condition)                                                                 \
    ck_assert_msg(condition, "%s failing with %s at %u: not so: %s\n%s",                           \
                  fault_call_name((daemon)->plan.call), strerrorname_np((daemon)->plan.error),     \
                  (daemon)->plan.at, #condition, fault_daemon_log(daemon))

/* Gives whether anything failed. */
static bool run(const struct fault_plan *plan)
{
    const struct etd_bytes word = etd_bytes_text("word");
    struct fault_daemon daemon;
    struct fault_stream witness;
    write_file(before);
    fault_daemon_start(&daemon, plan);
    if (!daemon.serves) { /* the call was one of the start: that has a test of its own */
        fault_daemon_wait(&daemon);
        fault_daemon_free(&daemon);
        return true;
    }
    bool at_start = daemon.report->fired > 0;
    fault_stream_open(&witness, "the witness", &daemon, (enum fault_listener)STAYING);
    fault_stream_exchange(&witness, word, word);
    write_file(behind);
    bool good = reload(&daemon);
    unsigned fired = daemon.report->fired;
    fault_stream_exchange(&witness, word, word);
    REQUIRE(&daemon, ask(&daemon, STAYING) == FAULT_COMPLETE);
    REQUIRE(&daemon, ask(&daemon, GOING) == (good ? FAULT_REFUSED : FAULT_COMPLETE));
    REQUIRE(&daemon, good || fired > 0);
    if (!good) {
        REQUIRE(&daemon, fault_datagram_ask(&daemon, (enum fault_listener)2,
                                            etd_bytes_text("time? unix"), 10));
        REQUIRE(&daemon, reload(&daemon));
    }
    REQUIRE(&daemon, ask_last(&daemon, COMING_FROM_END) == FAULT_COMPLETE);
    REQUIRE(&daemon, ask(&daemon, GOING) == FAULT_REFUSED);
    REQUIRE(&daemon, is_healthy(&daemon));
    fault_stream_exchange(&witness, word, word);
    fault_stream_finish(&witness, true);
    REQUIRE(&daemon, witness.end == FAULT_COMPLETE || was_hit(&daemon, &witness));
    fired = daemon.report->fired;
    fault_daemon_terminate(&daemon);
    fault_daemon_wait(&daemon);
    fault_judge_end(&daemon, FAULT_UNFELT);
    fault_daemon_free(&daemon);
    return fired > 0 || at_start;
}

/* How many calls the start makes: those behind are the reload's, and its load's. */
static unsigned calls_at_start(enum fault_call call)
{
    struct fault_plan plan = {.config = path};
    struct fault_daemon daemon;
    write_file(before);
    fault_daemon_start(&daemon, &plan);
    ck_assert(daemon.serves);
    unsigned calls = daemon.report->calls[call];
    fault_daemon_terminate(&daemon);
    fault_daemon_wait(&daemon);
    fault_daemon_free(&daemon);
    return calls;
}

START_TEST(a_failing_call_is_done_without_or_refuses_the_whole_reload)
{
    const struct fault_sweep *sweep = &sweeps[_i];
    unsigned first = calls_at_start(sweep->call);
    for (const int *error = sweep->errors; *error != 0; error++) {
        struct fault_plan plan = {
            .call = sweep->call, .error = *error, .count = 1, .at = first, .config = path};
        do
            plan.at++;
        while (run(&plan));
        ck_assert_uint_gt(plan.at, first + 1);
    }
}
END_TEST

/* A reload during a pause neither ends that too early nor makes it last. */
START_TEST(accepting_that_pauses_goes_on_behind_a_reload)
{
    const struct etd_bytes word = etd_bytes_text("word");
    struct fault_plan plan = {
        .call = FAULT_ACCEPT4, .error = EMFILE, .at = 1, .count = 1000000, .config = path};
    struct fault_daemon daemon;
    struct fault_stream waiting;
    write_file(before);
    fault_daemon_start(&daemon, &plan);
    ck_assert(daemon.serves);
    int64_t begin = fault_now_ms();
    fault_stream_open(&waiting, "waiting", &daemon, (enum fault_listener)STAYING);
    fault_stream_exchange(&waiting, word, etd_bytes(NULL, 0));
    fault_daemon_await(&daemon, &daemon.report->fired, 1);
    write_file(behind);
    REQUIRE(&daemon, reload(&daemon));
    /* Asked once in a pause, and not each time that the loop comes round. */
    unsigned asked = daemon.report->fired;
    REQUIRE(&daemon, asked <= 2 + (fault_now_ms() - begin) / FAULT_PAUSE_MS);
    fault_daemon_await(&daemon, &daemon.report->fired, 3);
    daemon.report->lifted = true;
    fault_stream_exchange(&waiting, etd_bytes(NULL, 0), word);
    fault_stream_finish(&waiting, true);
    REQUIRE(&daemon, waiting.end == FAULT_COMPLETE);
    REQUIRE(&daemon, ask_last(&daemon, COMING_FROM_END) == FAULT_COMPLETE);
    fault_daemon_terminate(&daemon);
    fault_daemon_wait(&daemon);
    fault_judge_end(&daemon, FAULT_UNFELT);
    fault_daemon_free(&daemon);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("fault/reload_calls");
    TCase *tcase = tcase_create("calls");
    tcase_add_checked_fixture(tcase, make_file, remove_file);
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, a_failing_call_is_done_without_or_refuses_the_whole_reload, 0,
                        sizeof sweeps / sizeof sweeps[0]);
    tcase_add_test(tcase, accepting_that_pauses_goes_on_behind_a_reload);
    suite_add_tcase(suite, tcase);
    return suite;
}
