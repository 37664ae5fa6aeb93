/* What every service promises (include/echotimed/service.h): each test runs over the whole table, on
 * each transport that carries the service. */
#include "echotimed/service.h"

#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

#include <stdlib.h>

static const struct etd_service *service_of(int index)
{
    return etd_services[index];
}

static bool is_carried(const struct etd_service *service, enum etd_transport transport)
{
    return transport == ETD_UDP ? service->udp : service->framings != 0;
}

/* Readings of the clock that give texts of every length. */
static struct etd_clock_reading random_reading(struct etd_random *random)
{
    static const int64_t seconds[] = {0, -1, 1795354415, 253402300800, INT64_MIN, INT64_MAX};
    return (struct etd_clock_reading){
        .now = {.seconds = etd_random_once_in(random, 2) ? (int64_t)etd_random_next(random)
                                                         : seconds[etd_random_below(random, 6)],
                .nanoseconds = (uint32_t)etd_random_below(random, 1000000000)},
        .utc_offset = (int32_t)etd_random_between(random, 0, 2 * 86399) - 86399,
        .quality = {.synchronised = etd_random_once_in(random, 2)}};
}

/* A payload as a peer may send it: a query, something near one, or anything. */
static size_t random_payload(struct etd_random *random, uint8_t *payload, size_t room)
{
    static const char *const near[] = {
        "time?",  "time? unix", "time? http\r\n",    "time? rfc3339_local\n",
        "time? ", "TIME?",      "time?\r",           "time",
        "\r\n",   "\n",         "time? unix_ns\r\n", "error: send time?"};
    size_t size = (size_t)etd_random_below(random, room + 1);
    if (etd_random_once_in(random, 10))
        return 0;
    if (etd_random_once_in(random, 3)) {
        for (size_t i = 0; i < size; i++)
            payload[i] = (uint8_t)etd_random_next(random);
        return size;
    }
    const char *text = near[etd_random_below(random, sizeof near / sizeof *near)];
    size_t length = strlen(text);
    size = length < room ? length : room;
    memcpy(payload, text, size);
    if (size > 0 && etd_random_once_in(random, 3))
        payload[etd_random_below(random, size)] = (uint8_t)etd_random_next(random);
    return size;
}

static struct etd_request random_request(struct etd_random *random, enum etd_transport transport,
                                         const struct etd_clock_reading *clock)
{
    return (struct etd_request){
        .transport = transport,
        .terminated = transport == ETD_TCP && etd_random_once_in(random, 2),
        .time_format = (enum etd_time_format)etd_random_below(random, ETD_TIME_FORMATS),
        .require_sync = etd_random_once_in(random, 4),
        .clock = clock};
}

static bool may_answer(enum etd_verdict verdict)
{
    return verdict == ETD_VERDICT_REPLY || verdict == ETD_VERDICT_SAME;
}

START_TEST(rows_are_complete_and_named_apart)
{
    const struct etd_service *service = service_of(_i);
    ck_assert_ptr_nonnull(service);
    ck_assert_uint_gt(strlen(service->name), 0);
    ck_assert_uint_gt(strlen(service->help), 0);
    ck_assert_uint_lt(service->framings, 1 << ETD_FRAMING_COUNT);
    ck_assert(service->framings != 0 || service->udp);
    ck_assert(service->open != NULL || service->answer != NULL);
    for (int i = 0; i < _i; i++)
        ck_assert_str_ne(service->name, service_of(i)->name);
    /* A service that is asked raw bytes sees them cut anywhere: only one that gives them back as they
     * are, or nothing, can be right. One that speaks first has said it all. */
    if (service->framings & 1 << ETD_FRAMING_RAW && service->open == NULL)
        ck_assert_uint_eq(service->reply_max, 0);
}
END_TEST

START_TEST(transports_have_their_names)
{
    ck_assert_str_eq(etd_transport_name(ETD_TCP), "tcp");
    ck_assert_str_eq(etd_transport_name(ETD_UDP), "udp");
}
END_TEST

