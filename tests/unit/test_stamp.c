/* The service stamp, to the byte (RFC 8762 sections 4.2.1 and 4.3.1, RFC 8972 sections 3 and 4). */
#include "echotimed/service.h"
#include "echotimed/stamp_packet.h"
#include "echotimed/stamp_sessions.h"

#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

#include <stdlib.h>

enum { DATAGRAM = 65507 };

/* Sunday, 22 November 2026, 13:33:35.5 UTC, ten microseconds behind the receipt. */
static const struct etd_clock_reading good = {
    .now = {.seconds = 1795354415, .nanoseconds = 500010000},
    .quality = {.synchronised = true, .max_error_us = 1000}};
static const struct etd_clock_reading lost = {
    .now = {.seconds = 1795354415, .nanoseconds = 500010000}};
static const struct etd_time_settings with_tlvs = {.stamp_tlvs = true}, without_tlvs = {0};
static const struct etd_service *service;

static struct etd_request request;
static uint8_t *told;
static size_t told_size;

static void set_up(void)
{
    service = etd_services[ETD_SERVICE_STAMP];
    request = (struct etd_request){.transport = ETD_UDP,
                                   .clock = &good,
                                   .times = &with_tlvs,
                                   .received = {.seconds = 1795354415, .nanoseconds = 500000000},
                                   .ttl = 57};
    told = malloc(DATAGRAM);
    ck_assert_ptr_nonnull(told);
}

static void tear_down(void)
{
    free(told);
}

static bool ask(const void *bytes, size_t size)
{
    request.payload = etd_bytes(bytes, size);
    struct etd_writer reply = etd_writer(told, service->reply_max);
    enum etd_verdict verdict = etd_service_answer(service, &request, &reply);
    ck_assert(!reply.failed);
    told_size = etd_writer_bytes(&reply).size;
    ck_assert(verdict == ETD_VERDICT_REPLY || (verdict == ETD_VERDICT_SILENT && told_size == 0));
    return verdict == ETD_VERDICT_REPLY;
}

/* clang-format off: a line for each field, or for two that share four bytes */
static const uint8_t sender[44] = {
    0x00, 0x00, 0x01, 0x02,                         /* sequence number */
    0xee, 0xad, 0x6d, 0xaf, 0x01, 0x23, 0x45, 0x67, /* timestamp */
    0x99, 0x88, 0x12, 0x34,                         /* error estimate, SSID */
};

static const uint8_t reflected[44] = {
    0x00, 0x00, 0x01, 0x02,                         /* the same number */
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0xa7, 0xc5, /* sent: .50001 */
    0x8f, 0x84, 0x12, 0x34,                         /* S, 1 ms: 132 * 2^(15 - 32) s; SSID */
    0xee, 0xad, 0x6d, 0xaf, 0x80, 0x00, 0x00, 0x00, /* received: .5 */
    0x00, 0x00, 0x01, 0x02,                         /* what the sender had sent */
    0xee, 0xad, 0x6d, 0xaf, 0x01, 0x23, 0x45, 0x67,
    0x99, 0x88, 0x00, 0x00, 57,   0x00, 0x00, 0x00, /* TTL */
};
/* clang-format on */

START_TEST(a_packet_is_reflected_to_the_byte)
{
    ck_assert(ask(sender, sizeof sender));
    ck_assert_uint_eq(told_size, sizeof reflected);
    ck_assert_mem_eq(told, reflected, sizeof reflected);
}
END_TEST

START_TEST(an_unsynchronised_clock_is_not_passed_off_as_good)
{
    request.clock = &lost;
    ck_assert(ask(sender, sizeof sender));
    ck_assert_uint_eq(told[12], 29); /* S = 0, Z = 0; 16 s */
    ck_assert_uint_eq(told[13], 128);
    told[12] = reflected[12];
    told[13] = reflected[13];
    ck_assert_mem_eq(told, reflected, sizeof reflected); /* the times are told all the same */
}
END_TEST

START_TEST(a_ttl_that_is_not_known_is_told_as_255)
{
    request.ttl = 0;
    ck_assert(ask(sender, sizeof sender));
    ck_assert_uint_eq(told[40], 255);
}
END_TEST

