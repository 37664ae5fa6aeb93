/* Configuration files: the sample, what is no file, and what the defaults are. */
#include "config_helper.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_config_file.XXXXXX";
static char path[256];

static void set_up(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/test.ini", folder);
}

static void tear_down(void)
{
    ck_assert(unlink(path) == 0 || errno == ENOENT);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_file(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* Loads `file` and gives its problems. */
static const char *problems_of(struct helper *helper, const char *file)
{
    helper_init(helper);
    helper->request.sources.file = file;
    helper->result = etd_config_load(&helper->loaded, &helper->request);
    return helper_problems(helper);
}

static void expect_refused(const char *file, const char *because)
{
    struct helper helper;
    char expected[512];
    snprintf(expected, sizeof expected, "%s: %s\n", file, because);
    ck_assert_str_eq(problems_of(&helper, file), expected);
    ck_assert_int_eq(helper.result, ETD_CONFIG_MISTAKEN);
    ck_assert(!helper.loaded.built_in);
    helper_free(&helper);
}

static const char *source_path(const char *name)
{
    static char text[512];
    const char *source = getenv("ETD_SOURCE_DIR");
    ck_assert_msg(source != NULL, "ETD_SOURCE_DIR is not set");
    snprintf(text, sizeof text, "%s/%s", source, name);
    return text;
}

/* The sample, the built-in defaults and the dump are the same: each line of the dump stands in the
 * sample, and what the sample says is what holds without it. */
START_TEST(sample_is_the_defaults)
{
    static char defaults[16 * 1024];
    struct helper helper;
    helper_init(&helper);
    helper_load_good(&helper, "");
    strcpy(defaults, helper_dump(&helper.loaded.config));
    helper_free(&helper);

    ck_assert_str_eq(problems_of(&helper, source_path("conf/echotimed.ini")), "");
    ck_assert_int_eq(helper.result, ETD_CONFIG_OK);
    ck_assert_str_eq(helper_dump(&helper.loaded.config), defaults);
    helper_free(&helper);

    /* Every key is set there, and in the same order and spelling. */
    FILE *file = fopen(source_path("conf/echotimed.ini"), "r");
    ck_assert_ptr_nonnull(file);
    char line[512];
    char said[sizeof defaults] = "";
    while (fgets(line, sizeof line, file) != NULL) {
        ck_assert_uint_le(strlen(line), 80);
        if (line[0] == '[' && said[0] != '\0')
            strcat(said, "\n");
        if (line[0] != ';' && line[0] != '\n')
            strcat(said, line);
    }
    fclose(file);
    ck_assert_str_eq(said, defaults);
}
END_TEST

START_TEST(dump_reads_back)
{
    static char first[16 * 1024];
    struct helper helper;
    helper_init(&helper);
    helper_load_good(&helper, "[tcp a]\nlisten=*:7,[::1]:8\nframing=length32\nmax_message=777\n"
                              "idle_timeout=90s\n[udp]\nreceive_buffer=1MiB\n");
    strcpy(first, helper_dump(&helper.loaded.config));
    helper_free(&helper);
    write_file(first, strlen(first));
    ck_assert_str_eq(problems_of(&helper, path), "");
    ck_assert_str_eq(helper_dump(&helper.loaded.config), first);
    helper_free(&helper);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    expect_refused(folder, "this is a folder; give the path of a file");
    expect_refused("/dev/null", "this is no regular file; give the path of a file");
    expect_refused("/dev/zero", "this is no regular file; give the path of a file");
    expect_refused(path, "the file cannot be read: No such file or directory");
    expect_refused("/dev/null/x", "the file cannot be read: Not a directory");
    expect_refused("", "the file cannot be read: No such file or directory");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_refused(path, "this is no regular file; give the path of a file"); /* does not hang */
}
END_TEST

START_TEST(unreadable_file_is_refused)
{
    /* A link to itself cannot be opened by anybody, root included. */
    ck_assert_int_eq(symlink("test.ini", path), 0);
    expect_refused(path, "the file cannot be read: Too many levels of symbolic links");
}
END_TEST

START_TEST(size_limit)
{
    enum { LIMIT = 1 << 20 };
    char *text = malloc(LIMIT + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, '\n', LIMIT + 1);
    write_file(text, LIMIT);
    struct helper helper;
    ck_assert_str_eq(problems_of(&helper, path), "");
    helper_free(&helper);
    write_file(text, LIMIT + 1);
    free(text);
    expect_refused(path, "the file is larger than 1 MiB; no configuration is");
}
END_TEST

START_TEST(empty_file_is_the_defaults)
{
    struct helper helper;
    write_file("", 0);
    ck_assert_str_eq(problems_of(&helper, path), "");
    ck_assert_int_eq(helper.result, ETD_CONFIG_OK);
    ck_assert(!helper.loaded.built_in);
    ck_assert_uint_eq(helper.loaded.config.listener_count, 2);
    helper_free(&helper);
}
END_TEST

/* Only where the file may be missing, and only when it is: not when it is there and unreadable. */
START_TEST(optional_file)
{
    struct helper helper;
    helper_init(&helper);
    helper.request.sources.file = path;
    helper.request.file_optional = true;
    ck_assert_int_eq(etd_config_load(&helper.loaded, &helper.request), ETD_CONFIG_OK);
    ck_assert(helper.loaded.built_in);
    ck_assert_uint_eq(helper.loaded.config.listener_count, 2);
    helper_free(&helper);
    helper.request.sources.file = folder;
    ck_assert_int_eq(etd_config_load(&helper.loaded, &helper.request), ETD_CONFIG_MISTAKEN);
    ck_assert(!helper.loaded.built_in);
    helper_free(&helper);
}
END_TEST

/* Options are checked also when the file is not there. */
START_TEST(missing_file_and_wrong_option_are_both_told)
{
    struct helper helper;
    char expected[512];
    helper_init(&helper);
    helper.request.sources.file = path;
    helper_option(&helper, "tcp.x=1");
    ck_assert_int_eq(etd_config_load(&helper.loaded, &helper.request), ETD_CONFIG_MISTAKEN);
    ck_assert_uint_eq(helper.loaded.problems.count, 2);
    snprintf(expected, sizeof expected, "%s: the file cannot be read: No such file or directory",
             path);
    ck_assert_str_eq(helper.loaded.problems.items[0].text, expected);
    helper_free(&helper);
}
END_TEST

/* A reload builds a second configuration beside the first. */
START_TEST(two_configurations_live_side_by_side)
{
    struct helper one, two;
    helper_init(&one);
    helper_load_good(&one, "[tcp]\nlisten=*:1\n");
    helper_init(&two);
    helper_load_good(&two, "[tcp]\nlisten=*:2\n");
    ck_assert_uint_eq(one.loaded.config.listeners[0].listen[0].address.port, 1);
    helper_free(&one);
    ck_assert_uint_eq(two.loaded.config.listeners[0].listen[0].address.port, 2);
    helper_free(&two);
}
END_TEST

START_TEST(want_of_memory_while_reading)
{
    static char text[20000];
    memset(text, '\n', sizeof text);
    write_file(text, sizeof text);
    for (uint64_t refuse_at = 1;; refuse_at++) {
        struct helper helper;
        helper_init(&helper);
        helper.request.sources.file = path;
        helper.memory.refuse_at = refuse_at;
        helper.result = etd_config_load(&helper.loaded, &helper.request);
        bool refused = helper.memory.requests >= refuse_at;
        ck_assert_int_eq(helper.result, refused ? ETD_CONFIG_NO_MEMORY : ETD_CONFIG_OK);
        helper_free(&helper);
        if (!refused)
            break;
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("config_file");
    TCase *tests = tcase_create("files");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, sample_is_the_defaults);
    tcase_add_test(tests, dump_reads_back);
    tcase_add_test(tests, what_is_no_file_is_refused);
    tcase_add_test(tests, unreadable_file_is_refused);
    tcase_add_test(tests, size_limit);
    tcase_add_test(tests, empty_file_is_the_defaults);
    tcase_add_test(tests, optional_file);
    tcase_add_test(tests, missing_file_and_wrong_option_are_both_told);
    tcase_add_test(tests, two_configurations_live_side_by_side);
    tcase_add_test(tests, want_of_memory_while_reading);
    suite_add_tcase(suite, tests);
    return suite;
}
