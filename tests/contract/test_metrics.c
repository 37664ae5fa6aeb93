/* What is counted is told: every figure has a row, and stands in the text for scrapers and in the pairs
 * for the log alike. A new counter or reason without a row fails here. */
#include "echotimed/metrics.h"
#include "support/suite.h"

#include <ctype.h>
#include <stdio.h>

#define WORDS(type) (sizeof(type) / sizeof(uint64_t))

static const size_t words[ETD_METRICS_SCOPES] = {
    [ETD_METRICS_TCP] = WORDS(struct etd_tcp_counters),
    [ETD_METRICS_UDP] = WORDS(struct etd_udp_counters),
    [ETD_METRICS_PROCESS] = WORDS(struct etd_process_figures),
};

enum { MOST_WORDS = 64, FIRST_FIGURE = 7000000 };

/* Figures that no two words have in common. */
static uint64_t figures[MOST_WORDS];
static enum etd_metrics_scope shown;

static bool next(const void *context, enum etd_metrics_scope scope,
                 struct etd_metrics_subject *subject)
{
    (void)context;
    bool first = subject->place == NULL;
    *subject = (struct etd_metrics_subject){"a", figures, figures};
    return first && scope == shown;
}

static const struct etd_metrics_source source = {.next = next, .version = "0"};

static void begin(void)
{
    for (size_t i = 0; i < MOST_WORDS; i++)
        figures[i] = FIRST_FIGURE + i;
}

/* Marks the words that rows of the scope tell of; gives how many rows tell of the word. */
static unsigned rows_of(enum etd_metrics_scope scope, size_t word, bool *is_none)
{
    unsigned rows = 0;
    *is_none = false;
    for (size_t i = 0; i < etd_metrics_count; i++) {
        const struct etd_metric *metric = &etd_metrics[i];
        size_t first = metric->offset / sizeof(uint64_t);
        size_t count = metric->label != NULL ? metric->count : 1;
        if (metric->scope != scope || word < first || word >= first + count)
            continue;
        rows++;
        *is_none = word < first + metric->first;
    }
    return rows;
}

START_TEST(every_figure_has_one_row)
{
    enum etd_metrics_scope scope = (enum etd_metrics_scope)_i;
    ck_assert_uint_le(words[scope], MOST_WORDS);
    for (size_t word = 0; word < words[scope]; word++) {
        bool is_none;
        ck_assert_msg(rows_of(scope, word, &is_none) == 1, "word %zu of scope %d has %u rows", word,
                      _i, rows_of(scope, word, &is_none));
    }
}
END_TEST

/* What is left out says that there was nothing to count. */
START_TEST(only_the_reason_none_is_left_out)
{
    for (size_t i = 0; i < etd_metrics_count; i++) {
        const struct etd_metric *metric = &etd_metrics[i];
        for (unsigned index = 0; metric->label != NULL && index < metric->count; index++)
            ck_assert_msg((strcmp(metric->value_name(index), "none") == 0) ==
                              (index < metric->first),
                          "%s %s", metric->name, metric->value_name(index));
    }
}
END_TEST

static char *text_of(enum etd_metrics_format format)
{
    static uint8_t text[64 * 1024];
    struct etd_writer writer = etd_writer(text, sizeof text - 1);
    etd_metrics_write(&source, format, &writer);
    ck_assert(!writer.failed);
    *writer.at = '\0';
    return (char *)text;
}

static char *pairs_of(enum etd_metrics_scope scope)
{
    static uint8_t text[64 * 1024];
    struct etd_metrics_place place = {0};
    struct etd_writer writer = etd_writer(text, sizeof text - 1);
    ck_assert(etd_metrics_write_pairs(scope, figures, &place, &writer));
    *writer.at = '\0';
    return (char *)text;
}