START_TEST(a_stateful_reflector_counts_by_itself)
{
    struct etd_stamp_session session = {.sequence = 0xfffffffe};
    request.stamp_session = &session;
    static const uint32_t numbers[] = {0xfffffffe, 0xffffffff, 0, 1};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(ask(sender, sizeof sender));
        struct etd_stamp_reflected packet;
        ck_assert(etd_stamp_read_reflected(etd_bytes(told, told_size), &packet));
        ck_assert_uint_eq(packet.sequence, numbers[i]);
        ck_assert_uint_eq(packet.sender.sequence, 0x102);
        ck_assert_mem_eq(told + 4, reflected + 4, 40);
        etd_stamp_session_answered(&session, packet.transmitted);
    }
}
END_TEST

/* Every length: nothing below the least packet, 44 bytes to what is shorter, else the same length. */
START_TEST(answers_are_as_long_as_the_packet_or_the_least_there_is)
{
    uint8_t *datagram = calloc(DATAGRAM, 1);
    ck_assert_ptr_nonnull(datagram);
    memcpy(datagram, sender, 14);
    for (size_t size = 0; size <= DATAGRAM; size += size < 1501 ? 1 : 997) {
        struct etd_guard guard = etd_guard_copy(datagram, size);
        ck_assert_msg(ask(guard.data, size) == (size >= 14), "%zu bytes", size);
        ck_assert_uint_eq(told_size, size < 14 ? 0 : size < 44 ? 44 : size);
        etd_guard_free(&guard);
    }
    ck_assert(ask(datagram, DATAGRAM));
    ck_assert_uint_eq(told_size, DATAGRAM);
    free(datagram);
}
END_TEST

/* What a sender of TWAMP Light sends at the least has no SSID. */
START_TEST(a_short_packet_of_twamp_light_is_reflected)
{
    ck_assert(ask(sender, 14));
    uint8_t wanted[44];
    memcpy(wanted, reflected, sizeof wanted);
    wanted[14] = wanted[15] = 0;
    ck_assert_uint_eq(told_size, sizeof wanted);
    ck_assert_mem_eq(told, wanted, sizeof wanted);
    ck_assert(ask(sender, 15)); /* half an SSID is none */
    ck_assert_mem_eq(told, wanted, sizeof wanted);
    ck_assert(ask(sender, 16));
    ck_assert_mem_eq(told, reflected, sizeof wanted);
}
END_TEST

/* A million packets with random padding, as RFC 5357 would have it: none is lost. */
START_TEST(random_padding_of_twamp_light_is_reflected)
{
    struct etd_random random = etd_random_begin("padding");
    for (int i = 0; i < 1000000; i++) {
        uint8_t datagram[64];
        for (size_t at = 14; at < sizeof datagram; at++)
            datagram[at] = (uint8_t)etd_random_next(&random);
        memcpy(datagram, sender, 14);
        if (!etd_stamp_is_request(etd_bytes(datagram, sizeof datagram)))
            ck_abort_msg("packet %d is lost", i);
    }
    static const char *const patterns[] = {"abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcdef",
                                           "some text and then nothing but zeros", "\xff\xff"};
    for (size_t i = 0; i < 3; i++) {
        uint8_t datagram[80] = {0};
        memcpy(datagram, sender, 14);
        memcpy(datagram + 14, patterns[i], strlen(patterns[i]));
        ck_assert(ask(datagram, sizeof datagram));
    }
}
END_TEST

/* A packet of a sender whose clock and number are any, with zeros where they must be. */
START_TEST(every_packet_of_a_stamp_sender_is_reflected)
{
    struct etd_random random = etd_random_begin("senders");
    for (int i = 0; i < 100000; i++) {
        uint8_t datagram[52] = {0};
        for (size_t at = 0; at < 16; at++)
            datagram[at] = (uint8_t)etd_random_next(&random);
        if (etd_random_once_in(&random, 2))
            memset(datagram + 4, 0, 8); /* no clock at all */
        datagram[44] = 0x80;
        datagram[45] = (uint8_t)etd_random_next(&random);
        static const size_t sizes[] = {44, 48, 52};
        if (!ask(datagram, sizes[i % 3]))
            ck_abort_msg("packet %d is lost", i);
    }
}
END_TEST

