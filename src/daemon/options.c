#include "daemon/options.h"

#include "platform/arguments.h"
#include "platform/memory.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const char help[] =
    "Usage: echotimed [-c FILE] [-o SECTION.KEY=VALUE]... [-t | -T] [-V] [-h]\n"
    "Serve echo and time over TCP and UDP, in the foreground, until SIGTERM.\n"
    "\n"
    "  -c, --config FILE               read this file; without -c, " ETD_CONFIG_FILE "\n"
    "                                  if it is there, and else the built-in defaults\n"
    "  -o, --option SECTION.KEY=VALUE  set a key after the file is read, such as\n"
    "                                  -o tcp.listen=*:7000 or -o 'tcp framed.framing=line'\n"
    "  -t, --test                      check the configuration, say so, and exit\n"
    "  -T, --dump-config               print the whole configuration in effect, and exit\n"
    "  -V, --version                   print the version, and exit\n"
    "  -h, --help                      print this help, and exit\n"
    "\n"
    "Exit status: 0 success, 64 wrong usage, 78 wrong configuration, 71 the system refused\n"
    "something. Keys are described in echotimed.ini(5), signals in echotimed(8).\n";

static const char short_options[] = ":c:o:tTVh";
static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"option", required_argument, NULL, 'o'},
    {"test", no_argument, NULL, 't'},
    {"dump-config", no_argument, NULL, 'T'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

__attribute__((format(printf, 2, 3))) static void misuse(struct etd_options *options,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("echotimed: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("; see echotimed --help\n", stderr);
    va_end(arguments);
    options->action = ETD_ACTION_MISUSE;
}

/* One thing at a time; help and version go before all else. */
static void act(struct etd_options *options, enum etd_action action)
{
    bool informs = action == ETD_ACTION_HELP || action == ETD_ACTION_VERSION;
    if (options->action == ETD_ACTION_SERVE || options->action == action)
        options->action = action;
    else if (options->action == ETD_ACTION_TEST || options->action == ETD_ACTION_DUMP) {
        if (informs)
            options->action = action;
        else
            misuse(options, "-t and -T exclude each other");
    }
}

static void take_file(struct etd_options *options, const char *file)
{
    if (!options->request.file_optional)
        misuse(options, "there can be only one -c, not also '%s'", file);
    else if (file[0] == '\0')
        misuse(options, "the path behind -c is empty");
    options->request.sources.file = file;
    options->request.file_optional = false;
}

static void take(struct etd_options *options, int letter, char **argv)
{
    char text[ETD_ARGUMENT_LETTER];
    switch (letter) {
    case 'c':
        take_file(options, optarg);
        return;
    case 'o':
        options->settings[options->request.sources.option_count++] = optarg;
        return;
    case 't':
        act(options, ETD_ACTION_TEST);
        return;
    case 'T':
        act(options, ETD_ACTION_DUMP);
        return;
    case 'V':
        act(options, ETD_ACTION_VERSION);
        return;
    case 'h':
        act(options, ETD_ACTION_HELP);
        return;
    case ':':
        misuse(options, "a value is missing behind %s",
               etd_argument_refused(argv, short_options, text));
        return;
    default:
        misuse(options, "there is no option %s", etd_argument_refused(argv, short_options, text));
        return;
    }
}

void etd_options_parse(struct etd_options *options, int argc, char **argv)
{
    const struct etd_memory *memory = &etd_memory_libc;
    *options = (struct etd_options){
        .request = {.sources = {.file = ETD_CONFIG_FILE}, .file_optional = true, .memory = memory}};
    /* There are fewer options than arguments. */
    options->settings =
        etd_memory_resize(memory, NULL, ((size_t)argc + 1) * sizeof *options->settings);
    if (options->settings == NULL) {
        fputs("echotimed: there is no memory\n", stderr);
        options->action = ETD_ACTION_FAIL;
        return;
    }
    options->request.sources.options = options->settings;
    opterr = 0; /* the messages are ours */
    optind = 0; /* begin anew, with another command line too */
    int letter;
    while (options->action != ETD_ACTION_MISUSE &&
           (letter = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
        take(options, letter, argv);
    if (options->action != ETD_ACTION_MISUSE && optind < argc)
        misuse(options, "there is no use for '%s'", argv[optind]);
}

void etd_options_free(struct etd_options *options)
{
    etd_memory_free(options->request.memory, options->settings);
    *options = (struct etd_options){.request = {.memory = options->request.memory}};
}

static int no_memory(void)
{
    fputs("echotimed: there is no memory\n", stderr);
    return EX_OSERR;
}

int etd_options_load(const struct etd_options *options, struct etd_config_loaded *loaded)
{
    enum etd_config_result result = etd_config_load(loaded, &options->request);
    if (result == ETD_CONFIG_OK)
        return EX_OK;
    for (size_t i = 0; i < loaded->problems.count; i++)
        fprintf(stderr, "%s\n", loaded->problems.items[i].text);
    etd_config_loaded_free(loaded);
    return result == ETD_CONFIG_NO_MEMORY ? no_memory() : EX_CONFIG;
}

/* What was printed counts only when it has arrived: a full disk is a failure. */
static int finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EX_OK;
    perror("echotimed: standard output cannot be written");
    return EX_OSERR;
}

static int print(const char *text)
{
    fputs(text, stdout);
    return finish_output();
}

static int test(const struct etd_options *options)
{
    struct etd_config_loaded loaded;
    int status = etd_options_load(options, &loaded);
    if (status != EX_OK)
        return status;
    const char *file = options->request.sources.file;
    if (loaded.built_in)
        printf("There is no file %s; the built-in defaults are good: ", file);
    else
        printf("%s: the configuration is good: ", file);
    size_t count = loaded.config.listener_count;
    printf("%zu listener%s\n", count, count == 1 ? "" : "s");
    etd_config_loaded_free(&loaded);
    return finish_output();
}

static int dump(const struct etd_options *options)
{
    struct etd_config_loaded loaded;
    int status = etd_options_load(options, &loaded);
    if (status != EX_OK)
        return status;
    size_t size = 4096;
    uint8_t *text = NULL;
    struct etd_writer writer;
    do {
        size *= 2;
        uint8_t *more = etd_memory_resize(options->request.memory, text, size);
        if (more == NULL) {
            status = no_memory();
            goto out;
        }
        text = more;
        writer = etd_writer(text, size);
        etd_config_dump(&loaded.config, &writer);
    } while (writer.failed);
    struct etd_bytes all = etd_writer_bytes(&writer);
    fwrite(all.data, 1, all.size, stdout);
    status = finish_output();
out:
    etd_memory_free(options->request.memory, text);
    etd_config_loaded_free(&loaded);
    return status;
}

int etd_options_perform(const struct etd_options *options)
{
    switch (options->action) {
    case ETD_ACTION_TEST:
        return test(options);
    case ETD_ACTION_DUMP:
        return dump(options);
    case ETD_ACTION_VERSION:
        return print("echotimed " ETD_VERSION "\n");
    case ETD_ACTION_HELP:
        return print(help);
    case ETD_ACTION_FAIL:
        return EX_OSERR;
    case ETD_ACTION_SERVE:
    case ETD_ACTION_MISUSE:
        break;
    }
    return EX_USAGE;
}
