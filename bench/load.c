/* The benchmark's load: a closed loop over TCP that checks every byte.
 *
 *     load ADDRESS PORT MODE CONNECTIONS DEPTH SIZE MILLISECONDS
 *
 * MODE raw, length16 and length32 keep DEPTH messages of SIZE payload bytes under way on each
 * connection; `connect` opens a connection for each message, sends, receives and closes; `idle` has
 * each connection echo once and keeps it until standard input ends. Prints one JSON object. */

#include "reference.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

enum { MAX_CONNECTIONS = 20000, EVENTS = 256, PIECE = 1 << 20, SAMPLES = 1 << 20 };

struct peer {
    int fd;
    uint64_t sent;     /* bytes of the endless repeated burst that were sent */
    uint64_t received; /* and came back */
    uint64_t budget;   /* bytes that may be sent by now */
    uint64_t asked_at; /* when the oldest burst under way was sent */
    bool wants_write;
};

static struct sockaddr_in target;
static int epoll;
static size_t frame_size; /* of one message on the wire */
static size_t burst;      /* of DEPTH of them */
static uint8_t *pattern;  /* a burst, twice, so that any piece of it is in one place */
static uint64_t messages, errors, short_of;
static uint32_t *samples;
static size_t sample_count;
static const char *mode;

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

static void make_pattern(size_t depth, size_t size)
{
    size_t header = strcmp(mode, "length16") == 0 ? 2 : strcmp(mode, "length32") == 0 ? 4 : 0;
    frame_size = header + size;
    burst = frame_size * depth;
    pattern = malloc(2 * burst);
    uint32_t state = 12345;
    for (size_t i = 0; i < burst; i++) {
        size_t at = i % frame_size;
        state = state * 1664525 + 1013904223;
        pattern[i] =
            at < header ? (uint8_t)(size >> 8 * (header - 1 - at)) : (uint8_t)(state >> 24);
    }
    memcpy(pattern + burst, pattern, burst);
}

/* Loopback has many addresses: with several as sources, ports do not run out. */
static int dial(uint32_t number)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    reference_prepare_tcp(fd);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    struct sockaddr_in source = {.sin_family = AF_INET,
                                 .sin_addr = {htonl(INADDR_LOOPBACK + 1 + number % 64)}};
    if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0)
        die("bind");
    if (connect(fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS)
        die("connect");
    return fd;
}

static void watch(struct peer *peer, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = peer}};
    if (epoll_ctl(epoll, operation, peer->fd, &event) < 0)
        die("epoll_ctl");
    peer->wants_write = (events & EPOLLOUT) != 0;
}

static void push(struct peer *peer)
{
    while (peer->sent < peer->budget) {
        size_t at = peer->sent % burst;
        size_t size = peer->budget - peer->sent;
        if (size > 2 * burst - at)
            size = 2 * burst - at;
        ssize_t sent = send(peer->fd, pattern + at, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN)
                die("send");
            break;
        }
        peer->sent += (uint64_t)sent;
    }
    bool wants_write = peer->sent < peer->budget;
    if (wants_write != peer->wants_write)
        watch(peer, EPOLL_CTL_MOD, wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void sample(uint64_t since)
{
    if (sample_count < SAMPLES)
        samples[sample_count++] = (uint32_t)(now_ns() - since);
}

static void check(const struct peer *peer, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t at = (peer->received + done) % burst;
        size_t part = size - done < burst ? size - done : burst;
        if (memcmp(data + done, pattern + at, part) != 0)
            errors++;
        done += part;
    }
}

/* Reads what came back; a whole burst back allows the next. */
static void pull(struct peer *peer)
{
    static uint8_t buffer[PIECE];
    ssize_t size = recv(peer->fd, buffer, sizeof buffer, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN))
        die("the server closed a connection");
    if (size < 0)
        return;
    check(peer, buffer, (size_t)size);
    uint64_t before = peer->received / frame_size;
    peer->received += (uint64_t)size;
    messages += peer->received / frame_size - before;
    if (peer->received < peer->budget)
        return;
    sample(peer->asked_at);
    peer->asked_at = now_ns();
    peer->budget += burst;
    push(peer);
}