/* Both payload and reply end at guard pages, and the reply has exactly the room that is promised. */
START_TEST(any_bytes_are_answered_within_bounds_and_always_the_same)
{
    const struct etd_service *service = service_of(_i);
    struct etd_random random = etd_random_begin(service->name);
    struct etd_guard in = etd_guard_make(80), first = etd_guard_make(service->reply_max),
                     again = etd_guard_make(service->reply_max);
    for (int i = 0; i < 100000; i++) {
        enum etd_transport transport = i % 2 ? ETD_TCP : ETD_UDP;
        if (!is_carried(service, transport))
            continue;
        uint8_t payload[80];
        size_t size = random_payload(&random, payload, sizeof payload);
        uint8_t *at = in.data + in.size - size;
        memcpy(at, payload, size);
        struct etd_clock_reading clock = random_reading(&random);
        struct etd_request request = random_request(&random, transport, &clock);
        request.payload = etd_bytes(at, size);

        memset(first.data, 0x55, first.size);
        memset(again.data, 0xaa, again.size);
        struct etd_writer one = etd_writer(first.data, first.size);
        struct etd_writer two = etd_writer(again.data, again.size);
        enum etd_verdict verdict = etd_service_answer(service, &request, &one);
        if (one.failed)
            ck_abort_msg("step %d: the reply is longer than reply_max", i);
        if (etd_service_answer(service, &request, &two) != verdict ||
            !etd_bytes_equal(etd_writer_bytes(&one), etd_writer_bytes(&two)))
            ck_abort_msg("step %d: asked again, it answers something else", i);
        if ((verdict == ETD_VERDICT_SAME || verdict == ETD_VERDICT_SILENT) && one.at != one.start)
            ck_abort_msg("step %d: it wrote, though that is no reply", i);
        if (service->same && verdict != ETD_VERDICT_SAME)
            ck_abort_msg("step %d: it says that every answer is the same, and this is not", i);
        if (memcmp(at, payload, size) != 0)
            ck_abort_msg("step %d: it wrote to the request", i);
    }
    etd_guard_free(&in);
    etd_guard_free(&first);
    etd_guard_free(&again);
}
END_TEST

START_TEST(opening_stays_within_bounds)
{
    const struct etd_service *service = service_of(_i);
    struct etd_random random = etd_random_begin(service->name);
    struct etd_guard out = etd_guard_make(service->reply_max);
    for (int i = 0; i < 1000; i++) {
        struct etd_clock_reading clock = random_reading(&random);
        struct etd_request request = random_request(&random, ETD_TCP, &clock);
        struct etd_writer reply = etd_writer(out.data, out.size);
        enum etd_verdict verdict = etd_service_open(service, &request, &reply);
        ck_assert(!reply.failed);
        bool refused = service->tells_time && request.require_sync && !clock.quality.synchronised;
        if (refused) {
            ck_assert_int_eq(verdict, ETD_VERDICT_CLOSE);
            ck_assert_ptr_eq(reply.at, reply.start);
        } else if (service->open == NULL) {
            ck_assert_int_eq(verdict, ETD_VERDICT_SILENT);
            ck_assert_ptr_eq(reply.at, reply.start);
        } else {
            ck_assert_int_ne(verdict, ETD_VERDICT_SAME); /* there is no payload to give back */
        }
    }
    etd_guard_free(&out);
}
END_TEST

START_TEST(empty_payloads_may_be_null)
{
    const struct etd_service *service = service_of(_i);
    struct etd_clock_reading clock = {.now = {.seconds = 1}};
    struct etd_guard out = etd_guard_make(service->reply_max);
    for (int transport = 0; transport < ETD_TRANSPORT_COUNT; transport++) {
        for (int terminated = 0; terminated < 2; terminated++) {
            struct etd_request request = {.transport = (enum etd_transport)transport,
                                          .terminated = terminated,
                                          .clock = &clock};
            struct etd_writer reply = etd_writer(out.data, out.size);
            (void)etd_service_answer(service, &request, &reply);
            ck_assert(!reply.failed);
        }
    }
    etd_guard_free(&out);
}
END_TEST

START_TEST(require_sync_silences_what_tells_the_time_and_nothing_else)
{
    const struct etd_service *service = service_of(_i);
    uint8_t room[1024];
    for (int synchronised = 0; synchronised < 2; synchronised++) {
        struct etd_clock_reading clock = {.quality = {.synchronised = synchronised}};
        struct etd_request request = {.transport = ETD_TCP,
                                      .payload = etd_bytes_text("time?"),
                                      .require_sync = true,
                                      .clock = service->tells_time ? &clock : NULL};
        struct etd_writer reply = etd_writer(room, service->reply_max);
        enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
        if (service->tells_time && !synchronised) {
            ck_assert_int_eq(verdict, ETD_VERDICT_CLOSE);
            ck_assert_ptr_eq(reply.at, reply.start);
        } else if (service->answer != NULL) {
            ck_assert(may_answer(verdict) || verdict == ETD_VERDICT_SILENT);
        }
    }
}
END_TEST

