/* The log against readers that do not read, and against texts that want to forge a line. */
#include "platform/log.h"
#include "platform/log_sink.h"
#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pty.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Check runs every test in a process of its own: standard error and the log's state are the test's. */

static char output[1 << 20];
static size_t output_size;

/* Makes `fd` standard error; the test's own messages go to standard output. */
static void become_stderr(int fd)
{
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
}

/* Adds what can be read without waiting to `output`. */
static void read_all(int fd)
{
    ssize_t got;
    ck_assert_int_eq(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
    while ((got = read(fd, output + output_size, sizeof output - 1 - output_size)) > 0)
        output_size += (size_t)got;
    output[output_size] = '\0';
}

static bool matches(const char *text, const char *pattern)
{
    regex_t regex;
    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool found = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return found;
}

#define TIME_PATTERN "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z"

/* A pipe as standard error; gives the end to read. */
static int log_to_pipe(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    become_stderr(ends[1]);
    return ends[0];
}

/* Logs numbered lines until the first is lost; gives the number of the next. */
static int log_until_lost(void)
{
    int line = 0;
    for (uint64_t before = etd_log_lost(); etd_log_lost() == before; line++) {
        ck_assert_int_lt(line, 100000);
        etd_log(ETD_LOG_INFO, "filling", "line=%d", line);
    }
    return line;
}

/* Every line of `output` is whole and in order, and the lost ones that it tells of are just those
 * that are missing: `count` in all. */
static void check_lines(int count)
{
    int expected = 0;
    char *rest = output;
    for (char *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n")) {
        int number = -1;
        line[strcspn(line, "\r")] = '\0';
        ck_assert_msg(matches(line, "^" TIME_PATTERN " (info filling line|warning log lines lost "
                                    "lost)=[0-9]+$"),
                      "not a whole line: %s", line);
        sscanf(strchr(line, '=') + 1, "%d", &number);
        if (strstr(line, "warning") != NULL) {
            expected += number;
        } else {
            ck_assert_int_eq(number, expected);
            expected++;
        }
    }
    ck_assert_int_eq(expected, count);
}

START_TEST(full_pipe_costs_lines_and_never_blocks)
{
    int reader = log_to_pipe();
    /* Two pages: poll(2) gives a pipe room only while a page of it is free. */
    ck_assert_int_eq(fcntl(reader, F_SETPIPE_SZ, 8192), 8192);
    /* Row 1 opens the pipe again; row 0 is how it is before etd_log_open. */
    if (_i == 1)
        etd_log_open();
    int count = log_until_lost();
    for (int more = 0; more < 41; more++)
        etd_log(ETD_LOG_INFO, "filling", "line=%d", count++);
    ck_assert_uint_eq(etd_log_lost(), 42);
    read_all(reader);
    etd_log(ETD_LOG_INFO, "filling", "line=%d", count++);
    ck_assert_uint_eq(etd_log_lost(), 42);
    read_all(reader);
    ck_assert_ptr_ne(strstr(output, "warning log lines lost lost=42\n"), NULL);
    check_lines(count);
}
END_TEST

START_TEST(shared_standard_error_stays_blocking)
{
    int reader = log_to_pipe();
    etd_log_open();
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(reader, F_GETFL) & O_NONBLOCK, 0);
    etd_log(ETD_LOG_INFO, "one", "%s", "");
    etd_log_close();
    etd_log(ETD_LOG_INFO, "two", "%s", "");
    read_all(reader);
    ck_assert_msg(matches(output, "info one\n.*info two\n$"), "%s", output);
}
END_TEST