/* How often a figure stands in the text, whole, as it is or as so many millionths. */
static unsigned occurrences(const char *text, uint64_t figure)
{
    unsigned found = 0;
    char plain[32], fraction[32];
    snprintf(plain, sizeof plain, "%llu\n", (unsigned long long)figure);
    snprintf(fraction, sizeof fraction, "%llu.%06llu\n", (unsigned long long)figure / 1000000,
             (unsigned long long)figure % 1000000);
    for (const char *at = text; *at != '\0'; at++) {
        if (at == text || (at[-1] != ' ' && at[-1] != '='))
            continue;
        size_t size = strspn(at, "0123456789.");
        found += strncmp(at, plain, strlen(plain) - 1) == 0 && size == strlen(plain) - 1;
        found += strncmp(at, fraction, strlen(fraction) - 1) == 0 && size == strlen(fraction) - 1;
    }
    return found;
}

START_TEST(every_figure_is_in_the_text_and_in_the_log)
{
    shown = (enum etd_metrics_scope)_i;
    for (size_t word = 0; word < words[shown]; word++) {
        bool is_none;
        (void)rows_of(shown, word, &is_none);
        unsigned times = is_none ? 0 : 1;
        for (unsigned format = 0; format < ETD_METRICS_FORMATS; format++)
            ck_assert_msg(
                occurrences(text_of((enum etd_metrics_format)format), figures[word]) == times,
                "word %zu, format %u:\n%s", word, format, text_of((enum etd_metrics_format)format));
        ck_assert_msg(occurrences(pairs_of(shown), figures[word]) == times, "word %zu:%s", word,
                      pairs_of(shown));
    }
}
END_TEST

/* Of the names what the formats and Prometheus's own advice ask for. */
START_TEST(names_are_as_the_formats_want_them)
{
    for (size_t i = 0; i < etd_metrics_count; i++) {
        const struct etd_metric *metric = &etd_metrics[i];
        for (const char *c = metric->name; *c != '\0'; c++)
            ck_assert_msg(islower(*c) || *c == '_', "%s", metric->name);
        ck_assert_msg(strstr(metric->name, "_total") == NULL, "%s", metric->name);
        ck_assert_msg(metric->help[strlen(metric->help) - 1] == '.', "help of %s", metric->name);
        if (metric->unit != NULL) {
            const char *suffix = strrchr(metric->name, '_') + 1;
            ck_assert_msg(strcmp(suffix, metric->unit) == 0, "%s", metric->name);
        }
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(metric->name, etd_metrics[j].name);
    }
}
END_TEST

/* A line of the log has room for any pair, or it would never come to an end. */
START_TEST(the_longest_pair_fits_into_what_is_promised)
{
    uint64_t greatest[MOST_WORDS];
    memset(greatest, 0xff, sizeof greatest);
    for (unsigned scope = 0; scope < ETD_METRICS_SCOPES; scope++) {
        struct etd_metrics_place place = {0};
        size_t pieces = 0, size = 0;
        do {
            uint8_t text[64];
            struct etd_writer writer = etd_writer(text, sizeof text);
            (void)etd_metrics_write_pairs((enum etd_metrics_scope)scope, greatest, &place, &writer);
            size = etd_writer_bytes(&writer).size;
            pieces++;
        } while (size > 0);
        ck_assert_uint_eq(place.row, etd_metrics_count);
        ck_assert_uint_gt(pieces, words[scope] / 3);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tests = tcase_create("table");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_loop_test(tests, every_figure_has_one_row, 0, ETD_METRICS_SCOPES);
    tcase_add_test(tests, only_the_reason_none_is_left_out);
    tcase_add_loop_test(tests, every_figure_is_in_the_text_and_in_the_log, 0, ETD_METRICS_SCOPES);
    tcase_add_test(tests, the_longest_pair_fits_into_what_is_promised);
    tcase_add_test(tests, names_are_as_the_formats_want_them);
    suite_add_tcase(suite, tests);
    return suite;
}
