/* The service ntp, to the byte (RFC 5905 section 7.3). */
#include "echotimed/ntp_packet.h"
#include "echotimed/ntp_time.h"
#include "echotimed/service.h"

#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

#include <stdio.h>

/* Sunday, 22 November 2026, 13:33:35.5 UTC, ten microseconds behind the receipt. */
static const struct etd_clock_reading good = {
    .now = {.seconds = 1795354415, .nanoseconds = 500010000},
    .quality = {.synchronised = true, .max_error_us = 1000}};
static const struct etd_clock_reading lost = {
    .now = {.seconds = 1795354415, .nanoseconds = 500010000}};
static const struct etd_timestamp received = {.seconds = 1795354415, .nanoseconds = 500000000};
static const struct etd_time_settings times = {.ntp_stratum = 10,
                                               .ntp_refid = {'L', 'O', 'C', 'L'}};

/* A line for each field of eight bytes, or for two of four. */
/* clang-format off */
static const uint8_t client[48] = {
    0xe3, 0x00, 0x06, 0xec,                         /* leap 3, version 4, mode 3; poll 6 */
    0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x02, /* the client's own root delay, dispersion */
    0x01, 0x02, 0x03, 0x04,                         /* and reference identifier */
    0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, /* reference time */
    0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, /* origin */
    0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, /* receive */
    0xee, 0xad, 0x6d, 0xaf, 0x01, 0x23, 0x45, 0x67, /* transmit */
};

static const uint8_t told_when_good[48] = {
    0x24, 0x0a, 0x06, 0xec,                         /* leap 0, version 4, mode 4; stratum 10 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x42, /* 1000 us are 65.5 / 65536 s */
    'L',  'O',  'C',  'L',                          /* the listener's */
    0xee, 0xad, 0x6d, 0xaf, 0x00, 0x00, 0x00, 0x00, /* the whole second */
    0xee, 0xad, 0x6d, 0xaf, 0x01, 0x23, 0x45, 0x67, /* what the client had sent */
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0x00, 0x00, /* .5 */
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0xa7, 0xc5, /* .50001: 42949.67 steps of 2^-32 s */
};

static const uint8_t told_when_lost[48] = {
    0xe4, 0x00, 0x06, 0xec,                         /* leap 3, stratum 0 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, /* 16 s */
    'I',  'N',  'I',  'T',                          /* RFC 5905 figure 13 */
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* never set */
    0xee, 0xad, 0x6d, 0xaf, 0x01, 0x23, 0x45, 0x67, /* the other times as above */
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0x00, 0x00,
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0xa7, 0xc5,
};
/* clang-format on */

static uint8_t told[48];

static bool ask(struct etd_bytes datagram, const struct etd_clock_reading *clock)
{
    const struct etd_service *service = etd_services[ETD_SERVICE_NTP];
    struct etd_request request = {.transport = ETD_UDP,
                                  .payload = datagram,
                                  .clock = clock,
                                  .times = &times,
                                  .received = received};
    struct etd_writer reply = etd_writer(told, sizeof told);
    enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
    bool answered = verdict == ETD_VERDICT_REPLY;
    if ((!answered && verdict != ETD_VERDICT_SILENT) ||
        etd_writer_bytes(&reply).size != (answered ? sizeof told : 0))
        ck_abort_msg("verdict %d with %zu bytes", verdict, etd_writer_bytes(&reply).size);
    return answered;
}

START_TEST(a_synchronised_clock_is_told_to_the_byte)
{
    ck_assert(ask(etd_bytes(client, sizeof client), &good));
    ck_assert_mem_eq(told, told_when_good, sizeof told);
}
END_TEST

START_TEST(an_unsynchronised_clock_is_not_passed_off_as_good)
{
    ck_assert(ask(etd_bytes(client, sizeof client), &lost));
    ck_assert_mem_eq(told, told_when_lost, sizeof told);
}
END_TEST

