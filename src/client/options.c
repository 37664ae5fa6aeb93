#include "client/options.h"

#include "client/command.h"
#include "echotimed/quantity.h"
#include "platform/arguments.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LONG_ONLY = 256, /* what getopt_long gives for an option without a letter, plus its number */
    SENTENCE = 1024
};

/* The table in the form that getopt_long wants, of the options that one command takes. */
struct grammar {
    char letters[2 * ETD_OPTIONS + 2];
    struct option names[ETD_OPTIONS + 1];
};

enum etd_request_kind etd_options_misuse(const struct etd_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("echotime: ", stderr);
    vfprintf(stderr, format, arguments);
    if (command != NULL)
        fprintf(stderr, "; see echotime %s --help\n", command->name);
    else
        fputs("; see echotime --help\n", stderr);
    va_end(arguments);
    return ETD_REQUEST_MISUSED;
}

static void make_grammar(struct grammar *grammar, const struct etd_command *command)
{
    char *letter = grammar->letters;
    struct option *name = grammar->names;
    memset(grammar, 0, sizeof *grammar);
    *letter++ = ':'; /* a missing value is told apart, and the messages are ours */
    for (int i = 0; i < ETD_OPTIONS; i++) {
        const struct etd_option *option = &etd_options_table[i];
        if (etd_command_option(command, (enum etd_option_id)i) == NULL)
            continue;
        *name++ =
            (struct option){.name = option->name,
                            .has_arg = option->value != NULL ? required_argument : no_argument,
                            .val = option->letter != 0 ? option->letter : LONG_ONLY + i};
        if (option->letter != 0)
            *letter++ = option->letter;
        if (option->letter != 0 && option->value != NULL)
            *letter++ = ':';
    }
}

static enum etd_option_id option_of(int found)
{
    int id = 0;
    while (id < ETD_OPTIONS && (found >= LONG_ONLY ? id != found - LONG_ONLY
                                                   : etd_options_table[id].letter != (char)found))
        id++;
    return (enum etd_option_id)id;
}

static enum etd_request_kind take_choice(struct etd_settings *settings, enum etd_option_id id,
                                         const char *text)
{
    char names[256];
    struct etd_writer list = etd_writer((uint8_t *)names, sizeof names - 1);
    if (id == ETD_OPTION_FRAMING) {
        for (int i = 0; i < ETD_FRAMING_COUNT; i++) {
            if (strcmp(text, etd_framings[i]->name) == 0) {
                settings->framing = (enum etd_framing_id)i;
                return ETD_REQUEST_RUN;
            }
            etd_write_text(&list, i > 0 ? ", " : "");
            etd_write_text(&list, etd_framings[i]->name);
        }
    } else {
        const struct etd_protocol_choice *first = settings->command->protocols;
        for (const struct etd_protocol_choice *one = first; one->name != NULL; one++) {
            if (strcmp(text, one->name) == 0) {
                settings->protocol = one->protocol;
                return ETD_REQUEST_RUN;
            }
            etd_write_text(&list, one != first ? ", " : "");
            etd_write_text(&list, one->name);
        }
    }
    *list.at = '\0';
    return etd_options_misuse(settings->command, "--%s '%s' is none of %s",
                              etd_options_table[id].name, text, names);
}

/* Takes the value of one option into its field. */
static enum etd_request_kind take(struct etd_settings *settings, enum etd_option_id id,
                                  const char *text)
{
    const struct etd_option *option = &etd_options_table[id];
    char *field = (char *)settings + option->offset;
    char why[SENTENCE];
    struct etd_writer writer = etd_writer((uint8_t *)why, sizeof why - 1);
    switch (option->type) {
    case ETD_OPTION_FLAG:
        *(bool *)field = true;
        return ETD_REQUEST_RUN;
    case ETD_OPTION_TEXT:
        memcpy(field, &text, sizeof text);
        return ETD_REQUEST_RUN;
    case ETD_OPTION_QUANTITY:
        if (etd_quantity_parse(&option->quantity, text, field, &writer) == ETD_CONFIG_OK)
            return ETD_REQUEST_RUN;
        *writer.at = '\0';
        return etd_options_misuse(settings->command, "--%s %s", option->name, why);
    case ETD_OPTION_CHOICE:
        return take_choice(settings, id, text);
    }
    return ETD_REQUEST_MISUSED;
}

/* The defaults are texts that the parser itself reads. */
static enum etd_request_kind take_defaults(struct etd_settings *settings)
{
    enum etd_request_kind kind = ETD_REQUEST_RUN;
    const struct etd_command_option *one = settings->command->options;
    for (; one->help != NULL && kind == ETD_REQUEST_RUN; one++) {
        if (one->default_text != NULL)
            kind = take(settings, one->option, one->default_text);
    }
    return kind;
}