START_TEST(reflected_packets_are_not_reflected)
{
    ck_assert(!ask(reflected, sizeof reflected));
    ck_assert(ask(sender, sizeof sender));
    uint8_t answer[44];
    memcpy(answer, told, sizeof answer);
    ck_assert(!ask(answer, sizeof answer));
    /* With TLVs behind; and from a reflector of TWAMP Light that has padding behind the TTL. */
    uint8_t longer[100];
    memset(longer, 0xab, sizeof longer);
    memcpy(longer, reflected, 41);
    ck_assert(!ask(longer, sizeof longer));
    memcpy(longer, reflected, 44);
    ck_assert(!ask(longer, sizeof longer));
    /* Half a packet is none, and what has no receive time is a sender's. */
    ck_assert(ask(reflected, 43));
    memcpy(answer, reflected, sizeof answer);
    memset(answer + 16, 0, 8);
    ck_assert(ask(answer, sizeof answer));
    memcpy(answer, reflected, sizeof answer);
    answer[40] = 0;
    ck_assert(ask(answer, sizeof answer));
    memcpy(answer, reflected, sizeof answer);
    answer[38] = 1;
    ck_assert(ask(answer, sizeof answer));
}
END_TEST

START_TEST(answers_of_other_services_are_not_reflected)
{
    static const char *const texts[] = {"22 NOV 2026 13:33:35 UTC\r\n",
                                        "2026-11-22T13:33:35.123456Z", "1795354415123\r\n",
                                        "Sun, 22 Nov 2026 13:33:35 GMT"};
    for (size_t i = 0; i < 4; i++)
        ck_assert(!ask(texts[i], strlen(texts[i])));
    uint8_t ntp[48] = {0x24, 10, 6, 0xec};
    memset(ntp + 8, 0x99, sizeof ntp - 8);
    ck_assert(!ask(ntp, sizeof ntp));
    ntp[0] = 0x23; /* a client of NTP: here it is taken for a sender's packet */
    ck_assert(ask(ntp, sizeof ntp));
}
END_TEST

/* Asks with TLVs behind the base packet, and compares what stands there in the answer. */
static void check_tlvs(const void *tlvs, const void *wanted, size_t size)
{
    uint8_t datagram[256] = {0};
    memcpy(datagram, sender, sizeof sender);
    memcpy(datagram + sizeof sender, tlvs, size);
    struct etd_guard guard = etd_guard_copy(datagram, sizeof sender + size);
    ck_assert(ask(guard.data, guard.size));
    ck_assert_uint_eq(told_size, guard.size);
    ck_assert_mem_eq(told, reflected, sizeof reflected);
    ck_assert_mem_eq(told + sizeof reflected, wanted, size);
    etd_guard_free(&guard);
}

#define CHECK_TLVS(tlvs, wanted)                                                                   \
    _Static_assert(sizeof tlvs == sizeof wanted, "the answer is as long");                         \
    check_tlvs(tlvs, wanted, sizeof tlvs - 1)

START_TEST(extra_padding_is_copied)
{
    CHECK_TLVS("\x80\x01\x00\x05"
               "abcde",
               "\x00\x01\x00\x05"
               "abcde");
    CHECK_TLVS("\x80\x01\x00\x00", "\x00\x01\x00\x00");
    /* Flags that only a reflector sets, and those that nobody knows, are taken back. */
    CHECK_TLVS("\xff\x01\x00\x01"
               "a",
               "\x00\x01\x00\x01"
               "a");
}
END_TEST

START_TEST(unknown_tlvs_are_copied_and_flagged)
{
    CHECK_TLVS("\x80\xfb\x00\x03"
               "xyz",
               "\x80\xfb\x00\x03"
               "xyz");
    CHECK_TLVS("\x00\xfb\x00\x03"
               "xyz",
               "\x80\xfb\x00\x03"
               "xyz");
    CHECK_TLVS("\x00\x00\x00\x00", "\x80\x00\x00\x00");
    /* Known, but not to this reflector: Location, Timestamp Information, Direct Measurement, Access
     * Report, HMAC; and no one's. */
    CHECK_TLVS("\x80\x02\x00\x04"
               "abcd"
               "\x80\x03\x00\x04"
               "abcd"
               "\x80\x05\x00\x0c"
               "abcdefghijkl"
               "\x80\x06\x00\x04"
               "abcd"
               "\x80\xff\x00\x01"
               "a"
               "\x80\x08\x00\x10"
               "0123456789abcdef",
               "\x80\x02\x00\x04"
               "abcd"
               "\x80\x03\x00\x04"
               "abcd"
               "\x80\x05\x00\x0c"
               "abcdefghijkl"
               "\x80\x06\x00\x04"
               "abcd"
               "\x80\xff\x00\x01"
               "a"
               "\x80\x08\x00\x10"
               "0123456789abcdef");
}
END_TEST

