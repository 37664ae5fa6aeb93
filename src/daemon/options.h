/* The command line of echotimed. */
#ifndef ECHOTIMED_DAEMON_OPTIONS_H
#define ECHOTIMED_DAEMON_OPTIONS_H

#include "platform/config_file.h"

enum etd_action {
    ETD_ACTION_SERVE,
    ETD_ACTION_TEST,    /* -t */
    ETD_ACTION_DUMP,    /* -T */
    ETD_ACTION_VERSION, /* -V */
    ETD_ACTION_HELP,    /* -h */
    ETD_ACTION_MISUSE,  /* the reason was written to standard error */
    ETD_ACTION_FAIL     /* likewise: no memory */
};

struct etd_options {
    enum etd_action action;
    /* What to load: the file of -c, or the default one if there is one; and the options of -o. It
     * refers to `argv`. */
    struct etd_config_request request;
    const char **settings; /* owned; the request's */
};

/* Reads the command line. Free what came of it in any case. */
void etd_options_parse(struct etd_options *options, int argc, char **argv);
void etd_options_free(struct etd_options *options);

/* Does what was asked for, unless that is to serve; gives the exit status. */
int etd_options_perform(const struct etd_options *options);

/* Loads the configuration to serve. When that fails every mistake was written to standard error and
 * there is nothing to free. Gives the exit status, 0 for success. */
int etd_options_load(const struct etd_options *options, struct etd_config_loaded *loaded);

#endif
