#include "support/test_services.h"

static enum etd_verdict mixed_answer(const struct etd_request *request, struct etd_writer *reply)
{
    struct etd_bytes payload = request->payload;
    switch (payload.size > 0 ? payload.data[0] : 0) {
    case 'r':
        for (size_t i = 0; i < payload.size && i < ETD_MIXED_REPLY; i++)
            etd_write_u8(reply, payload.data[payload.size - 1 - i]);
        return ETD_VERDICT_REPLY;
    case 'n':
        return ETD_VERDICT_REPLY;
    case 's':
        return ETD_VERDICT_SILENT;
    case 'c':
        etd_write_text(reply, "bye");
        return ETD_VERDICT_CLOSE;
    case 'q':
        return ETD_VERDICT_CLOSE;
    default:
        return ETD_VERDICT_SAME;
    }
}

static enum etd_verdict echo_answer(const struct etd_request *request, struct etd_writer *reply)
{
    (void)request;
    (void)reply;
    return ETD_VERDICT_SAME;
}

static enum etd_verdict hello_open(const struct etd_request *request, struct etd_writer *reply)
{
    (void)request;
    etd_write_text(reply, "hello");
    return ETD_VERDICT_REPLY;
}

static enum etd_verdict now_open(const struct etd_request *request, struct etd_writer *reply)
{
    (void)request;
    etd_write_text(reply, "now");
    return ETD_VERDICT_CLOSE;
}

enum { ANY_FRAMING = (1 << ETD_FRAMING_COUNT) - 1 };

const struct etd_service etd_mixed_service = {
    .name = "mixed",
    .help = "every verdict",
    .framings = ANY_FRAMING & ~(1 << ETD_FRAMING_RAW),
    .reply_max = ETD_MIXED_REPLY,
    .answer = mixed_answer,
};

const struct etd_service etd_greeting_service = {
    .name = "greeting",
    .help = "speaks first",
    .framings = ANY_FRAMING,
    .reply_max = 5,
    .open = hello_open,
    .answer = echo_answer,
};

const struct etd_service etd_telling_service = {
    .name = "telling",
    .help = "speaks and closes",
    .framings = ANY_FRAMING,
    .tells_time = true,
    .reply_max = 3,
    .open = now_open,
};
