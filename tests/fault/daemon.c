#include "fault/daemon.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* src/daemon/main.c, whose main is built under this name. */
int echotimed_main(int argc, char **argv);

/* There in builds with sanitizers. */
__attribute__((weak)) int __lsan_do_recoverable_leak_check(void);

#ifdef ETD_COVERAGE
void __gcov_dump(void);
#else
static void __gcov_dump(void)
{
}
#endif

enum { LEAKED = 99 };

/* A network of our own, so that a port that a daemon lets go goes to nobody else. Who is not root stays
 * in the host's. */
__attribute__((constructor)) static void leave_the_hosts_network(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) != 0)
        return;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) != 0) {
        perror("cannot bring up lo in a network of our own");
        abort();
    }
    close(fd);
}

static int count_descriptors(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory != NULL && readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static _Noreturn void be_the_daemon(const struct fault_daemon *daemon, int ready)
{
    char user[64], group[64];
    const char *config = daemon->plan.config != NULL ? daemon->plan.config : ETD_FAULT_CONFIG;
    char *arguments[] = {(char[]){"echotimed"},
                         (char[]){"-c"},
                         (char *)config,
                         (char[]){"-o"},
                         user,
                         (char[]){"-o"},
                         group,
                         NULL};
    snprintf(user, sizeof user, "daemon.user=%s",
             daemon->plan.user == NULL ? "" : daemon->plan.user);
    snprintf(group, sizeof group, "daemon.group=%s",
             daemon->plan.group == NULL ? "" : daemon->plan.group);
    struct fault_report *report = daemon->report;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(daemon->log, STDERR_FILENO);
    int before = count_descriptors();
    fault_arm(&daemon->plan, report, ready);
    report->status = echotimed_main(7, arguments);
    fault_disarm();
    report->descriptors_left = count_descriptors() - before;
    __gcov_dump();
    prctl(PR_SET_DUMPABLE, 1); /* the search for leaks traces, and giving up root forbade that */
    bool leaked = __lsan_do_recoverable_leak_check != NULL && __lsan_do_recoverable_leak_check();
    _exit(leaked ? LEAKED : report->status);
}

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

void fault_daemon_start(struct fault_daemon *daemon, const struct fault_plan *plan)
{
    int ready[2];
    *daemon = (struct fault_daemon){.plan = *plan, .report = shared_memory(sizeof *daemon->report)};
    daemon->log = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(daemon->log, 0);
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    daemon->pid = fork();
    ck_assert_int_ge(daemon->pid, 0);
    if (daemon->pid == 0) {
        close(ready[0]);
        be_the_daemon(daemon, ready[1]);
    }
    close(ready[1]);
    daemon->ready = ready[0];
    daemon->process = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
    ck_assert_int_ge(daemon->process, 0);
    struct pollfd wait = {.fd = daemon->ready, .events = POLLIN};
    char byte;
    daemon->serves =
        poll(&wait, 1, FAULT_DEADLINE_MS) == 1 && read(daemon->ready, &byte, sizeof byte) == 1;
}

uint16_t fault_daemon_port(const struct fault_daemon *daemon, enum fault_listener listener)
{
    return (uint16_t)daemon->report->bound[listener];
}

void fault_daemon_terminate(const struct fault_daemon *daemon)
{
    kill(daemon->pid, SIGTERM);
}

void fault_daemon_reload(const struct fault_daemon *daemon)
{
    kill(daemon->pid, SIGHUP);
}

void fault_daemon_wait(struct fault_daemon *daemon)
{
    struct pollfd wait = {.fd = daemon->process, .events = POLLIN};
    int status = 0;
    bool ended = poll(&wait, 1, FAULT_DEADLINE_MS) == 1;
    if (!ended)
        kill(daemon->pid, SIGKILL);
    ck_assert_int_eq(waitpid(daemon->pid, &status, 0), daemon->pid);
    if (!ended)
        daemon->exit = FAULT_HUNG;
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != daemon->report->status)
        daemon->exit = FAULT_CRASHED;
}

void fault_daemon_await(const struct fault_daemon *daemon, const atomic_uint *counter,
                        unsigned value)
{
    struct pollfd wait = {.fd = daemon->process, .events = POLLIN};
    for (int ms = 0; *counter < value; ms++) {
        ck_assert_int_eq(poll(&wait, 1, 1), 0);
        ck_assert_int_lt(ms, FAULT_DEADLINE_MS);
    }
}

const char *fault_daemon_log(const struct fault_daemon *daemon)
{
    static char text[64 * 1024];
    ssize_t size = pread(daemon->log, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

void fault_daemon_free(struct fault_daemon *daemon)
{
    munmap(daemon->report, sizeof *daemon->report);
    close(daemon->process);
    close(daemon->ready);
    close(daemon->log);
}