START_TEST(stopped_terminal_costs_lines_and_cuts_none)
{
    int master, slave;
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    become_stderr(slave);
    if (_i == 1)
        etd_log_open();
    /* As Ctrl-S does. */
    ck_assert_int_eq(tcflow(STDERR_FILENO, TCOOFF), 0);
    etd_log(ETD_LOG_INFO, "filling", "line=%d", 0);
    ck_assert_uint_eq(etd_log_lost(), 1);
    ck_assert_int_eq(tcflow(STDERR_FILENO, TCOON), 0);
    etd_log(ETD_LOG_INFO, "filling", "line=%d", 1);
    read_all(master);
    check_lines(2);
}
END_TEST

/* A terminal takes parts of lines, where a pipe takes all or nothing. */
START_TEST(cut_line_is_finished_before_the_next)
{
    int master, slave;
    bool cut = false;
    struct etd_log_sink sink;
    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    become_stderr(slave);
    etd_log_sink_open(&sink);
    size_t passed = 0;
    char line[ETD_LOG_LINE];
    /* Lengths that go with no buffer's size, so that some line meets the end of a buffer. */
    for (size_t turn = 0; turn < 200; turn++) {
        size_t size = 700 + turn;
        memset(line, 'a' + (int)(turn % 26), size - 1);
        line[size - 1] = '\n';
        if (etd_log_sink_write(&sink, line, size)) {
            passed++;
        } else {
            read_all(master);
        }
        cut = cut || sink.rest_size > 0;
    }
    ck_assert_msg(cut, "the terminal never took a part of a line");
    while (sink.rest_size > 0) {
        read_all(master);
        passed += etd_log_sink_write(&sink, "z\n", 2);
    }
    read_all(master);
    size_t lines = 0;
    char *rest = output;
    for (char *one = strsep(&rest, "\n"); rest != NULL; one = strsep(&rest, "\n")) {
        one[strcspn(one, "\r")] = '\0';
        ck_assert_uint_eq(strspn(one, (char[]){one[0], '\0'}), strlen(one));
        ck_assert(strlen(one) >= 699 || strcmp(one, "z") == 0);
        lines++;
    }
    ck_assert_uint_eq(lines, passed);
    etd_log_sink_close(&sink);
}
END_TEST

START_TEST(full_socket_costs_lines_and_never_blocks)
{
    int ends[2];
    /* A stream as the journal's, and datagrams. */
    ck_assert_int_eq(socketpair(AF_UNIX, _i == 0 ? SOCK_STREAM : SOCK_DGRAM, 0, ends), 0);
    become_stderr(ends[1]);
    etd_log_open();
    int count = log_until_lost();
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
    read_all(ends[0]);
    etd_log(ETD_LOG_INFO, "filling", "line=%d", count++);
    read_all(ends[0]);
    check_lines(count);
}
END_TEST

START_TEST(vanished_reader_costs_lines_alone)
{
    signal(SIGPIPE, SIG_IGN);
    int reader = log_to_pipe();
    if (_i == 1)
        etd_log_open();
    close(reader);
    etd_log(ETD_LOG_INFO, "nobody", "%s", "");
    ck_assert_uint_eq(etd_log_lost(), 1);
}
END_TEST

/* The number of a closed standard error may next be a connection's. */
START_TEST(closed_standard_error_is_not_written_to)
{
    close(STDERR_FILENO);
    etd_log_open();
    int reader = log_to_pipe();
    etd_log(ETD_LOG_ERROR, "secret", "%s", "");
    read_all(reader);
    ck_assert_uint_eq(output_size, 0);
    ck_assert_uint_eq(etd_log_lost(), 1);
}
END_TEST

START_TEST(regular_file_gets_every_line)
{
    FILE *file = tmpfile();
    ck_assert_ptr_ne(file, NULL);
    int reader = dup(fileno(file));
    become_stderr(dup(fileno(file)));
    etd_log_open();
    for (int line = 0; line < 1000; line++)
        etd_log(ETD_LOG_INFO, "filling", "line=%d", line);
    lseek(reader, 0, SEEK_SET);
    read_all(reader);
    check_lines(1000);
    ck_assert_uint_eq(etd_log_lost(), 0);
}
END_TEST

