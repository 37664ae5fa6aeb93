/* The benchmark's load over UDP: a closed loop that checks every answer.
 *
 *     load_udp ADDRESS PORT MODE SOCKETS DEPTH SIZE MILLISECONDS
 *
 * MODE echo sends SIZE bytes, time sends `time?`, ntp sends client requests. DEPTH datagrams are
 * under way from each of SOCKETS sockets; with one socket and one datagram it asks again and again
 * without ever sleeping. A datagram not answered within a second is lost. Prints one JSON object. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_SOCKETS = 1024,
    MAX_DEPTH = 64,
    DATAGRAM = 2048,
    SAMPLES = 1 << 20,
    LOST_NS = 1000000000
};

enum mode { ECHO, TIME, NTP };

struct asker {
    int fd;
    unsigned under_way;
    uint64_t asked_at;
};

static enum mode mode;
static size_t request_size;
static unsigned depth;
static uint8_t requests[MAX_DEPTH][DATAGRAM];
static uint64_t messages, errors, lost;
static uint32_t *samples;
static size_t sample_count;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void make_requests(size_t size)
{
    request_size = mode == TIME ? 5 : mode == NTP ? 48 : size;
    for (unsigned i = 0; i < MAX_DEPTH; i++) {
        if (mode == TIME)
            memcpy(requests[i], "time?", 5);
        else if (mode == NTP)
            requests[i][0] = 4 << 3 | 3; /* version 4, client */
        else
            memset(requests[i], 'a' + (int)(i % 26), size);
        if (mode == NTP)
            memset(requests[i] + 40, 1 + (int)i, 8); /* transmit time, to come back as origin */
    }
}

static bool is_right(const uint8_t *answer, size_t size)
{
    switch (mode) {
    case ECHO:
        return size == request_size &&
               (size == 0 || memcmp(answer, requests[(answer[0] - 'a') % 26], size) == 0);
    case TIME:
        return size == 27 && answer[10] == 'T' && answer[26] == 'Z';
    case NTP:
        return size == 48 && (answer[0] & 7) == 4 && answer[24] >= 1 && answer[24] <= MAX_DEPTH &&
               memcmp(answer + 24, requests[answer[24] - 1] + 40, 8) == 0;
    }
    return false;
}

static void ask(struct asker *asker, unsigned count)
{
    struct mmsghdr out[MAX_DEPTH];
    struct iovec pieces[MAX_DEPTH];
    asker->asked_at = now_ns();
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct iovec){.iov_base = requests[i], .iov_len = request_size};
        out[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    for (unsigned sent = 0; sent < count;) {
        int now = sendmmsg(asker->fd, out + sent, count - sent, 0);
        if (now < 0 && errno != EAGAIN && errno != ECONNREFUSED)
            die("sendmmsg");
        if (now > 0)
            sent += (unsigned)now;
    }
    asker->under_way = count;
}

/* Takes the answers that have come; all back, it asks again. */
static void take(struct asker *asker)
{
    static uint8_t answers[MAX_DEPTH][DATAGRAM];
    struct mmsghdr in[MAX_DEPTH];
    struct iovec pieces[MAX_DEPTH];
    for (unsigned i = 0; i < depth; i++) {
        pieces[i] = (struct iovec){.iov_base = answers[i], .iov_len = DATAGRAM};
        in[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}};
    }
    int count = recvmmsg(asker->fd, in, depth, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        errors += !is_right(answers[i], in[i].msg_len);
        messages++;
    }
    if (count > 0)
        asker->under_way -= (unsigned)count < asker->under_way ? (unsigned)count : asker->under_way;
    if (asker->under_way > 0)
        return;
    if (sample_count < SAMPLES)
        samples[sample_count++] = (uint32_t)(now_ns() - asker->asked_at);
    ask(asker, depth);
}

static void give_up_lost(struct asker *askers, unsigned sockets)
{
    uint64_t now = now_ns();
    for (unsigned i = 0; i < sockets; i++) {
        if (now - askers[i].asked_at > LOST_NS) {
            lost += askers[i].under_way;
            ask(&askers[i], depth);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double quantile(double q)
{
    return sample_count == 0 ? 0 : samples[(size_t)(q * (double)(sample_count - 1))] / 1e3;
}

static enum mode mode_named(const char *name)
{
    return strcmp(name, "time") == 0 ? TIME : strcmp(name, "ntp") == 0 ? NTP : ECHO;
}

int main(int argc, char **argv)
{
    static struct asker askers[MAX_SOCKETS];
    struct sockaddr_in target = {.sin_family = AF_INET};
    unsigned sockets = argc == 8 ? (unsigned)atoi(argv[4]) : 0;
    depth = argc == 8 ? (unsigned)atoi(argv[5]) : 0;
    if (sockets < 1 || sockets > MAX_SOCKETS || depth < 1 || depth > MAX_DEPTH ||
        atoi(argv[6]) > DATAGRAM || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) {
        fprintf(stderr,
                "usage: load_udp ADDRESS PORT echo|time|ntp SOCKETS DEPTH SIZE MILLISECONDS\n");
        return 64;
    }
    target.sin_port = htons((uint16_t)atoi(argv[2]));
    mode = mode_named(argv[3]);
    make_requests((size_t)atoi(argv[6]));
    samples = malloc(SAMPLES * sizeof *samples);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = now_ns(), end = start + (uint64_t)atoi(argv[7]) * 1000000u, looked = start;
    for (unsigned i = 0; i < sockets; i++) {
        askers[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (connect(askers[i].fd, (struct sockaddr *)&target, sizeof target) < 0)
            die("connect");
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = &askers[i]}};
        epoll_ctl(epoll, EPOLL_CTL_ADD, askers[i].fd, &event);
        ask(&askers[i], depth);
    }
    bool spins = sockets == 1 && depth == 1;
    for (uint64_t now = start; now < end; now = now_ns()) {
        if (spins) {
            take(&askers[0]);
        } else {
            struct epoll_event events[MAX_SOCKETS];
            int count = epoll_wait(epoll, events, MAX_SOCKETS, 100);
            for (int i = 0; i < count; i++)
                take(events[i].data.ptr);
        }
        if (now - looked > LOST_NS / 4) {
            looked = now;
            give_up_lost(askers, sockets);
        }
    }
    double seconds = (double)(now_ns() - start) / 1e9;
    qsort(samples, sample_count, sizeof *samples, by_value);
    printf("{\"messages\": %llu, \"seconds\": %.6f, \"errors\": %llu, \"silent\": %llu, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           (unsigned long long)messages, seconds, (unsigned long long)errors,
           (unsigned long long)lost, quantile(0.5), quantile(0.99));
    return errors == 0 && lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
