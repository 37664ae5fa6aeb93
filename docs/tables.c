/* Tells what the tables of the core say, for the manual pages and the completion, which are put
 * together when they are built, and for the tests that hold the pages to the tables.
 *
 * usage: etd_tables fill TEMPLATE OUTPUT
 *            copies the template, and puts generated text in the place of each line that is
 *            @keys SECTION@ (paragraphs for scdoc) or @completion values@ (entries for bash)
 *        etd_tables names
 *            a line "KIND NAME" for each thing that the manual pages must tell of */
#include "echotimed/config.h"
#include "echotimed/counters.h"
#include "echotimed/framing.h"
#include "echotimed/service.h"
#include "echotimed/timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the values of a type are called, and what comes before their range. */
static const struct {
    const char *placeholder;
    const char *lead;
} types[ETD_CONFIG_TYPES] = {
    [ETD_CONFIG_BOOLEAN] = {"BOOLEAN", ""},
    [ETD_CONFIG_NUMBER] = {"NUMBER", ""},
    [ETD_CONFIG_SIZE] = {"SIZE", ""},
    [ETD_CONFIG_DURATION] = {"DURATION", ""},
    [ETD_CONFIG_CHOICE] = {"CHOICE", "one of "},
    [ETD_CONFIG_NAME] = {"NAME", ""},
    [ETD_CONFIG_ENDPOINTS] = {"ENDPOINT", ""},
    [ETD_CONFIG_PREFIXES] = {"PREFIX", ""},
};

static bool is_list(const struct etd_config_key *key)
{
    return key->type == ETD_CONFIG_ENDPOINTS || key->type == ETD_CONFIG_PREFIXES;
}

/* Text in which scdoc shall see no formatting. */
static void put_plain(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("\\*_`", *text) != NULL)
            putc('\\', out);
        putc(*text, out);
    }
}

/* The forms of an entry are told by the key's help, and its number here. */
static void put_list_range(FILE *out, const struct etd_config_key *key)
{
    if (key->max == 1)
        fputs("one, or nothing", out);
    else if (key->min == 0)
        fprintf(out, "a list of up to %" PRIu64 ", or nothing", key->max);
    else
        fprintf(out, "one, or a list of up to %" PRIu64, key->max);
}

static void put_range(FILE *out, const struct etd_config_key *key)
{
    uint8_t text[512];
    struct etd_writer writer = etd_writer(text, sizeof text - 1);
    etd_config_write_range(key, &writer);
    *writer.at = '\0';
    put_plain(out, (const char *)text);
}

static void put_key(FILE *out, const struct etd_config_key *key)
{
    fprintf(out, "*%s* = _%s_%s\n", key->name, types[key->type].placeholder,
            is_list(key) && key->max > 1 ? ", ..." : "");
    fprintf(out, "\tTakes %s", types[key->type].lead);
    if (is_list(key))
        put_list_range(out, key);
    else
        put_range(out, key);
    fputs(". Default: ", out);
    put_plain(out, key->default_text[0] != '\0' ? key->default_text : "empty");
    fprintf(out, ". %s.\n\n\t", key->fixed ? "Only a restart changes it" : "A reload changes it");
    put_plain(out, key->help);
    fputs("\n\n", out);
}

static bool put_keys(FILE *out, const char *section)
{
    bool found = false;
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        if (strcmp(etd_config_section_name(key->section), section) != 0)
            continue;
        put_key(out, key);
        found = true;
    }
    return found;
}

/* What a shell can offer behind KEY=. Of an address or a name there is nothing worth offering. */
static void put_values(FILE *out, const struct etd_config_key *key)
{
    switch (key->type) {
    case ETD_CONFIG_BOOLEAN:
        fputs("yes no", out);
        return;
    case ETD_CONFIG_CHOICE:
        for (size_t i = 0; i < key->choices->count; i++)
            fprintf(out, "%s%s", i == 0 ? "" : " ", key->choices->name(i));
        return;
    case ETD_CONFIG_NUMBER:
    case ETD_CONFIG_SIZE:
    case ETD_CONFIG_DURATION:
        fputs(key->default_text, out);
        return;
    case ETD_CONFIG_NAME:
    case ETD_CONFIG_ENDPOINTS:
    case ETD_CONFIG_PREFIXES:
    case ETD_CONFIG_TYPES:
        return;
    }
}

static void put_all_values(FILE *out)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++) {
        const struct etd_config_key *key = &etd_config_keys[i];
        fprintf(out, "    [%s.%s]='", etd_config_section_name(key->section), key->name);
        put_values(out, key);
        fputs("'\n", out);
    }
}

/* One line of a template; false: it is a directive that nobody knows. */
static bool fill_line(FILE *out, const char *line)
{
    char section[16];
    if (line[0] != '@') {
        fputs(line, out);
        return true;
    }
    if (strcmp(line, "@completion values@\n") == 0) {
        put_all_values(out);
        return true;
    }
    return sscanf(line, "@keys %15[a-z]@", section) == 1 && put_keys(out, section);
}

static int fill(const char *template, const char *output)
{
    int status = EXIT_FAILURE;
    char *line = NULL;
    size_t size = 0;
    FILE *out = NULL;
    FILE *in = fopen(template, "r");
    if (in == NULL) {
        perror(template);
        return status;
    }
    out = fopen(output, "w");
    if (out == NULL) {
        perror(output);
        goto close_in;
    }
    status = EXIT_SUCCESS;
    for (unsigned number = 1; getline(&line, &size, in) > 0; number++) {
        if (fill_line(out, line))
            continue;
        fprintf(stderr, "%s:%u: unknown directive: %s", template, number, line);
        status = EXIT_FAILURE;
    }
    if (ferror(in) || ferror(out)) {
        perror("etd_tables");
        status = EXIT_FAILURE;
    }
    free(line);
    if (fclose(out) != 0) {
        perror(output);
        status = EXIT_FAILURE;
    }
close_in:
    fclose(in);
    return status;
}

static int print_names(void)
{
    for (size_t i = 0; i < ETD_CONFIG_KEYS; i++)
        printf("key %s.%s\n", etd_config_section_name(etd_config_keys[i].section),
               etd_config_keys[i].name);
    for (int i = 0; i < ETD_SERVICE_COUNT; i++)
        printf("service %s\n", etd_services[i]->name);
    for (int i = 0; i < ETD_FRAMING_COUNT; i++)
        printf("framing %s\n", etd_framings[i]->name);
    for (int i = 0; i < ETD_TIME_FORMATS; i++)
        printf("time-format %s\n", etd_time_format_name((enum etd_time_format)i));
    /* Reason 0 is that there is none. */
    for (int i = 1; i < ETD_CLOSE_REASONS; i++)
        printf("close-reason %s\n", etd_close_reason_name((enum etd_close_reason)i));
    for (int i = 1; i < ETD_REJECT_REASONS; i++)
        printf("reject-reason %s\n", etd_reject_reason_name((enum etd_reject_reason)i));
    for (int i = 1; i < ETD_DROP_REASONS; i++)
        printf("drop-reason %s\n", etd_drop_reason_name((enum etd_drop_reason)i));
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "fill") == 0)
        return fill(argv[2], argv[3]);
    if (argc == 2 && strcmp(argv[1], "names") == 0)
        return print_names();
    fputs("usage: etd_tables fill TEMPLATE OUTPUT | etd_tables names\n", stderr);
    return EXIT_FAILURE;
}
