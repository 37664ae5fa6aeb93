/* The services of few words, to the byte: echo, discard, daytime and the Time Protocol. */
#include "echotimed/service.h"

#include "support/suite.h"

/* Sunday, 22 November 2026, 13:33:35 UTC, on a host whose zone is another. */
static const struct etd_clock_reading reading = {
    .now = {.seconds = 1795354415, .nanoseconds = 999999999}, .utc_offset = 20700};

static uint8_t room[64];
static struct etd_writer reply;

static enum etd_verdict ask(enum etd_service_id id, struct etd_bytes payload,
                            const struct etd_clock_reading *clock)
{
    struct etd_request request = {.transport = ETD_UDP, .payload = payload, .clock = clock};
    reply = etd_writer(room, etd_services[id]->reply_max);
    return etd_service_answer(etd_services[id], &request, &reply);
}

static enum etd_verdict open_at(enum etd_service_id id, int64_t seconds)
{
    struct etd_clock_reading clock = {.now = {.seconds = seconds}, .utc_offset = 20700};
    struct etd_request request = {.transport = ETD_TCP, .clock = &clock};
    reply = etd_writer(room, etd_services[id]->reply_max);
    return etd_service_open(etd_services[id], &request, &reply);
}

static void replied(struct etd_bytes wanted)
{
    struct etd_bytes got = etd_writer_bytes(&reply);
    ck_assert(!reply.failed);
    ck_assert_msg(etd_bytes_equal(got, wanted), "replied \"%.*s\", not \"%.*s\"", (int)got.size,
                  (const char *)got.data, (int)wanted.size, (const char *)wanted.data);
}

START_TEST(echo_gives_every_message_back)
{
    ck_assert_int_eq(ask(ETD_SERVICE_ECHO, etd_bytes_text("x"), NULL), ETD_VERDICT_SAME);
    ck_assert_int_eq(ask(ETD_SERVICE_ECHO, etd_bytes(NULL, 0), NULL), ETD_VERDICT_SAME);
    ck_assert(etd_services[ETD_SERVICE_ECHO]->same);
}
END_TEST

START_TEST(discard_is_silent_on_every_message)
{
    ck_assert_int_eq(ask(ETD_SERVICE_DISCARD, etd_bytes_text("x"), NULL), ETD_VERDICT_SILENT);
    ck_assert_int_eq(ask(ETD_SERVICE_DISCARD, etd_bytes(NULL, 0), NULL), ETD_VERDICT_SILENT);
}
END_TEST

START_TEST(daytime_is_english_and_utc)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {1795354415, "22 NOV 2026 13:33:35 UTC\r\n"},
        {0, "01 JAN 1970 00:00:00 UTC\r\n"},
        {951782400, "29 FEB 2000 00:00:00 UTC\r\n"},
        {-1, "31 DEC 1969 23:59:59 UTC\r\n"},
        /* Always 26 bytes, whatever the clock says. */
        {253402300800, "01 JAN 0000 00:00:00 UTC\r\n"},
        {-62167219201, "31 DEC 9999 23:59:59 UTC\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(open_at(ETD_SERVICE_DAYTIME, cases[i].seconds), ETD_VERDICT_CLOSE);
        replied(etd_bytes_text(cases[i].text));
    }
}
END_TEST

START_TEST(daytime_answers_datagrams_shorter_than_its_answer)
{
    static const char *const asked[] = {"", "x", "\n", "what is it", "daytime, please, if I may"};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        ck_assert_int_eq(ask(ETD_SERVICE_DAYTIME, etd_bytes_text(asked[i]), &reading),
                         ETD_VERDICT_REPLY);
        replied(etd_bytes_text("22 NOV 2026 13:33:35 UTC\r\n"));
    }
    static const char *const dropped[] = {
        "22 NOV 2026 13:33:35 UTC\r\n",
        "a datagram that is longer than the answer",
        "1795354415",
        "-1\r\n",
        "1795354415123456789\n",
        "\x83\xaa\x7e\x80", /* four bytes: rfc868's answer */
    };
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
        ck_assert_int_eq(ask(ETD_SERVICE_DAYTIME, etd_bytes_text(dropped[i]), &reading),
                         ETD_VERDICT_SILENT);
        replied(etd_bytes(NULL, 0));
    }
}
END_TEST

START_TEST(rfc868_counts_from_1900_and_wraps_in_2036)
{
    static const struct {
        int64_t seconds;
        uint32_t wanted;
    } cases[] = {
        {-2208988800, 0},         {-2208988799, 1}, {0, 2208988800u}, {1795354415, 4004343215u},
        {2085978495, UINT32_MAX}, {2085978496, 0},  {2085978497, 1},  {-2208988801, UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(open_at(ETD_SERVICE_RFC868, cases[i].seconds), ETD_VERDICT_CLOSE);
        struct etd_reader wire = etd_reader(etd_writer_bytes(&reply));
        ck_assert_uint_eq(etd_reader_left(&wire), 4);
        ck_assert_uint_eq(etd_read_u32(&wire), cases[i].wanted);
    }
}
END_TEST

START_TEST(rfc868_answers_empty_datagrams_alone)
{
    ck_assert_int_eq(ask(ETD_SERVICE_RFC868, etd_bytes(NULL, 0), &reading), ETD_VERDICT_REPLY);
    replied(etd_bytes("\xee\xad\x6d\xaf", 4));
    ck_assert_int_eq(ask(ETD_SERVICE_RFC868, etd_bytes_text("\n"), &reading), ETD_VERDICT_SILENT);
    ck_assert_int_eq(ask(ETD_SERVICE_RFC868, etd_bytes("\xee\xad\x6d\xaf", 4), &reading),
                     ETD_VERDICT_SILENT);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("simple services");
    TCase *tests = tcase_create("answers");
    tcase_add_test(tests, echo_gives_every_message_back);
    tcase_add_test(tests, discard_is_silent_on_every_message);
    tcase_add_test(tests, daytime_is_english_and_utc);
    tcase_add_test(tests, daytime_answers_datagrams_shorter_than_its_answer);
    tcase_add_test(tests, rfc868_counts_from_1900_and_wraps_in_2036);
    tcase_add_test(tests, rfc868_answers_empty_datagrams_alone);
    suite_add_tcase(suite, tests);
    return suite;
}
