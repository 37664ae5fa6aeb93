/* The command line of echotime: every command's defaults, and what one thing makes of another. What is
 * refused, and in which words, the integration tests look at. */
#include "client/command.h"
#include "support/suite.h"

#include <string.h>

enum { WORDS_MAX = 16 };

static struct etd_settings settings;

/* Parses "echotime" and the words of `line`, which are parted by blanks. */
static void parse(const char *line)
{
    static char words[512];
    char *argv[WORDS_MAX] = {(char[]){"echotime"}};
    int argc = 1;
    strcpy(words, line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    ck_assert_msg(etd_options_read(&settings, argc, argv) == ETD_REQUEST_RUN, "%s", line);
}

START_TEST(every_command_has_good_defaults)
{
    for (const struct etd_command *const *one = etd_commands; *one != NULL; one++) {
        char line[64] = "";
        strcat(strcat(line, (*one)->name), " tcp://h");
        parse(line);
        ck_assert_ptr_eq(settings.command, *one);
        ck_assert_uint_ne(settings.url.port, 0);
        ck_assert_uint_ne(settings.timeout_us, 0);
    }
}
END_TEST

/* No two options of a command may share a letter or a name. */
START_TEST(options_are_told_apart)
{
    for (int i = 0; i < ETD_OPTIONS; i++) {
        for (int j = 0; j < i; j++) {
            const struct etd_option *a = &etd_options_table[i], *b = &etd_options_table[j];
            ck_assert(a->letter == 0 || a->letter != b->letter);
            ck_assert_str_ne(a->name, b->name);
        }
    }
}
END_TEST

START_TEST(values_arrive_in_their_fields)
{
    parse(
        "ping -c 5 --interval=250ms -s 1400 -w2s -f length16 -6 --source ::1 --json -q tcp://h:7");
    ck_assert_uint_eq(settings.count, 5);
    ck_assert_uint_eq(settings.interval_us, 250000);
    ck_assert_uint_eq(settings.size, 1400);
    ck_assert_uint_eq(settings.timeout_us, 2000000);
    ck_assert_int_eq(settings.framing, ETD_FRAMING_LENGTH16);
    ck_assert(settings.ipv6 && !settings.ipv4 && settings.json && settings.quiet);
    ck_assert_str_eq(settings.source, "::1");
    ck_assert_uint_eq(settings.url.port, 7);
    parse("ping -i 0.2 -w 1.5s udp://h");
    ck_assert_uint_eq(settings.interval_us, 200000);
    ck_assert_uint_eq(settings.timeout_us, 1500000);
    parse("load tcp://h -n 3 -d 4 -r 500 -t 1min");
    ck_assert_uint_eq(settings.connections, 3);
    ck_assert_uint_eq(settings.depth, 4);
    ck_assert_uint_eq(settings.rate, 500);
    ck_assert_uint_eq(settings.duration_us, 60000000);
    ck_assert(!settings.json && settings.source == NULL);
}
END_TEST

START_TEST(what_is_asked_decides_on_port_and_framing)
{
    static const struct {
        const char *line;
        enum etd_protocol_id protocol;
        uint16_t port;
        enum etd_framing_id framing;
    } cases[] = {
        {"time tcp://h", ETD_PROTOCOL_TEXT, 9000, ETD_FRAMING_LINE},
        {"time udp://h:123", ETD_PROTOCOL_NTP, 123, ETD_FRAMING_RAW},
        {"time -p text udp://h:123", ETD_PROTOCOL_TEXT, 123, ETD_FRAMING_LINE},
        {"time -p daytime tcp://h", ETD_PROTOCOL_DAYTIME, 13, ETD_FRAMING_RAW},
        {"time -p rfc868 udp://h", ETD_PROTOCOL_RFC868, 37, ETD_FRAMING_RAW},
        {"ping tcp://h", ETD_PROTOCOL_ECHO, 8080, ETD_FRAMING_RAW},
        {"ping udp://h", ETD_PROTOCOL_ECHO, 7, ETD_FRAMING_RAW},
        {"ping udp://h:862", ETD_PROTOCOL_STAMP, 862, ETD_FRAMING_RAW},
        {"ping -p time tcp://h", ETD_PROTOCOL_TEXT, 9000, ETD_FRAMING_LINE},
        {"ping -p time -f length32 tcp://h", ETD_PROTOCOL_TEXT, 9000, ETD_FRAMING_LENGTH32},
        {"health -p ntp udp://h", ETD_PROTOCOL_NTP, 123, ETD_FRAMING_RAW},
        {"send tcp://h", ETD_PROTOCOL_ECHO, 8080, ETD_FRAMING_LINE},
        {"load tcp://h", ETD_PROTOCOL_ECHO, 8080, ETD_FRAMING_RAW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parse(cases[i].line);
        ck_assert_msg(settings.protocol == cases[i].protocol, "%s", cases[i].line);
        ck_assert_msg(settings.url.port == cases[i].port, "%s: %u", cases[i].line,
                      settings.url.port);
        if (settings.url.transport == ETD_TCP)
            ck_assert_msg(settings.framing == cases[i].framing, "%s", cases[i].line);
    }
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("client_options");
    TCase *all = tcase_create("all");
    tcase_add_test(all, every_command_has_good_defaults);
    tcase_add_test(all, options_are_told_apart);
    tcase_add_test(all, values_arrive_in_their_fields);
    tcase_add_test(all, what_is_asked_decides_on_port_and_framing);
    suite_add_tcase(suite, all);
    return suite;
}
