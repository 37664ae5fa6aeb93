/* What the reference servers share: the smallest set-up that makes a fair opponent. */
#ifndef ECHOTIMED_BENCH_REFERENCE_H
#define ECHOTIMED_BENCH_REFERENCE_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REFERENCE_BACKLOG = 1024, REFERENCE_BUFFER = 64 * 1024 };

/* Linux's own default, whatever the host's is, for servers and load alike: with one that paces (bbr)
 * timers decide how fast loopback is. bench.py gives the daemon the same. The environment may name
 * another one; empty: the host's. */
static inline const char *reference_congestion(void)
{
    const char *name = getenv("BENCH_CONGESTION");
    return name != NULL ? name : "cubic";
}

static inline void reference_die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static inline void reference_prepare_tcp(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const char *name = reference_congestion();
    if (*name != '\0' &&
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) < 0)
        reference_die("congestion control");
}

/* Binds 127.0.0.1, port 0, and prints the line that the benchmark waits for. */
static inline int reference_open(int type)
{
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        reference_die("socket");
    if (type == SOCK_STREAM)
        reference_prepare_tcp(fd);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, length) < 0)
        reference_die("bind");
    if (type == SOCK_STREAM && listen(fd, REFERENCE_BACKLOG) < 0)
        reference_die("listen");
    getsockname(fd, (struct sockaddr *)&address, &length);
    fprintf(stderr, "listening address=127.0.0.1:%u\n", ntohs(address.sin_port));
    return fd;
}

#endif
