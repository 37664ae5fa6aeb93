/* time: the text query `time?`, with an optional space and format, and an optional line ending that
 * the answer ends in too. */
#include "services/rows.h"

static const char hint[] = "error: send time? or time? FORMAT, FORMAT one of";

/* Cuts the line ending off `message` and returns it. */
static struct etd_bytes cut_ending(struct etd_bytes *message, bool terminated)
{
    if (message->size == 0)
        return *message; /* may be null */
    size_t size = 0;
    const uint8_t *end = message->data + message->size;
    if (!terminated && message->size > size && end[-1] == '\n')
        size++;
    /* A CR is part of an ending only before an LF: one that stands here or that the framing cut. */
    if ((terminated || size > 0) && message->size > size && end[-1 - (ptrdiff_t)size] == '\r')
        size++;
    message->size -= size;
    return etd_bytes(message->data + message->size, size);
}

/* What the query asks for; false when it is not a query. */
static bool parse(struct etd_bytes message, enum etd_time_format *format)
{
    static const char word[] = "time?";
    size_t word_size = sizeof word - 1;
    if (message.size < word_size || memcmp(message.data, word, word_size) != 0)
        return false;
    if (message.size == word_size)
        return true;
    if (message.data[word_size] != ' ')
        return false;
    return etd_time_format_find(
        etd_bytes(message.data + word_size + 1, message.size - word_size - 1), format);
}

static void write_hint(struct etd_writer *reply)
{
    etd_write_text(reply, hint);
    for (size_t i = 0; i < ETD_TIME_FORMATS; i++) {
        etd_write_text(reply, i == 0 ? " " : ", ");
        etd_write_text(reply, etd_time_format_name((enum etd_time_format)i));
    }
}

static enum etd_verdict answer(const struct etd_request *request, struct etd_writer *reply)
{
    struct etd_bytes message = request->payload;
    struct etd_bytes ending = cut_ending(&message, request->terminated);
    enum etd_time_format format = request->time_format;
    if (parse(message, &format))
        etd_time_write(reply, format, request->clock);
    else if (request->transport == ETD_UDP)
        return ETD_VERDICT_SILENT; /* an error over UDP would go to an address that may be forged */
    else
        write_hint(reply);
    etd_write_bytes(reply, ending);
    return ETD_VERDICT_REPLY;
}

const struct etd_service etd_service_time = {
    .name = "time",
    .help = "the time as text, asked by `time?` or `time? FORMAT`",
    .framings = ETD_MESSAGE_FRAMING,
    .udp = true,
    .tells_time = true,
    .reply_max = sizeof hint + ETD_TIME_FORMATS * sizeof ", rfc3339_local" + 2,
    .answer = answer,
};
