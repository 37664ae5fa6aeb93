#include "client/command.h"
#include "client/loop.h"
#include "client/output.h"
#include "client/send.h"
#include "platform/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* On standard error: standard output has the replies. */
static void print_json(const struct etd_send *send)
{
    static struct etd_object object;
    struct etd_json *json = etd_object_begin(&object, send->settings);
    uint64_t ends = send->framing == NULL; /* a byte more was counted for each datagram */
    char address[ETD_ADDRESS_TEXT];
    if (send->target.count > 0) {
        etd_address_format(&send->target.list[send->target.current].address, address);
        etd_json_text(json, "address", address);
    }
    etd_json_bool(json, "ok", !send->failed);
    if (send->failed)
        etd_json_text(json, "error", send->error);
    etd_json_unsigned(json, "messages", send->messages);
    etd_json_unsigned(json, "bytes_sent", send->bytes_sent - ends * send->messages);
    etd_json_unsigned(json, "replies", send->replies);
    etd_json_unsigned(json, "bytes_received", send->bytes_received - ends * send->replies);
    etd_json_object_end(json);
    struct etd_bytes text = etd_writer_bytes(&object.writer);
    fprintf(stderr, "%.*s\n", (int)text.size, (const char *)text.data);
}

static void talk(struct etd_send *send)
{
    const struct etd_settings *settings = send->settings;
    uint64_t deadline = etd_clock_monotonic_us() + settings->timeout_us;
    char error[ETD_COMPLAINT];
    send->in_kind = etd_send_kind_of(STDIN_FILENO);
    send->out_kind = etd_send_kind_of(STDOUT_FILENO);
    if (send->in_kind == ETD_SEND_ABSENT || send->out_kind == ETD_SEND_ABSENT) {
        etd_send_fail(send, "standard %s is closed; give it a file, a pipe or /dev/null",
                      send->in_kind == ETD_SEND_ABSENT ? "input" : "output");
        return;
    }
    int fd = -1;
    if (etd_target_find(&send->target, settings, deadline, error))
        fd = etd_target_connect(&send->target, deadline, error);
    if (fd < 0) {
        etd_send_fail(send, "%s", error);
        return;
    }
    send->loop = etd_client_loop_open();
    if (send->loop == NULL) {
        etd_send_fail(send, "there is no event loop to run in");
    } else {
        etd_send_run(send, fd);
        ev_loop_destroy(send->loop);
    }
    close(fd);
}

static int run(const struct etd_settings *settings)
{
    struct etd_send *send = calloc(1, sizeof *send);
    if (send == NULL)
        return etd_output_fail(settings, "there is no memory");
    send->settings = settings;
    send->framing = settings->url.transport == ETD_TCP ? etd_framings[settings->framing] : NULL;
    /* A reader of the output who is gone is an error of one write. */
    signal(SIGPIPE, SIG_IGN);
    talk(send);
    if (send->failed && !settings->json)
        fprintf(stderr, "echotime: %s\n", send->error);
    if (settings->json)
        print_json(send);
    int status = send->failed ? ETD_EXIT_FAILURE : ETD_EXIT_SUCCESS;
    free(send);
    return status;
}

const struct etd_command etd_command_send = {
    .name = "send",
    .help = "send standard input as messages, and print the replies",
    .options =
        {
            {ETD_OPTION_FRAMING, "line", "how messages are cut over TCP"},
            {ETD_OPTION_TIMEOUT, "5s",
             "for the connection, and at the end of input for each reply"},
        },
    .run = run,
};
