#include "platform/ini_file.h"

#include <ini.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Debian's inih reads lines into a buffer of this size, 200 unless one sets it. Elsewhere the size
 * may be built in and the variable missing: then its address is null. */
extern int ini_max_line __attribute__((weak));

/* What inih wants besides the line: CR, LF and NUL. */
enum { INIH_EXTRA = 3 };

struct reader {
    struct etd_bytes rest; /* what is not read yet */
    uint32_t line;         /* number of the line read last */
    const struct etd_ini_events *events;
    void *context;
};

/* Gives a mistake and leaves the line out. */
static bool refuse(struct reader *reader, const char *message)
{
    reader->events->mistake(reader->context, message, reader->line);
    return false;
}

/* A line without its end. A CR before the LF, as other systems write it, belongs to the end. */
static struct etd_bytes line_cut(struct reader *reader)
{
    struct etd_bytes rest = reader->rest;
    const uint8_t *lf = memchr(rest.data, '\n', rest.size);
    size_t size = lf != NULL ? (size_t)(lf - rest.data) : rest.size;
    size_t past = lf != NULL ? size + 1 : size;
    reader->rest = etd_bytes(rest.data + past, rest.size - past);
    reader->line++;
    if (size > 0 && rest.data[size - 1] == '\r')
        size--;
    return etd_bytes(rest.data, size);
}

/* Some editors begin a file with U+FEFF as a mark of UTF-8. */
static void mark_skip(struct reader *reader)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (reader->rest.size >= sizeof mark && memcmp(reader->rest.data, mark, sizeof mark) == 0)
        reader->rest = etd_bytes(reader->rest.data + sizeof mark, reader->rest.size - sizeof mark);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static size_t blanks(struct etd_bytes text, size_t from)
{
    size_t at = from;
    while (at < text.size && is_blank(text.data[at]))
        at++;
    return at - from;
}

static bool is_plain_text(struct reader *reader, struct etd_bytes line)
{
    if (line.size > ETD_INI_LINE_MAX) {
        char message[96];
        snprintf(message, sizeof message, "the line has %zu bytes; %d are the limit", line.size,
                 ETD_INI_LINE_MAX);
        return refuse(reader, message);
    }
    for (size_t i = 0; i < line.size; i++) {
        uint8_t byte = line.data[i];
        if (byte == '\0')
            return refuse(reader, "the line has a NUL byte; save the file as plain UTF-8 text");
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return refuse(reader, "the line has a control character; remove it");
    }
    return true;
}

/* [TEXT], and behind it nothing but a comment. */
static void heading_read(struct reader *reader, struct etd_bytes line)
{
    char text[ETD_INI_LINE_MAX + 1];
    const uint8_t *bracket = memchr(line.data, ']', line.size);
    if (bracket == NULL) {
        refuse(reader, "the section's heading has no ']'; write it as [tcp]");
        reader->events->section(reader->context, NULL, reader->line);
        return;
    }
    size_t size = (size_t)(bracket - line.data) - 1;
    memcpy(text, line.data + 1, size);
    text[size] = '\0';
    size_t behind = size + 2;
    size_t gap = blanks(line, behind);
    if (behind + gap < line.size && (gap == 0 || line.data[behind + gap] != ';'))
        refuse(reader, "something stands behind the section's ']'; a comment begins with ' ;'");
    reader->events->section(reader->context, text, reader->line);
}

/* Whether inih will find a name and a value in the line. As it does, this takes a ; behind a blank
 * for the begin of a comment. */
static bool is_pair(struct reader *reader, struct etd_bytes line)
{
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] == '=')
            return i > 0 || refuse(reader, "there is no name before the '='; write NAME = VALUE");
        if (line.data[i] == ':')
            return refuse(reader, "there is ':' behind the name; write NAME = VALUE");
        if (line.data[i] == ';' && i > 0 && is_blank(line.data[i - 1]))
            break;
    }
    return refuse(reader, "the line has no '='; write NAME = VALUE, [SECTION] or ; COMMENT");
}

/* Whether a line is for inih. Headings are not: it cuts long ones and says nothing of empty
 * sections. */
static bool judge(struct reader *reader, struct etd_bytes line)
{
    if (!is_plain_text(reader, line))
        return false;
    size_t indent = blanks(line, 0);
    if (indent == line.size || line.data[indent] == ';' || line.data[indent] == '#')
        return false;
    if (indent > 0)
        return refuse(reader, "the line is indented; let it begin at the left margin");
    if (line.data[0] != '[')
        return is_pair(reader, line);
    heading_read(reader, line);
    return false;
}

/* Gives inih the next line, or an empty one in place of a line that is not for it: so its line
 * numbers and ours are the same. */
static char *next_line(char *buffer, int size, void *stream)
{
    struct reader *reader = stream;
    if (reader->rest.size == 0)
        return NULL;
    if (reader->line == 0)
        mark_skip(reader);
    struct etd_bytes line = line_cut(reader);
    buffer[0] = '\0';
    if (!judge(reader, line))
        return buffer;
    if (line.size + INIH_EXTRA > (size_t)size) {
        char message[128];
        snprintf(message, sizeof message,
                 "the line has %zu bytes; this system's INI library reads no more than %d",
                 line.size, size - INIH_EXTRA);
        refuse(reader, message);
        return buffer;
    }
    memcpy(buffer, line.data, line.size);
    buffer[line.size] = '\0';
    return buffer;
}

static int tell_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reader *reader = user;
    (void)section;
    reader->events->pair(reader->context, name, value, reader->line);
    return 1;
}

void etd_ini_parse(struct etd_bytes text, const struct etd_ini_events *events, void *context)
{
    struct reader reader = {.rest = text, .events = events, .context = context};
    if (&ini_max_line != NULL)
        ini_max_line = ETD_INI_LINE_MAX + INIH_EXTRA;
    int failed = ini_parse_stream(next_line, &reader, tell_pair, &reader);
    if (failed != 0) /* it was given nothing that it could refuse */
        events->mistake(context, "the INI library gave up", failed > 0 ? (uint32_t)failed : 0);
}
