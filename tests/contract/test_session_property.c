/* However TCP cuts and joins the bytes, and whatever the socket takes at a time, a session gives
 * exactly what a simple model gives for the whole stream: for every framing, with every service that
 * goes with it. ETD_SEED repeats a run. */
#include "support/random.h"
#include "support/require.h"
#include "support/session_driver.h"
#include "support/suite.h"
#include "support/test_services.h"

#include <string.h>

/* Of each service over each framing. Fewer where a sanitizer makes each many times slower. */
#if defined(__has_feature)
#define HAS_SANITIZER __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif
enum { SCHEDULES = HAS_SANITIZER ? 3000 : 30000 };

enum { WIRE = 16384, INPUT = 512, OUTPUT = 1024 };

static const struct etd_service *const test_services[] = {&etd_mixed_service, &etd_greeting_service,
                                                          &etd_telling_service};
enum { SERVICES = ETD_SERVICE_COUNT + sizeof test_services / sizeof *test_services };

static const struct etd_service *service_of(int index)
{
    return index < ETD_SERVICE_COUNT ? etd_services[index]
                                     : test_services[index - ETD_SERVICE_COUNT];
}

/* A stream and what is to come of it. */
struct stream {
    uint8_t wire[WIRE];
    size_t size;
    uint8_t wanted[WIRE * 2];
    size_t wanted_size;
    enum etd_close_reason reason;
    uint64_t messages;
};

static struct stream stream;

static void put(uint8_t *to, size_t *size, struct etd_bytes bytes)
{
    if (bytes.size > 0)
        memcpy(to + *size, bytes.data, bytes.size);
    *size += bytes.size;
}

/* Frames are written here by hand, not by the framing under test. */
static void put_frame(uint8_t *to, size_t *size, enum etd_framing_id framing,
                      struct etd_bytes payload, bool terminated)
{
    uint8_t header[4] = {(uint8_t)(payload.size >> 24), (uint8_t)(payload.size >> 16),
                         (uint8_t)(payload.size >> 8), (uint8_t)payload.size};
    if (framing == ETD_FRAMING_LENGTH16)
        put(to, size, etd_bytes(header + 2, 2));
    if (framing == ETD_FRAMING_LENGTH32)
        put(to, size, etd_bytes(header, 4));
    put(to, size, payload);
    if (framing == ETD_FRAMING_LINE && terminated)
        put(to, size, etd_bytes_text("\n"));
}

/* What the model says on connect; false: it closes. */
static bool model_open(const struct etd_session_settings *settings, enum etd_framing_id framing,
                       const struct etd_clock_reading *clock)
{
    uint8_t reply[256];
    struct etd_writer writer = etd_writer(reply, sizeof reply);
    struct etd_request request = {
        .transport = ETD_TCP, .time_format = settings->time_format, .clock = clock};
    enum etd_verdict verdict = etd_service_open(settings->service, &request, &writer);
    if (writer.at != writer.start)
        put_frame(stream.wanted, &stream.wanted_size, framing, etd_writer_bytes(&writer), true);
    if (verdict == ETD_VERDICT_CLOSE)
        stream.reason = ETD_CLOSE_BY_SERVICE;
    return verdict != ETD_VERDICT_CLOSE;
}

/* The model's answer to one message; false: it closes. */
static bool model_answer(const struct etd_session_settings *settings, enum etd_framing_id framing,
                         const struct etd_clock_reading *clock, struct etd_bytes payload,
                         bool terminated)
{
    uint8_t reply[256];
    struct etd_writer writer = etd_writer(reply, sizeof reply);
    struct etd_request request = {.transport = ETD_TCP,
                                  .payload = payload,
                                  .terminated = terminated && framing == ETD_FRAMING_LINE,
                                  .time_format = settings->time_format,
                                  .clock = clock};
    enum etd_verdict verdict = etd_service_answer(settings->service, &request, &writer);
    struct etd_bytes written = etd_writer_bytes(&writer);
    stream.messages++;
    if (verdict == ETD_VERDICT_SAME)
        put_frame(stream.wanted, &stream.wanted_size, framing, payload, terminated);
    if (verdict == ETD_VERDICT_REPLY || (verdict == ETD_VERDICT_CLOSE && written.size > 0))
        put_frame(stream.wanted, &stream.wanted_size, framing, written, terminated);
    if (verdict == ETD_VERDICT_CLOSE)
        stream.reason = ETD_CLOSE_BY_SERVICE;
    return verdict != ETD_VERDICT_CLOSE;
}

