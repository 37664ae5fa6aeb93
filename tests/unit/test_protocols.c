/* The client's protocols: our own services' answers are good, and each answer that is not is refused
 * with its reason. */
#include "client/protocol.h"
#include "echotimed/ntp_time.h"
#include "echotimed/stamp_packet.h"
#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

static const struct etd_timestamp noon = {.seconds = 1795354415, .nanoseconds = 250000000};
static char why[512];
static struct etd_answer answer;

static struct etd_probe probe_of(enum etd_protocol_id id, uint32_t number)
{
    struct etd_probe probe = {.protocol = etd_protocols[id],
                              .session = 0xabcd1234,
                              .number = number,
                              .size = 64,
                              .sent = noon};
    memcpy(probe.secret.bytes, "sixteen byte key", sizeof probe.secret.bytes);
    return probe;
}

static size_t ask(const struct etd_probe *probe, uint8_t room[256])
{
    struct etd_writer writer = etd_writer(room, 256);
    probe->protocol->ask(probe, &writer);
    ck_assert(!writer.failed);
    return etd_writer_bytes(&writer).size;
}

static enum etd_judgement judge(const struct etd_probe *probe, const void *data, size_t size)
{
    struct etd_guard guard = etd_guard_copy(data, size);
    struct etd_writer writer = etd_writer((uint8_t *)why, sizeof why - 1);
    enum etd_judgement judgement =
        probe->protocol->read(probe, etd_bytes(guard.data, size), &answer, &writer);
    *writer.at = '\0';
    ck_assert_int_eq(judgement == ETD_ANSWER_GOOD, why[0] == '\0');
    etd_guard_free(&guard);
    return judgement;
}

static const struct {
    enum etd_protocol_id protocol;
    enum etd_service_id service;
} pairs[] = {
    {ETD_PROTOCOL_ECHO, ETD_SERVICE_ECHO},       {ETD_PROTOCOL_TEXT, ETD_SERVICE_TIME},
    {ETD_PROTOCOL_DAYTIME, ETD_SERVICE_DAYTIME}, {ETD_PROTOCOL_RFC868, ETD_SERVICE_RFC868},
    {ETD_PROTOCOL_NTP, ETD_SERVICE_NTP},         {ETD_PROTOCOL_STAMP, ETD_SERVICE_STAMP},
};

/* What the service says to the question, over UDP, 40 ms and 41 ms after it left; 0: nothing. */
static size_t serve(enum etd_service_id id, struct etd_bytes question, bool synchronised,
                    uint8_t *room, size_t size)
{
    const struct etd_time_settings settings = {.ntp_stratum = 3, .ntp_refid = "GPS"};
    const struct etd_clock_reading clock = {
        .now = {noon.seconds, noon.nanoseconds + 41000000},
        .quality = {.synchronised = synchronised, .max_error_us = 2000}};
    const struct etd_request request = {.transport = ETD_UDP,
                                        .payload = question,
                                        .time_format = ETD_TIME_RFC3339,
                                        .clock = &clock,
                                        .times = &settings,
                                        .received = {noon.seconds, noon.nanoseconds + 40000000},
                                        .ttl = 64};
    struct etd_writer reply = etd_writer(room, size);
    switch (etd_service_answer(etd_services[id], &request, &reply)) {
    case ETD_VERDICT_REPLY:
        return etd_writer_bytes(&reply).size;
    case ETD_VERDICT_SAME:
        memcpy(room, question.data, question.size);
        return question.size;
    case ETD_VERDICT_SILENT:
    case ETD_VERDICT_CLOSE:
        break;
    }
    return 0;
}

START_TEST(our_services_are_understood)
{
    uint8_t question[256], reply[4096];
    struct etd_probe probe = probe_of(pairs[_i].protocol, 7);
    size_t size = ask(&probe, question);
    size_t got = serve(pairs[_i].service, etd_bytes(question, size), true, reply, sizeof reply);
    ck_assert_msg(got > 0, "%s is silent", probe.protocol->name);
    ck_assert_msg(judge(&probe, reply, got) == ETD_ANSWER_GOOD, "%s: %s", probe.protocol->name,
                  why);
    ck_assert_int_eq(answer.told, probe.protocol->tells_time);
    if (answer.told)
        ck_assert_int_eq(answer.time.seconds, noon.seconds);
    if (answer.stamped) {
        ck_assert_int_eq(answer.received.nanoseconds, 290000000);
        ck_assert_int_eq(answer.time.nanoseconds, 291000000);
        ck_assert(answer.judged && answer.synchronised);
        ck_assert_uint_ge(answer.error, 2000000);
        ck_assert_uint_lt(answer.error, 2100000);
    }
}
END_TEST

