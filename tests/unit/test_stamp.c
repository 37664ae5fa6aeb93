/* The service stamp, to the byte (RFC 8762 sections 4.2.1 and 4.3.1, RFC 8972 section 3). */
#include "echotimed/stamp_packet.h"
#include "echotimed/stamp_sessions.h"

#include "stamp_helper.h"
#include "support/guard.h"
#include "support/random.h"
#include "support/suite.h"

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

/* Every length: nothing below the least packet, 44 bytes to what is shorter, else the same
 * length. */
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
    return suite;
}
