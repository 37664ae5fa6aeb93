#include "client/send.h"

#include "platform/clock.h"
#include "platform/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { WRITES = 16 }; /* pieces to standard output for each turn of the loop */

static const struct etd_send_way *way_of(const struct etd_send *send)
{
    return send->framing != NULL ? &etd_send_stream : &etd_send_datagrams;
}

void etd_send_fail(struct etd_send *send, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!send->failed)
        vsnprintf(send->error, sizeof send->error, format, arguments);
    va_end(arguments);
    send->failed = true;
}

static size_t held(const struct etd_buffer *buffer)
{
    return buffer->end - buffer->begin;
}

static void watch(struct etd_send *send, ev_io *io, int events)
{
    if ((ev_is_active(io) ? io->events & (EV_READ | EV_WRITE) : 0) == events)
        return;
    ev_io_stop(send->loop, io);
    ev_io_set(io, io->fd, events);
    if (events != 0)
        ev_io_start(send->loop, io);
}

/* Whether the input is cut into lines here: then it goes by way of `lines`. */
static bool cuts_lines(const struct etd_send *send)
{
    return send->framing == NULL || send->framing->header_size > 0;
}

/* Settles what to wait for, from the state alone; ends the loop when there is nothing left. */
static void settle(struct etd_send *send)
{
    const struct etd_send_way *way = way_of(send);
    bool full = held(&send->up) >= ETD_SEND_PIECE || (cuts_lines(send) && way->wants_room(send));
    if (!send->failed && send->input_ended && !send->peer_ended && !send->shut &&
        !way->wants_room(send))
        way->finish(send);
    bool over = send->failed || send->peer_ended;
    watch(send, &send->in, !over && !send->input_ended && !full ? EV_READ : 0);
    watch(send, &send->net,
          over ? 0
               : (held(&send->down) < ETD_SEND_PIECE ? EV_READ : 0) |
                     (way->wants_room(send) ? EV_WRITE : 0));
    /* What has come is written, even when all else has failed. */
    watch(send, &send->out, held(&send->down) > 0 ? EV_WRITE : 0);
    if (over && held(&send->down) == 0)
        ev_break(send->loop, EVBREAK_ALL);
}

static void moved(struct etd_send *send)
{
    send->progress_us = etd_clock_monotonic_us();
}

static uint64_t count_lines(struct etd_bytes bytes)
{
    uint64_t count = 0;
    const uint8_t *at = bytes.data, *end = at + bytes.size;
    for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        count++;
    return count;
}

static void on_input(EV_P_ ev_io *watcher, int revents)
{
    struct etd_send *send = watcher->data;
    struct etd_buffer *buffer = cuts_lines(send) ? &send->lines : &send->up;
    (void)loop;
    (void)revents;
    if (!etd_buffer_reserve(buffer, &send->pool, ETD_SEND_PIECE, 0)) {
        etd_send_fail(send, "there is no memory for the input");
        settle(send);
        return;
    }
    uint8_t *at = buffer->data + buffer->end;
    ssize_t size = etd_send_read(STDIN_FILENO, send->in_kind, at, ETD_SEND_PIECE);
    if (size > 0) {
        buffer->end += (size_t)size;
        send->input_terminated = at[size - 1] == '\n';
        if (!cuts_lines(send))
            send->messages += count_lines(etd_bytes(at, (size_t)size));
    } else if (size == 0) {
        send->input_ended = true;
        send->messages += !cuts_lines(send) && !send->input_terminated;
    } else if (errno != EAGAIN && errno != EINTR) {
        etd_send_fail(send, "standard input cannot be read: %s", strerror(errno));
    }
    if (size >= 0)
        moved(send);
    if (!send->failed)
        way_of(send)->transmit(send);
    settle(send);
}

static void on_net(EV_P_ ev_io *watcher, int revents)
{
    struct etd_send *send = watcher->data;
    uint64_t before = send->bytes_sent + send->bytes_received;
    (void)loop;
    if ((revents & EV_READ) != 0 && held(&send->down) < ETD_SEND_PIECE)
        way_of(send)->receive(send);
    if (!send->failed && !send->peer_ended && (revents & EV_WRITE) != 0)
        way_of(send)->transmit(send);
    if (send->bytes_sent + send->bytes_received != before)
        moved(send);
    settle(send);
}

static void on_output(EV_P_ ev_io *watcher, int revents)
{
    struct etd_send *send = watcher->data;
    (void)loop;
    (void)revents;
    for (int i = 0; i < WRITES && held(&send->down) > 0; i++) {
        ssize_t size = etd_send_write(STDOUT_FILENO, send->out_kind,
                                      send->down.data + send->down.begin, held(&send->down));
        if (size < 0) {
            if (errno == EAGAIN || errno == EINTR)
                break;
            etd_send_fail(send, "standard output cannot be written: %s", strerror(errno));
            etd_buffer_drop(&send->down, held(&send->down));
            break;
        }
        etd_buffer_drop(&send->down, (size_t)size);
        moved(send);
    }
    settle(send);
}

/* The time runs while the far end alone is waited for, to take more or to answer: not for more input,
 * and not for a reader of the output. */
static void on_idle(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_send *send = watcher->data;
    uint64_t now = etd_clock_monotonic_us(), timeout = send->settings->timeout_us;
    (void)revents;
    if (ev_is_active(&send->in) || held(&send->down) > 0)
        moved(send);
    uint64_t idle = now > send->progress_us ? now - send->progress_us : 0;
    if (idle >= timeout) {
        way_of(send)->idle(send);
        settle(send);
        if (send->failed)
            return;
        idle = 0;
    }
    ev_timer_set(watcher, (double)(timeout - idle) / 1e6 + 0.001, 0);
    ev_timer_start(loop, watcher);
}

static void start_watchers(struct etd_send *send, int fd)
{
    ev_io_init(&send->in, on_input, STDIN_FILENO, EV_READ);
    ev_io_init(&send->out, on_output, STDOUT_FILENO, EV_WRITE);
    ev_io_init(&send->net, on_net, fd, EV_READ);
    ev_timer_init(&send->idle, on_idle, (double)send->settings->timeout_us / 1e6, 0);
    send->in.data = send->out.data = send->net.data = send->idle.data = send;
    ev_timer_start(send->loop, &send->idle);
    moved(send);
    settle(send);
}

void etd_send_run(struct etd_send *send, int fd)
{
    send->pool = (struct etd_pool){.memory = &etd_memory_libc, .limit = ETD_SEND_MEMORY};
    send->input_terminated = send->output_terminated = true;
    start_watchers(send, fd);
    ev_run(send->loop, 0);
    ev_io_stop(send->loop, &send->in);
    ev_io_stop(send->loop, &send->out);
    ev_io_stop(send->loop, &send->net);
    ev_timer_stop(send->loop, &send->idle);
    etd_buffer_release(&send->lines, &send->pool);
    etd_buffer_release(&send->up, &send->pool);
    etd_buffer_release(&send->down, &send->pool);
}
