/* Runs in the daemon's sandbox and says what can be done there, a "name value" line each. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static void say(const char *name, int result)
{
    printf("%s %s\n", name, result >= 0 ? "yes" : strerrorname_np(errno));
}

static int read_clock(void)
{
    struct timex kernel = {.modes = 0};
    return adjtimex(&kernel);
}

static int set_clock(void)
{
    struct timex kernel = {.modes = ADJ_TICK, .tick = 10000};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return adjtimex(&kernel) >= 0 || clock_settime(CLOCK_REALTIME, &now) == 0 ? 0 : -1;
}

static int bind_low_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(123)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof address);
}

static int run_written_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) == MAP_FAILED
               ? -1
               : 0;
}

int main(void)
{
    time_t now = time(NULL);
    struct tm local = {0};
    localtime_r(&now, &local);
    say("read-clock", read_clock());
    say("set-clock", set_clock());
    say("bind-low-port", bind_low_port());
    say("raw-socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    say("packet-socket", socket(AF_PACKET, SOCK_DGRAM, 0));
    say("read-configuration", open("/etc/echotimed/echotimed.ini", O_RDONLY));
    say("write-configuration", open("/etc/echotimed/echotimed.ini", O_WRONLY));
    say("write-root", open("/probe", O_WRONLY | O_CREAT, 0600));
    say("run-written-memory", run_written_memory());
    printf("zone %ld\n", local.tm_gmtoff);
    printf("root %s\n", geteuid() == 0 ? "yes" : "no");
    return 0;
}