START_TEST(a_leap_second_is_announced)
{
    struct etd_clock_reading clock = good;
    clock.quality.leap = ETD_LEAP_INSERT;
    ck_assert(ask(etd_bytes(client, sizeof client), &clock));
    ck_assert_uint_eq(told[0], 0x64);
    clock.quality.leap = ETD_LEAP_DELETE;
    ck_assert(ask(etd_bytes(client, sizeof client), &clock));
    ck_assert_uint_eq(told[0], 0xa4);
}
END_TEST

START_TEST(only_clients_of_versions_1_to_4_are_answered)
{
    for (unsigned first = 0; first < 256; first++) {
        uint8_t datagram[48];
        memcpy(datagram, client, sizeof datagram);
        datagram[0] = (uint8_t)first;
        unsigned version = first >> 3 & 7, mode = first & 7;
        bool answered = ask(etd_bytes(datagram, sizeof datagram), &good);
        ck_assert_msg(answered == (mode == 3 && version >= 1 && version <= 4), "first byte %02x",
                      first);
        if (answered)
            ck_assert_uint_eq(told[0], version << 3 | 4); /* whatever leap the client had */
    }
}
END_TEST

START_TEST(poll_is_copied_whatever_it_is)
{
    for (unsigned poll = 0; poll < 256; poll++) {
        uint8_t datagram[48];
        memcpy(datagram, client, sizeof datagram);
        datagram[2] = (uint8_t)poll;
        ck_assert(ask(etd_bytes(datagram, sizeof datagram), &good));
        ck_assert_uint_eq(told[2], poll);
    }
}
END_TEST

/* MACs of 20 and 24 bytes, extension fields, NTS: the answer is the same, and nothing of them in
 * it. */
START_TEST(what_stands_behind_the_packet_is_not_echoed)
{
    uint8_t datagram[1500];
    memset(datagram, 0x5a, sizeof datagram);
    memcpy(datagram, client, sizeof client);
    for (size_t size = 0; size <= sizeof datagram; size++) {
        struct etd_guard guard = etd_guard_copy(datagram, size);
        bool answered = ask(etd_bytes(guard.data, size), &good);
        ck_assert_msg(answered == (size >= 48 && size % 4 == 0), "%zu bytes", size);
        if (answered)
            ck_assert_mem_eq(told, told_when_good, sizeof told);
        etd_guard_free(&guard);
    }
}
END_TEST

START_TEST(a_client_that_tells_nothing_of_itself_is_answered)
{
    uint8_t datagram[48] = {0x23};
    ck_assert(ask(etd_bytes(datagram, sizeof datagram), &good));
    for (size_t i = 24; i < 32; i++)
        ck_assert_uint_eq(told[i], 0);
    /* 0x1b and nothing else is the request of many simple clients, in version 3. */
    datagram[0] = 0x1b;
    ck_assert(ask(etd_bytes(datagram, sizeof datagram), &good));
    ck_assert_uint_eq(told[0], 0x1c);
    /* A random transmit time, and zeros else (what chrony and others send). */
    struct etd_random random = etd_random_begin("clients");
    for (int i = 0; i < 200000; i++) {
        for (size_t at = 40; at < 48; at++)
            datagram[at] = (uint8_t)etd_random_next(&random);
        if (!ask(etd_bytes(datagram, sizeof datagram), &good) ||
            memcmp(told + 24, datagram + 40, 8) != 0)
            ck_abort_msg("step %d: the client gets nothing, or another's time", i);
    }
}
END_TEST

START_TEST(the_reference_time_is_never_behind_the_transmit_time)
{
    struct etd_random random = etd_random_begin("reference");
    for (int i = 0; i < 20000; i++) {
        struct etd_clock_reading clock = good;
        clock.now.seconds += (int64_t)etd_random_below(&random, 1000000000);
        clock.now.nanoseconds = (uint32_t)etd_random_below(&random, 1000000000);
        ck_assert(ask(etd_bytes(client, sizeof client), &clock));
        struct etd_ntp_packet packet;
        ck_assert(etd_ntp_read(etd_bytes(told, sizeof told), &packet));
        ck_assert_uint_le(packet.transmit - packet.reference, UINT32_MAX);
    }
}
END_TEST