START_TEST(several_tlvs_are_each_answered)
{
    CHECK_TLVS("\x80\x01\x00\x02"
               "ab"
               "\x80\xf0\x00\x01"
               "c"
               "\x80\x01\x00\x01"
               "d",
               "\x00\x01\x00\x02"
               "ab"
               "\x80\xf0\x00\x01"
               "c"
               "\x00\x01\x00\x01"
               "d");
}
END_TEST

/* One that says it were longer than what is left; and bytes too few for a header. */
START_TEST(malformed_tlvs_are_copied_and_flagged)
{
    CHECK_TLVS("\x80\x01\x00\x06"
               "abcde",
               "\x40\x01\x00\x06"
               "abcde");
    CHECK_TLVS("\x80\x01\xff\xff"
               "abcde",
               "\x40\x01\xff\xff"
               "abcde");
    CHECK_TLVS("\x80\xf0\x00\x01", "\xc0\xf0\x00\x01");
    CHECK_TLVS("\x80\x01\x00", "\x40\x01\x00");
    CHECK_TLVS("\x80\x01", "\x40\x01");
    CHECK_TLVS("\x80", "\xc0");
    CHECK_TLVS("\x80\x01\x00\x01"
               "a"
               "\x80\x01\x00\x09"
               "b",
               "\x00\x01\x00\x01"
               "a"
               "\x40\x01\x00\x09"
               "b");
}
END_TEST

/* Behind a length that cannot be right nothing is interpreted any more. */
START_TEST(nothing_behind_a_malformed_tlv_is_processed)
{
    request.class_kept = true;
    CHECK_TLVS("\x80\x04\x00\x03"
               "abc"
               "\x80\x01\x00\x01"
               "d"
               "\x80\x01\x00\x09",
               "\x40\x04\x00\x03"
               "abc"
               "\x80\x01\x00\x01"
               "d"
               "\xc0\x01\x00\x09");
    CHECK_TLVS("\x80\x07\x00\x11"
               "0123456789abcdefg",
               "\x40\x07\x00\x11"
               "0123456789abcdefg");
}
END_TEST

/* DSCP1 EF (46) in the upper six bits; the packet came with AF11 (10) and ECN CE (3). */
START_TEST(class_of_service_tells_what_the_packet_came_with)
{
    CHECK_TLVS("\x80\x04\x00\x04"
               "\xb8\x00\x00\x00",
               "\x80\x04\x00\x04"
               "\xb8\x00\x00\x00");
    request.class_kept = true;
    request.traffic_class = 10 << 2 | 3;
    /* 101110 001010 11 01 */
    CHECK_TLVS("\x80\x04\x00\x04"
               "\xb8\x00\xff\xff",
               "\x00\x04\x00\x04"
               "\xb8\xad\x00\x00");
    /* Asked for AF11 and got it: RP is 0. What the sender has in the other fields does not matter. */
    CHECK_TLVS("\x80\x04\x00\x04"
               "\x2b\xff\x00\x00",
               "\x00\x04\x00\x04"
               "\x28\xac\x00\x00");
}
END_TEST

START_TEST(follow_up_telemetry_tells_of_the_answer_before)
{
    static const char asked[] = "\x80\x07\x00\x10"
                                "0123456789abcdef";
    /* A stateless reflector does not know. */
    CHECK_TLVS(asked, "\x00\x07\x00\x10"
                      "\0\0\0\0"
                      "\0\0\0\0\0\0\0\0"
                      "\0\0\0\0");
    struct etd_stamp_session session = {.sequence = 0x102};
    request.stamp_session = &session; /* the number happens to be the sender's */
    CHECK_TLVS(asked, "\x00\x07\x00\x10"
                      "\0\0\0\0"
                      "\0\0\0\0\0\0\0\0"
                      "\0\0\0\0");
    session.transmitted = 0x0102030405060708;
    CHECK_TLVS(asked, "\x00\x07\x00\x10"
                      "\0\0\1\1"
                      "\1\2\3\4\5\6\7\10"
                      "\2\0\0\0");
}
END_TEST

START_TEST(without_stamp_tlvs_all_goes_back_as_it_came)
{
    request.times = &without_tlvs;
    request.class_kept = true;
    CHECK_TLVS("\x85\x01\x00\x02"
               "ab"
               "\x00\xf0\x00\x01"
               "c"
               "\x80\x04\x00\x09"
               "d",
               "\x85\x01\x00\x02"
               "ab"
               "\x00\xf0\x00\x01"
               "c"
               "\x80\x04\x00\x09"
               "d");
}
END_TEST

