#include "client/load_schedule.h"

#include "platform/clock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const uint64_t second_ns = 1000000000;

/* When message `index` of all is to be sent. */
static uint64_t time_of(const struct etd_load *load, uint64_t index)
{
    return load->start + (uint64_t)((double)index * load->interval_ns);
}

uint64_t etd_load_intended(const struct etd_load_connection *connection, uint64_t number)
{
    const struct etd_load *load = connection->load;
    return time_of(load, number * load->lane_count + connection->number);
}

/* For the next message, and behind the last one for the end: the duration is kept, or the figures
 * would be of less time than was asked for. */
static void set_timer(struct etd_load *load)
{
    uint64_t at =
        load->due < load->total ? time_of(load, load->due) : load->start + load->plan->duration_ns;
    if (load->ended != 0)
        at = 0;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at / second_ns), .tv_nsec = (long)(at % second_ns)}};
    /* What is set anew need not be read; all zero switches it off. */
    timerfd_settime(load->tick.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void set_end(struct etd_load *load, uint64_t in_ns)
{
    ev_timer_stop(load->loop, &load->end);
    ev_now_update(load->loop);
    ev_timer_set(&load->end, (double)in_ns / (double)second_ns, 0);
    ev_timer_start(load->loop, &load->end);
}

/* Gives the messages that are due to their connections. */
static void hand_out(struct etd_load *load, uint64_t count)
{
    load->due += count;
    for (; count > 0; count--) {
        struct etd_load_connection *connection = load->lanes[load->turn];
        load->turn = load->turn + 1 == load->lane_count ? 0 : load->turn + 1;
        if (connection->state == ETD_LOAD_OPEN) {
            connection->due++;
            load->pending++;
        } else {
            load->result->unsent++;
        }
    }
}

static void tick(struct etd_load *load)
{
    uint64_t now = etd_clock_monotonic_ns(), until = load->due;
    uint32_t turn = load->turn;
    if (load->ended != 0)
        return;
    while (until < load->total && time_of(load, until) <= now)
        until++;
    if (until > load->due) {
        uint64_t behind = now - time_of(load, load->due), count = until - load->due;
        if (behind > load->result->behind_ns)
            load->result->behind_ns = behind;
        hand_out(load, count);
        for (count = count < load->lane_count ? count : load->lane_count; count > 0; count--) {
            etd_load_go_on(load->lanes[turn], now);
            turn = turn + 1 == load->lane_count ? 0 : turn + 1;
        }
    }
    if (load->due < load->total || now < load->start + load->plan->duration_ns) {
        set_timer(load);
    } else {
        etd_load_schedule_stop(load);
        etd_load_end_if_done(load);
    }
}

static void on_tick(EV_P_ ev_io *watcher, int revents)
{
    (void)loop;
    (void)revents;
    tick(watcher->data);
}

static void on_end(EV_P_ ev_timer *watcher, int revents)
{
    struct etd_load *load = watcher->data;
    (void)loop;
    (void)revents;
    if (load->ended != 0) {
        ev_break(load->loop, EVBREAK_ALL);
    } else {
        etd_load_schedule_stop(load);
        etd_load_end_if_done(load);
    }
}

bool etd_load_schedule_open(struct etd_load *load, char error[ETD_COMPLAINT])
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) {
        snprintf(error, ETD_COMPLAINT, "the kernel gives no timer: %s", strerror(errno));
        return false;
    }
    ev_io_init(&load->tick, on_tick, fd, EV_READ);
    load->tick.data = load;
    ev_timer_init(&load->end, on_end, 0, 0);
    load->end.data = load;
    return true;
}

void etd_load_schedule_close(struct etd_load *load)
{
    if (load->tick.data == NULL) /* never opened */
        return;
    ev_io_stop(load->loop, &load->tick);
    ev_timer_stop(load->loop, &load->end);
    close(load->tick.fd);
}

void etd_load_schedule_start(struct etd_load *load)
{
    const struct etd_load_plan *plan = load->plan;
    if (plan->rate > 0) {
        double seconds = (double)plan->duration_ns / (double)second_ns;
        load->interval_ns = (double)second_ns / plan->rate;
        load->total = (uint64_t)(seconds * plan->rate + 0.5);
        load->total = load->total > 0 ? load->total : 1;
        ev_io_start(load->loop, &load->tick);
        tick(load);
        return;
    }
    set_end(load, plan->duration_ns);
    for (uint32_t i = 0; i < load->lane_count; i++)
        etd_load_go_on(load->lanes[i], etd_clock_monotonic_ns());
}

void etd_load_schedule_stop(struct etd_load *load)
{
    if (load->ended != 0)
        return;
    load->ended = etd_clock_monotonic_ns();
    load->total = load->due;
    for (uint32_t i = 0; i < load->lane_count; i++)
        etd_load_cut(load->lanes[i]);
    if (load->plan->rate > 0)
        set_timer(load);
    set_end(load, load->plan->timeout_ns);
}
