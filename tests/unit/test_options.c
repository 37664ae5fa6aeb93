/* The command line: what it asks for, and what it is refused for. */
#include "daemon/options.h"
#include "support/suite.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 16 };

static struct etd_options options;
static char said[1024]; /* to standard error */

/* Parses "echotimed" and the words of `line`, which are parted by blanks. */
static enum etd_action parse(const char *line)
{
    static char words[512];
    char *argv[WORDS_MAX] = {(char[]){"echotimed"}};
    int argc = 1;
    strcpy(words, line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    FILE *capture = tmpfile();
    ck_assert_ptr_nonnull(capture);
    int old = dup(STDERR_FILENO);
    dup2(fileno(capture), STDERR_FILENO);
    etd_options_parse(&options, argc, argv);
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    close(old);
    rewind(capture);
    said[fread(said, 1, sizeof said - 1, capture)] = '\0';
    fclose(capture);
    return options.action;
}

static void expect_action(const char *line, enum etd_action action)
{
    ck_assert_msg(parse(line) == action, "'%s' gave %d: %s", line, options.action, said);
    ck_assert_str_eq(said, "");
    etd_options_free(&options);
}

static void expect_misuse(const char *line, const char *because)
{
    char expected[256];
    ck_assert_int_eq(parse(line), ETD_ACTION_MISUSE);
    snprintf(expected, sizeof expected, "echotimed: %s; see echotimed --help\n", because);
    ck_assert_str_eq(said, expected);
    ck_assert_int_eq(etd_options_perform(&options), 64);
    etd_options_free(&options);
}

START_TEST(actions)
{
    expect_action("", ETD_ACTION_SERVE);
    expect_action("-t", ETD_ACTION_TEST);
    expect_action("--test -t", ETD_ACTION_TEST);
    expect_action("-T", ETD_ACTION_DUMP);
    expect_action("--dump-config", ETD_ACTION_DUMP);
    expect_action("-V", ETD_ACTION_VERSION);
    expect_action("--version", ETD_ACTION_VERSION);
    expect_action("-h", ETD_ACTION_HELP);
    expect_action("--help -t", ETD_ACTION_HELP);
    expect_action("-t -h", ETD_ACTION_HELP);
    expect_action("-c x --", ETD_ACTION_SERVE);
}
END_TEST

START_TEST(misuse)
{
    expect_misuse("-x", "there is no option -x");
    expect_misuse("-tx", "there is no option -x");
    expect_misuse("--test -xV", "there is no option -x");
    expect_misuse("--test -t\xc3\xa9", "there is no option -\xc3");
    expect_misuse("--nonsense", "there is no option --nonsense");
    expect_misuse("--test=1", "there is no option --test=1");
    expect_misuse("-c", "a value is missing behind -c");
    expect_misuse("--option", "a value is missing behind --option");
    expect_misuse("-c a -c b", "there can be only one -c, not also 'b'");
    expect_misuse("-t -T", "-t and -T exclude each other");
    expect_misuse("file.ini", "there is no use for 'file.ini'");
    expect_misuse("-t -- -h", "there is no use for '-h'");
    expect_misuse("--config=", "the path behind -c is empty");
}
END_TEST

START_TEST(file_and_settings)
{
    ck_assert_int_eq(parse(""), ETD_ACTION_SERVE);
    ck_assert(options.request.file_optional);
    ck_assert_ptr_nonnull(options.request.sources.file);
    ck_assert_uint_eq(options.request.sources.option_count, 0);
    etd_options_free(&options);

    ck_assert_int_eq(parse("-o a=1 --config=x.ini -ob=2 --option c=3 --option=d=4"),
                     ETD_ACTION_SERVE);
    ck_assert(!options.request.file_optional);
    ck_assert_str_eq(options.request.sources.file, "x.ini");
    ck_assert_uint_eq(options.request.sources.option_count, 4);
    static const char *const settings[] = {"a=1", "b=2", "c=3", "d=4"};
    for (size_t i = 0; i < 4; i++)
        ck_assert_str_eq(options.request.sources.options[i], settings[i]);
    etd_options_free(&options);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("command_lines");
    tcase_add_test(tests, actions);
    tcase_add_test(tests, misuse);
    tcase_add_test(tests, file_and_settings);
    suite_add_tcase(suite, tests);
    return suite;
}
