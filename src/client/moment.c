#include "client/moment.h"

#include "echotimed/clock_offset.h"
#include "platform/clock.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* A datagram waits less than that for us to read it: more is a clock that was set. */
static const int64_t wait_max = INT64_C(10000000000); /* nanoseconds */

/* Two clocks cannot be read at once. Readings further apart than APART_NS, many times what one takes,
 * were interrupted and are repeated; a host that is slower than that has to do after so many. */
enum { READINGS = 8, APART_NS = 1000 };

struct etd_moment etd_moment_now(void)
{
    struct timespec wall;
    struct etd_moment moment;
    uint64_t after = etd_clock_monotonic_ns();
    int left = READINGS;
    do {
        moment.ns = after;
        clock_gettime(CLOCK_REALTIME, &wall);
        after = etd_clock_monotonic_ns();
    } while (after - moment.ns > APART_NS && --left > 0);
    moment.wall =
        (struct etd_timestamp){.seconds = wall.tv_sec, .nanoseconds = (uint32_t)wall.tv_nsec};
    return moment;
}

struct etd_timestamp etd_moment_wall(const struct etd_moment *moment,
                                     const struct etd_moment *reference)
{
    return etd_time_moved(reference->wall, (int64_t)(moment->ns - reference->ns));
}

/* Moves `when`, which is now, to when the kernel had the datagram. */
static void take_stamp(struct msghdr *message, struct etd_moment *when)
{
    for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one != NULL;
         one = CMSG_NXTHDR(message, one)) {
        struct timespec stamp;
        if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_TIMESTAMPNS ||
            one->cmsg_len < CMSG_LEN(sizeof stamp))
            continue;
        memcpy(&stamp, CMSG_DATA(one), sizeof stamp);
        const struct etd_timestamp came = {.seconds = stamp.tv_sec,
                                           .nanoseconds = (uint32_t)stamp.tv_nsec};
        int64_t waited = etd_time_between(when->wall, came);
        if (waited >= 0 && waited < wait_max) {
            when->ns -= (uint64_t)waited;
            when->wall = came;
        }
    }
}

ssize_t etd_moment_receive(int fd, void *data, size_t size, struct etd_moment *when, bool *cut)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    struct iovec piece = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(fd, &message, 0);
    *when = etd_moment_now();
    *cut = false;
    if (got >= 0) {
        *cut = (message.msg_flags & MSG_TRUNC) != 0;
        take_stamp(&message, when);
    }
    return got;
}
