#include "client/exchange.h"

#include "platform/clock.h"
#include "platform/random.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How the attempt at one address ended. */
enum outcome {
    ANSWERED,
    UNREACHED, /* `failure` says why; the next address may do better */
    MISTAKEN   /* an answer that is wrong; the sentence is written */
};

enum { FRAME = ETD_EXCHANGE_PROBE + 16 }; /* a question in its framing */

bool etd_probe_begin(struct etd_probe *probe, const struct etd_settings *settings,
                     char error[ETD_COMPLAINT])
{
    struct etd_clock_reading clock;
    etd_clock_read(&clock);
    *probe = (struct etd_probe){.protocol = etd_protocols[settings->protocol],
                                .size = settings->size,
                                .quality = clock.quality};
    if (etd_random_fill(&probe->secret, sizeof probe->secret) &&
        etd_random_fill(&probe->session, sizeof probe->session))
        return true;
    snprintf(error, ETD_COMPLAINT, "the kernel gives no random numbers: %s", strerror(errno));
    return false;
}

uint64_t etd_exchange_round_trip(const struct etd_exchange *exchange)
{
    return exchange->received.ns > exchange->sent.ns ? exchange->received.ns - exchange->sent.ns
                                                     : 0;
}

/* Waits for `events`; gives 0 or the errno. */
static int await(int fd, short events, uint64_t deadline)
{
    struct pollfd watched = {.fd = fd, .events = events};
    for (;;) {
        uint64_t now = etd_clock_monotonic_us();
        if (now >= deadline)
            return ETIMEDOUT;
        int ready = poll(&watched, 1, (int)((deadline - now + 999) / 1000));
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return errno;
    }
}

/* Sends the question; the time is read last. */
static int ask(struct etd_exchange *x, int fd, const struct etd_target *target)
{
    const struct etd_settings *settings = target->settings;
    uint8_t frame[FRAME];
    bool tcp = settings->url.transport == ETD_TCP;
    const struct etd_framing *framing = etd_framings[settings->framing];
    size_t header = tcp ? framing->header_size : 0;
    if (tcp && x->probe.protocol->speaks_first)
        return 0;
    x->sent = etd_moment_now();
    x->probe.sent = x->sent.wall;
    struct etd_writer payload = etd_writer(frame + header, ETD_EXCHANGE_PROBE);
    x->probe.protocol->ask(&x->probe, &payload);
    size_t size = etd_writer_bytes(&payload).size;
    if (tcp) {
        framing->encode(frame, size);
        size += header + framing->trailer_size;
    }
    /* A new connection's buffer takes so little in one piece. */
    return send(fd, frame, size, MSG_NOSIGNAL) < 0 ? errno : 0;
}

/* What the stream holds so far: the payload of the answer, once it is whole. */
static enum etd_decoded find_payload(const struct etd_exchange *x,
                                     const struct etd_settings *settings, bool ended,
                                     struct etd_bytes *payload)
{
    const struct etd_protocol *protocol = x->probe.protocol;
    const struct etd_framing *framing = etd_framings[settings->framing];
    struct etd_bytes held = etd_bytes(x->reply, x->reply_size);
    struct etd_frame frame = {.size = 0};
    size_t wanted = protocol->end == ETD_ENDS_AT_SIZE ? protocol->answer_size : x->probe.size;
    enum etd_decoded decoded = ETD_DECODED_MORE;
    *payload = held;
    if (protocol->end == ETD_ENDS_AT_CLOSE)
        return ended && held.size > 0 ? ETD_DECODED_MESSAGE : ETD_DECODED_MORE;
    if (protocol->end == ETD_ENDS_AT_SIZE || settings->framing == ETD_FRAMING_RAW)
        return held.size >= wanted ? ETD_DECODED_MESSAGE : ETD_DECODED_MORE;
    if (held.size > 0)
        decoded = framing->decode(held, 0, sizeof x->reply, &frame);
    if (decoded == ETD_DECODED_MORE && ended && held.size > 0)
        decoded = framing->finish(held, &frame);
    *payload = frame.payload;
    return decoded;
}

static enum outcome mistaken(const struct etd_target *target, const char *what,
                             char error[ETD_COMPLAINT])
{
    char place[ETD_PLACE_TEXT];
    etd_target_place(target, place);
    snprintf(error, ETD_COMPLAINT, "%s from %s %s", "the answer", place, what);
    return MISTAKEN;
}

