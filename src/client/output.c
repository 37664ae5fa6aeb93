#include "client/output.h"

#include "client/command.h"

#include <assert.h>
#include <stdio.h>

struct etd_json *etd_object_begin(struct etd_object *object, const struct etd_settings *settings)
{
    uint8_t url[ETD_URL_TEXT];
    struct etd_writer url_writer = etd_writer(url, sizeof url);
    etd_url_write(&url_writer, &settings->url);
    object->writer = etd_writer(object->text, sizeof object->text - 1);
    object->json = etd_json(&object->writer);
    etd_json_object(&object->json, NULL);
    etd_json_bytes(&object->json, "url", etd_writer_bytes(&url_writer));
    return &object->json;
}

void etd_object_print(struct etd_object *object)
{
    etd_json_object_end(&object->json);
    assert(!object->writer.failed);
    etd_write_text(&object->writer, "\n");
    struct etd_bytes line = etd_writer_bytes(&object->writer);
    fwrite(line.data, 1, line.size, stdout);
    fflush(stdout);
}

int etd_output_fail(const struct etd_settings *settings, const char *sentence)
{
    static struct etd_object object;
    fprintf(stderr, "echotime: %s\n", sentence);
    if (settings->json) {
        struct etd_json *json = etd_object_begin(&object, settings);
        etd_json_bool(json, "ok", false);
        etd_json_text(json, "error", sentence);
        etd_object_print(&object);
    }
    return ETD_EXIT_FAILURE;
}
