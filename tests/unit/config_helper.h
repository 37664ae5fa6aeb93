/* Loads configurations from text for the tests of the configuration. */
#ifndef ECHOTIMED_TESTS_CONFIG_HELPER_H
#define ECHOTIMED_TESTS_CONFIG_HELPER_H

#include "platform/config_file.h"
#include "support/memory.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

enum { HELPER_OPTIONS = 8 };

/* One load, with all that must outlive it. */
struct helper {
    struct etd_test_memory memory;
    struct etd_config_request request;
    const char *options[HELPER_OPTIONS];
    struct etd_config_loaded loaded;
    enum etd_config_result result;
};

static inline void helper_init(struct helper *helper)
{
    *helper = (struct helper){0};
    etd_test_memory_init(&helper->memory);
    helper->request = (struct etd_config_request){
        .sources = {.file = "test.ini", .options = helper->options},
        .memory = &helper->memory.memory,
    };
}

static inline void helper_option(struct helper *helper, const char *option)
{
    helper->options[helper->request.sources.option_count++] = option;
}

static inline void helper_load(struct helper *helper, const char *text)
{
    helper->result = etd_config_load_text(&helper->loaded, &helper->request, etd_bytes_text(text));
}

static inline void helper_load_good(struct helper *helper, const char *text)
{
    helper_load(helper, text);
    ck_assert_msg(helper->result == ETD_CONFIG_OK, "refused: %s",
                  helper->loaded.problems.count > 0 ? helper->loaded.problems.items[0].text : "?");
}

static inline void helper_free(struct helper *helper)
{
    etd_config_loaded_free(&helper->loaded);
    ck_assert_int_eq(helper->memory.pieces, 0);
}

/* All problems, a line each. */
static inline const char *helper_problems(const struct helper *helper)
{
    static char all[64 * 1024];
    struct etd_writer writer = etd_writer((uint8_t *)all, sizeof all);
    for (size_t i = 0; i < helper->loaded.problems.count; i++) {
        etd_write_text(&writer, helper->loaded.problems.items[i].text);
        etd_write_text(&writer, "\n");
    }
    etd_write_u8(&writer, 0);
    ck_assert(!writer.failed);
    return all;
}

/* Loads a text that is refused with exactly these problems. */
static inline void expect_problems(const char *text, const char *option, const char *problems)
{
    struct helper helper;
    helper_init(&helper);
    if (option != NULL)
        helper_option(&helper, option);
    helper_load(&helper, text);
    ck_assert_str_eq(helper_problems(&helper), problems);
    ck_assert_int_eq(helper.result, problems[0] == '\0' ? ETD_CONFIG_OK : ETD_CONFIG_MISTAKEN);
    if (problems[0] != '\0')
        ck_assert_ptr_null(helper.loaded.config.listeners);
    helper_free(&helper);
}

/* What the dump says, until the next call. */
static inline const char *helper_dump(const struct etd_config *config)
{
    static uint8_t text[256 * 1024];
    struct etd_writer writer = etd_writer(text, sizeof text);
    etd_config_dump(config, &writer);
    etd_write_u8(&writer, 0);
    ck_assert(!writer.failed);
    return (const char *)text;
}

#endif
