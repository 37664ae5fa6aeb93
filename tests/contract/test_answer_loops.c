/* No answer of any service but echo is a request to any service: two servers cannot be made to talk
 * to each other, whatever an attacker sends to one of them in the other's name.
 *
 * The attacker here chooses the bytes and the length of the first datagram, knows the formats, and
 * tries old answers again; the clocks, the settings and the sessions of both servers are any. */
#include "echotimed/ntp_time.h"
#include "echotimed/service.h"
#include "echotimed/stamp_sessions.h"

#include "support/random.h"
#include "support/suite.h"

#include <inttypes.h>

enum { DATAGRAM = 65507, HOSTILE = 200, OLD_ANSWERS = 64 };

/* One server, with the surroundings of one request. */
struct server {
    struct etd_clock_reading clock;
    struct etd_time_settings times;
    struct etd_stamp_session session;
    struct etd_request request;
    uint8_t room[DATAGRAM];
};

static struct server first, second;

static struct {
    uint8_t bytes[OLD_ANSWERS][HOSTILE];
    size_t sizes[OLD_ANSWERS];
    size_t count;
} old;

/* Any time, the ends of time, and those at which the wire formats have a zero or wrap. */
static struct etd_timestamp any_time(struct etd_random *random)
{
    static const int64_t seconds[] = {0,          -1,        1795354415,  253402300800,
                                      INT64_MIN,  INT64_MAX, -2208988800, /* NTP's era 0 begins */
                                      2085978496,                         /* era 1 */
                                      2085978495};
    int64_t instant = etd_random_once_in(random, 2) ? (int64_t)etd_random_next(random)
                                                    : seconds[etd_random_below(random, 9)];
    if (etd_random_once_in(random, 4))
        return (struct etd_timestamp){.seconds = instant};
    return (struct etd_timestamp){.seconds = instant,
                                  .nanoseconds = (uint32_t)etd_random_below(random, 1000000000)};
}

static void set_up(struct etd_random *random, struct server *server)
{
    server->clock =
        (struct etd_clock_reading){.now = any_time(random),
                                   .utc_offset = (int32_t)etd_random_below(random, 172799) - 86399,
                                   .quality = {.synchronised = etd_random_once_in(random, 2),
                                               .max_error_us = (uint32_t)etd_random_next(random),
                                               .leap = (enum etd_leap)etd_random_below(random, 3)}};
    server->times =
        (struct etd_time_settings){.ntp_stratum = (uint8_t)etd_random_between(random, 1, 15),
                                   .stamp_tlvs = etd_random_once_in(random, 2)};
    for (size_t i = 0; i < ETD_NTP_REFID; i++)
        server->times.ntp_refid[i] = (uint8_t)etd_random_next(random);
    server->session = (struct etd_stamp_session){.sequence = (uint32_t)etd_random_next(random),
                                                 .transmitted = etd_random_next(random)};
    server->request = (struct etd_request){
        .transport = ETD_UDP,
        .time_format = (enum etd_time_format)etd_random_below(random, ETD_TIME_FORMATS),
        .clock = &server->clock,
        .times = &server->times,
        .received = etd_random_once_in(random, 2) ? server->clock.now : any_time(random),
        .ttl = (uint8_t)(etd_random_once_in(random, 4) ? 0 : etd_random_next(random)),
        .class_kept = etd_random_once_in(random, 2),
        .traffic_class = (uint8_t)etd_random_next(random),
        .stamp_session = etd_random_once_in(random, 2) ? &server->session : NULL};
}

/* The answer; false: none. */
static bool ask(struct server *server, const struct etd_service *service, struct etd_bytes datagram,
                struct etd_bytes *answer)
{
    server->request.payload = datagram;
    struct etd_writer reply = etd_writer(server->room, service->reply_max);
    enum etd_verdict verdict = etd_service_answer(service, &server->request, &reply);
    *answer = verdict == ETD_VERDICT_SAME ? datagram : etd_writer_bytes(&reply);
    return verdict == ETD_VERDICT_REPLY || verdict == ETD_VERDICT_SAME;
}

static void put_text(uint8_t *bytes, size_t *size, const char *text)
{
    *size = strlen(text);
    memcpy(bytes, text, *size);
}

/* The first datagram. */
static size_t hostile(struct etd_random *random, uint8_t bytes[HOSTILE])
{
    static const uint8_t sizes[] = {0, 4, 13, 14, 16, 26, 41, 43, 44, 45, 47, 48, 49, 52, 68, 72};
    static const char *const texts[] = {"time?", "time? http\r\n", "time? unix_ns\n",
                                        "time? rfc3339_local\r\n", "time? rfc3339"};
    static const uint8_t fills[] = {0, 0, 0xff, ' ', '1', 1};
    size_t size = etd_random_once_in(random, 2) ? sizes[etd_random_below(random, sizeof sizes)]
                                                : (size_t)etd_random_below(random, HOSTILE + 1);
    memset(bytes, fills[etd_random_below(random, sizeof fills)], HOSTILE);
    uint64_t kind = etd_random_below(random, 5);
    if (kind == 0) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)etd_random_next(random);
    } else if (kind == 1) {
        put_text(bytes, &size, texts[etd_random_below(random, sizeof texts / sizeof *texts)]);
    } else if (kind == 2 && old.count > 0) {
        size_t which = (size_t)etd_random_below(random, old.count);
        memcpy(bytes, old.bytes[which], HOSTILE);
        size = etd_random_once_in(random, 2) ? old.sizes[which] : size;
    } else if (kind == 3) {
        size -= size % 4;
        bytes[0] = (uint8_t)(etd_random_below(random, 8) << 3 | 3); /* a client of NTP */
        return size;
    }
    if (etd_random_once_in(random, 2) && size > 0) /* NTP's version and mode */
        bytes[0] = (uint8_t)etd_random_next(random);
    for (uint64_t changes = etd_random_below(random, 4); changes > 0 && size > 0; changes--)
        bytes[etd_random_below(random, size)] =
            (uint8_t)(etd_random_once_in(random, 2) ? 0 : etd_random_next(random));
    return size;
}

