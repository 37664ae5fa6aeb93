/* Feeds bytes as a file through the INI reader and the table of keys. No input may crash or leak, a
 * refused one names at least one problem, and the dump of an accepted one reads back to itself. */
#include "platform/config_file.h"
#include "platform/memory.h"

#include <stdlib.h>
#include <string.h>

/* Holds the dump of all that fits into an input of libFuzzer's usual 4 KiB, and more. */
enum { DUMP_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_problems(const struct etd_config_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct etd_config_problem *problem = &problems->items[i];
        demand(strncmp(problem->text, "fuzz.ini:", 9) == 0);
        for (const char *c = problem->text; *c != '\0'; c++)
            demand(*c >= 0x20 && *c < 0x7f);
        demand(i == 0 || etd_origin_compare(problems->items[i - 1].origin, problem->origin) <= 0);
    }
}

/* The dump, as a piece of memory of just that size. */
static struct etd_bytes dump(const struct etd_config *config)
{
    static uint8_t text[DUMP_MAX];
    struct etd_writer writer = etd_writer(text, sizeof text);
    etd_config_dump(config, &writer);
    demand(!writer.failed);
    struct etd_bytes bytes = etd_writer_bytes(&writer);
    uint8_t *copy = malloc(bytes.size);
    demand(copy != NULL);
    memcpy(copy, bytes.data, bytes.size);
    return etd_bytes(copy, bytes.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct etd_config_request request = {.sources = {.file = "fuzz.ini"},
                                               .memory = &etd_memory_libc};
    struct etd_config_loaded loaded, again;
    enum etd_config_result result = etd_config_load_text(&loaded, &request, etd_bytes(data, size));
    demand((result == ETD_CONFIG_OK) == (loaded.problems.count == 0));
    check_problems(&loaded.problems);
    if (result == ETD_CONFIG_OK) {
        demand(loaded.config.listener_count > 0);
        struct etd_bytes first = dump(&loaded.config);
        demand(etd_config_load_text(&again, &request, first) == ETD_CONFIG_OK);
        struct etd_bytes second = dump(&again.config);
        demand(etd_bytes_equal(first, second));
        free((void *)first.data);
        free((void *)second.data);
        etd_config_loaded_free(&again);
    }
    etd_config_loaded_free(&loaded);
    return 0;
}
