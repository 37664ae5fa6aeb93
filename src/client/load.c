#include "client/load.h"

#include "client/load_engine.h"
#include "client/load_schedule.h"
#include "platform/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPENING_MOST = 128 }; /* at a time: a server's backlog is no part of the measurement */

static const double pulse_most = 0.25, pulse_least = 0.005;
static const uint64_t progress_ns = 200000000; /* less than a pulse, which may come early */

bool etd_load_is_good(const struct etd_load_result *result)
{
    return result->right > 0 && result->right == result->sent && result->unsent == 0 &&
           result->damaged == 0 && result->duplicated == 0 && result->unopened == 0 &&
           result->lost == 0;
}

void etd_load_end_if_done(struct etd_load *load)
{
    bool idle = load->ended != 0 && load->pending == 0;
    bool deserted = load->open == 0 && load->opening == 0;
    if (load->start != 0 && (idle || deserted))
        ev_break(load->loop, EVBREAK_ALL);
}

void etd_load_done(struct etd_load_connection *connection, uint64_t count)
{
    connection->done += count;
    connection->load->pending -= count;
}

void etd_load_want_room(struct etd_load_connection *connection, bool wanted)
{
    int events = wanted ? EV_READ | EV_WRITE : EV_READ;
    if ((connection->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(connection->load->loop, &connection->io);
    ev_io_set(&connection->io, connection->io.fd, events);
    ev_io_start(connection->load->loop, &connection->io);
}

/* How many messages the kernel has, or has a part of. */
static uint64_t begun(const struct etd_load_connection *connection)
{
    return connection->sent + (connection->sent_part > 0);
}

void etd_load_cut(struct etd_load_connection *connection)
{
    struct etd_load *load = connection->load;
    uint64_t until = begun(connection);
    if (connection->state != ETD_LOAD_OPEN)
        return;
    load->pending -= connection->due - until;
    load->result->unsent += load->plan->rate > 0 ? connection->due - until : 0;
    connection->due = connection->asked = until;
}

static void close_connection(struct etd_load_connection *connection)
{
    struct etd_load *load = connection->load;
    ev_io_stop(load->loop, &connection->io);
    if (connection->state == ETD_LOAD_OPEN) {
        etd_load_cut(connection);
        load->transport->end(connection);
        load->open--;
        load->pending -= connection->due - connection->done;
        load->result->sent += connection->sent;
        load->result->unsent += connection->due - connection->sent;
        load->result->missing += connection->sent - connection->done;
    }
    close(connection->io.fd);
    connection->state = ETD_LOAD_CLOSED;
}

void etd_load_lose(struct etd_load_connection *connection, int failure)
{
    struct etd_load_result *result = connection->load->result;
    if (result->lost++ == 0)
        result->lost_failure = failure;
    close_connection(connection);
}

static void fail_to_open(struct etd_load *load, int failure)
{
    if (load->result->unopened++ == 0)
        load->result->open_failure = failure;
}

/* How many messages may be asked for on the connection, so far in all. */
static uint64_t limit_of(const struct etd_load_connection *connection)
{
    const struct etd_load *load = connection->load;
    uint64_t limit = connection->done + load->plan->depth;
    if (load->transport->room != NULL) {
        uint64_t window = connection->asked + load->transport->room(connection);
        limit = limit < window ? limit : window;
    }
    return limit;
}

void etd_load_go_on(struct etd_load_connection *connection, uint64_t now)
{
    struct etd_load *load = connection->load;
    if (load->start == 0 || connection->state != ETD_LOAD_OPEN)
        return;
    uint64_t limit = limit_of(connection);
    if (load->plan->rate == 0 && load->ended == 0 && limit > connection->due) {
        load->pending += limit - connection->due;
        connection->due = limit;
    }
    uint64_t asked = connection->due < limit ? connection->due : limit;
    uint64_t counted = asked > connection->held ? asked : connection->held;
    if (connection->due > counted) {
        load->result->held_back += connection->due - counted;
        connection->held = connection->due;
    }
    if (asked <= connection->asked)
        return;
    connection->asked = asked;
    if (load->transport->asked != NULL && !load->transport->asked(connection, now))
        etd_load_lose(connection, ENOMEM);
    else
        load->transport->send(connection);
}

/* All connections are there, or have failed: begins to send. */
static void start(struct etd_load *load)
{
    load->result->opened = load->open + load->result->lost;
    for (uint32_t i = 0; i < load->plan->connections; i++) {
        struct etd_load_connection *connection = &load->connections[i];
        if (connection->state == ETD_LOAD_OPEN) {
            connection->number = load->lane_count;
            load->lanes[load->lane_count++] = connection;
        }
    }
    load->start = etd_clock_monotonic_ns();
    if (load->open > 0)
        etd_load_schedule_start(load);
    etd_load_end_if_done(load);
}

static void on_event(EV_P_ ev_io *watcher, int revents);

static void open_more(struct etd_load *load);

static void established(struct etd_load_connection *connection)
{
    struct etd_load *load = connection->load;
    if (!load->transport->begin(connection)) {
        fail_to_open(load, ENOMEM);
        close_connection(connection);
        return;
    }
    connection->state = ETD_LOAD_OPEN;
    load->open++;
    etd_load_want_room(connection, false);
}

/* Takes in a descriptor that is connected, or being so. */
static void adopt(struct etd_load *load, int fd, bool connected)
{
    struct etd_load_connection *connection = &load->connections[load->next++];
    *connection = (struct etd_load_connection){
        .load = load, .state = ETD_LOAD_OPENING, .since = etd_clock_monotonic_ns()};
    ev_io_init(&connection->io, on_event, fd, EV_WRITE);
    connection->io.data = connection;
    ev_io_start(load->loop, &connection->io);
    if (connected)
        established(connection);
    else
        load->opening++;
}

static void open_more(struct etd_load *load)
{
    while (load->next < load->plan->connections && load->opening < OPENING_MOST &&
           load->ended == 0) {
        int fd = etd_target_open(load->plan->target);
        if (fd >= 0) {
            adopt(load, fd, load->transport == &etd_load_datagrams);
        } else {
            fail_to_open(load, errno);
            load->next++;
        }
    }
    if (load->start == 0 && load->opening == 0 &&
        (load->next == load->plan->connections || load->ended != 0))
        start(load);
}

static void end_opening(struct etd_load_connection *connection, int failure)
{
    struct etd_load *load = connection->load;
    load->opening--;
    if (failure == 0) {
        established(connection);
    } else {
        fail_to_open(load, failure);
        close_connection(connection);
    }
    open_more(load);
}

static void on_event(EV_P_ ev_io *watcher, int revents)
{
    struct etd_load_connection *connection = watcher->data;
    struct etd_load *load = connection->load;
    (void)loop;
    if (connection->state == ETD_LOAD_OPENING) {
        end_opening(connection, etd_target_connected(watcher->fd));
        return;
    }
    if ((revents & EV_WRITE) != 0)
        load->transport->send(connection);
    if ((revents & EV_READ) != 0 && connection->state == ETD_LOAD_OPEN)
        load->transport->receive(connection);
    etd_load_end_if_done(load);
}

static void on_pulse(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_load *load = watcher->data;
    const struct etd_load_plan *plan = load->plan;
    uint64_t now = etd_clock_monotonic_ns();
    (void)loop;
    (void)revents;
    for (uint32_t i = 0; i < load->next; i++) {
        struct etd_load_connection *connection = &load->connections[i];
        if (connection->state == ETD_LOAD_OPENING && now - connection->since > plan->timeout_ns)
            end_opening(connection, ETIMEDOUT);
        else if (connection->state == ETD_LOAD_OPEN && load->transport->expire != NULL)
            load->transport->expire(connection, now);
    }
    if (plan->progress != NULL && load->start != 0 && now - load->shown >= progress_ns) {
        plan->progress(plan->data, load->result, now - load->start);
        load->shown = now;
    }
    etd_load_end_if_done(load);
}

/* The first signal ends the asking, the second one the waiting too. */
static void on_stop(void *data)
{
    struct etd_load *load = data;
    if (load->ended != 0 || load->start == 0)
        ev_break(load->loop, EVBREAK_ALL);
    load->result->interrupted = true;
    etd_load_schedule_stop(load);
    etd_load_end_if_done(load);
}

static bool prepare(struct etd_load *load, char error[ETD_COMPLAINT])
{
    const struct etd_load_plan *plan = load->plan;
    load->transport =
        plan->target->settings->url.transport == ETD_TCP ? &etd_load_stream : &etd_load_datagrams;
    etd_socket_raise_descriptor_limit();
    load->connections = calloc(plan->connections, sizeof *load->connections);
    load->lanes = calloc(plan->connections, sizeof(struct etd_load_connection *));
    load->out = malloc(ETD_LOAD_OUT);
    load->in = malloc(ETD_LOAD_IN);
    if (load->connections == NULL || load->lanes == NULL || load->out == NULL || load->in == NULL ||
        !etd_load_messages_open(&load->messages, plan->framing, plan->size)) {
        snprintf(error, ETD_COMPLAINT,
                 "there is no memory for %u connections and messages of %zu "
                 "bytes; try fewer and smaller ones",
                 plan->connections, plan->size);
        return false;
    }
    load->loop = etd_client_loop_open();
    if (load->loop == NULL)
        snprintf(error, ETD_COMPLAINT, "there is no event loop to run in");
    return load->loop != NULL && etd_load_schedule_open(load, error);
}

static void finish(struct etd_load *load)
{
    uint64_t end = load->ended > load->last_reply ? load->ended : load->last_reply;
    if (load->start != 0)
        load->result->elapsed_ns = end > load->start ? end - load->start : 0;
    for (uint32_t i = 0; i < load->next; i++) {
        if (load->connections[i].state == ETD_LOAD_OPENING ||
            load->connections[i].state == ETD_LOAD_OPEN)
            close_connection(&load->connections[i]);
    }
}

static void clean_up(struct etd_load *load)
{
    if (load->loop != NULL) {
        etd_load_schedule_close(load);
        ev_loop_destroy(load->loop);
    }
    etd_load_messages_close(&load->messages);
    free(load->in);
    free(load->out);
    free(load->lanes);
    free(load->connections);
}

bool etd_load_run(const struct etd_load_plan *plan, struct etd_load_result *result,
                  char error[ETD_COMPLAINT])
{
    struct etd_load load = {.plan = plan, .result = result};
    double pulse = (double)plan->timeout_ns / 4e9;
    bool ran = false;
    int first;
    *result = (struct etd_load_result){.sent = 0};
    if (!prepare(&load, error))
        goto out;
    first =
        etd_target_connect(plan->target, etd_clock_monotonic_us() + plan->timeout_ns / 1000, error);
    if (first < 0)
        goto out;
    etd_stop_begin(&load.stop, load.loop, on_stop, &load);
    pulse = pulse < pulse_least ? pulse_least : pulse > pulse_most ? pulse_most : pulse;
    ev_timer_init(&load.pulse, on_pulse, pulse, pulse);
    load.pulse.data = &load;
    ev_timer_start(load.loop, &load.pulse);
    adopt(&load, first, true);
    open_more(&load);
    ev_run(load.loop, 0);
    finish(&load);
    ev_timer_stop(load.loop, &load.pulse);
    etd_stop_end(&load.stop, load.loop);
    ran = true;
out:
    clean_up(&load);
    return ran;
}
