/* A session whose owner, socket, clock and memory do whatever the input says. The driver checks every
 * promise of the session; and what the peer hears is what it would hear in one piece, or where the
 * session ended early the beginning of that.
 *
 * Input: six bytes of settings, then commands, each a byte and its argument. */
#include "fuzz/fuzz.h"
#include "support/require.h"
#include "support/session_driver.h"
#include "support/test_services.h"

enum { INPUT_MOST = 256, OUTPUT_MOST = 512, SAID_MOST = 1 << 16 };

/* The bytes that drive it all. */
struct program {
    const uint8_t *at;
    const uint8_t *end;
};

static uint8_t next(struct program *program)
{
    return program->at < program->end ? *program->at++ : 0;
}

/* What the session was given while it still listened. */
struct said {
    uint8_t *bytes;
    size_t size;
};

/* The real ones stand behind those of the tests: a new row leaves the seeds what they were. */
static const struct etd_service *choose_service(uint8_t choice)
{
    static const struct etd_service *const ours[] = {&etd_mixed_service, &etd_greeting_service,
                                                     &etd_telling_service};
    enum { OURS = sizeof ours / sizeof *ours };
    choice %= OURS + ETD_SERVICE_COUNT;
    return choice < OURS ? ours[choice] : etd_services[choice - OURS];
}

static struct etd_session_settings choose_settings(struct program *program)
{
    static const size_t limits[] = {1, 2, 16, 64, 300, 2000, 1 << 20, 1 << 30};
    static const uint32_t timeouts[] = {0, 1, 50, 1000};
    uint8_t choice = next(program);
    const struct etd_service *service = choose_service(choice % 128);
    uint8_t framing = next(program) % ETD_FRAMING_COUNT, times = next(program);
    while (!(service->framings & 1 << framing))
        framing = (uint8_t)((framing + 1) % ETD_FRAMING_COUNT);
    return (struct etd_session_settings){
        .framing = etd_framings[framing],
        .service = service,
        .may_relay = choice >= 128,
        .max_message = limits[next(program) % 8],
        .idle_timeout = timeouts[times % 4],
        .message_timeout = timeouts[times / 4 % 4],
        .write_timeout = timeouts[times / 16 % 4],
        .require_sync = times / 64 % 4 == 3,
        .proxy_header = times / 64 % 4 == 2,
    };
}

/* Room that ends where its memory does. */
static struct etd_bytes lend(uint8_t *memory, size_t most, size_t size)
{
    return etd_bytes(memory + most - size, size);
}

static void feed(struct etd_driver *driver, struct program *program, struct said *said)
{
    size_t size = next(program), left = (size_t)(program->end - program->at);
    size = size < left ? size : left;
    const uint8_t *bytes = program->at;
    program->at += size;
    if (driver->wish != ETD_WISH_READ || driver->session.input_ended)
        return;
    bool listens = driver->session.state == ETD_SESSION_OPEN;
    if (said->size + size > SAID_MOST)
        return;
    size_t taken = etd_driver_feed(driver, etd_bytes(bytes, size));
    if (!listens || taken == 0)
        return;
    memcpy(said->bytes + said->size, bytes, taken);
    said->size += taken;
}

static void obey(struct etd_driver *driver, struct program *program, struct said *said)
{
    struct etd_driver_loop *loop = driver->loop;
    uint8_t command = next(program);
    switch (command % 16) {
    case 0:
        driver->room = next(program);
        break;
    case 1:
        driver->room = SIZE_MAX;
        break;
    case 2:
        driver->piece = 1 + (size_t)next(program);
        break;
    case 3:
        driver->sends = next(program) % 5;
        break;
    case 4:
        etd_driver_wait(loop, (uint32_t)next(program) << command / 16);
        etd_driver_look(driver);
        break;
    case 5:
        if (driver->wish == ETD_WISH_READ && !driver->session.input_ended)
            etd_driver_end(driver);
        break;
    case 6:
        if (next(program) % 4 == 0)
            etd_driver_stop(driver, ETD_CLOSE_SHUTDOWN);
        break;
    case 7:
        if (next(program) % 8 == 0)
            etd_driver_fail(driver, ETD_CLOSE_PEER_RESET);
        break;
    case 8:
        loop->memory.refuse_at = loop->memory.requests + 1 + next(program) % 8;
        break;
    case 9:
        loop->pool.limit = (uint64_t)next(program) << command / 16;
        break;
    case 10:
        etd_session_unacknowledged(&driver->session, &loop->turn, next(program));
        break;
    case 11:
    case 12:
        etd_driver_writable(driver);
        break;
    default:
        feed(driver, program, said);
        break;
    }
}

