/* Preloaded into a daemon, this answers adjtimex(2) in the kernel's place, so that a test can have
 * the host's clock synchronised or not without touching it. The clock itself stays the real one.
 *
 * The file that ETD_KERNEL_CLOCK_STATE names says what to tell: "RETURNED STATUS MAXERROR", as
 * adjtimex returns them; "refused" is a call that fails. It is read anew for each call. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

int adjtimex(struct timex *kernel)
{
    const char *path = getenv("ETD_KERNEL_CLOCK_STATE");
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    char text[64] = "";
    if (file == NULL || fgets(text, sizeof text, file) == NULL || kernel->modes != 0)
        abort(); /* a mistake of the test; or the daemon meant to set the clock */
    fclose(file);
    if (strncmp(text, "refused", strlen("refused")) == 0) {
        errno = EPERM;
        return -1;
    }
    int returned;
    memset(kernel, 0, sizeof *kernel);
    if (sscanf(text, "%d %d %ld", &returned, &kernel->status, &kernel->maxerror) != 3)
        abort();
    return returned;
}
