/* What the service stamp makes of TLVs, to the byte (RFC 8972 section 4). */
#include "echotimed/stamp_sessions.h"

#include "stamp_helper.h"
#include "support/guard.h"
#include "support/suite.h"

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

/* A TLV reads as its header and its value. */
/* clang-format off */
#define CHECK_TLVS(tlvs, wanted)                                                                   \
    _Static_assert(sizeof tlvs == sizeof wanted, "the answer is as long");                         \
    check_tlvs(tlvs, wanted, sizeof tlvs - 1)

START_TEST(extra_padding_is_copied)
{
    CHECK_TLVS("\x80\x01\x00\x05" "abcde",
               "\x00\x01\x00\x05" "abcde");
    CHECK_TLVS("\x80\x01\x00\x00", "\x00\x01\x00\x00");
    /* Flags that only a reflector sets, and those that nobody knows, are taken back. */
    CHECK_TLVS("\xff\x01\x00\x01" "a",
               "\x00\x01\x00\x01" "a");
}
END_TEST

START_TEST(unknown_tlvs_are_copied_and_flagged)
{
    CHECK_TLVS("\x80\xfb\x00\x03" "xyz",
               "\x80\xfb\x00\x03" "xyz");
    CHECK_TLVS("\x00\xfb\x00\x03" "xyz",
               "\x80\xfb\x00\x03" "xyz");
    CHECK_TLVS("\x00\x00\x00\x00", "\x80\x00\x00\x00");
    /* Location, Timestamp Information, Direct Measurement, Access Report, HMAC, and all others. */
    for (unsigned type = 0; type < 256; type++) {
        uint8_t tlv[] = {0x80, (uint8_t)type, 0, 4, 'a', 'b', 'c', 'd'};
        if (type != 1 && type != 4 && type != 7)
            check_tlvs(tlv, tlv, sizeof tlv);
    }
}
END_TEST

START_TEST(several_tlvs_are_each_answered)
{
    CHECK_TLVS("\x80\x01\x00\x02" "ab" "\x80\xf0\x00\x01" "c" "\x80\x01\x00\x01" "d",
               "\x00\x01\x00\x02" "ab" "\x80\xf0\x00\x01" "c" "\x00\x01\x00\x01" "d");
}
END_TEST

/* One that says it were longer than what is left; and bytes too few for a header. */
START_TEST(malformed_tlvs_are_copied_and_flagged)
{
    CHECK_TLVS("\x80\x01\x00\x06" "abcde",
               "\x40\x01\x00\x06" "abcde");
    CHECK_TLVS("\x80\x01\xff\xff" "abcde",
               "\x40\x01\xff\xff" "abcde");
    CHECK_TLVS("\x80\xf0\x00\x01", "\xc0\xf0\x00\x01");
    CHECK_TLVS("\x80\x01\x00", "\x40\x01\x00");
    CHECK_TLVS("\x80\x01", "\x40\x01");
    CHECK_TLVS("\x80", "\xc0");
    CHECK_TLVS("\x80\x01\x00\x01" "a" "\x80\x01\x00\x09" "b",
               "\x00\x01\x00\x01" "a" "\x40\x01\x00\x09" "b");
}
END_TEST

/* Behind a length that cannot be right nothing is interpreted any more. */
START_TEST(nothing_behind_a_malformed_tlv_is_processed)
{
    request.class_kept = true;
    CHECK_TLVS("\x80\x04\x00\x03" "abc" "\x80\x01\x00\x01" "d" "\x80\x01\x00\x09",
               "\x40\x04\x00\x03" "abc" "\x80\x01\x00\x01" "d" "\xc0\x01\x00\x09");
    CHECK_TLVS("\x80\x07\x00\x11" "0123456789abcdefg",
               "\x40\x07\x00\x11" "0123456789abcdefg");
}
END_TEST

/* DSCP1 EF (46) in the upper six bits; the packet came with AF11 (10) and ECN CE (3). */
START_TEST(class_of_service_tells_what_the_packet_came_with)
{
    CHECK_TLVS("\x80\x04\x00\x04" "\xb8\x00\x00\x00",
               "\x80\x04\x00\x04" "\xb8\x00\x00\x00");
    request.class_kept = true;
    request.traffic_class = 10 << 2 | 3;
    /* 101110 001010 11 01 */
    CHECK_TLVS("\x80\x04\x00\x04" "\xb8\x00\xff\xff",
               "\x00\x04\x00\x04" "\xb8\xad\x00\x00");
    /* Asked for AF11 and got it: RP is 0. What the sender has in the other fields does not
     * matter. */
    CHECK_TLVS("\x80\x04\x00\x04" "\x2b\xff\x00\x00",
               "\x00\x04\x00\x04" "\x28\xac\x00\x00");
}
END_TEST

START_TEST(follow_up_telemetry_tells_of_the_answer_before)
{
    static const char asked[] = "\x80\x07\x00\x10" "0123456789abcdef";
    /* A stateless reflector does not know. */
    CHECK_TLVS(asked, "\x00\x07\x00\x10" "\0\0\0\0" "\0\0\0\0\0\0\0\0" "\0\0\0\0");
    struct etd_stamp_session session = {.sequence = 0x102};
    request.stamp_session = &session; /* the number happens to be the sender's */
    CHECK_TLVS(asked, "\x00\x07\x00\x10" "\0\0\0\0" "\0\0\0\0\0\0\0\0" "\0\0\0\0");
    session.transmitted = 0x0102030405060708;
    CHECK_TLVS(asked, "\x00\x07\x00\x10" "\0\0\1\1" "\1\2\3\4\5\6\7\10" "\2\0\0\0");
}
END_TEST

START_TEST(without_stamp_tlvs_all_goes_back_as_it_came)
{
    static const struct etd_time_settings without = {0};
    request.times = &without;
    request.class_kept = true;
    CHECK_TLVS("\x85\x01\x00\x02" "ab" "\x00\xf0\x00\x01" "c" "\x80\x04\x00\x09" "d",
               "\x85\x01\x00\x02" "ab" "\x00\xf0\x00\x01" "c" "\x80\x04\x00\x09" "d");
}
END_TEST

/* clang-format on */

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

Suite *etd_suite(void)
{
    Suite *suite = suite_create("stamp_tlv");
    TCase *tests = tcase_create("tlvs");
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