START_TEST(our_unsynchronised_services_are_told_so)
{
    static const size_t stamped[] = {4, 5};
    uint8_t question[256], reply[4096];
    struct etd_probe probe = probe_of(pairs[stamped[_i]].protocol, 7);
    size_t size = ask(&probe, question);
    size_t got =
        serve(pairs[stamped[_i]].service, etd_bytes(question, size), false, reply, sizeof reply);
    ck_assert_int_eq(judge(&probe, reply, got), ETD_ANSWER_GOOD);
    ck_assert(answer.judged && !answer.synchronised);
}
END_TEST

/* Answers to another question of the run, and of another run, are none to this one. */
START_TEST(answers_find_their_probe)
{
    uint8_t question[256], reply[4096];
    uint32_t number;
    struct etd_probe probe = probe_of(pairs[_i].protocol, 300);
    if (probe.protocol->number == NULL)
        return;
    size_t size = ask(&probe, question);
    size_t got = serve(pairs[_i].service, etd_bytes(question, size), true, reply, sizeof reply);
    struct etd_probe any = probe_of(pairs[_i].protocol, 1);
    ck_assert(probe.protocol->number(&any, etd_bytes(reply, got), &number));
    ck_assert_uint_eq(number, 300);
    ck_assert_int_ne(judge(&any, reply, got), ETD_ANSWER_GOOD);
    any.session++;
    ck_assert(!probe.protocol->number(&any, etd_bytes(reply, got), &number));
    for (size_t cut = 0; cut < (got < 16 ? got : 16); cut++)
        ck_assert(!probe.protocol->number(&probe, etd_bytes(reply, cut), &number));
}
END_TEST

static struct etd_ntp_packet good_packet(const struct etd_probe *probe)
{
    return (struct etd_ntp_packet){.version = 4,
                                   .mode = ETD_NTP_SERVER,
                                   .stratum = 2,
                                   .precision = -20,
                                   .root_delay = 0x1000,
                                   .root_dispersion = 0x800,
                                   .refid = {192, 0, 2, 1},
                                   .reference = etd_ntp_from_timestamp(noon) - (10ull << 32),
                                   .origin = etd_ntp_cookie(probe),
                                   .receive = etd_ntp_from_timestamp(noon),
                                   .transmit = etd_ntp_from_timestamp(noon)};
}

static enum etd_judgement judge_ntp(const struct etd_probe *probe,
                                    const struct etd_ntp_packet *packet)
{
    uint8_t wire[ETD_NTP_PACKET];
    struct etd_writer writer = etd_writer(wire, sizeof wire);
    etd_ntp_write(&writer, packet);
    return judge(probe, wire, sizeof wire);
}

START_TEST(ntp_is_checked_as_a_good_client_does)
{
    struct etd_probe probe = probe_of(ETD_PROTOCOL_NTP, 1);
    struct etd_ntp_packet packet = good_packet(&probe);
    ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_GOOD);
    ck_assert(answer.synchronised);
    ck_assert_uint_eq(answer.error, 62500000); /* 1/32 s + 1/32 s */

    packet.origin ^= 1;
    ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_FOREIGN);
    ck_assert_ptr_nonnull(strstr(why, "origin"));
    packet = good_packet(&probe);
    packet.mode = 3;
    ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_WRONG);
    ck_assert_ptr_nonnull(strstr(why, "has mode 3, and a server's is 4"));
    packet.origin = 0;
    ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_FOREIGN);
    for (int version = 0; version < 8; version++) {
        packet = good_packet(&probe);
        packet.version = (uint8_t)version;
        ck_assert_int_eq(judge_ntp(&probe, &packet),
                         version >= 1 && version <= 4 ? ETD_ANSWER_GOOD : ETD_ANSWER_WRONG);
    }
    packet = good_packet(&probe);
    packet.transmit = 0;
    ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_WRONG);
    packet = good_packet(&probe);
    packet.receive = packet.transmit + 1;
    ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_WRONG);
    uint8_t wire[ETD_NTP_PACKET] = {0};
    ck_assert_int_eq(judge(&probe, wire, sizeof wire - 1), ETD_ANSWER_FOREIGN);
    ck_assert_ptr_nonnull(strstr(why, "has 47 bytes, and NTP takes 48"));
}
END_TEST