/* Judges a whole payload. */
static enum etd_judgement judge(struct etd_exchange *x, const struct etd_target *target,
                                struct etd_bytes payload, char error[ETD_COMPLAINT])
{
    char what[ETD_COMPLAINT / 2];
    struct etd_writer why = etd_writer((uint8_t *)what, sizeof what - 1);
    enum etd_judgement judgement = x->probe.protocol->read(&x->probe, payload, &x->answer, &why);
    *why.at = '\0';
    if (judgement != ETD_ANSWER_GOOD)
        (void)mistaken(target, what, error);
    return judgement;
}

/* A datagram that belongs to another question does not end the wait: anybody can send one. */
static enum outcome hear_datagram(struct etd_exchange *x, int fd, const struct etd_target *target,
                                  uint64_t deadline, int *failure, char error[ETD_COMPLAINT])
{
    bool foreign = false, cut;
    while ((*failure = await(fd, POLLIN, deadline)) == 0) {
        ssize_t got = etd_moment_receive(fd, x->reply, sizeof x->reply, &x->received, &cut);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0) {
            *failure = errno;
            break;
        }
        if (cut)
            return mistaken(target, "is longer than any answer can be", error);
        x->reply_size = (size_t)got;
        switch (judge(x, target, etd_bytes(x->reply, x->reply_size), error)) {
        case ETD_ANSWER_GOOD:
            return ANSWERED;
        case ETD_ANSWER_WRONG:
            return MISTAKEN;
        case ETD_ANSWER_FOREIGN:
            foreign = true;
        }
    }
    return foreign ? MISTAKEN : UNREACHED;
}

static enum outcome hear_stream(struct etd_exchange *x, int fd, const struct etd_target *target,
                                uint64_t deadline, int *failure, char error[ETD_COMPLAINT])
{
    struct etd_bytes payload;
    bool ended = false, cut;
    while (!ended && (*failure = await(fd, POLLIN, deadline)) == 0) {
        ssize_t got = etd_moment_receive(fd, x->reply + x->reply_size,
                                         sizeof x->reply - x->reply_size, &x->received, &cut);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0) {
            *failure = errno;
            return UNREACHED;
        }
        ended = got == 0;
        x->reply_size += (size_t)got;
        switch (find_payload(x, target->settings, ended, &payload)) {
        case ETD_DECODED_MESSAGE:
            return judge(x, target, payload, error) == ETD_ANSWER_GOOD ? ANSWERED : MISTAKEN;
        case ETD_DECODED_MORE:
            if (x->reply_size < sizeof x->reply)
                break;
            __attribute__((fallthrough));
        case ETD_DECODED_TOO_LARGE:
            return mistaken(target, "is longer than any answer can be", error);
        case ETD_DECODED_TRUNCATED:
            break;
        }
    }
    if (*failure == ETIMEDOUT)
        *failure = ETIME;
    if (*failure != 0)
        return UNREACHED;
    return mistaken(target,
                    x->reply_size == 0
                        ? "is none: it closed the connection; does it serve this protocol, and "
                          "this client?"
                        : "is cut short: the connection ended in the middle of it",
                    error);
}

static enum outcome attempt(struct etd_exchange *x, const struct etd_target *target,
                            uint64_t deadline, int *failure, char error[ETD_COMPLAINT])
{
    enum outcome outcome = UNREACHED;
    bool tcp = target->settings->url.transport == ETD_TCP;
    x->reply_size = 0;
    /* Who speaks first may read the clock any time from now on. */
    x->sent = etd_moment_now();
    x->probe.sent = x->sent.wall;
    int fd = etd_target_open(target);
    *failure = fd < 0 ? errno : 0;
    if (fd < 0)
        return outcome;
    if (tcp) {
        *failure = await(fd, POLLOUT, deadline);
        if (*failure == 0)
            *failure = etd_target_connected(fd);
    }
    if (*failure == 0)
        *failure = ask(x, fd, target);
    if (*failure == 0)
        outcome = tcp ? hear_stream(x, fd, target, deadline, failure, error)
                      : hear_datagram(x, fd, target, deadline, failure, error);
    close(fd);
    return outcome;
}

bool etd_exchange_run(struct etd_exchange *exchange, struct etd_target *target, uint64_t deadline,
                      char error[ETD_COMPLAINT])
{
    struct etd_failures failures = {.count = 0};
    for (; target->current < target->count; target->current++) {
        int failure;
        uint64_t share = etd_target_share(target, deadline);
        switch (attempt(exchange, target, share, &failure, error)) {
        case ANSWERED:
            return true;
        case MISTAKEN:
            return false;
        case UNREACHED:
            etd_failures_add(&failures, target, failure);
        }
    }
    target->current = target->count - 1;
    etd_failures_tell(&failures, target, "no answer from", error);
    return false;
}