static void name_journal(const struct stat *status)
{
    char stream[64];
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status->st_dev,
             (uintmax_t)status->st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
}

START_TEST(journal_gets_priorities_and_no_time)
{
    struct stat status;
    int reader = log_to_pipe();
    ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
    name_journal(&status);
    etd_log_open();
    etd_log_set_level(ETD_LOG_DEBUG);
    etd_log(ETD_LOG_ERROR, "first", "a=%d", 1);
    etd_log(ETD_LOG_INFO, "second", "%s", "");
    etd_log(ETD_LOG_DEBUG, "third", "b=%s", "two");
    read_all(reader);
    ck_assert_str_eq(output, "<3>first a=1\n<6>second\n<7>third b=two\n");
}
END_TEST

/* A child of a service inherits the variable, also with a standard error of its own. */
START_TEST(journal_of_another_gets_no_priorities)
{
    struct stat status;
    int reader = log_to_pipe();
    ck_assert_int_eq(fstat(STDOUT_FILENO, &status), 0);
    name_journal(&status);
    etd_log_open();
    etd_log(ETD_LOG_NOTICE, "listening", "address=%s", "127.0.0.1:8080");
    read_all(reader);
    ck_assert_msg(matches(output, "^" TIME_PATTERN " notice listening address=127.0.0.1:8080\n$"),
                  "%s", output);
}
END_TEST

START_TEST(less_important_lines_are_left_out)
{
    int reader = log_to_pipe();
    etd_log_open();
    etd_log(ETD_LOG_DEBUG, "not at first", "%s", "");
    etd_log_set_level(ETD_LOG_ERROR);
    etd_log(ETD_LOG_WARNING, "nor now", "%s", "");
    read_all(reader);
    ck_assert_uint_eq(output_size, 0);
    etd_log(ETD_LOG_ERROR, "but this", "%s", "");
    read_all(reader);
    ck_assert_msg(matches(output, " error but this\n$"), "%s", output);
    ck_assert_uint_eq(etd_log_lost(), 0);
}
END_TEST