START_TEST(a_service_without_an_answer_closes)
{
    const struct etd_service mute = {.name = "mute"};
    struct etd_request request = {.transport = ETD_TCP};
    uint8_t room[1];
    struct etd_writer reply = etd_writer(room, 0);
    ck_assert_int_eq(etd_service_answer(&mute, &request, &reply), ETD_VERDICT_CLOSE);
    ck_assert_int_eq(etd_service_open(&mute, &request, &reply), ETD_VERDICT_SILENT);
    ck_assert(!reply.failed);
}
END_TEST

/* Over UDP a sender can be forged: whatever is answered must not be a request to a service, or two
 * of them answer each other for ever. Only echo answers anything; the port rules and the rate limit
 * keep that one from looping. */
static bool would_answer(const struct etd_service *service, struct etd_bytes datagram,
                         const struct etd_clock_reading *clock)
{
    uint8_t room[1024];
    struct etd_request request = {.transport = ETD_UDP, .payload = datagram, .clock = clock};
    struct etd_writer reply = etd_writer(room, service->reply_max);
    return service->udp && may_answer(etd_service_answer(service, &request, &reply));
}

START_TEST(no_answer_is_a_request_to_any_service_but_echo)
{
    const struct etd_service *service = service_of(_i);
    if (!service->udp || service == etd_services[ETD_SERVICE_ECHO])
        return;
    struct etd_random random = etd_random_begin(service->name);
    int answers = 0;
    for (int i = 0; i < 60000; i++) {
        uint8_t payload[80], room[1024];
        size_t size = random_payload(&random, payload, sizeof payload);
        struct etd_clock_reading clock = random_reading(&random);
        struct etd_request request = random_request(&random, ETD_UDP, &clock);
        request.payload = etd_bytes(payload, size);
        struct etd_writer reply = etd_writer(room, service->reply_max);
        enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
        if (!may_answer(verdict))
            continue;
        answers++;
        struct etd_bytes answer =
            verdict == ETD_VERDICT_SAME ? request.payload : etd_writer_bytes(&reply);
        for (size_t other = 0; other < ETD_SERVICE_COUNT; other++) {
            if (other != ETD_SERVICE_ECHO && would_answer(etd_services[other], answer, &clock))
                ck_abort_msg("%s answers what %s would answer: %.*s", service->name,
                             etd_services[other]->name, (int)answer.size,
                             (const char *)answer.data);
        }
    }
    if (service->reply_max > 0)
        ck_assert_int_gt(answers, 1000); /* else nothing was shown */
}
END_TEST

START_TEST(no_datagram_is_answered_by_an_error)
{
    const struct etd_service *service = service_of(_i);
    if (!service->udp || service == etd_services[ETD_SERVICE_ECHO])
        return;
    struct etd_random random = etd_random_begin(service->name);
    for (int i = 0; i < 50000; i++) {
        uint8_t payload[80], room[1024];
        size_t size = random_payload(&random, payload, sizeof payload);
        struct etd_clock_reading clock = random_reading(&random);
        struct etd_request request = {
            .transport = ETD_UDP, .payload = etd_bytes(payload, size), .clock = &clock};
        struct etd_writer reply = etd_writer(room, service->reply_max);
        (void)etd_service_answer(service, &request, &reply);
        struct etd_bytes answer = etd_writer_bytes(&reply);
        if (answer.size >= 5 && memcmp(answer.data, "error", 5) == 0)
            ck_abort_msg("step %d: an error was sent to an address that may be forged", i);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("service");
    TCase *tests = tcase_create("every service");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, rows_are_complete_and_named_apart, 0, ETD_SERVICE_COUNT);
    tcase_add_test(tests, transports_have_their_names);
    tcase_add_loop_test(tests, any_bytes_are_answered_within_bounds_and_always_the_same, 0,
                        ETD_SERVICE_COUNT);
    tcase_add_loop_test(tests, opening_stays_within_bounds, 0, ETD_SERVICE_COUNT);
    tcase_add_loop_test(tests, empty_payloads_may_be_null, 0, ETD_SERVICE_COUNT);
    tcase_add_loop_test(tests, require_sync_silences_what_tells_the_time_and_nothing_else, 0,
                        ETD_SERVICE_COUNT);
    tcase_add_test(tests, a_service_without_an_answer_closes);
    tcase_add_loop_test(tests, no_answer_is_a_request_to_any_service_but_echo, 0,
                        ETD_SERVICE_COUNT);
    tcase_add_loop_test(tests, no_datagram_is_answered_by_an_error, 0, ETD_SERVICE_COUNT);
    suite_add_tcase(suite, tests);
    return suite;
}
