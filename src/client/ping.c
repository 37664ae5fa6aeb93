/* ping: a probe every interval; what became of each is said as it comes about, and the sum at the
 * end. */
#include "client/command.h"
#include "client/exchange.h"
#include "client/loop.h"
#include "client/output.h"
#include "client/ping_answer.h"
#include "client/ping_link.h"
#include "client/ping_report.h"
#include "platform/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct etd_protocol_choice protocols[] = {
    {"echo", ETD_PROTOCOL_ECHO},   {"time", ETD_PROTOCOL_TEXT}, {"ntp", ETD_PROTOCOL_NTP},
    {"stamp", ETD_PROTOCOL_STAMP}, {NULL, ETD_PROTOCOL_COUNT},
};

enum {
    NS_PER_US = 1000,
    US_PER_S = 1000000,
    SETUP_US = 5 * US_PER_S, /* for the name and the connection, where probes may take less */
    TURN = 64,               /* answers that are taken before timers have their turn */
    DATAGRAM_MAX = 65507     /* bytes of UDP's greatest payload over IPv4 */
};

struct ping {
    const struct etd_settings *settings;
    struct etd_target target;
    struct etd_ping_link link;
    struct etd_ping_book book;
    struct etd_ping_report report;
    struct etd_probe probe; /* the run's; of the single ones the book knows */
    struct ev_loop *loop;
    struct etd_stop stop;
    ev_timer sender;
    ev_timer expirer;
    ev_io reader;
    ev_io writer;
    bool owed; /* a probe is due and waits for the one before it to be on its way */
    bool over;
    char error[ETD_COMPLAINT]; /* why it ended before its time; "" otherwise */
};

static bool heard_anything(const struct ping *ping)
{
    const struct etd_ping_book *book = &ping->book;
    return book->received + book->late + book->damaged + book->strays > 0;
}

static bool all_sent(const struct ping *ping)
{
    return ping->settings->count != 0 && ping->book.next > ping->settings->count;
}