/* 16,365 empty TLVs, and three bytes that are none. */
START_TEST(the_longest_datagram_of_the_shortest_tlvs)
{
    uint8_t *datagram = calloc(DATAGRAM, 1);
    ck_assert_ptr_nonnull(datagram);
    memcpy(datagram, sender, sizeof sender);
    ck_assert(ask(datagram, DATAGRAM));
    ck_assert_uint_eq(told_size, DATAGRAM);
    for (size_t at = sizeof sender; at < DATAGRAM; at++) {
        uint8_t flags = at % 4 != 0 ? 0 : at + 4 > DATAGRAM ? 0xc0 : 0x80;
        if (told[at] != flags)
            ck_abort_msg("byte %zu is %02x", at, told[at]);
    }
    free(datagram);
}
END_TEST

START_TEST(packets_are_read_as_they_are_written)
{
    struct etd_stamp_sender from = {.sequence = 1, .timestamp = 2, .error_estimate = 3, .ssid = 4},
                            to;
    uint8_t wire[44];
    struct etd_writer writer = etd_writer(wire, sizeof wire);
    etd_stamp_write_sender(&writer, &from);
    ck_assert(!writer.failed);
    ck_assert_uint_eq(etd_writer_bytes(&writer).size, 44);
    ck_assert(etd_stamp_read_sender(etd_bytes(wire, sizeof wire), &to));
    ck_assert(to.sequence == 1 && to.timestamp == 2 && to.error_estimate == 3 && to.ssid == 4);
    ck_assert(!etd_stamp_is_reflected(etd_bytes(wire, sizeof wire)));
    ck_assert(etd_stamp_is_request(etd_bytes(wire, sizeof wire)));
    ck_assert(!etd_stamp_read_sender(etd_bytes(wire, 13), &to));

    struct etd_stamp_reflected packet;
    ck_assert(!etd_stamp_read_reflected(etd_bytes(reflected, 43), &packet));
    ck_assert(etd_stamp_read_reflected(etd_bytes(reflected, 44), &packet));
    ck_assert_uint_eq(packet.ssid, 0x1234);
    ck_assert_uint_eq(packet.sender.ssid, 0x1234);
    ck_assert_uint_eq(packet.ttl, 57);
    ck_assert_uint_eq(packet.received, 0xeead6daf80000000);
    ck_assert_uint_eq(packet.transmitted, 0xeead6daf8000a7c5);
    ck_assert_uint_eq(packet.sender.timestamp, 0xeead6daf01234567);
    writer = etd_writer(wire, sizeof wire);
    etd_stamp_write_reflected(&writer, &packet);
    ck_assert(!writer.failed);
    ck_assert_mem_eq(wire, reflected, sizeof wire);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("stamp");
    TCase *tests = tcase_create("packets");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_packet_is_reflected_to_the_byte);
    tcase_add_test(tests, an_unsynchronised_clock_is_not_passed_off_as_good);
    tcase_add_test(tests, a_ttl_that_is_not_known_is_told_as_255);
    tcase_add_test(tests, a_stateful_reflector_counts_by_itself);
    tcase_add_test(tests, answers_are_as_long_as_the_packet_or_the_least_there_is);
    tcase_add_test(tests, a_short_packet_of_twamp_light_is_reflected);
    tcase_add_test(tests, random_padding_of_twamp_light_is_reflected);
    tcase_add_test(tests, every_packet_of_a_stamp_sender_is_reflected);
    tcase_add_test(tests, reflected_packets_are_not_reflected);
    tcase_add_test(tests, answers_of_other_services_are_not_reflected);
    tcase_add_test(tests, packets_are_read_as_they_are_written);
    suite_add_tcase(suite, tests);
    tests = tcase_create("tlvs");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, extra_padding_is_copied);
    tcase_add_test(tests, unknown_tlvs_are_copied_and_flagged);
    tcase_add_test(tests, several_tlvs_are_each_answered);
    tcase_add_test(tests, malformed_tlvs_are_copied_and_flagged);
    tcase_add_test(tests, nothing_behind_a_malformed_tlv_is_processed);
    tcase_add_test(tests, class_of_service_tells_what_the_packet_came_with);
    tcase_add_test(tests, follow_up_telemetry_tells_of_the_answer_before);
    tcase_add_test(tests, without_stamp_tlvs_all_goes_back_as_it_came);
    tcase_add_test(tests, the_longest_datagram_of_the_shortest_tlvs);
    suite_add_tcase(suite, tests);
    return suite;
}
