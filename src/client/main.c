/* echotime: reads its command line, does one command, and says how it ended. */
#include "client/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* What was printed counts only when it has arrived: a full disk is a failure. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("echotime: standard output cannot be written");
    return ETD_EXIT_FAILURE;
}

/* The number of a standard stream that is closed would be the next socket's, and what is printed would
 * go to the server. It is taken by what can be neither read nor written: both fail as if it were still
 * closed, in a root without /dev too. */
static bool keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/", O_PATH) != fd)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct etd_settings settings;
    if (!keep_standard_streams())
        return ETD_EXIT_FAILURE; /* there may be no stream to say so */
    switch (etd_options_read(&settings, argc, argv)) {
    case ETD_REQUEST_RUN:
        return finish_output(settings.command->run(&settings));
    case ETD_REQUEST_DONE:
        return finish_output(ETD_EXIT_SUCCESS);
    case ETD_REQUEST_MISUSED:
        break;
    }
    return ETD_EXIT_USAGE;
}
