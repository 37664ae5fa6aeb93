#include "platform/config_file.h"

#include "echotimed/config_draft.h"
#include "platform/ini_file.h"
#include "platform/text_file.h"

/* What the events of the INI reader go to. */
struct target {
    struct etd_config_draft *draft;
    bool in_section; /* a heading was read, good or bad */
};

static struct etd_origin at_line(uint32_t line)
{
    return (struct etd_origin){.kind = ETD_ORIGIN_FILE, .number = line};
}

static void on_section(void *context, const char *text, uint32_t line)
{
    struct target *target = context;
    target->in_section = true;
    etd_config_draft_open(target->draft, text, at_line(line));
}

static void on_pair(void *context, const char *name, const char *value, uint32_t line)
{
    struct target *target = context;
    if (target->in_section)
        etd_config_draft_set(target->draft, name, value, at_line(line));
    else
        etd_config_problems_add_text(target->draft->problems, at_line(line),
                                     "the key stands before any section; write [daemon], [tcp] or "
                                     "[udp] above it");
}

static void on_mistake(void *context, const char *message, uint32_t line)
{
    struct target *target = context;
    etd_config_problems_add_text(target->draft->problems, at_line(line), message);
}

/* Builds the configuration of a text, null for none, and the options. */
static enum etd_config_result build(struct etd_config_loaded *loaded,
                                    const struct etd_config_request *request,
                                    const struct etd_bytes *text)
{
    static const struct etd_ini_events events = {
        .section = on_section, .pair = on_pair, .mistake = on_mistake};
    struct etd_config_draft draft;
    struct target target = {.draft = &draft};
    etd_config_draft_init(&draft, request->memory, &loaded->problems);
    if (text != NULL)
        etd_ini_parse(*text, &events, &target);
    etd_config_draft_end_file(&draft);
    for (size_t i = 0; i < request->sources.option_count; i++)
        etd_config_draft_option(&draft, i);
    enum etd_config_result result = etd_config_draft_finish(&draft, &loaded->config);
    etd_config_draft_free(&draft);
    return result;
}

static void loaded_init(struct etd_config_loaded *loaded, const struct etd_config_request *request)
{
    *loaded = (struct etd_config_loaded){0};
    etd_config_problems_init(&loaded->problems, request->memory, &request->sources);
}

enum etd_config_result etd_config_load_text(struct etd_config_loaded *loaded,
                                            const struct etd_config_request *request,
                                            struct etd_bytes text)
{
    loaded_init(loaded, request);
    return build(loaded, request, &text);
}

enum etd_config_result etd_config_load(struct etd_config_loaded *loaded,
                                       const struct etd_config_request *request)
{
    struct etd_text_file file;
    enum etd_text_file_result read =
        etd_text_file_read(&file, request->sources.file, request->memory);
    loaded_init(loaded, request);
    if (read == ETD_TEXT_FILE_NO_MEMORY)
        return ETD_CONFIG_NO_MEMORY;
    if (read == ETD_TEXT_FILE_OK) {
        struct etd_bytes text = etd_bytes(file.data, file.size);
        enum etd_config_result result = build(loaded, request, &text);
        etd_text_file_free(&file, request->memory);
        return result;
    }
    loaded->built_in = read == ETD_TEXT_FILE_ABSENT && request->file_optional;
    if (!loaded->built_in)
        etd_config_problems_add_text(&loaded->problems, at_line(0), file.why);
    return build(loaded, request, NULL);
}

void etd_config_loaded_free(struct etd_config_loaded *loaded)
{
    etd_config_free(&loaded->config);
    etd_config_problems_free(&loaded->problems);
}
