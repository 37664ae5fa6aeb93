/* Load over UDP: a message is a datagram, and its stamp tells which one a reply is for. */
#include "client/load_engine.h"

#include "platform/clock.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    RECEIVE_BUFFER = 4 << 20, /* a server that paused answers all at once */
    BATCH = 64,               /* datagrams of one system call */
    WINDOW_LEAST = 1024,
    WINDOW_DEPTHS =
        4, /* how far one that is lost may lag behind, in depths, before all wait for it */
};

/* What became of a message; otherwise the time at which it was sent. */
enum { ANSWERED, GIVEN_UP };

/* The messages from `oldest` on, in the entry of their number modulo the size, a power of two. */
struct etd_load_window {
    uint64_t oldest; /* the first one still waited for; all before are done */
    uint64_t newest; /* greatest number answered, plus one */
    size_t size;
    uint64_t sent_at[];
};

static uint64_t *entry_of(struct etd_load_window *window, uint64_t number)
{
    return &window->sent_at[number & (window->size - 1)];
}

/* Neither is more than a help. */
static void prepare(int fd)
{
    const int size = RECEIVE_BUFFER, off = 0;
    /* Beyond net.core.rmem_max takes a privilege. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    /* The kernel's receive times, which nobody reads here, cost something. */
    (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof off);
}

static bool begin(struct etd_load_connection *connection)
{
    prepare(connection->io.fd);
    size_t size = WINDOW_LEAST;
    while (size < (size_t)connection->load->plan->depth * WINDOW_DEPTHS)
        size *= 2;
    struct etd_load_window *window = malloc(sizeof *window + size * sizeof window->sent_at[0]);
    if (window == NULL)
        return false;
    *window = (struct etd_load_window){.size = size};
    connection->window = window;
    return true;
}

static void end(struct etd_load_connection *connection)
{
    uint32_t facts[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof facts;
    if (getsockopt(connection->io.fd, SOL_SOCKET, SO_MEMINFO, facts, &size) == 0)
        connection->load->result->overrun += facts[SK_MEMINFO_DROPS];
    free(connection->window);
    connection->window = NULL;
}

static uint64_t room(const struct etd_load_connection *connection)
{
    return connection->window->oldest + connection->window->size - connection->asked;
}

/* Moves `oldest` on over what is done. */
static void advance(struct etd_load_connection *connection)
{
    struct etd_load_window *window = connection->window;
    while (window->oldest < connection->sent && *entry_of(window, window->oldest) <= GIVEN_UP)
        window->oldest++;
}

static void answer(struct etd_load_connection *connection, uint64_t number, uint64_t now)
{
    struct etd_load *load = connection->load;
    struct etd_load_window *window = connection->window;
    uint64_t *entry = entry_of(window, number);
    if (number >= connection->sent) { /* somebody else's, who guessed well */
        load->result->damaged++;
        return;
    }
    /* Of a message that was given up, and so is counted as missing, this is the first reply. */
    if (number + window->size < connection->sent || *entry == GIVEN_UP) {
        load->result->late++;
        return;
    }
    if (*entry == ANSWERED) {
        load->result->duplicated++;
        return;
    }
    uint64_t since = load->plan->rate > 0 ? etd_load_intended(connection, number) : *entry;
    etd_histogram_record(&load->result->latency, now - since, 1);
    load->result->right++;
    load->result->reordered += number < window->newest;
    window->newest = number < window->newest ? window->newest : number + 1;
    *entry = ANSWERED;
    etd_load_done(connection, 1);
}

/* Receives up to a batch; gives how many. Each lies in its own slot of the buffer, one byte longer
 * than a message, so that one that is too long is noticed. */
static int receive_batch(struct etd_load_connection *connection, struct mmsghdr headers[BATCH],
                         struct iovec slots[BATCH])
{
    size_t size = connection->load->messages.frame_size + 1;
    size_t most = ETD_LOAD_IN / size < BATCH ? ETD_LOAD_IN / size : BATCH;
    for (size_t i = 0; i < most; i++) {
        slots[i] = (struct iovec){.iov_base = connection->load->in + i * size, .iov_len = size};
        headers[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &slots[i], .msg_iovlen = 1}};
    }
    return recvmmsg(connection->io.fd, headers, (unsigned)most, MSG_DONTWAIT, NULL);
}

static void receive(struct etd_load_connection *connection)
{
    struct etd_load *load = connection->load;
    struct mmsghdr headers[BATCH];
    struct iovec slots[BATCH];
    int count = receive_batch(connection, headers, slots);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR)
            etd_load_lose(connection, errno);
        return;
    }
    uint64_t now = etd_clock_monotonic_ns();
    load->last_reply = now;
    for (int i = 0; i < count; i++) {
        uint64_t number;
        struct etd_bytes datagram = etd_bytes(slots[i].iov_base, headers[i].msg_len);
        if (etd_load_identify(&load->messages, connection->number, connection->window->oldest,
                              datagram, &number))
            answer(connection, number, now);
        else
            load->result->damaged++;
    }
    advance(connection);
    etd_load_go_on(connection, now);
}

/* Sends a batch; gives how many the kernel took, or -1. */
static int send_batch(struct etd_load_connection *connection, uint64_t now)
{
    struct etd_load *load = connection->load;
    struct mmsghdr headers[BATCH];
    struct iovec slots[BATCH];
    size_t size = load->messages.frame_size, most = connection->asked - connection->sent;
    most = most < BATCH ? most : BATCH;
    most = most < ETD_LOAD_OUT / size ? most : ETD_LOAD_OUT / size;
    etd_load_fill(&load->messages, connection->number, connection->sent, 0, load->out, most * size);
    for (size_t i = 0; i < most; i++) {
        slots[i] = (struct iovec){.iov_base = load->out + i * size, .iov_len = size};
        headers[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &slots[i], .msg_iovlen = 1}};
        *entry_of(connection->window, connection->sent + i) = now;
    }
    return sendmmsg(connection->io.fd, headers, (unsigned)most, MSG_DONTWAIT);
}

static void send_asked(struct etd_load_connection *connection)
{
    uint64_t now = etd_clock_monotonic_ns();
    for (int i = 0; i < ETD_LOAD_SENDS && connection->sent < connection->asked; i++) {
        int count = send_batch(connection, now);
        if (count < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
                etd_load_lose(connection, errno);
                return;
            }
            break;
        }
        connection->sent += (unsigned)count;
    }
    etd_load_want_room(connection, connection->sent < connection->asked);
}

static void expire(struct etd_load_connection *connection, uint64_t now)
{
    struct etd_load_window *window = connection->window;
    uint64_t count = 0, number = window->oldest;
    /* Sent in the order of their numbers: behind one that has time left all have. */
    for (; number < connection->sent; number++) {
        uint64_t *entry = entry_of(window, number);
        if (*entry > GIVEN_UP && now - *entry < connection->load->plan->timeout_ns)
            break;
        count += *entry > GIVEN_UP;
        *entry = *entry > GIVEN_UP ? GIVEN_UP : *entry;
    }
    if (count == 0)
        return;
    advance(connection);
    connection->load->result->missing += count;
    etd_load_done(connection, count);
    etd_load_go_on(connection, now);
}

const struct etd_load_transport etd_load_datagrams = {
    .begin = begin,
    .room = room,
    .send = send_asked,
    .receive = receive,
    .expire = expire,
    .end = end,
};
