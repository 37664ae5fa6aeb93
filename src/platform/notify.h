/* What the service manager is told (sd_notify(3)). Does nothing where there is none. */
#ifndef ECHOTIMED_PLATFORM_NOTIFY_H
#define ECHOTIMED_PLATFORM_NOTIFY_H

/* READY=1 with a status line for `systemctl status`. */
void etd_notify_ready(const char *status);

/* RELOADING=1 with the monotonic time, by which the manager tells what came before it, and a status
 * line. READY ends it. */
void etd_notify_reloading(const char *status);

/* STOPPING=1 with a status line. */
void etd_notify_stopping(const char *status);

/* STATUS= alone. */
void etd_notify_status(const char *status);

#endif
