/* echotime: reads its command line, does one command, and says how it ended. */
#include "client/command.h"

#include <stdio.h>

/* What was printed counts only when it has arrived: a full disk is a failure. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("echotime: standard output cannot be written");
    return ETD_EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct etd_settings settings;
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
