#include "platform/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH = 80, WIDTH_LEAST = 20, WIDTH_MOST = 1000 };

static unsigned width_of(int fd, bool present)
{
    struct winsize size;
    if (present && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    const char *columns = getenv("COLUMNS");
    long width = columns != NULL ? strtol(columns, NULL, 10) : 0;
    return width >= WIDTH_LEAST && width <= WIDTH_MOST ? (unsigned)width : WIDTH;
}

struct etd_terminal etd_terminal_of(int fd)
{
    bool present = isatty(fd) == 1;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    /* https://no-color.org: set to anything but nothing. */
    bool plain = no_color != NULL && no_color[0] != '\0';
    bool dumb = term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
    return (struct etd_terminal){
        .present = present, .colour = present && !plain && !dumb, .width = width_of(fd, present)};
}