/* Lets the session come to its end, with a socket that takes everything. */
static void finish(struct etd_driver *driver)
{
    driver->room = driver->piece = SIZE_MAX;
    driver->sends = 16;
    etd_driver_run(driver, etd_bytes(NULL, 0));
    /* Once more, where the first time there was no memory to see the end in. */
    for (int i = 0; i < 2 && driver->wish == ETD_WISH_READ; i++) {
        etd_driver_end(driver);
        etd_driver_run(driver, etd_bytes(NULL, 0));
    }
    ETD_REQUIRE(driver->wish == ETD_WISH_CLOSE);
}

/* The same bytes in one piece, with nothing in the way. */
static void compare(const struct etd_driver *driver, const struct said *said, uint8_t *input,
                    uint8_t *output)
{
    struct etd_session_settings settings = *driver->session.settings;
    settings.may_relay = false;
    settings.idle_timeout = settings.message_timeout = settings.write_timeout = 0;
    struct etd_driver_loop loop;
    struct etd_driver whole;
    etd_driver_loop_init(&loop, etd_bytes(input, INPUT_MOST), etd_bytes(output, OUTPUT_MOST));
    loop.clock = driver->loop->clock;
    etd_driver_open(&whole, &loop, &settings, etd_bytes(NULL, 0));
    etd_driver_run(&whole, etd_bytes(said->bytes, said->size));
    finish(&whole);
    ETD_REQUIRE(driver->got_size <= whole.got_size);
    ETD_REQUIRE(etd_bytes_equal(etd_bytes(driver->got, driver->got_size),
                                etd_bytes(whole.got, driver->got_size)));
    uint8_t reason = driver->session.reason;
    bool in_order = reason == ETD_CLOSE_END_OF_INPUT || reason == ETD_CLOSE_BY_SERVICE ||
                    reason == ETD_CLOSE_MESSAGE_TOO_LARGE ||
                    reason == ETD_CLOSE_TRUNCATED_MESSAGE || reason == ETD_CLOSE_BAD_PROXY_HEADER;
    if (in_order && !driver->session.reset)
        ETD_REQUIRE(driver->got_size == whole.got_size && reason == whole.session.reason);
    etd_driver_release(&whole);
    etd_driver_loop_end(&loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 6)
        return 0;
    struct program program = {.at = data, .end = data + size};
    struct etd_session_settings settings = choose_settings(&program);
    size_t input_size = 1 + (size_t)next(&program);
    size_t least = settings.framing->header_size + settings.service->reply_max +
                   settings.framing->trailer_size;
    size_t output_size = least + (size_t)next(&program);
    uint8_t *input = malloc(INPUT_MOST), *output = malloc(OUTPUT_MOST);
    struct said said = {.bytes = malloc(SAID_MOST)};
    ETD_REQUIRE(input != NULL && output != NULL && said.bytes != NULL);
    ETD_REQUIRE(output_size <= OUTPUT_MOST);

    struct etd_driver_loop loop;
    struct etd_driver driver;
    etd_driver_loop_init(&loop, lend(input, INPUT_MOST, input_size),
                         lend(output, OUTPUT_MOST, output_size));
    loop.clock.now = (struct etd_timestamp){.seconds = 1795354415, .nanoseconds = 123456789};
    loop.turn.now = (etd_tick)-500;
    etd_driver_open(&driver, &loop, &settings, etd_bytes(NULL, 0));
    while (program.at < program.end && driver.wish != ETD_WISH_CLOSE)
        obey(&driver, &program, &said);
    finish(&driver);
    compare(&driver, &said, input, output);
    etd_driver_release(&driver);
    etd_driver_loop_end(&loop);
    free(said.bytes);
    free(input);
    free(output);
    return 0;
}
