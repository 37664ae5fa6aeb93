/* Where log lines go: a standard error that is never waited for. */
#ifndef ECHOTIMED_PLATFORM_LOG_SINK_H
#define ECHOTIMED_PLATFORM_LOG_SINK_H

#include "platform/log.h"

#include <stdbool.h>
#include <stddef.h>

/* How bytes get out without waiting. */
enum etd_log_way {
    ETD_LOG_WAY_POLL,    /* asked first whether there is room: where nothing better is known */
    ETD_LOG_WAY_WRITE,   /* written: a regular file, or a descriptor of our own that cannot block */
    ETD_LOG_WAY_SEND,    /* a socket, MSG_DONTWAIT */
    ETD_LOG_WAY_NOWHERE, /* standard error is closed; its number may soon be a connection's */
    ETD_LOG_WAYS
};

struct etd_log_sink {
    enum etd_log_way way;
    int fd;
    bool own;     /* `fd` was opened here */
    bool journal; /* what reads the lines is the journal */

    /* The end of a line of which only the beginning got out; it goes before the next line. */
    size_t rest_size;
    char rest[ETD_LOG_LINE];
};

/* Standard error, about which nothing is known yet. */
#define ETD_LOG_SINK_INIT                                                                          \
    {                                                                                              \
        .way = ETD_LOG_WAY_POLL, .fd = 2                                                           \
    }

/* Looks at standard error, and at JOURNAL_STREAM. */
void etd_log_sink_open(struct etd_log_sink *sink);

/* Tries once more to get the rest of a line out, and gives back what open took. */
void etd_log_sink_close(struct etd_log_sink *sink);

/* Writes a line of at most ETD_LOG_LINE bytes, its LF included. True when it got out, or so much of
 * it that the rest will; false when it is lost. */
bool etd_log_sink_write(struct etd_log_sink *sink, const char *line, size_t size);

#endif
