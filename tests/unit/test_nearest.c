/* Suggestions: which name a mistyped word was meant to be. */
#include "core/nearest.h"
#include "support/suite.h"

#include <string.h>

static const char *nearest(const char *word)
{
    static const char *const names[] = {"listen",       "service",         "framing",
                                        "idle_timeout", "message_timeout", "write_timeout"};
    struct etd_nearest found = etd_nearest_begin(word);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        etd_nearest_offer(&found, names[i]);
    return found.best != NULL ? found.best : "none";
}

START_TEST(slips_of_the_finger_are_understood)
{
    ck_assert_str_eq(nearest("lisen"), "listen");
    ck_assert_str_eq(nearest("listenn"), "listen");
    ck_assert_str_eq(nearest("lisetn"), "listen");
    ck_assert_str_eq(nearest("LISTEN"), "listen");
    ck_assert_str_eq(nearest("framming"), "framing");
    ck_assert_str_eq(nearest("idletimeout"), "idle_timeout");
    ck_assert_str_eq(nearest("idle-timeout"), "idle_timeout");
    ck_assert_str_eq(nearest("writetimeout"), "write_timeout");
}
END_TEST

START_TEST(words_without_likeness_get_no_suggestion)
{
    ck_assert_str_eq(nearest(""), "none");
    ck_assert_str_eq(nearest("x"), "none");
    ck_assert_str_eq(nearest("port"), "none");
    ck_assert_str_eq(nearest("bind_address"), "none");
    char word[200];
    memset(word, 'l', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    ck_assert_str_eq(nearest(word), "none");
}
END_TEST

START_TEST(a_swap_costs_less_than_two_changes)
{
    struct etd_nearest found = etd_nearest_begin("tpc");
    etd_nearest_offer(&found, "udp");
    etd_nearest_offer(&found, "tcp");
    ck_assert_str_eq(found.best, "tcp");
    ck_assert_uint_eq(found.distance, 1);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("nearest");
    TCase *tests = tcase_create("words");
    tcase_add_test(tests, slips_of_the_finger_are_understood);
    tcase_add_test(tests, words_without_likeness_get_no_suggestion);
    tcase_add_test(tests, a_swap_costs_less_than_two_changes);
    suite_add_tcase(suite, tests);
    return suite;
}