static void remember(struct etd_random *random, struct etd_bytes answer)
{
    size_t which =
        old.count < OLD_ANSWERS ? old.count++ : (size_t)etd_random_below(random, OLD_ANSWERS);
    old.sizes[which] = answer.size < HOSTILE ? answer.size : HOSTILE;
    if (answer.size > 0)
        memcpy(old.bytes[which], answer.data, old.sizes[which]);
}

/* No service answers this answer; aborts where one does. */
static void expect_silence(struct etd_random *random, const struct etd_service *service,
                           struct etd_bytes request, struct etd_bytes answer)
{
    for (size_t i = 0; i < ETD_SERVICE_COUNT; i++) {
        struct etd_bytes again;
        if (i == ETD_SERVICE_ECHO || !etd_services[i]->udp)
            continue;
        set_up(random, &second);
        if (!ask(&second, etd_services[i], answer, &again))
            continue;
        printf("asked:   ");
        for (size_t at = 0; at < request.size; at++)
            printf("%02x", request.data[at]);
        printf("\nanswers: ");
        for (size_t at = 0; at < answer.size; at++)
            printf("%02x", answer.data[at]);
        printf("\n");
        ck_abort_msg("%s is asked, and %s answers its answer", service->name,
                     etd_services[i]->name);
    }
}

START_TEST(no_answer_is_answered)
{
    struct etd_random random = etd_random_begin("answers");
    uint64_t answers[ETD_SERVICE_COUNT] = {0};
    for (int i = 0; i < 1000000; i++) {
        uint8_t bytes[HOSTILE];
        size_t size = hostile(&random, bytes);
        struct etd_bytes request = etd_bytes(bytes, size), answer;
        size_t which = (size_t)etd_random_below(&random, ETD_SERVICE_COUNT);
        if (which == ETD_SERVICE_ECHO || !etd_services[which]->udp)
            continue;
        set_up(&random, &first);
        if (!ask(&first, etd_services[which], request, &answer))
            continue;
        answers[which]++;
        expect_silence(&random, etd_services[which], request, answer);
        remember(&random, answer);
    }
    for (size_t i = 0; i < ETD_SERVICE_COUNT; i++) {
        printf("%s: %" PRIu64 " answers\n", etd_services[i]->name, answers[i]);
        if (i != ETD_SERVICE_ECHO && etd_services[i]->udp && etd_services[i]->reply_max > 0)
            ck_assert_uint_gt(answers[i], 1000); /* else nothing was shown */
    }
}
END_TEST

/* All that a sender of STAMP can put into the first four bytes of an answer, at every length at
 * which a client of NTP may ask. */
START_TEST(no_number_of_a_sender_makes_its_answer_a_request_to_ntp)
{
    struct etd_random random = etd_random_begin("numbers");
    uint8_t bytes[HOSTILE] = {0};
    for (unsigned number = 0; number < 256; number++) {
        for (size_t size = 14; size <= HOSTILE; size++) {
            struct etd_bytes answer;
            memset(bytes, (int)(number % 3 * 127), sizeof bytes);
            memset(bytes, (int)number, 4);
            set_up(&random, &first);
            if (!ask(&first, etd_services[ETD_SERVICE_STAMP], etd_bytes(bytes, size), &answer))
                continue;
            ck_assert_uint_eq(answer.size, size < 44 ? 44 : size);
            expect_silence(&random, etd_services[ETD_SERVICE_STAMP], etd_bytes(bytes, size),
                           answer);
        }
    }
}
END_TEST

/* ntp asks for 48 bytes, which no text of a time reaches. */
START_TEST(texts_of_times_are_shorter_than_any_binary_request_of_ntp)
{
    static const int64_t seconds[] = {INT64_MIN, INT64_MAX, 0, -62135596801, 253402300800};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        for (int32_t offset = -86399; offset <= 86399; offset += 86399) {
            for (int format = 0; format < ETD_TIME_FORMATS; format++) {
                uint8_t text[ETD_TIME_TEXT];
                struct etd_writer writer = etd_writer(text, sizeof text);
                struct etd_clock_reading reading = {
                    .now = {.seconds = seconds[i], .nanoseconds = 999999999}, .utc_offset = offset};
                etd_time_write(&writer, (enum etd_time_format)format, &reading);
                etd_write_text(&writer, "\r\n");
                ck_assert(!writer.failed);
                ck_assert_uint_lt(etd_writer_bytes(&writer).size, ETD_NTP_PACKET);
            }
        }
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("answer_loops");
    TCase *tests = tcase_create("two servers");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, no_answer_is_answered);
    tcase_add_test(tests, no_number_of_a_sender_makes_its_answer_a_request_to_ntp);
    tcase_add_test(tests, texts_of_times_are_shorter_than_any_binary_request_of_ntp);
    suite_add_tcase(suite, tests);
    return suite;
}
