/* What the service manager is told (sd_notify(3)). Does nothing where there is none. */
#ifndef ECHOTIMED_PLATFORM_NOTIFY_H
#define ECHOTIMED_PLATFORM_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Whether there is a manager that wants to be told. */
bool etd_notify_is_heard(void);

/* READY=1 with a status line for `systemctl status`. */
void etd_notify_ready(const char *status);

/* RELOADING=1 with the monotonic time, by which the manager tells what came before it, and a status
 * line. READY ends it. */
void etd_notify_reloading(const char *status);

/* STOPPING=1 with a status line. */
void etd_notify_stopping(const char *status);

/* STATUS= alone. */
void etd_notify_status(const char *status);

/* How long the manager's watchdog waits for a sign of life (WatchdogSec= of the unit), in microseconds;
 * 0: it has none. To be asked once. */
uint64_t etd_notify_watchdog_us(void);

/* WATCHDOG=1: the sign of life. */
void etd_notify_watchdog(void);

#endif