START_TEST(ntp_kisses_of_death_are_told_in_words)
{
    static const char *const codes[] = {"DENY", "RSTR", "RATE"};
    struct etd_probe probe = probe_of(ETD_PROTOCOL_NTP, 1);
    for (int i = 0; i < 3; i++) {
        struct etd_ntp_packet packet = good_packet(&probe);
        packet.stratum = 0;
        packet.leap = 3;
        memcpy(packet.refid, codes[i], 4);
        ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_WRONG);
        ck_assert_ptr_nonnull(strstr(why, codes[i]));
        packet.stratum = 1;
        packet.leap = 0;
        ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_GOOD);
    }
}
END_TEST

START_TEST(ntp_clocks_that_nobody_should_follow)
{
    struct etd_probe probe = probe_of(ETD_PROTOCOL_NTP, 1);
    for (int i = 0; i < 6; i++) {
        struct etd_ntp_packet packet = good_packet(&probe);
        packet.leap = i == 0 ? 3 : 0;
        packet.stratum = i == 1 ? 0 : i == 2 ? 16 : 2;
        packet.root_dispersion = i == 3 ? 16 << 16 : 0x800;
        packet.root_delay = i == 4 ? 32 << 16 : 0x1000;
        packet.reference += i == 5 ? 11ull << 32 : 0;
        ck_assert_int_eq(judge_ntp(&probe, &packet), ETD_ANSWER_GOOD);
        ck_assert_msg(!answer.synchronised, "case %d", i);
    }
}
END_TEST

START_TEST(ntp_tells_nothing_of_this_host_and_cannot_be_guessed)
{
    uint8_t question[256], other[256];
    struct etd_probe probe = probe_of(ETD_PROTOCOL_NTP, 1), later = probe;
    ck_assert_uint_eq(ask(&probe, question), ETD_NTP_PACKET);
    ck_assert_uint_eq(question[0], 4 << 3 | 3);
    for (size_t i = 1; i < 40; i++)
        ck_assert_uint_eq(question[i], 0);
    later.sent.seconds += 1000;
    (void)ask(&later, other);
    ck_assert_mem_eq(question, other, ETD_NTP_PACKET);
    later.secret.bytes[3] ^= 1;
    (void)ask(&later, other);
    ck_assert_mem_ne(question + 40, other + 40, 4);
}
END_TEST

START_TEST(stamp_in_the_format_of_ptp_is_not_taken_for_ntp)
{
    struct etd_probe probe = probe_of(ETD_PROTOCOL_STAMP, 9);
    struct etd_stamp_reflected packet = {.sequence = 9,
                                         .transmitted = etd_ntp_from_timestamp(noon),
                                         .received = etd_ntp_from_timestamp(noon),
                                         .error_estimate = ETD_ERROR_ESTIMATE_S | 1,
                                         .ttl = 60};
    packet.sender =
        (struct etd_stamp_sender){.sequence = 9, .timestamp = etd_ntp_from_timestamp(noon)};
    for (int z = 0; z < 2; z++) {
        uint8_t wire[ETD_STAMP_PACKET];
        struct etd_writer writer = etd_writer(wire, sizeof wire);
        packet.error_estimate |= z ? ETD_ERROR_ESTIMATE_Z : 0;
        etd_stamp_write_reflected(&writer, &packet);
        ck_assert_int_eq(judge(&probe, wire, sizeof wire), ETD_ANSWER_GOOD);
        ck_assert_int_eq(answer.stamped, !z);
        ck_assert_uint_eq(answer.ttl, 60);
    }
}
END_TEST

START_TEST(error_estimates_of_stamp)
{
    static const struct {
        uint16_t estimate;
        uint64_t least, most;
    } cases[] = {
        {ETD_ERROR_ESTIMATE_S | 32 << 8 | 1, 1000000000, 1000000000},
        {ETD_ERROR_ESTIMATE_S | 22 << 8 | 1, 976562, 976563},
        {ETD_ERROR_ESTIMATE_S | 0 << 8 | 1, 0, 1},
        {ETD_ERROR_ESTIMATE_S | 63 << 8 | 255, UINT64_MAX, UINT64_MAX},
    };
    struct etd_probe probe = probe_of(ETD_PROTOCOL_STAMP, 9);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct etd_stamp_reflected packet = {.transmitted = 2,
                                             .received = 1,
                                             .error_estimate = cases[i].estimate,
                                             .sender = {.sequence = 9}};
        packet.sender.timestamp = etd_ntp_from_timestamp(noon);
        uint8_t wire[ETD_STAMP_PACKET];
        struct etd_writer writer = etd_writer(wire, sizeof wire);
        etd_stamp_write_reflected(&writer, &packet);
        ck_assert_int_eq(judge(&probe, wire, sizeof wire), ETD_ANSWER_GOOD);
        ck_assert_uint_ge(answer.error, cases[i].least);
        ck_assert_uint_le(answer.error, cases[i].most);
    }
}
END_TEST