/* The only place that starts, stops and sets watchers, from the state as it is. */
static void settle(struct ping *ping)
{
    struct ev_loop *loop = ping->loop;
    const struct etd_ping_probe *oldest = etd_ping_book_oldest(&ping->book);
    ev_timer_stop(loop, &ping->expirer);
    if (all_sent(ping))
        ev_timer_stop(loop, &ping->sender);
    /* Nobody reads it any more, or the disk is full; main says so. */
    if (ferror(stdout))
        ping->over = true;
    if (ping->error[0] != '\0' || (all_sent(ping) && oldest == NULL))
        ping->over = true;
    if (ping->over) {
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    if (oldest != NULL) {
        uint64_t due = oldest->sent.ns + ping->book.timeout, now = etd_clock_monotonic_ns();
        ev_now_update(loop);
        ev_timer_set(&ping->expirer, due > now ? (double)(due - now) / 1e9 : 0., 0.);
        ev_timer_start(loop, &ping->expirer);
    }
    if (etd_ping_link_busy(&ping->link))
        ev_io_start(loop, &ping->writer);
    else
        ev_io_stop(loop, &ping->writer);
}

static void fail(struct ping *ping, const char *doing, int failure)
{
    etd_target_explain(&ping->target, doing, failure, ping->error);
}

static void watch(struct ping *ping)
{
    ev_io_stop(ping->loop, &ping->reader);
    ev_io_stop(ping->loop, &ping->writer);
    ev_io_set(&ping->reader, ping->link.fd, EV_READ);
    ev_io_set(&ping->writer, ping->link.fd, EV_WRITE);
    ev_io_start(ping->loop, &ping->reader);
}

/* Over UDP an address is found to be no good only when nothing comes back from it: then the next one
 * is tried, from the beginning. False: there is none, or this one has answered. */
static bool move_on(struct ping *ping)
{
    char error[ETD_COMPLAINT];
    if (ping->link.tcp || heard_anything(ping) || ping->target.current + 1 == ping->target.count)
        return false;
    ping->target.current++;
    int fd = etd_target_connect(&ping->target, etd_clock_monotonic_us(), error);
    if (fd < 0)
        return false;
    ev_io_stop(ping->loop, &ping->reader);
    ev_io_stop(ping->loop, &ping->writer);
    etd_ping_link_use(&ping->link, fd);
    watch(ping);
    etd_ping_book_begin(&ping->book, ping->settings->timeout_us * NS_PER_US);
    etd_ping_report_begin(&ping->report);
    ev_timer_set(&ping->sender, 0., (double)ping->settings->interval_us / US_PER_S);
    ev_timer_again(ping->loop, &ping->sender);
    ev_feed_event(ping->loop, &ping->sender, EV_TIMER);
    return true;
}

/* The kernel was told that a datagram did not arrive; of which, it does not say. */
static void refused(struct ping *ping, int failure)
{
    struct etd_ping_probe *oldest = etd_ping_book_oldest(&ping->book);
    if (move_on(ping) || oldest == NULL)
        return;
    uint32_t number = oldest->number;
    etd_ping_book_lose(&ping->book, oldest);
    etd_ping_report_lost(&ping->report, number, strerror(failure));
}

static void send_probe(struct ping *ping)
{
    struct etd_clock_reading clock;
    struct etd_probe probe = ping->probe;
    etd_clock_read(&clock);
    ping->probe.quality = probe.quality = clock.quality;
    struct etd_moment now = etd_moment_now();
    probe.sent = now.wall;
    probe.number = etd_ping_book_send(&ping->book, now);
    int failure = etd_ping_link_send(&ping->link, &probe);
    /* The first call after a refusal only reports it. */
    if (failure == ECONNREFUSED && !ping->link.tcp)
        failure = etd_ping_link_send(&ping->link, &probe);
    if (failure == 0)
        return;
    if (ping->link.tcp || failure == EMSGSIZE) {
        fail(ping, "cannot send to", failure);
        return;
    }
    /* A route that is gone may come back, and a full queue drains. */
    struct etd_ping_probe *lost = etd_ping_book_find(&ping->book, probe.number);
    etd_ping_book_lose(&ping->book, lost);
    etd_ping_report_lost(&ping->report, probe.number, strerror(failure));
    (void)move_on(ping);
}

static void on_send(EV_P_ ev_timer *watcher, int revents)
{
    struct ping *ping = watcher->data;
    (void)loop;
    (void)revents;
    if (etd_ping_link_busy(&ping->link))
        ping->owed = true;
    else if (!all_sent(ping))
        send_probe(ping);
    settle(ping);
}

static void on_expire(EV_P_ ev_timer *watcher, int revents)
{
    struct ping *ping = watcher->data;
    uint32_t number;
    (void)loop;
    (void)revents;
    while ((number = etd_ping_book_expire(&ping->book, etd_clock_monotonic_ns())) != 0) {
        if (move_on(ping))
            break;
        etd_ping_report_lost(&ping->report, number, NULL);
    }
    settle(ping);
}

static void on_writable(EV_P_ ev_io *watcher, int revents)
{
    struct ping *ping = watcher->data;
    (void)loop;
    (void)revents;
    int failure = etd_ping_link_flush(&ping->link);
    if (failure != 0)
        fail(ping, "cannot send to", failure);
    if (failure == 0 && ping->owed && !etd_ping_link_busy(&ping->link)) {
        ping->owed = false;
        send_probe(ping);
    }
    settle(ping);
}

static void on_readable(EV_P_ ev_io *watcher, int revents)
{
    struct ping *ping = watcher->data;
    struct etd_bytes payload;
    struct etd_moment came;
    bool cut;
    char place[ETD_PLACE_TEXT];
    (void)loop;
    (void)revents;
    for (int i = 0; i < TURN && ping->error[0] == '\0'; i++) {
        switch (etd_ping_link_next(&ping->link, &payload, &came, &cut)) {
        case ETD_PING_PAYLOAD:
            etd_ping_take(&ping->book, &ping->report, &ping->probe, payload, &came);
            continue;
        case ETD_PING_NOTHING:
            i = TURN;
            continue;
        case ETD_PING_TOO_LONG:
            etd_target_place(&ping->target, place);
            snprintf(ping->error, sizeof ping->error,
                     "%s sent a message longer than any that is due; is --framing the server's?",
                     place);
            continue;
        case ETD_PING_ENDED:
            etd_target_place(&ping->target, place);
            snprintf(ping->error, sizeof ping->error,
                     "%s closed the connection%s; does it serve this protocol, and this client?",
                     place, cut ? " in the middle of an answer" : "");
            continue;
        case ETD_PING_FAILED:
            if (ping->link.tcp)
                fail(ping, "no more answers from", errno);
            else
                refused(ping, errno);
            i = TURN;
        }
    }
    settle(ping);
}

static void on_stop(void *data)
{
    struct ping *ping = data;
    ping->over = true;
    settle(ping);
}

/* What no table of options can check: messages have limits of their own. */
static bool check_size(const struct etd_settings *settings)
{
    const struct etd_framing *framing = etd_framings[settings->framing];
    bool tcp = settings->url.transport == ETD_TCP;
    size_t most = tcp ? framing->payload_max : DATAGRAM_MAX;
    if (settings->protocol != ETD_PROTOCOL_ECHO) {
        if (!etd_option_given(settings, ETD_OPTION_SIZE))
            return true;
        etd_options_misuse(settings->command, "--size is for echo: other questions have their own");
        return false;
    }
    if (settings->size > most) {
        etd_options_misuse(settings->command,
                           "--size %" PRIu64 " is more than %zu bytes, the most "
                           "that %s takes",
                           settings->size, most, tcp ? framing->name : "a datagram");
        return false;
    }
    if (tcp && settings->framing == ETD_FRAMING_RAW && settings->size == 0) {
        etd_options_misuse(settings->command,
                           "--size 0 leaves nothing to send: give --framing, or a size");
        return false;
    }
    return true;
}

static void run_loop(struct ping *ping)
{
    ev_init(&ping->reader, on_readable);
    ev_init(&ping->writer, on_writable);
    ev_timer_init(&ping->sender, on_send, 0., (double)ping->settings->interval_us / US_PER_S);
    ev_init(&ping->expirer, on_expire);
    ping->reader.data = ping->writer.data = ping->sender.data = ping->expirer.data = ping;
    etd_stop_begin(&ping->stop, ping->loop, on_stop, ping);
    watch(ping);
    ev_timer_start(ping->loop, &ping->sender);
    etd_ping_report_begin(&ping->report);
    ev_run(ping->loop, 0);
    etd_stop_end(&ping->stop, ping->loop);
}

static bool open_link(struct ping *ping)
{
    uint64_t wait = ping->settings->timeout_us > SETUP_US ? ping->settings->timeout_us : SETUP_US;
    uint64_t deadline = etd_clock_monotonic_us() + wait;
    if (!etd_target_find(&ping->target, ping->settings, deadline, ping->error) ||
        !etd_probe_begin(&ping->probe, ping->settings, ping->error))
        return false;
    if (!etd_ping_link_begin(&ping->link, ping->settings)) {
        snprintf(ping->error, sizeof ping->error, "there is no memory for messages of that --size");
        return false;
    }
    int fd = etd_target_connect(&ping->target, deadline, ping->error);
    if (fd < 0) {
        etd_ping_link_end(&ping->link);
        return false;
    }
    etd_ping_link_use(&ping->link, fd);
    return true;
}

/* Says what came of it; gives the exit status. */
static int conclude(struct ping *ping)
{
    struct etd_ping_book *book = &ping->book;
    struct etd_ping_probe *probe;
    bool failed = ping->error[0] != '\0';
    /* Nothing comes any more from a connection that is gone. */
    while (failed && (probe = etd_ping_book_oldest(book)) != NULL)
        etd_ping_book_lose(book, probe);
    bool good = !failed && !ping->report.wrong && book->received + book->late > 0;
    if (!failed || book->sent > 0 || ping->settings->json)
        etd_ping_report_end(&ping->report, failed ? ping->error : NULL, good);
    if (failed)
        fprintf(stderr, "echotime: %s\n", ping->error);
    return good ? ETD_EXIT_SUCCESS : ETD_EXIT_FAILURE;
}

static int run(const struct etd_settings *settings)
{
    static struct ping ping; /* all zeros */
    if (!check_size(settings))
        return ETD_EXIT_USAGE;
    ping.settings = settings;
    ping.report = (struct etd_ping_report){.settings = settings,
                                           .target = &ping.target,
                                           .book = &ping.book,
                                           .began = etd_moment_now()};
    etd_ping_book_begin(&ping.book, settings->timeout_us * NS_PER_US);
    if (!open_link(&ping))
        return conclude(&ping);
    ping.loop = etd_client_loop_open();
    if (ping.loop == NULL) {
        etd_ping_link_end(&ping.link);
        return ETD_EXIT_FAILURE;
    }
    run_loop(&ping);
    int status = conclude(&ping);
    ev_loop_destroy(ping.loop);
    etd_ping_link_end(&ping.link);
    return status;
}

const struct etd_command etd_command_ping = {
    .name = "ping",
    .help =
        "send a probe every interval, check every byte that comes back, and tell loss and times",
    .protocols = protocols,
    .options =
        {
            {ETD_OPTION_PROTOCOL, NULL,
             "what to send, else what the port is registered for, or echo"},
            {ETD_OPTION_FRAMING, NULL, "how TCP carries it, else raw for echo, line for time"},
            {ETD_OPTION_COUNT, NULL, "stop after so many probes, else at Ctrl-C"},
            {ETD_OPTION_INTERVAL, "1s", "send a probe so often"},
            {ETD_OPTION_SIZE, "64", "bytes of an echo's message"},
            {ETD_OPTION_TIMEOUT, "1s", "count a probe as lost after so long"},
            {ETD_OPTION_QUIET, NULL, "print the summary alone"},
            {ETD_OPTIONS, NULL, NULL},
        },
    .run = run,
};
