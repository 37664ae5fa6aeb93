#include "fault/sweep.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* More calls than any scenario makes: a run that never ends is one that repeats what fails. */
enum { CALLS_MAX = 3000, BULK = 1024 * 1024 };

/* Says of a run what was planned, what is wrong with it, and what the daemon logged. */
static void complain(const struct fault_daemon *daemon, const char *what, const char *of)
{
    const struct fault_plan *plan = &daemon->plan;
    char failing[128] = "";
    if (plan->error != 0)
        snprintf(failing, sizeof failing,
                 "%s failing with %s at call %u: ", fault_call_name(plan->call),
                 strerrorname_np(plan->error), plan->every != 0 ? plan->every : plan->at);
    /* Check cannot carry more; the beginning of a log tells what went wrong first. */
    ck_abort_msg("%s%s%s\n%.3000s", failing, of, what, fault_daemon_log(daemon));
}

static void judge_stream(const struct fault_daemon *daemon, const struct fault_stream *stream,
                         unsigned effects)
{
    bool was_hit = stream->port != 0 && stream->port == daemon->report->hit;
    bool may_be_cut =
        ((effects & FAULT_HITS_ONE) != 0 && was_hit) || (effects & FAULT_HITS_ANY) != 0;
    bool memory = daemon->plan.call == FAULT_ALLOCATION;
    bool allowed = false;
    switch (stream->end) {
    case FAULT_COMPLETE:
        allowed = true;
        break;
    case FAULT_CUT_RESET:
        /* The daemon must have meant it: a clean end that we send into looks the same to us. */
        allowed = (effects & FAULT_STOPS) != 0 ||
                  (may_be_cut && (daemon->report->reset == stream->port || memory));
        break;
    case FAULT_CUT_CLEAN:
        /* For want of memory a connection is closed in order, behind what was due. */
        allowed = may_be_cut && memory;
        break;
    case FAULT_REFUSED:
        allowed = (effects & FAULT_STOPS) != 0;
        break;
    case FAULT_OPEN:
    case FAULT_WRONG:
    case FAULT_STUCK:
        break;
    }
    if (!allowed) {
        char of[128];
        snprintf(of, sizeof of, "the stream \"%s\" (%s) was ", stream->name,
                 was_hit ? "for which it was" : "another than it was for");
        complain(daemon, fault_end_name(stream->end), of);
    }
}

void fault_judge_end(const struct fault_daemon *daemon, unsigned effects)
{
    const struct fault_report *report = daemon->report;
    bool prevented = (effects & FAULT_PREVENTS) != 0 && !daemon->serves;
    int status =
        prevented || ((effects & FAULT_STOPS) != 0 && report->fired > 0) ? EX_OSERR : EXIT_SUCCESS;
    if (daemon->exit == FAULT_CRASHED)
        complain(daemon, "it crashed, or leaked", "");
    if (daemon->exit == FAULT_HUNG)
        complain(daemon, "it did not end", "");
    if (report->status != status)
        complain(daemon, "its exit status is not what it should be", "");
    if (status != EXIT_SUCCESS && fault_daemon_log(daemon)[0] == '\0')
        complain(daemon, "it does not say why it ended", "");
    if (report->descriptors_left != 0)
        complain(daemon, "descriptors are left open", "");
    if (report->pieces_left != 0 || report->mappings_left != 0)
        complain(daemon, "memory is left", "");
    if (status == EXIT_SUCCESS &&
        strstr(fault_daemon_log(daemon), "buffer_memory_in_use=0 ") == NULL)
        complain(daemon, "the pool is not whole", "");
}

unsigned fault_run(const struct fault_plan *plan, unsigned effects, size_t bulk,
                   struct fault_report *report)
{
    struct fault_daemon daemon;
    struct fault_scenario scenario = {.count = 0};
    fault_daemon_start(&daemon, plan);
    if (daemon.serves)
        fault_scenario_play(&scenario, &daemon, bulk);
    else
        fault_daemon_wait(&daemon);
    fault_judge_end(&daemon, effects);
    for (size_t i = 0; i < scenario.count; i++)
        judge_stream(&daemon, &scenario.streams[i],
                     i == 0 ? effects & ~(unsigned)FAULT_HITS_ANY : effects);
    if (daemon.serves && (effects & FAULT_STOPS) == 0 && !scenario.datagrams_answered)
        complain(&daemon, "a datagram was never answered", "");
    unsigned fired = daemon.report->fired;
    if (report != NULL)
        memcpy(report, daemon.report, sizeof *report);
    fault_daemon_free(&daemon);
    return fired;
}

void fault_sweep_plan(struct fault_plan plan, unsigned effects)
{
    do {
        plan.at++;
        ck_assert_msg(plan.at < CALLS_MAX, "%s was called too often", fault_call_name(plan.call));
    } while (fault_run(&plan, effects, BULK, NULL) > 0);
    ck_assert_msg(plan.at > 1, "the scenario never calls %s", fault_call_name(plan.call));
}

void fault_sweep(const struct fault_sweep *sweep)
{
    for (const int *error = sweep->errors; *error != 0; error++)
        fault_sweep_plan((struct fault_plan){.call = sweep->call, .error = *error, .count = 1},
                         sweep->effects);
}

Suite *fault_sweep_suite(const char *name, const TTest *test, int rows)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create("calls");
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, test, 0, rows);
    suite_add_tcase(suite, tcase);
    return suite;
}
