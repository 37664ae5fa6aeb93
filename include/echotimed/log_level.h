/* How loud the log is. The values are syslog(3)'s, so that a priority prefix is the number. */
#ifndef ECHOTIMED_LOG_LEVEL_H
#define ECHOTIMED_LOG_LEVEL_H

enum etd_log_level {
    ETD_LOG_ERROR = 3,
    ETD_LOG_WARNING = 4,
    ETD_LOG_NOTICE = 5,
    ETD_LOG_INFO = 6,
    ETD_LOG_DEBUG = 7
};

#endif