START_TEST(an_answer_of_a_stamp_reflector_is_no_request)
{
    /* Number 0x23000000, times a microsecond apart, a TTL between zeros. */
    uint8_t datagram[48] = {0x23, 0x00, 0x00, 0x00, 0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0x10, 0xc7,
                            0x8f, 0x84, 0,    0,    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0x00, 0x00,
                            0x23, 0x00, 0x00, 0x00, 0,    0,    0,    0,    0,    0,    0,    0,
                            0,    0,    0,    0,    0x40, 0,    0,    0,    0,    0,    0,    0};
    ck_assert(!ask(etd_bytes(datagram, sizeof datagram), &good));
    datagram[23] = datagram[16] = datagram[17] = datagram[18] = datagram[19] = datagram[20] = 0;
    ck_assert(ask(etd_bytes(datagram, sizeof datagram), &good)); /* no reference time */
}
END_TEST

START_TEST(packets_are_read_as_they_are_written)
{
    struct etd_random random = etd_random_begin("packets");
    for (int i = 0; i < 1000; i++) {
        uint8_t wire[48], again[48];
        for (size_t at = 0; at < sizeof wire; at++)
            wire[at] = (uint8_t)etd_random_next(&random);
        struct etd_ntp_packet packet;
        ck_assert(etd_ntp_read(etd_bytes(wire, sizeof wire), &packet));
        struct etd_writer writer = etd_writer(again, sizeof again);
        etd_ntp_write(&writer, &packet);
        ck_assert(!writer.failed);
        ck_assert_mem_eq(wire, again, sizeof wire);
        ck_assert(!etd_ntp_read(etd_bytes(wire, sizeof wire - 1), &packet));
    }
}
END_TEST

START_TEST(reference_identifiers)
{
    static const struct {
        const char *text;
        bool valid;
        uint8_t refid[4];
    } cases[] = {
        {"LOCL", true, {'L', 'O', 'C', 'L'}},
        {"GPS", true, {'G', 'P', 'S', 0}},
        {"A", true, {'A', 0, 0, 0}},
        {"192.0.2.1", true, {192, 0, 2, 1}},
        {"1.2", true, {'1', '.', '2', 0}},
        {"", false, {0}},
        {"LOCAL", false, {0}},
        {"::1", false, {0}},
        {"2001:db8::1", false, {0}},
        {"::ffff:192.0.2.1", true, {192, 0, 2, 1}},
        {"1.2.3.4.5", false, {0}},
        {"a\tb", false, {0}},
        {"\xc3\xa9", false, {0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t refid[4] = {0};
        ck_assert_msg(etd_ntp_refid_parse(cases[i].text, refid) == cases[i].valid, "%s",
                      cases[i].text);
        ck_assert_mem_eq(refid, cases[i].refid, sizeof refid);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("ntp");
    TCase *tests = tcase_create("ntp");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_synchronised_clock_is_told_to_the_byte);
    tcase_add_test(tests, an_unsynchronised_clock_is_not_passed_off_as_good);
    tcase_add_test(tests, a_leap_second_is_announced);
    tcase_add_test(tests, only_clients_of_versions_1_to_4_are_answered);
    tcase_add_test(tests, poll_is_copied_whatever_it_is);
    tcase_add_test(tests, what_stands_behind_the_packet_is_not_echoed);
    tcase_add_test(tests, a_client_that_tells_nothing_of_itself_is_answered);
    tcase_add_test(tests, the_reference_time_is_never_behind_the_transmit_time);
    tcase_add_test(tests, an_answer_of_a_stamp_reflector_is_no_request);
    tcase_add_test(tests, packets_are_read_as_they_are_written);
    tcase_add_test(tests, reference_identifiers);
    suite_add_tcase(suite, tests);
    return suite;
}