static void run_streams(uint32_t connections, uint64_t end)
{
    struct peer *peers = calloc(connections, sizeof *peers);
    for (uint32_t i = 0; i < connections; i++) {
        peers[i].fd = dial(i);
        peers[i].budget = burst;
        peers[i].asked_at = now_ns();
        watch(&peers[i], EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    }
    while (now_ns() < end) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            if (events[i].events & EPOLLOUT)
                push(events[i].data.ptr);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                pull(events[i].data.ptr);
        }
    }
    for (uint32_t i = 0; i < connections; i++)
        short_of += peers[i].received == 0;
}

/* One connection a message. The end of the server's stream is waited for, as a real client would. */
static void run_connects(uint32_t connections, uint64_t end)
{
    struct peer *peers = calloc(connections, sizeof *peers);
    uint32_t number = 0;
    for (uint32_t i = 0; i < connections; i++) {
        peers[i] = (struct peer){.fd = dial(number++), .asked_at = now_ns()};
        watch(&peers[i], EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    }
    while (now_ns() < end) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, 100);
        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;
            if (peer->sent == 0) {
                if (send(peer->fd, pattern, burst, MSG_NOSIGNAL) != (ssize_t)burst)
                    die("send");
                peer->sent = burst;
                watch(peer, EPOLL_CTL_MOD, EPOLLIN);
                continue;
            }
            uint8_t buffer[PIECE / 16];
            ssize_t size = recv(peer->fd, buffer, sizeof buffer, 0);
            if (size <= 0) {
                errors++;
            } else {
                check(peer, buffer, (size_t)size);
                peer->received += (uint64_t)size;
                if (peer->received < burst)
                    continue;
                messages++;
                sample(peer->asked_at);
            }
            close(peer->fd);
            *peer = (struct peer){.fd = dial(number++), .asked_at = now_ns()};
            watch(peer, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
        }
    }
}

/* Opens connections, has each echo once, and keeps them until standard input ends. */
static void run_idle(uint32_t connections)
{
    struct peer *peers = calloc(connections, sizeof *peers);
    for (uint32_t i = 0; i < connections; i++) {
        uint8_t back[1024];
        peers[i].fd = dial(i);
        struct timeval patience = {.tv_sec = 5};
        setsockopt(peers[i].fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        watch(&peers[i], EPOLL_CTL_ADD, EPOLLOUT);
        struct epoll_event event;
        if (epoll_wait(epoll, &event, 1, 5000) != 1 ||
            send(peers[i].fd, pattern, burst, MSG_NOSIGNAL) != (ssize_t)burst)
            die("send");
        watch(&peers[i], EPOLL_CTL_MOD, EPOLLIN);
        if (epoll_wait(epoll, &event, 1, 5000) != 1 ||
            recv(peers[i].fd, back, sizeof back, 0) != (ssize_t)burst)
            die("recv");
        watch(&peers[i], EPOLL_CTL_DEL, 0);
        messages++;
    }
    puts("idle");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
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

int main(int argc, char **argv)
{
    if (argc != 8) {
        fprintf(stderr, "usage: load ADDRESS PORT raw|length16|length32|connect|idle CONNECTIONS "
                        "DEPTH SIZE MILLISECONDS\n");
        return 64;
    }
    uint32_t connections = (uint32_t)atoi(argv[4]);
    mode = argv[3];
    target =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    if (connections < 1 || connections > MAX_CONNECTIONS ||
        inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) {
        fprintf(stderr, "load: bad ADDRESS or CONNECTIONS\n");
        return 64;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    make_pattern((size_t)atoi(argv[5]), (size_t)atoi(argv[6]));
    samples = malloc(SAMPLES * sizeof *samples);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t start = now_ns();
    uint64_t end = start + (uint64_t)atoi(argv[7]) * 1000000u;
    if (strcmp(mode, "idle") == 0) {
        run_idle(connections);
        return EXIT_SUCCESS;
    }
    if (strcmp(mode, "connect") == 0)
        run_connects(connections, end);
    else
        run_streams(connections, end);
    double seconds = (double)(now_ns() - start) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    qsort(samples, sample_count, sizeof *samples, by_value);
    printf("{\"messages\": %llu, \"seconds\": %.6f, \"errors\": %llu, \"silent\": %llu, "
           "\"load_cpu\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
           (unsigned long long)messages, seconds, (unsigned long long)errors,
           (unsigned long long)short_of, cpu, quantile(0.5), quantile(0.99), quantile(1));
    return errors == 0 && short_of == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