static size_t random_payload(struct etd_random *random, uint8_t *payload, size_t most)
{
    static const char *const texts[] = {"time?", "time? unix_ns\r", "time? http", "rest", "silent",
                                        "n",     "echo\r",          "x"};
    size_t size = (size_t)etd_random_between(random, 0, most);
    for (size_t i = 0; i < size; i++) {
        payload[i] = (uint8_t)etd_random_next(random);
        if (payload[i] == '\n') /* which would end a line */
            payload[i] = 0;
    }
    if (size > 0 && (payload[0] == 'c' || payload[0] == 'q') && !etd_random_once_in(random, 20))
        payload[0] = 'e'; /* few streams end by the service */
    if (etd_random_once_in(random, 2)) {
        const char *text = texts[etd_random_below(random, sizeof texts / sizeof *texts)];
        size = strlen(text) < most ? strlen(text) : most;
        memcpy(payload, text, size);
    }
    return size;
}

/* How the stream ends: behind a message, within one, or by one that is too large. */
static void put_end(struct etd_random *random, const struct etd_session_settings *settings,
                    enum etd_framing_id framing, const struct etd_clock_reading *clock)
{
    uint8_t payload[WIRE / 8];
    size_t limit = settings->max_message, start = stream.size;
    uint64_t kind = etd_random_below(random, 4);
    stream.reason = ETD_CLOSE_END_OF_INPUT;
    if (framing == ETD_FRAMING_RAW || kind < 2)
        return;
    if (kind == 2) {
        size_t size = limit + (size_t)etd_random_between(random, 1, 40);
        memset(payload, 'y', size);
        put_frame(stream.wire, &stream.size, framing, etd_bytes(payload, size), true);
        stream.reason = ETD_CLOSE_MESSAGE_TOO_LARGE;
        return;
    }
    size_t size = random_payload(random, payload, limit);
    if (framing == ETD_FRAMING_LINE && size == 0)
        return;
    put_frame(stream.wire, &stream.size, framing, etd_bytes(payload, size), false);
    if (framing == ETD_FRAMING_LINE) {
        (void)model_answer(settings, framing, clock, etd_bytes(payload, size), false);
        return;
    }
    size_t whole = stream.size - start;
    stream.size = start + (size_t)etd_random_between(random, 1, whole - 1);
    stream.reason = ETD_CLOSE_TRUNCATED_MESSAGE;
}

static void make_stream(struct etd_random *random, const struct etd_session_settings *settings,
                        enum etd_framing_id framing, const struct etd_clock_reading *clock)
{
    stream.size = stream.wanted_size = 0;
    stream.messages = 0;
    stream.reason = ETD_CLOSE_NONE;
    if (!model_open(settings, framing, clock))
        return;
    uint64_t count = etd_random_between(random, 0, 12);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t payload[WIRE / 8];
        size_t most = etd_random_once_in(random, 3) ? settings->max_message : 12;
        most = most < settings->max_message ? most : settings->max_message;
        struct etd_bytes message = etd_bytes(payload, random_payload(random, payload, most));
        put_frame(stream.wire, &stream.size, framing, message, true);
        if (!model_answer(settings, framing, clock, message, true))
            return; /* what follows is not looked at */
    }
    put_end(random, settings, framing, clock);
}

/* What the socket and the owner do in the next turn. */
static void shuffle_socket(struct etd_random *random, struct etd_driver *driver)
{
    driver->sends = (unsigned)etd_random_below(random, 4);
    driver->piece =
        etd_random_once_in(random, 3) ? SIZE_MAX : (size_t)etd_random_between(random, 1, 40);
    driver->room = etd_random_once_in(random, 4)   ? 0
                   : etd_random_once_in(random, 2) ? SIZE_MAX
                                                   : (size_t)etd_random_between(random, 1, 100);
}

static size_t random_chunk(struct etd_random *random, size_t left)
{
    size_t most = (size_t)1 << etd_random_below(random, 12);
    size_t size = (size_t)etd_random_between(random, 1, most);
    return size < left ? size : left;
}