static const struct {
    const char *text, *logged;
} escapes[] = {
    {"plain", "plain"},
    {"two\nlines", "two\\x0alines"},
    {"\r\x1b[2J\x7f", "\\x0d\\x1b[2J\\x7f"},
    {"back\\slash", "back\\x5cslash"},
    {"Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x95\x92", "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x95\x92"},
    {"\xff\xfe", "\\xff\\xfe"},
    {"cut \xe2\x82", "cut \\xe2\\x82"},
    {"lone \x80", "lone \\x80"},
    {"overlong \xc0\x8a", "overlong \\xc0\\x8a"},
    {"overlong \xe0\x80\x8a", "overlong \\xe0\\x80\\x8a"},
    {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
    {"beyond \xf4\x90\x80\x80", "beyond \\xf4\\x90\\x80\\x80"},
    {"c1 \xc2\x85 \xc2\x9b", "c1 \\xc2\\x85 \\xc2\\x9b"},
    {"separator \xe2\x80\xa8", "separator \\xe2\\x80\\xa8"},
    {"turned \xe2\x80\xae", "turned \\xe2\\x80\\xae"},
};

START_TEST(text_from_outside_cannot_forge_a_line)
{
    char expected[128];
    int reader = log_to_pipe();
    etd_log_open();
    etd_log(ETD_LOG_INFO, "got", "text=%s", escapes[_i].text);
    read_all(reader);
    snprintf(expected, sizeof expected, "info got text=%s\n", escapes[_i].logged);
    ck_assert_str_eq(output + 28, expected);
}
END_TEST

/* At every length near the limit, with what must not be cut in two at its end. */
START_TEST(long_line_is_cut_and_says_so)
{
    static const char *const units[] = {"a", "\xe2\x82\xac", "\n"};
    const char *unit = units[_i];
    size_t logged = _i == 2 ? 4 : strlen(unit);
    int reader = log_to_pipe();
    etd_log_open();
    bool cut = false;
    for (size_t size = 900; size < 1100; size++) {
        char text[2048] = "";
        size_t units_in = size / logged;
        memset(text, 'x', size % logged);
        for (size_t i = 0; i < units_in; i++)
            strcat(text, unit);
        output_size = 0;
        etd_log(ETD_LOG_INFO, "long", "%s", text);
        read_all(reader);
        ck_assert_uint_le(output_size, ETD_LOG_LINE);
        ck_assert_ptr_eq(strchr(output, '\n'), output + output_size - 1);
        size_t tail = output_size - 1;
        bool ellipsis = strcmp(output + output_size - 4, "...\n") == 0;
        ck_assert_msg(ellipsis || tail == 28 + strlen("info long ") + size, "size %zu", size);
        /* No half of a character or of an escape before the dots. */
        if (ellipsis)
            ck_assert_uint_eq((tail - 3 - 28 - strlen("info long ") - size % logged) % logged, 0);
        ck_assert(ellipsis || !cut);
        cut = ellipsis;
    }
    ck_assert(cut);
}
END_TEST

START_TEST(errno_is_kept)
{
    int reader = log_to_pipe();
    errno = EDOM;
    etd_log_open();
    ck_assert_int_eq(errno, EDOM);
    fcntl(reader, F_SETPIPE_SZ, 4096);
    errno = EDOM;
    for (int line = 0; etd_log_lost() == 0; line++) {
        etd_log(ETD_LOG_INFO, "filling", "line=%d why=%m", line);
        ck_assert_int_eq(errno, EDOM);
    }
    etd_log_close();
    ck_assert_int_eq(errno, EDOM);
    read_all(reader);
    ck_assert_ptr_ne(strstr(output, strerror(EDOM)), NULL);
}
END_TEST

START_TEST(bulk_passes_once_a_second_and_counts_the_rest)
{
    struct etd_log_limit limit = {0};
    uint64_t suppressed = 99;
    ck_assert(etd_log_limit_pass(&limit, 5000, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
    ck_assert(!etd_log_limit_pass(&limit, 5000, &suppressed));
    ck_assert(!etd_log_limit_pass(&limit, 5999, &suppressed));
    ck_assert(etd_log_limit_pass(&limit, 6000, &suppressed));
    ck_assert_uint_eq(suppressed, 2);
    ck_assert(etd_log_limit_pass(&limit, 9000, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *readers = tcase_create("readers");
    tcase_add_loop_test(readers, full_pipe_costs_lines_and_never_blocks, 0, 2);
    tcase_add_test(readers, shared_standard_error_stays_blocking);
    tcase_add_loop_test(readers, stopped_terminal_costs_lines_and_cuts_none, 0, 2);
    tcase_add_test(readers, cut_line_is_finished_before_the_next);
    tcase_add_loop_test(readers, full_socket_costs_lines_and_never_blocks, 0, 2);
    tcase_add_loop_test(readers, vanished_reader_costs_lines_alone, 0, 2);
    tcase_add_test(readers, closed_standard_error_is_not_written_to);
    tcase_add_test(readers, regular_file_gets_every_line);
    suite_add_tcase(suite, readers);
    TCase *lines = tcase_create("lines");
    tcase_add_test(lines, journal_gets_priorities_and_no_time);
    tcase_add_test(lines, journal_of_another_gets_no_priorities);
    tcase_add_test(lines, less_important_lines_are_left_out);
    tcase_add_loop_test(lines, text_from_outside_cannot_forge_a_line, 0,
                        sizeof escapes / sizeof escapes[0]);
    tcase_add_loop_test(lines, long_line_is_cut_and_says_so, 0, 3);
    tcase_add_test(lines, errno_is_kept);
    tcase_add_test(lines, bulk_passes_once_a_second_and_counts_the_rest);
    suite_add_tcase(suite, lines);
    return suite;
}
