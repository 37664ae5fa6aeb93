/* Giving up root fails, or only pretends to succeed, at every call that it takes: then the daemon ends
 * and says why, or there is nothing left all the same. */
#include "fault/daemon.h"
#include "support/suite.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

enum { LIE = 0, CALLS_MAX = 1000 };

/* What fails, how, and which of its calls must be felt: those without which the rest is not enough. */
static const struct {
    enum fault_call call;
    int error;
    unsigned felt; /* the first so many */
} rows[] = {
    {FAULT_GETPWNAM, EMFILE, 1},  {FAULT_GETGRNAM, EIO, 1},     {FAULT_SETGROUPS, EPERM, 1},
    {FAULT_SETGROUPS, ENOMEM, 1}, {FAULT_SETGROUPS, LIE, 2},    {FAULT_SETRESGID, EPERM, 1},
    {FAULT_SETRESGID, LIE, 2},    {FAULT_SETRESUID, EPERM, 1},  {FAULT_SETRESUID, EAGAIN, 1},
    {FAULT_SETRESUID, LIE, 2},    {FAULT_CAPSET, EPERM, 1},     {FAULT_CAPSET, LIE, 1},
    {FAULT_PRCTL, EINVAL, 0},     {FAULT_PRCTL, EPERM, 0},      {FAULT_PRCTL, LIE, 0},
    {FAULT_GETGROUPS, EPERM, 1},  {FAULT_GETGROUPS, LIE, 0},    {FAULT_GETRESGID, EFAULT, 1},
    {FAULT_GETRESGID, LIE, 1},    {FAULT_GETRESUID, EFAULT, 1}, {FAULT_GETRESUID, LIE, 1},
    {FAULT_CAPGET, EPERM, 1},     {FAULT_CAPGET, LIE, 1},
};

/* Lines of /proc/PID/status that must be there of a process that gave up all. */
static const char *const given_up[] = {
    "\nUid:\t65534\t65534\t65534\t65534\n",
    "\nGid:\t65534\t65534\t65534\t65534\n",
    "\nGroups:\t \n",
    "\nCapInh:\t0000000000000000\n",
    "\nCapPrm:\t0000000000000000\n",
    "\nCapEff:\t0000000000000000\n",
    "\nCapBnd:\t0000000000000000\n",
    "\nCapAmb:\t0000000000000000\n",
    "\nNoNewPrivs:\t1\n",
    "\nThreads:\t1\n",
};

static void assert_gave_up_all(const struct fault_daemon *daemon)
{
    char path[64], status[8192];
    snprintf(path, sizeof path, "/proc/%d/status", daemon->pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    status[fread(status, 1, sizeof status - 1, file)] = '\0';
    fclose(file);
    for (size_t i = 0; i < sizeof given_up / sizeof given_up[0]; i++)
        ck_assert_msg(strstr(status, given_up[i]) != NULL,
                      "%s with %d at call %u: it serves, and lacks%sin%s",
                      fault_call_name(daemon->plan.call), daemon->plan.error, daemon->plan.at,
                      given_up[i], status);
}

/* Gives whether the call failed. */
static bool run(const struct fault_plan *plan, unsigned felt)
{
    struct fault_daemon daemon;
    fault_daemon_start(&daemon, plan);
    if (daemon.serves) {
        assert_gave_up_all(&daemon);
        fault_daemon_terminate(&daemon);
    }
    fault_daemon_wait(&daemon);
    const char *log = fault_daemon_log(&daemon);
    const char *name = fault_call_name(plan->call);
    ck_assert_msg(daemon.exit == FAULT_EXITED, "%s at call %u: it crashed, hung, or leaked\n%s",
                  name, plan->at, log);
    ck_assert_msg(daemon.report->status == (daemon.serves ? EXIT_SUCCESS : EX_OSERR),
                  "%s at call %u: its status is %d\n%s", name, plan->at, daemon.report->status,
                  log);
    ck_assert_msg(daemon.serves || strstr(log, " error ") != NULL,
                  "%s at call %u: it does not say why\n%s", name, plan->at, log);
    ck_assert_msg(!daemon.serves || plan->at > felt, "%s at call %u: nobody noticed\n%s", name,
                  plan->at, log);
    ck_assert_int_eq(daemon.report->descriptors_left, 0);
    ck_assert_int_eq(daemon.report->pieces_left, 0);
    bool fired = daemon.report->fired > 0;
    fault_daemon_free(&daemon);
    return fired;
}

/* A root that has all that can be left behind, and so must be given up by somebody. */
static void be_rich(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    const gid_t groups[] = {0, 1};
    ck_assert_msg(geteuid() == 0, "giving up root takes root: run this test as root");
    ck_assert_int_eq(setgroups(2, groups), 0);
    ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        data[i].inheritable = data[i].permitted;
    ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
    ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0), 0);
}

START_TEST(it_never_serves_with_anything_left)
{
    be_rich();
    struct fault_plan plan = {.call = rows[_i].call,
                              .error = rows[_i].error,
                              .count = 1,
                              .user = "nobody",
                              .group = "nogroup"};
    do {
        plan.at++;
        ck_assert_uint_lt(plan.at, CALLS_MAX);
    } while (run(&plan, rows[_i].felt));
    ck_assert_uint_gt(plan.at, rows[_i].felt > 1 ? rows[_i].felt : 1); /* it is called at all */
}
END_TEST

Suite *etd_suite(void)
{
    Suite *suite = suite_create("fault/root");
    TCase *tcase = tcase_create("calls");
    tcase_set_timeout(tcase, 240);
    tcase_add_loop_test(tcase, it_never_serves_with_anything_left, 0, sizeof rows / sizeof rows[0]);
    suite_add_tcase(suite, tcase);
    return suite;
}
