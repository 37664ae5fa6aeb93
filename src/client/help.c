/* The help is the tables, printed: nothing can be in one and not in the other. */
#include "client/command.h"
#include "echotimed/quantity.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { COLUMN = 28, NAMES = 256 };

static void write_protocols(struct etd_writer *out, const struct etd_protocol_choice *choices)
{
    for (const struct etd_protocol_choice *one = choices; one->name != NULL; one++) {
        etd_write_text(out, one != choices ? ", " : "");
        etd_write_text(out, one->name);
    }
}

/* Whether --framing can choose it: what answers on connect is in none, and has no choice. */
static bool carries(const struct etd_command *command, enum etd_framing_id framing)
{
    if (command->protocols == NULL)
        return (etd_protocol_echo.framings & 1 << framing) != 0;
    for (const struct etd_protocol_choice *one = command->protocols; one->name != NULL; one++) {
        const struct etd_protocol *protocol = etd_protocols[one->protocol];
        if (!protocol->speaks_first && (protocol->framings & 1 << framing) != 0)
            return true;
    }
    return false;
}

static void write_framings(struct etd_writer *out, const struct etd_command *command)
{
    const char *separator = "";
    for (int i = 0; i < ETD_FRAMING_COUNT; i++) {
        if (!carries(command, (enum etd_framing_id)i))
            continue;
        etd_write_text(out, separator);
        etd_write_text(out, etd_framings[i]->name);
        separator = ", ";
    }
}

static void print_option(const struct etd_command *command, const struct etd_command_option *row)
{
    const struct etd_option *option = &etd_options_table[row->option];
    char left[64], names[NAMES];
    struct etd_writer out = etd_writer((uint8_t *)names, sizeof names - 1);
    char letter[] = {'-', option->letter, ',', ' ', '\0'};
    snprintf(left, sizeof left, "%s--%s%s%s", option->letter != 0 ? letter : "    ", option->name,
             option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
    printf("  %-*s%s", COLUMN - 2, left, row->help);
    if (row->option == ETD_OPTION_PROTOCOL || row->option == ETD_OPTION_FRAMING) {
        if (row->option == ETD_OPTION_PROTOCOL)
            write_protocols(&out, command->protocols);
        else
            write_framings(&out, command);
        *out.at = '\0';
        printf(";\n%*sone of %s", COLUMN, "", names);
    } else if (option->type == ETD_OPTION_QUANTITY) {
        etd_quantity_write_range(&option->quantity, &out);
        *out.at = '\0';
        printf(";\n%*s%s", COLUMN, "", names);
    }
    if (row->default_text != NULL)
        printf(" (default %s)", row->default_text);
    putchar('\n');
}

static void print_command(const struct etd_command *command)
{
    printf("Usage: echotime %s [OPTION]... tcp://HOST[:PORT] | udp://HOST[:PORT]\n\n",
           command->name);
    printf("%c%s.\n\nOptions:\n", toupper((unsigned char)command->help[0]), command->help + 1);
    for (int i = 0; i < ETD_OPTIONS; i++) {
        const struct etd_command_option *row = etd_command_option(command, (enum etd_option_id)i);
        if (row != NULL)
            print_option(command, row);
    }
    puts("\nA DURATION is such as 500ms, 5s or 0.2 (seconds), a SIZE such as 1400 or 64KiB.\n"
         "Exit status: 0 success, 1 no answer or a wrong one, 64 wrong usage. See echotime(1).");
}

void etd_help_print(const struct etd_command *command)
{
    if (command != NULL) {
        print_command(command);
        return;
    }
    puts("Usage: echotime COMMAND [OPTION]... tcp://HOST[:PORT] | udp://HOST[:PORT]\n"
         "Asks servers of echo and time, echotimed and others.\n\nCommands:");
    for (const struct etd_command *const *one = etd_commands; *one != NULL; one++)
        printf("  %-10s%s\n", (*one)->name, (*one)->help);
    puts("\nOptions:\n"
         "  -h, --help      print this help, and behind a command the command's, and exit\n"
         "  -V, --version   print the version, and exit\n\n"
         "Exit status: 0 success, 1 no answer or a wrong one, 64 wrong usage. See echotime(1).");
}
