#include "echotimed/config_problem.h"

#include <string.h>

/* Of a text that is quoted in a message so much is shown: enough to find it in its file. */
enum { QUOTED_MAX = 80, OPTION_MAX = 200 };

int etd_origin_compare(struct etd_origin a, struct etd_origin b)
{
    if (a.kind != b.kind)
        return a.kind < b.kind ? -1 : 1;
    if (a.number != b.number)
        return a.number < b.number ? -1 : 1;
    return 0;
}

/* A message goes to terminals and logs, where control characters of a file could do harm. */
static void write_printable(struct etd_writer *writer, struct etd_bytes text, size_t max)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < text.size && i < max; i++) {
        uint8_t byte = text.data[i];
        char escape[4] = {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
        if (byte >= 0x20 && byte < 0x7f)
            etd_write_u8(writer, byte);
        else
            etd_write_bytes(writer, etd_bytes(escape, sizeof escape));
    }
    if (text.size > max)
        etd_write_text(writer, "...");
}

void etd_write_quoted(struct etd_writer *writer, struct etd_bytes text)
{
    etd_write_text(writer, "'");
    write_printable(writer, text, QUOTED_MAX);
    etd_write_text(writer, "'");
}

static void write_option(const char *option, struct etd_writer *writer)
{
    etd_write_text(writer, "-o ");
    write_printable(writer, etd_bytes_text(option), OPTION_MAX);
}

void etd_origin_write(struct etd_origin origin, const struct etd_config_sources *sources,
                      struct etd_writer *writer)
{
    switch (origin.kind) {
    case ETD_ORIGIN_DEFAULT:
        etd_write_text(writer, "the defaults");
        return;
    case ETD_ORIGIN_FILE:
        etd_write_text(writer, "line ");
        etd_write_decimal(writer, origin.number, 1);
        return;
    case ETD_ORIGIN_OPTION:
        write_option(sources->options[origin.number], writer);
        return;
    }
}

/* "FILE:LINE: " or "-o TEXT: ". */
static void write_prefix(struct etd_origin origin, const struct etd_config_sources *sources,
                         struct etd_writer *writer)
{
    switch (origin.kind) {
    case ETD_ORIGIN_DEFAULT:
        return;
    case ETD_ORIGIN_FILE:
        write_printable(writer, etd_bytes_text(sources->file), SIZE_MAX);
        if (origin.number != 0) {
            etd_write_text(writer, ":");
            etd_write_decimal(writer, origin.number, 1);
        }
        break;
    case ETD_ORIGIN_OPTION:
        write_option(sources->options[origin.number], writer);
        break;
    }
    etd_write_text(writer, ": ");
}

/* The greatest size of a prefix: every byte of its text escaped. */
static size_t prefix_max(struct etd_origin origin, const struct etd_config_sources *sources)
{
    static const char frame[] = "-o ...:4294967295: ";
    switch (origin.kind) {
    case ETD_ORIGIN_DEFAULT:
        break;
    case ETD_ORIGIN_FILE:
        return 4 * strlen(sources->file) + sizeof frame;
    case ETD_ORIGIN_OPTION:
        return 4 * OPTION_MAX + sizeof frame;
    }
    return 0;
}

void etd_config_problems_init(struct etd_config_problems *problems, const struct etd_memory *memory,
                              const struct etd_config_sources *sources)
{
    *problems = (struct etd_config_problems){.memory = memory, .sources = sources};
}

void etd_config_problems_free(struct etd_config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        etd_memory_free(problems->memory, problems->items[i].text);
    etd_memory_free(problems->memory, problems->items);
    etd_config_problems_init(problems, problems->memory, problems->sources);
}

struct etd_writer *etd_config_message_begin(struct etd_config_message *message)
{
    message->writer = etd_writer(message->text, sizeof message->text);
    return &message->writer;
}

static bool make_room(struct etd_config_problems *problems)
{
    if (problems->count < problems->capacity)
        return true;
    size_t capacity = problems->capacity == 0 ? 8 : problems->capacity * 2;
    struct etd_config_problem *items =
        etd_memory_resize(problems->memory, problems->items, capacity * sizeof *items);
    if (items == NULL)
        return false;
    problems->items = items;
    problems->capacity = capacity;
    return true;
}

/* Behind all that stand before it or at the same place. */
static void insert(struct etd_config_problems *problems, struct etd_config_problem problem)
{
    size_t at = problems->count++;
    for (; at > 0 && etd_origin_compare(problems->items[at - 1].origin, problem.origin) > 0; at--)
        problems->items[at] = problems->items[at - 1];
    problems->items[at] = problem;
}

void etd_config_problems_add(struct etd_config_problems *problems, struct etd_origin origin,
                             const struct etd_config_message *message)
{
    struct etd_bytes said = etd_writer_bytes(&message->writer);
    size_t size = prefix_max(origin, problems->sources) + said.size + sizeof "...";
    char *text = make_room(problems) ? etd_memory_resize(problems->memory, NULL, size) : NULL;
    if (text == NULL) {
        problems->no_memory = true;
        return;
    }
    struct etd_writer writer = etd_writer((uint8_t *)text, size);
    write_prefix(origin, problems->sources, &writer);
    etd_write_bytes(&writer, said);
    etd_write_text(&writer, message->writer.failed ? "..." : "");
    etd_write_u8(&writer, 0);
    insert(problems, (struct etd_config_problem){.origin = origin, .text = text});
}

void etd_config_problems_add_text(struct etd_config_problems *problems, struct etd_origin origin,
                                  const char *text)
{
    struct etd_config_message message;
    etd_write_text(etd_config_message_begin(&message), text);
    etd_config_problems_add(problems, origin, &message);
}
