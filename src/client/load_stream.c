/* Load over TCP: messages one behind the other in a stream, and so their replies. */
#include "client/load_engine.h"

#include "platform/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool begin(struct etd_load_connection *connection)
{
    connection->times = (struct etd_load_times){.capacity = 0};
    return true;
}

static void end(struct etd_load_connection *connection)
{
    free(connection->times.entries);
    connection->times = (struct etd_load_times){.capacity = 0};
}

/* Notes when the messages below `until` were asked. False: no memory. */
static bool note_time(struct etd_load_times *times, uint64_t until, uint64_t at)
{
    if (times->begin == times->end)
        times->begin = times->end = 0;
    if (times->end == times->capacity && times->begin > times->capacity / 2) {
        times->end -= times->begin;
        memmove(times->entries, times->entries + times->begin, times->end * sizeof *times->entries);
        times->begin = 0;
    }
    if (times->end == times->capacity) {
        size_t capacity = times->capacity == 0 ? 4 : 2 * times->capacity;
        void *more = realloc(times->entries, capacity * sizeof *times->entries);
        if (more == NULL)
            return false;
        times->entries = more;
        times->capacity = capacity;
    }
    times->entries[times->end++] = (struct etd_load_asked){.until = until, .at = at};
    return true;
}

static bool asked(struct etd_load_connection *connection, uint64_t now)
{
    return connection->load->plan->rate > 0 ||
           note_time(&connection->times, connection->asked, now);
}

/* The messages from `done` on, `count` of them, are no longer waited for; if they were answered rightly,
 * their latencies are recorded. */
static void settle(struct etd_load_connection *connection, uint64_t count, bool right, uint64_t now)
{
    struct etd_load *load = connection->load;
    struct etd_histogram *latency = &load->result->latency;
    uint64_t number = connection->done, until = number + count;
    if (load->plan->rate > 0) {
        for (; right && number < until; number++)
            etd_histogram_record(latency, now - etd_load_intended(connection, number), 1);
    } else {
        struct etd_load_times *times = &connection->times;
        while (number < until) {
            const struct etd_load_asked *entry = &times->entries[times->begin];
            uint64_t next = entry->until < until ? entry->until : until;
            if (right)
                etd_histogram_record(latency, now - entry->at, next - number);
            times->begin += entry->until <= until;
            number = next;
        }
    }
    load->result->right += right ? count : 0;
    etd_load_done(connection, count);
}

/* One reply that is not as expected, or not complete. */
static void take_one(struct etd_load_connection *connection, struct etd_bytes *replies,
                     uint64_t now)
{
    struct etd_load_result *result = connection->load->result;
    uint64_t skipped, before = connection->reader.expected;
    switch (etd_load_take(&connection->load->messages, connection->number, connection->sent,
                          &connection->reader, replies, &skipped)) {
    case ETD_LOAD_MORE:
        break;
    case ETD_LOAD_RIGHT:
        settle(connection, 1, true, now);
        break;
    case ETD_LOAD_DAMAGED:
        result->damaged++;
        settle(connection, connection->reader.expected - before, false, now);
        break;
    case ETD_LOAD_EARLY:
        connection->skipped += skipped;
        result->missing += skipped;
        settle(connection, skipped, false, now);
        settle(connection, 1, true, now);
        break;
    case ETD_LOAD_LATE:
        if (connection->skipped > 0) {
            connection->skipped--;
            result->missing--;
            result->reordered++;
        } else {
            result->duplicated++;
        }
        break;
    }
}

static void take(struct etd_load_connection *connection, struct etd_bytes replies)
{
    uint64_t now = etd_clock_monotonic_ns();
    connection->load->last_reply = now;
    while (replies.size > 0) {
        uint64_t count = etd_load_match(&connection->load->messages, connection->number,
                                        connection->sent, &connection->reader, &replies);
        if (count > 0)
            settle(connection, count, true, now);
        if (replies.size > 0)
            take_one(connection, &replies, now);
    }
    etd_load_go_on(connection, now);
}

static void receive(struct etd_load_connection *connection)
{
    uint8_t *in = connection->load->in;
    ssize_t size = recv(connection->io.fd, in, ETD_LOAD_IN, MSG_DONTWAIT);
    if (size > 0)
        take(connection, etd_bytes(in, (size_t)size));
    else if (size == 0)
        etd_load_lose(connection, 0);
    else if (errno != EAGAIN && errno != EINTR)
        etd_load_lose(connection, errno);
}

/* Sends what may be sent, as much of it at once as fits the buffer. */
static void send_asked(struct etd_load_connection *connection)
{
    const struct etd_load_messages *messages = &connection->load->messages;
    uint8_t *out = connection->load->out;
    for (int i = 0; i < ETD_LOAD_SENDS && connection->sent < connection->asked; i++) {
        size_t room = (size_t)(connection->asked - connection->sent) * messages->frame_size -
                      connection->sent_part;
        room = room < ETD_LOAD_OUT ? room : ETD_LOAD_OUT;
        etd_load_fill(messages, connection->number, connection->sent, connection->sent_part, out,
                      room);
        ssize_t size = send(connection->io.fd, out, room, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
                etd_load_lose(connection, errno);
            break;
        }
        size_t part = connection->sent_part + (size_t)size;
        connection->sent += part / messages->frame_size;
        connection->sent_part = part % messages->frame_size;
        if ((size_t)size < room)
            break;
    }
    if (connection->state == ETD_LOAD_OPEN)
        etd_load_want_room(connection, connection->sent < connection->asked);
}

const struct etd_load_transport etd_load_stream = {
    .begin = begin,
    .asked = asked,
    .send = send_asked,
    .receive = receive,
    .end = end,
};
