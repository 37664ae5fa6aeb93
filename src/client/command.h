/* The commands of echotime. A new one is a file with its row, and its name in the table. */
#ifndef ECHOTIMED_CLIENT_COMMAND_H
#define ECHOTIMED_CLIENT_COMMAND_H

#include "client/options.h"

enum {
    ETD_EXIT_SUCCESS = 0,
    ETD_EXIT_FAILURE = 1, /* no answer or a wrong one */
    ETD_EXIT_USAGE = 64
};

/* An option that a command takes besides those that all take. */
struct etd_command_option {
    enum etd_option_id option;
    const char *default_text; /* as it would stand on the command line; null: none */
    const char *help;         /* for a list: begins small, ends without a full stop */
};

enum { ETD_COMMAND_OPTIONS = 14 };

struct etd_command {
    const char *name;
    const char *help; /* one line, likewise */
    const struct etd_protocol_choice
        *protocols; /* of --protocol, the first one the default; null: echo alone */
    struct etd_command_option options[ETD_COMMAND_OPTIONS]; /* ends at an entry without help */

    /* Does it; gives the exit status. What went wrong was said. */
    int (*run)(const struct etd_settings *settings);
};

extern const struct etd_command etd_command_time, etd_command_ping, etd_command_send,
    etd_command_load, etd_command_health;

/* In the order of the help; null ends it. */
extern const struct etd_command *const etd_commands[];

/* Options of every command, a list that ends like a command's. */
extern const struct etd_command_option etd_common_options[];

/* The command's row of an option, or the common one; null when it does not take it. */
const struct etd_command_option *etd_command_option(const struct etd_command *command,
                                                    enum etd_option_id option);

/* The name on the command line of the protocol that a run speaks. */
const char *etd_protocol_choice_name(const struct etd_settings *settings);

#endif