/* What only the whole of the settings shows. */
static enum etd_request_kind complete(struct etd_settings *settings)
{
    const struct etd_command *command = settings->command;
    enum etd_transport transport = settings->url.transport;
    if (settings->ipv4 && settings->ipv6)
        return etd_options_misuse(command, "-4 and -6 exclude each other");
    if (command->protocols != NULL && !etd_option_given(settings, ETD_OPTION_PROTOCOL))
        settings->protocol = etd_protocol_choose(command->protocols, transport, settings->url.port);
    const struct etd_protocol *protocol = etd_protocols[settings->protocol];
    if (protocol->ports[transport] == 0)
        return etd_options_misuse(command, "%s goes over UDP alone; write udp:// before the host",
                                  protocol->name);
    bool framed = etd_option_given(settings, ETD_OPTION_FRAMING);
    const struct etd_command_option *framing = etd_command_option(command, ETD_OPTION_FRAMING);
    if (framed && transport == ETD_UDP)
        return etd_options_misuse(command, "--framing is for tcp://: a datagram is one message");
    if (framed && (protocol->framings & 1 << settings->framing) == 0)
        return etd_options_misuse(command, "%s cannot be framed as %s", protocol->name,
                                  etd_framings[settings->framing]->name);
    /* Where the command has no default of its own, what is asked decides. */
    if (!framed && (framing == NULL || framing->default_text == NULL))
        settings->framing = protocol->framing;
    if (settings->url.port == 0)
        settings->url.port = protocol->ports[transport];
    return ETD_REQUEST_RUN;
}

static enum etd_request_kind take_url(struct etd_settings *settings, int argc, char **argv)
{
    char why[SENTENCE];
    struct etd_writer writer = etd_writer((uint8_t *)why, sizeof why - 1);
    if (optind == argc)
        return etd_options_misuse(settings->command,
                                  "a URL is missing; write tcp://HOST:PORT or udp://HOST:PORT");
    if (optind + 1 < argc)
        return etd_options_misuse(settings->command, "there is no use for '%s'", argv[optind + 1]);
    if (etd_url_parse(&settings->url, argv[optind], &writer))
        return complete(settings);
    *writer.at = '\0';
    return etd_options_misuse(settings->command, "'%s'%s", argv[optind], why);
}

/* Reads what stands behind the command's name, which argv[0] is here. */
static enum etd_request_kind read_options(struct etd_settings *settings, int argc, char **argv)
{
    struct grammar grammar;
    int found;
    char text[ETD_ARGUMENT_LETTER];
    enum etd_request_kind kind = take_defaults(settings);
    make_grammar(&grammar, settings->command);
    opterr = 0;
    optind = 0; /* begin anew, with another command line too */
    while (kind == ETD_REQUEST_RUN &&
           (found = getopt_long(argc, argv, grammar.letters, grammar.names, NULL)) != -1) {
        if (found == ':')
            return etd_options_misuse(settings->command, "a value is missing behind %s",
                                      etd_argument_refused(argv, grammar.letters, text));
        enum etd_option_id id = option_of(found);
        if (found == '?' || id == ETD_OPTIONS)
            return etd_options_misuse(settings->command, "%s has no option %s",
                                      settings->command->name,
                                      etd_argument_refused(argv, grammar.letters, text));
        settings->given |= 1u << id;
        kind = take(settings, id, optarg);
    }
    if (kind != ETD_REQUEST_RUN || settings->help || settings->version)
        return kind;
    return take_url(settings, argc, argv);
}

static const struct etd_command *find_command(const char *name)
{
    for (const struct etd_command *const *one = etd_commands; *one != NULL; one++) {
        if (strcmp((*one)->name, name) == 0)
            return *one;
    }
    return NULL;
}

static bool is_option(const char *text, enum etd_option_id id)
{
    const struct etd_option *option = &etd_options_table[id];
    char letter[] = {'-', option->letter, '\0'};
    return strcmp(text, letter) == 0 ||
           (strncmp(text, "--", 2) == 0 && strcmp(text + 2, option->name) == 0);
}

static enum etd_request_kind print_version(void)
{
    puts("echotime " ETD_VERSION);
    return ETD_REQUEST_DONE;
}

enum etd_request_kind etd_options_read(struct etd_settings *settings, int argc, char **argv)
{
    *settings = (struct etd_settings){.command = NULL};
    if (argc < 2)
        return etd_options_misuse(NULL, "a command is missing");
    if (is_option(argv[1], ETD_OPTION_HELP)) {
        etd_help_print(NULL);
        return ETD_REQUEST_DONE;
    }
    if (is_option(argv[1], ETD_OPTION_VERSION))
        return print_version();
    settings->command = find_command(argv[1]);
    if (settings->command == NULL && argv[1][0] == '-')
        return etd_options_misuse(NULL, "a command comes first, and %s behind it", argv[1]);
    if (settings->command == NULL)
        return etd_options_misuse(NULL, "there is no command '%s'", argv[1]);
    enum etd_request_kind kind = read_options(settings, argc - 1, argv + 1);
    if (kind != ETD_REQUEST_RUN)
        return kind;
    if (settings->help) {
        etd_help_print(settings->command);
        return ETD_REQUEST_DONE;
    }
    return settings->version ? print_version() : ETD_REQUEST_RUN;
}
