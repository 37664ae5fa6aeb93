/* The effective configuration: a file or the built-in defaults, then the options of -o, checked as
 * a whole. Nothing but `loaded` changes: a second one can be built while the first is in use. */
#ifndef ECHOTIMED_PLATFORM_CONFIG_FILE_H
#define ECHOTIMED_PLATFORM_CONFIG_FILE_H

#include "echotimed/config.h"
#include "echotimed/config_problem.h"

/* What to load. It must outlive the problems, which refer to its texts; the configuration does
 * not. */
struct etd_config_request {
    struct etd_config_sources sources; /* `file` is the path to read */
    bool file_optional;                /* without a file of that path the defaults are taken */
    const struct etd_memory *memory;
};

struct etd_config_loaded {
    struct etd_config config;            /* all zeros unless the result is ETD_CONFIG_OK */
    struct etd_config_problems problems; /* every mistake, in the order of lines and options */
    bool built_in;                       /* there is no file: the defaults were taken */
};

/* Free what was loaded in any case. */
enum etd_config_result etd_config_load(struct etd_config_loaded *loaded,
                                       const struct etd_config_request *request);

/* The same of a text in place of the file's contents. */
enum etd_config_result etd_config_load_text(struct etd_config_loaded *loaded,
                                            const struct etd_config_request *request,
                                            struct etd_bytes text);

void etd_config_loaded_free(struct etd_config_loaded *loaded);

#endif