static void play(struct etd_random *random, struct etd_driver_loop *loop,
                 const struct etd_session_settings *settings)
{
    struct etd_driver driver;
    struct etd_bytes wire = etd_bytes(stream.wire, stream.size);
    size_t first = etd_random_once_in(random, 2) ? 0 : random_chunk(random, wire.size + 1) - 1;
    size_t at = etd_driver_open(&driver, loop, settings, etd_bytes(wire.data, first));
    unsigned turns = 0;
    while (driver.wish != ETD_WISH_CLOSE) {
        ETD_REQUIRE(++turns < 1000000);
        shuffle_socket(random, &driver);
        if (driver.wish == ETD_WISH_WRITE || etd_random_once_in(random, 10))
            etd_driver_writable(&driver); /* now and then for nothing */
        else if (at < wire.size)
            at += etd_driver_feed(&driver,
                                  etd_bytes(wire.data + at, random_chunk(random, wire.size - at)));
        else
            etd_driver_end(&driver);
        etd_driver_wait(loop, (uint32_t)etd_random_below(random, 3));
        etd_driver_look(&driver);
    }
    ETD_REQUIRE(driver.fin && !driver.session.reset);
    ETD_REQUIRE(driver.session.reason == stream.reason);
    ETD_REQUIRE(etd_bytes_equal(etd_bytes(driver.got, driver.got_size),
                                etd_bytes(stream.wanted, stream.wanted_size)));
    if (settings->framing->bounded) /* raw messages are what a read gave */
        ETD_REQUIRE(driver.session.messages == stream.messages);
    etd_driver_release(&driver);
}

/* Input and output of a size of their own, that end where the memory does. */
static void begin_loop(struct etd_random *random, struct etd_driver_loop *loop, uint8_t *input,
                       uint8_t *output, const struct etd_session_settings *settings)
{
    static const size_t inputs[] = {1, 2, 7, 33, 128, INPUT};
    size_t in = inputs[etd_random_below(random, sizeof inputs / sizeof *inputs)];
    size_t least = settings->framing->header_size + settings->service->reply_max +
                   settings->framing->trailer_size;
    size_t out = etd_random_once_in(random, 2)
                     ? OUTPUT
                     : least + (size_t)etd_random_below(random, OUTPUT - least + 1);
    etd_driver_loop_init(loop, etd_bytes(input + INPUT - in, in),
                         etd_bytes(output + OUTPUT - out, out));
    loop->turn.now = (etd_tick)etd_random_next(random);
    loop->clock.now = (struct etd_timestamp){.seconds = 1795354415, .nanoseconds = 123456789};
}

START_TEST(any_schedule_gives_what_the_model_gives)
{
    const struct etd_service *service = service_of(_i / ETD_FRAMING_COUNT);
    enum etd_framing_id framing = (enum etd_framing_id)(_i % ETD_FRAMING_COUNT);
    if (!(service->framings & 1 << framing))
        return;
    char name[64];
    snprintf(name, sizeof name, "%s over %s", service->name, etd_framings[framing]->name);
    struct etd_random random = etd_random_begin(name);
    uint8_t *input = malloc(INPUT), *output = malloc(OUTPUT);
    ck_assert(input != NULL && output != NULL);
    static const size_t limits[] = {1, 5, 16, 64, 300, 1500};
    for (int i = 0; i < SCHEDULES; i++) {
        struct etd_session_settings settings = {
            .framing = etd_framings[framing],
            .service = service,
            .may_relay = etd_random_once_in(&random, 2),
            .max_message = limits[etd_random_below(&random, sizeof limits / sizeof *limits)],
            .idle_timeout = 3600000,
            .message_timeout = 3600000,
            .write_timeout = 3600000,
            .time_format = (enum etd_time_format)etd_random_below(&random, ETD_TIME_FORMATS)};
        struct etd_driver_loop loop;
        begin_loop(&random, &loop, input, output, &settings);
        make_stream(&random, &settings, framing, &loop.clock);
        play(&random, &loop, &settings);
        etd_driver_loop_end(&loop);
    }
    free(input);
    free(output);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("session property");
    TCase *tests = tcase_create("schedules");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, any_schedule_gives_what_the_model_gives, 0,
                        SERVICES * ETD_FRAMING_COUNT);
    suite_add_tcase(suite, tests);
    return suite;
}
