#include "platform/log.h"

#include "echotimed/bytes.h"
#include "echotimed/timestamp.h"
#include "platform/log_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = {
    [ETD_LOG_ERROR] = "error", [ETD_LOG_WARNING] = "warning", [ETD_LOG_NOTICE] = "notice",
    [ETD_LOG_INFO] = "info",   [ETD_LOG_DEBUG] = "debug",
};

/* How a line that is too long ends. */
static const char ellipsis[] = "...\n";

static struct {
    struct etd_log_sink sink;
    enum etd_log_level level;
    uint64_t lost;
    uint64_t told; /* how many of them the log has told of */
} log_state = {.sink = ETD_LOG_SINK_INIT, .level = ETD_LOG_INFO};

void etd_log_open(void)
{
    int saved = errno;
    etd_log_sink_open(&log_state.sink);
    errno = saved;
}

void etd_log_close(void)
{
    int saved = errno;
    etd_log_sink_close(&log_state.sink);
    errno = saved;
}

void etd_log_set_level(enum etd_log_level level)
{
    log_state.level = level;
}

/* Decodes one character of two bytes or more (RFC 3629). Gives its size, 0 when it is malformed. An
 * end of the string inside is malformed: NUL continues nothing. */
static size_t decode_utf8(const unsigned char *at, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc0 || at[0] > 0xf4)
        return 0;
    *character = at[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *character = *character << 6 | (at[i] & 0x3fU);
    }
    bool surrogate = *character >= 0xd800 && *character <= 0xdfff;
    return *character < least[size] || *character > 0x10ffff || surrogate ? 0 : size;
}

/* Bytes of the character at `at` when it may stand in the log as it is, otherwise 0. What would begin
 * a line, steer a terminal or turn the direction of the text may not; nor may the backslash, so that
 * an escape cannot be feigned. */
static size_t harmless(const unsigned char *at)
{
    uint32_t character = 0;
    if (at[0] < 0x80)
        return at[0] >= ' ' && at[0] != 0x7f && at[0] != '\\' ? 1 : 0;
    size_t size = decode_utf8(at, &character);
    bool control = character < 0xa0 || (character >= 0x2028 && character <= 0x202e) ||
                   (character >= 0x2066 && character <= 0x2069);
    return size == 0 || control ? 0 : size;
}

/* Adds `text`, escaped; `line` must keep room for the ellipsis. False when it does not fit. */
static bool add_escaped(struct etd_writer *line, const char *text)
{
    for (const char *at = text; *at != '\0';) {
        size_t size = harmless((const unsigned char *)at);
        char escape[sizeof "\\xHH"];
        if (size > 0) {
            etd_write_bytes(line, etd_bytes(at, size));
        } else {
            size = 1;
            snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)*at);
            etd_write_text(line, escape);
        }
        if (line->failed)
            return false;
        at += size;
    }
    return true;
}

static void add_prefix(struct etd_writer *line, enum etd_log_level level)
{
    if (log_state.sink.journal) {
        char priority[] = {'<', (char)('0' + level), '>', '\0'};
        etd_write_text(line, priority);
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct etd_clock_reading reading = {
        .now = {.seconds = now.tv_sec, .nanoseconds = (uint32_t)now.tv_nsec}};
    etd_time_write(line, ETD_TIME_RFC3339, &reading);
    etd_write_text(line, " ");
    etd_write_text(line, level_names[level]);
    etd_write_text(line, " ");
}

/* Makes the line and hands it to the sink. */
static bool emit(enum etd_log_level level, const char *message, const char *pairs)
{
    char text[ETD_LOG_LINE];
    struct etd_writer line = etd_writer((uint8_t *)text, sizeof text - strlen(ellipsis));
    add_prefix(&line, level);
    bool whole = add_escaped(&line, message) &&
                 (pairs[0] == '\0' || (add_escaped(&line, " ") && add_escaped(&line, pairs)));
    line.failed = false;
    line.end = line.start + sizeof text;
    etd_write_text(&line, whole ? "\n" : ellipsis);
    return etd_log_sink_write(&log_state.sink, text, etd_writer_bytes(&line).size);
}

/* Tells of lost lines, before the first line that passes again. False while nothing passes. */
static bool tell_lost(void)
{
    if (log_state.lost == log_state.told)
        return true;
    char pairs[sizeof "lost=18446744073709551615"];
    uint64_t lost = log_state.lost - log_state.told;
    snprintf(pairs, sizeof pairs, "lost=%" PRIu64, lost);
    if (!emit(ETD_LOG_WARNING, "log lines lost", pairs))
        return false;
    log_state.told = log_state.lost;
    return true;
}

void etd_log(enum etd_log_level level, const char *message, const char *pairs, ...)
{
    if (level > log_state.level)
        return;
    int saved = errno;
    /* As long as the longest line: what is cut here would not have fitted there. */
    char text[ETD_LOG_LINE];
    va_list arguments;
    va_start(arguments, pairs);
    if (vsnprintf(text, sizeof text, pairs, arguments) < 0)
        text[0] = '\0';
    va_end(arguments);
    if (!tell_lost() || !emit(level, message, text))
        log_state.lost++;
    errno = saved;
}

uint64_t etd_log_lost(void)
{
    return log_state.lost;
}

bool etd_log_limit_pass(struct etd_log_limit *limit, uint64_t now, uint64_t *suppressed)
{
    enum { PERIOD_MS = 1000 };
    if (now < limit->next) {
        limit->suppressed++;
        return false;
    }
    *suppressed = limit->suppressed;
    *limit = (struct etd_log_limit){.next = now + PERIOD_MS};
    return true;
}
