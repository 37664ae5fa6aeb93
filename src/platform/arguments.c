#include "platform/arguments.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Of an unknown letter among others (-tx) the argument is not done with: then optind - 1 is the one
 * before it. */
const char *etd_argument_refused(char **argv, const char *letters, char text[ETD_ARGUMENT_LETTER])
{
    const char *last = argv[optind - 1];
    bool is_letter = optopt != 0 && optopt <= CHAR_MAX; /* below 0: a byte beyond ASCII */
    bool is_unknown_letter = is_letter && strchr(letters, optopt) == NULL;
    if (strncmp(last, "--", 2) == 0 && !is_unknown_letter)
        return last;
    text[0] = '-';
    text[1] = (char)optopt;
    text[2] = '\0';
    return text;
}
