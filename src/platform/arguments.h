/* Command lines: what getopt_long(3) leaves to its callers. */
#ifndef ECHOTIMED_PLATFORM_ARGUMENTS_H
#define ECHOTIMED_PLATFORM_ARGUMENTS_H

enum { ETD_ARGUMENT_LETTER = 3 };

/* The option that getopt_long has just refused, as it stands on the command line: a part of `argv`, or
 * `text`, into which an option of one letter is written. `letters` is what getopt_long was given for
 * them. Options without a letter must have values past those of a char. */
const char *etd_argument_refused(char **argv, const char *letters, char text[ETD_ARGUMENT_LETTER]);

#endif
