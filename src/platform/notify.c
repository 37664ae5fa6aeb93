#include "platform/notify.h"

#include "platform/clock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

/* The longest status line; what is longer is cut, as nobody reads more in `systemctl status`. */
enum { STATUS_MAX = 256 };

/* systemd reads a line for each assignment: an LF in a status would begin another one. */
static void one_line(char line[STATUS_MAX + 1], const char *status)
{
    snprintf(line, STATUS_MAX + 1, "%s", status);
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
}

/* A manager that cannot be reached is no reason to stop serving: it has a time-out of its own. */
static void tell(const char *state, const char *status)
{
    char line[STATUS_MAX + 1];
    one_line(line, status);
    (void)sd_notifyf(false, "%sSTATUS=%s", state, line);
}

void etd_notify_ready(const char *status)
{
    tell("READY=1\n", status);
}

void etd_notify_reloading(const char *status)
{
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\n",
             etd_clock_monotonic_us());
    tell(state, status);
}

void etd_notify_stopping(const char *status)
{
    tell("STOPPING=1\n", status);
}

void etd_notify_status(const char *status)
{
    tell("", status);
}
