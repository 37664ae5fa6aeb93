#include "fault/scenario.h"

#include <string.h>

enum { BULK_MAX = 1024 * 1024, LINE = 512 };

static uint8_t bulk_bytes[BULK_MAX];
static uint8_t bulk_lines[BULK_MAX];

static void fill(void)
{
    uint32_t random = 1;
    for (size_t i = 0; i < BULK_MAX; i++) {
        random = random * 1664525 + 1013904223;
        bulk_bytes[i] = (uint8_t)(random >> 24);
        bulk_lines[i] = i % LINE == LINE - 1 ? '\n' : (uint8_t)('a' + (random >> 24) % 26);
    }
}

static struct fault_stream *begin(struct fault_scenario *scenario, const char *name,
                                  struct fault_daemon *daemon, enum fault_listener listener)
{
    struct fault_stream *stream = &scenario->streams[scenario->count++];
    fault_stream_open(stream, name, daemon, listener);
    return stream;
}

static void witness(struct fault_scenario *scenario)
{
    static const struct etd_bytes word = {(const uint8_t *)"I am here", 9};
    fault_stream_exchange(&scenario->streams[0], word, word);
}

/* Sends something to which no answer is due yet. */
static void send_part(struct fault_stream *stream, const char *text)
{
    fault_stream_exchange(stream, etd_bytes_text(text), etd_bytes(NULL, 0));
}

static void echo(struct fault_stream *stream, struct etd_bytes bytes)
{
    fault_stream_exchange(stream, bytes, bytes);
}

static void play_raw(struct fault_stream *stream)
{
    echo(stream, etd_bytes_text("one"));
    echo(stream, etd_bytes(bulk_bytes, 20000));
    fault_stream_finish(stream, true);
}

static void play_line(struct fault_stream *stream)
{
    echo(stream, etd_bytes_text("a\nbb\r\n\nccc\n"));
    send_part(stream, "cut ");
    fault_stream_exchange(stream, etd_bytes_text("in two\nand one more be"),
                          etd_bytes_text("cut in two\n"));
    fault_stream_exchange(stream, etd_bytes_text("gun\nlast"),
                          etd_bytes_text("and one more begun\n"));
    fault_stream_half_close(stream, etd_bytes_text("last"));
    fault_stream_finish(stream, false);
}

static void play_length16(struct fault_stream *stream)
{
    static const uint8_t several[] = {0, 1, 'a', 0, 0, 0, 3, 'b', 'c', 'd', 0, 4, 'c'};
    static const uint8_t rest[] = {'u', 't', '!'};
    static const uint8_t cut[] = {0, 4, 'c', 'u', 't', '!'};
    enum { LONG = 30000 };
    static uint8_t longer[2 + LONG] = {LONG >> 8, LONG & 0xff};
    fault_stream_exchange(stream, etd_bytes(several, sizeof several), etd_bytes(several, 10));
    fault_stream_exchange(stream, etd_bytes(rest, sizeof rest), etd_bytes(cut, sizeof cut));
    memcpy(longer + 2, bulk_bytes, LONG);
    echo(stream, etd_bytes(longer, sizeof longer));
    fault_stream_finish(stream, true);
}

/* The daemon is the one that ends. */
static void play_too_long(struct fault_stream *stream)
{
    fault_stream_exchange(stream, etd_bytes_text("good\n"), etd_bytes_text("good\n"));
    fault_stream_exchange(stream, etd_bytes(bulk_lines, LINE - 1), etd_bytes(NULL, 0));
    fault_stream_exchange(stream, etd_bytes(bulk_lines, LINE - 1), etd_bytes(NULL, 0));
    fault_stream_exchange(stream, etd_bytes(bulk_lines, LINE - 1), etd_bytes(NULL, 0));
    fault_stream_finish(stream, false);
}

static void play_time(struct fault_stream *stream)
{
    fault_stream_exchange(
        stream, etd_bytes_text("what?\n"),
        etd_bytes_text("error: send time? or time? FORMAT, FORMAT one of rfc3339, "
                       "rfc3339_local, unix, unix_ms, unix_us, unix_ns, http\n"));
    fault_stream_finish(stream, true);
}

static bool play_datagrams(const struct fault_daemon *daemon)
{
    return fault_datagram_ask(daemon, FAULT_UDP_TIME, etd_bytes_text("time?"), 10) &&
           fault_datagram_ask(daemon, FAULT_UDP_TIME, etd_bytes_text("time? unix_ms"), 13);
}

void fault_scenario_play(struct fault_scenario *scenario, struct fault_daemon *daemon, size_t bulk)
{
    *scenario = (struct fault_scenario){.count = 0};
    fill();
    begin(scenario, "the witness", daemon, FAULT_RAW);
    witness(scenario);
    play_raw(begin(scenario, "raw", daemon, FAULT_RAW));
    witness(scenario);
    play_line(begin(scenario, "line", daemon, FAULT_LINE));
    play_length16(begin(scenario, "length16", daemon, FAULT_LENGTH16));
    play_too_long(begin(scenario, "too long a line", daemon, FAULT_LINE));
    play_time(begin(scenario, "time", daemon, FAULT_TIME));
    witness(scenario);
    struct fault_stream *stream = begin(scenario, "raw in bulk", daemon, FAULT_RAW);
    fault_stream_press(stream, etd_bytes(bulk_bytes, bulk), etd_bytes(bulk_bytes, bulk));
    fault_stream_finish(stream, true);
    stream = begin(scenario, "lines in bulk", daemon, FAULT_LINE);
    fault_stream_press(stream, etd_bytes(bulk_lines, bulk), etd_bytes(bulk_lines, bulk));
    fault_stream_finish(stream, true);
    witness(scenario);
    scenario->datagrams_answered = play_datagrams(daemon);
    struct fault_stream *waiting = begin(scenario, "one in mid-message", daemon, FAULT_LINE);
    fault_stream_exchange(waiting, etd_bytes_text("done\nbeg"), etd_bytes_text("done\n"));
    witness(scenario);
    fault_daemon_terminate(daemon);
    fault_stream_finish(waiting, false);
    fault_stream_finish(&scenario->streams[0], false);
    fault_daemon_wait(daemon);
}
