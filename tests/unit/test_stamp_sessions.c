/* The sessions of a stateful reflector: whose is whose, and which is forgotten. */
#include "echotimed/stamp_sessions.h"

#include "support/random.h"
#include "support/suite.h"

#include <stdlib.h>

static struct etd_stamp_sessions *sessions;

static void begin(void)
{
    static const struct etd_siphash_key key = {{1, 2, 3}};
    sessions = malloc(sizeof *sessions);
    ck_assert_ptr_nonnull(sessions);
    memset(sessions, 0xa5, sizeof *sessions);
    etd_stamp_sessions_init(sessions, &key);
}

static void end(void)
{
    free(sessions);
}

/* A source of its own for each number. */
static struct etd_address source(uint32_t number)
{
    struct etd_address address = {.port = (uint16_t)(number >> 16 | 1024)};
    uint8_t ip[4] = {192, 0, (uint8_t)(number >> 8), (uint8_t)number};
    etd_address_set_ipv4(&address, ip);
    return address;
}

/* The number of the answer that the session's packet gets. */
static uint32_t answer(struct etd_address from, uint16_t ssid)
{
    struct etd_stamp_session *session = etd_stamp_sessions_find(sessions, &from, ssid);
    uint32_t number = session->sequence;
    etd_stamp_session_answered(session, 1000 + number);
    return number;
}

START_TEST(each_session_counts_its_own_answers)
{
    begin();
    struct etd_address a = source(1), other_port = a, other_ip = source(2);
    other_port.port++;
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(answer(a, 0), i);
        ck_assert_uint_eq(answer(a, 7), i);
        ck_assert_uint_eq(answer(other_port, 7), i);
        ck_assert_uint_eq(answer(other_ip, 7), i);
    }
    end();
}
END_TEST

START_TEST(a_new_session_knows_of_no_answer)
{
    begin();
    struct etd_address a = source(1);
    struct etd_stamp_session *session = etd_stamp_sessions_find(sessions, &a, 1);
    ck_assert_uint_eq(session->sequence, 0);
    ck_assert_uint_eq(session->transmitted, 0);
    etd_stamp_session_answered(session, 77);
    session = etd_stamp_sessions_find(sessions, &a, 1);
    ck_assert_uint_eq(session->sequence, 1);
    ck_assert_uint_eq(session->transmitted, 77);
    session->sequence = UINT32_MAX;
    etd_stamp_session_answered(session, 78);
    ck_assert_uint_eq(session->sequence, 0);
    end();
}
END_TEST

/* A packet that is looked up and not answered takes no number. */
START_TEST(what_is_not_answered_is_not_counted)
{
    begin();
    struct etd_address a = source(1);
    ck_assert_uint_eq(answer(a, 1), 0);
    (void)etd_stamp_sessions_find(sessions, &a, 1);
    ck_assert_uint_eq(answer(a, 1), 1);
    end();
}
END_TEST

START_TEST(a_peek_changes_nothing)
{
    begin();
    struct etd_address a = source(0), stranger = source(0x20000);
    for (uint32_t i = 0; i < ETD_STAMP_SESSIONS; i++)
        ck_assert_uint_eq(answer(source(i), 1), 0);
    ck_assert_uint_eq(etd_stamp_sessions_peek(sessions, &stranger, 1).sequence, 0);
    ck_assert_uint_eq(etd_stamp_sessions_peek(sessions, &stranger, 1).transmitted, 0);
    /* It pushed nobody out, and the oldest still is the oldest. */
    ck_assert_uint_eq(etd_stamp_sessions_peek(sessions, &a, 1).sequence, 1);
    ck_assert_uint_eq(etd_stamp_sessions_peek(sessions, &a, 1).transmitted, 1000);
    ck_assert_uint_eq(etd_stamp_sessions_peek(sessions, &a, 2).sequence, 0);
    ck_assert_uint_eq(answer(stranger, 1), 0);
    ck_assert_uint_eq(etd_stamp_sessions_peek(sessions, &a, 1).sequence, 0);
    ck_assert_uint_eq(answer(source(1), 1), 1);
    end();
}
END_TEST

START_TEST(a_full_table_forgets_the_session_that_was_silent_for_longest)
{
    begin();
    for (uint32_t i = 0; i < ETD_STAMP_SESSIONS; i++)
        ck_assert_uint_eq(answer(source(i), 1), 0);
    /* All still there, and heard of in another order: the even ones first. */
    for (uint32_t i = 0; i < ETD_STAMP_SESSIONS; i += 2)
        ck_assert_uint_eq(answer(source(i), 1), 1);
    for (uint32_t i = 1; i < ETD_STAMP_SESSIONS; i += 2)
        ck_assert_uint_eq(answer(source(i), 1), 1);
    /* A thousand new ones take the places of the first thousand even ones. */
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(answer(source(0x10000 + i), 1), 0);
    for (uint32_t i = 1; i < ETD_STAMP_SESSIONS; i += 2)
        ck_assert_uint_eq(answer(source(i), 1), 2);
    for (uint32_t i = 2000; i < ETD_STAMP_SESSIONS; i += 2)
        ck_assert_uint_eq(answer(source(i), 1), 2);
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(answer(source(0x10000 + i), 1), 1);
    ck_assert_uint_eq(answer(source(0), 1), 0);
    ck_assert_uint_eq(answer(source(1998), 1), 0);
    end();
}
END_TEST

/* Against a model that keeps everything: a plain list of all sessions with their times. */
START_TEST(any_traffic_gives_what_a_plain_list_gives)
{
    enum { KNOWN = 3 * ETD_STAMP_SESSIONS / 2, STEPS = 300000 };
    static struct {
        uint32_t count;
        int heard; /* the step; 0: not in the table */
    } known[KNOWN];
    struct etd_random random = etd_random_begin("sessions");
    begin();
    int in_table = 0;
    for (int step = 1; step <= STEPS; step++) {
        /* Now and then few sessions are busy, so that the others grow old. */
        uint64_t bound = step / 20000 % 2 ? KNOWN / 3 : KNOWN;
        uint32_t which = (uint32_t)etd_random_below(&random, bound);
        if (known[which].heard == 0 && in_table == ETD_STAMP_SESSIONS) {
            int oldest = -1;
            for (int i = 0; i < KNOWN; i++) {
                if (known[i].heard > 0 && (oldest < 0 || known[i].heard < known[oldest].heard))
                    oldest = i;
            }
            known[oldest].count = 0;
            known[oldest].heard = 0;
        } else if (known[which].heard == 0) {
            in_table++;
        }
        known[which].heard = step;
        uint32_t number = answer(source(which / 2), (uint16_t)(which % 2));
        if (number != known[which].count++)
            ck_abort_msg("step %d: session %u gets number %u, not %u", step, which, number,
                         known[which].count - 1);
    }
    end();
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("stamp_sessions");
    TCase *tests = tcase_create("table");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, each_session_counts_its_own_answers);
    tcase_add_test(tests, a_new_session_knows_of_no_answer);
    tcase_add_test(tests, what_is_not_answered_is_not_counted);
    tcase_add_test(tests, a_peek_changes_nothing);
    tcase_add_test(tests, a_full_table_forgets_the_session_that_was_silent_for_longest);
    tcase_add_test(tests, any_traffic_gives_what_a_plain_list_gives);
    suite_add_tcase(suite, tests);
    return suite;
}
