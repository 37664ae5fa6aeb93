/* How a command says what came of it: to people on standard error, and with --json as an object. */
#ifndef ECHOTIMED_CLIENT_OUTPUT_H
#define ECHOTIMED_CLIENT_OUTPUT_H

#include "client/options.h"
#include "echotimed/json.h"

enum { ETD_OUTPUT_JSON = 8192 }; /* bytes of one object, far more than any takes */

/* One JSON object in the making, to be printed on one line. Must not move. */
struct etd_object {
    struct etd_json json;
    struct etd_writer writer;
    uint8_t text[ETD_OUTPUT_JSON];
};

/* Begins it with "url". Gives the writer of what follows. */
struct etd_json *etd_object_begin(struct etd_object *object, const struct etd_settings *settings);

/* Ends it, prints it on standard output with an LF, and flushes. */
void etd_object_print(struct etd_object *object);

/* Says "echotime: SENTENCE" on standard error, and with --json prints {"url", "ok": false, "error"}
 * too; gives ETD_EXIT_FAILURE. */
int etd_output_fail(const struct etd_settings *settings, const char *sentence);

#endif