START_TEST(rfc868_wraps_in_2036)
{
    struct etd_probe probe = probe_of(ETD_PROTOCOL_RFC868, 1);
    probe.sent = (struct etd_timestamp){.seconds = 2085978496}; /* 2036-02-07T06:28:16Z */
    const uint8_t zero[4] = {0, 0, 0, 0}, last[4] = {255, 255, 255, 255};
    ck_assert_int_eq(judge(&probe, zero, 4), ETD_ANSWER_GOOD);
    ck_assert_int_eq(answer.time.seconds, 2085978496);
    ck_assert_uint_eq(answer.time.nanoseconds, 0);
    ck_assert_int_eq(judge(&probe, last, 4), ETD_ANSWER_GOOD);
    ck_assert_int_eq(answer.time.seconds, 2085978495);
}
END_TEST

/* Any bytes may come from the net: none may be taken for good that are not, nor memory be left. */
START_TEST(any_bytes)
{
    struct etd_random random = etd_random_begin("any_bytes");
    for (int i = 0; i < 3000; i++) {
        uint8_t data[120];
        uint32_t number;
        size_t size = etd_random_below(&random, sizeof data);
        for (size_t at = 0; at < size; at++)
            data[at] = (uint8_t)etd_random_next(&random);
        struct etd_probe probe = probe_of(pairs[_i].protocol, 1);
        enum etd_judgement judgement = judge(&probe, data, size);
        if (probe.protocol->number != NULL) {
            ck_assert_int_ne(judgement, ETD_ANSWER_GOOD);
            struct etd_guard guard = etd_guard_copy(data, size);
            (void)probe.protocol->number(&probe, etd_bytes(guard.data, size), &number);
            etd_guard_free(&guard);
        }
    }
}
END_TEST

START_TEST(registered_ports_tell_the_protocol)
{
    static const struct etd_protocol_choice choices[] = {{"text", ETD_PROTOCOL_TEXT},
                                                         {"ntp", ETD_PROTOCOL_NTP},
                                                         {"echo", ETD_PROTOCOL_ECHO},
                                                         {NULL, ETD_PROTOCOL_COUNT}};
    ck_assert_int_eq(etd_protocol_choose(choices, ETD_UDP, 123), ETD_PROTOCOL_NTP);
    ck_assert_int_eq(etd_protocol_choose(choices, ETD_TCP, 123), ETD_PROTOCOL_TEXT);
    ck_assert_int_eq(etd_protocol_choose(choices, ETD_UDP, 862), ETD_PROTOCOL_TEXT);
    ck_assert_int_eq(etd_protocol_choose(choices, ETD_UDP, 0), ETD_PROTOCOL_TEXT);
    ck_assert_int_eq(etd_protocol_choose(choices, ETD_TCP, 8080), ETD_PROTOCOL_TEXT);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("protocols");
    TCase *all = tcase_create("all");
    int count = sizeof pairs / sizeof pairs[0];
    tcase_add_loop_test(all, our_services_are_understood, 0, count);
    tcase_add_loop_test(all, our_unsynchronised_services_are_told_so, 0, 2);
    tcase_add_loop_test(all, answers_find_their_probe, 0, count);
    tcase_add_test(all, ntp_is_checked_as_a_good_client_does);
    tcase_add_test(all, ntp_kisses_of_death_are_told_in_words);
    tcase_add_test(all, ntp_clocks_that_nobody_should_follow);
    tcase_add_test(all, ntp_tells_nothing_of_this_host_and_cannot_be_guessed);
    tcase_add_test(all, stamp_in_the_format_of_ptp_is_not_taken_for_ntp);
    tcase_add_test(all, error_estimates_of_stamp);
    tcase_add_test(all, rfc868_wraps_in_2036);
    tcase_add_loop_test(all, any_bytes, 0, count);
    tcase_add_test(all, registered_ports_tell_the_protocol);
    suite_add_tcase(suite, all);
    return suite;
}
