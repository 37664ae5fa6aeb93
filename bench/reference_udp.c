/* The smallest UDP servers, without any rule that keeps them from being abused:
 *
 *     reference_udp single echo     one recvfrom and one sendto for each datagram, when epoll says so
 *     reference_udp batch echo      recvmmsg and sendmmsg, up to 32 datagrams a call
 *     reference_udp batch time      the same, answering `time?` in RFC 3339 by strftime
 */
#include "reference.h"

#include <stdbool.h>
#include <sys/epoll.h>
#include <time.h>

enum { BATCH = 32, DATAGRAM = 65536, TEXT = 64 };

static bool tells_time;

/* The time as the daemon writes it, to the microsecond. */
static size_t write_time(char text[TEXT])
{
    struct timespec now;
    struct tm date;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &date);
    size_t size = strftime(text, TEXT, "%Y-%m-%dT%H:%M:%S", &date);
    return size + (size_t)snprintf(text + size, TEXT - size, ".%06ldZ", now.tv_nsec / 1000);
}

static bool is_query(const char *data, size_t size)
{
    return size == 5 && memcmp(data, "time?", 5) == 0;
}

static void serve_one(int fd)
{
    static char data[DATAGRAM], text[TEXT];
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    ssize_t size = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&peer, &length);
    if (size < 0)
        return;
    const char *answer = data;
    if (tells_time) {
        if (!is_query(data, (size_t)size))
            return;
        size = (ssize_t)write_time(text);
        answer = text;
    }
    sendto(fd, answer, (size_t)size, 0, (struct sockaddr *)&peer, length);
}

static void serve_batch(int fd)
{
    static char data[BATCH][DATAGRAM], texts[BATCH][TEXT];
    static struct sockaddr_in peers[BATCH];
    static struct iovec pieces[BATCH];
    static struct mmsghdr messages[BATCH];
    for (int i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){.iov_base = data[i], .iov_len = DATAGRAM};
        messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i],
                                              .msg_namelen = sizeof peers[i],
                                              .msg_iov = &pieces[i],
                                              .msg_iovlen = 1};
    }
    int received = recvmmsg(fd, messages, BATCH, 0, NULL);
    unsigned answers = 0;
    for (int i = 0; i < received; i++) {
        size_t size = messages[i].msg_len;
        pieces[i].iov_len = size;
        if (tells_time) {
            if (!is_query(data[i], size))
                continue;
            pieces[i] = (struct iovec){.iov_base = texts[i], .iov_len = write_time(texts[i])};
        }
        messages[answers++].msg_hdr = messages[i].msg_hdr;
    }
    for (unsigned sent = 0; sent < answers;) {
        int count = sendmmsg(fd, messages + sent, answers - sent, 0);
        if (count <= 0)
            break;
        sent += (unsigned)count;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 64;
    bool batch = strcmp(argv[1], "batch") == 0;
    tells_time = strcmp(argv[2], "time") == 0;
    int fd = reference_open(SOCK_DGRAM);
    int size = 4 << 20;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    for (;;) {
        if (epoll_wait(epoll, &event, 1, -1) == 1) {
            if (batch)
                serve_batch(fd);
            else
                serve_one(fd);
        }
    }
}
