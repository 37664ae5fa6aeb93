/* libsystemd, named in this file alone: what the service manager is told, and what it passes. */
#include "platform/notify.h"
#include "platform/passed.h"

#include "platform/clock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

bool etd_notify_is_heard(void)
{
    return getenv("NOTIFY_SOCKET") != NULL;
}

uint64_t etd_notify_watchdog_us(void)
{
    uint64_t microseconds = 0;
    return sd_watchdog_enabled(true, &microseconds) > 0 ? microseconds : 0;
}

void etd_notify_watchdog(void)
{
    (void)sd_notify(false, "WATCHDOG=1");
}

int etd_passed_receive(char ***names)
{
    /* The variables are ours alone: a program that we might start has no use for them. */
    return sd_listen_fds_with_names(true, names);
}

_Static_assert(ETD_PASSED_FIRST == SD_LISTEN_FDS_START, "the manager passes other descriptors");
