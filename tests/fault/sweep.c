#include "fault/sweep.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* More calls than any scenario makes: a run that never ends is one that repeats what fails. */
enum { CALLS_MAX = 3000, BULK = 1024 * 1024 };

/* Says of a run what was planned, what is wrong with it, and what the daemon logged. */
static void complain(const struct fault_daemon *daemon, const char *what, const char *of)
{
    const struct fault_plan *plan = &daemon->plan;
    ck_abort_msg("%s failing with %s at call %u: %s%s\n%s", fault_call_name(plan->call),
                 strerrorname_np(plan->error), plan->at, of, what, fault_daemon_log(daemon));
}

static void judge_stream(const struct fault_daemon *daemon, const struct fault_stream *stream,
                         enum fault_effect effect)
{
    bool hit = stream->port != 0 && stream->port == daemon->report->hit;
    bool allowed = false;
    switch (stream->end) {
    case FAULT_COMPLETE:
        allowed = true;
        break;
    case FAULT_CUT_RESET:
        /* The daemon must have meant it: a clean end that we send into looks the same to us. */
        allowed = effect == FAULT_STOPS ||
                  (effect == FAULT_HITS_ONE && hit && daemon->report->reset == stream->port);
        break;
    case FAULT_REFUSED:
        allowed = effect == FAULT_STOPS;
        break;
    case FAULT_CUT_CLEAN:
        /* For want of memory a connection is closed in order, behind what was due. */
        allowed = hit && effect == FAULT_HITS_ONE && daemon->plan.call == FAULT_ALLOCATION;
        break;
    case FAULT_OPEN:
    case FAULT_WRONG:
    case FAULT_STUCK:
        break;
    }
    if (!allowed) {
        char of[128];
        snprintf(of, sizeof of, "the stream \"%s\" (%s) was ", stream->name,
                 hit ? "for which it was" : "another than it was for");
        complain(daemon, fault_end_name(stream->end), of);
    }
}

static void judge_end(const struct fault_daemon *daemon, enum fault_effect effect)
{
    const struct fault_report *report = daemon->report;
    bool prevented = effect == FAULT_PREVENTS && !daemon->serves;
    int status =
        prevented || (effect == FAULT_STOPS && report->fired > 0) ? EX_OSERR : EXIT_SUCCESS;
    if (daemon->exit == FAULT_CRASHED)
        complain(daemon, "it crashed, or leaked", "");
    if (daemon->exit == FAULT_HUNG)
        complain(daemon, "it did not end", "");
    if (report->status != status)
        complain(daemon, "its exit status is not what it should be", "");
    if (status != EXIT_SUCCESS && strstr(fault_daemon_log(daemon), " error ") == NULL)
        complain(daemon, "the log has no error", "");
    if (report->descriptors_left != 0)
        complain(daemon, "descriptors are left open", "");
    if (report->pieces_left != 0 || report->mappings_left != 0)
        complain(daemon, "memory is left", "");
    if (status == EXIT_SUCCESS &&
        strstr(fault_daemon_log(daemon), "buffer_memory_in_use=0 ") == NULL)
        complain(daemon, "the pool is not whole", "");
}

unsigned fault_run(const struct fault_plan *plan, enum fault_effect effect, size_t bulk,
                   struct fault_report *report)
{
    struct fault_daemon daemon;
    struct fault_scenario scenario = {.count = 0};
    fault_daemon_start(&daemon, plan);
    if (daemon.serves)
        fault_scenario_play(&scenario, &daemon, bulk);
    else
        fault_daemon_wait(&daemon);
    judge_end(&daemon, effect);
    for (size_t i = 0; i < scenario.count; i++)
        judge_stream(&daemon, &scenario.streams[i], effect);
    if (daemon.serves && effect != FAULT_STOPS && !scenario.datagrams_answered)
        complain(&daemon, "a datagram was never answered", "");
    unsigned fired = daemon.report->fired;
    if (report != NULL)
        memcpy(report, daemon.report, sizeof *report);
    fault_daemon_free(&daemon);
    return fired;
}

void fault_sweep(const struct fault_sweep *sweep)
{
    for (const int *error = sweep->errors; *error != 0; error++) {
        struct fault_plan plan = {
            .call = sweep->call, .error = *error, .count = 1, .option = sweep->option};
        do {
            plan.at++;
            ck_assert_msg(plan.at < CALLS_MAX, "%s was called too often",
                          fault_call_name(plan.call));
        } while (fault_run(&plan, sweep->effect, BULK, NULL) > 0);
        ck_assert_msg(plan.at > 1, "the scenario never calls %s", fault_call_name(plan.call));
    }
}
