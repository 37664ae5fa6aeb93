/* What stands at the end of an output: a terminal with so many columns, or a pipe or a file. */
#ifndef ECHOTIMED_PLATFORM_TERMINAL_H
#define ECHOTIMED_PLATFORM_TERMINAL_H

#include <stdbool.h>

struct etd_terminal {
    bool present;   /* it is a terminal */
    bool colour;    /* it may be coloured: a terminal, not a dumb one, and NO_COLOR is not set */
    unsigned width; /* columns; 80 where there is no terminal to ask */
};

/* Looks at descriptor `fd` and the environment (COLUMNS, NO_COLOR, TERM). Cheap: ask again after the
 * window may have changed. */
struct etd_terminal etd_terminal_of(int fd);

#endif
