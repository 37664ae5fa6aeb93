#include "daemon/relay.h"

#include "daemon/tcp_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MOVES_PER_TURN = 4 };

void etd_relay_init(struct etd_relay *relay)
{
    for (int i = 0; i < ETD_RELAY_PIPES; i++)
        relay->pipes[i] = (struct etd_relay_pipe){.read_end = -1, .write_end = -1};
}

static void close_pipe(struct etd_relay_pipe *pipe)
{
    if (pipe->read_end >= 0) {
        close(pipe->read_end);
        close(pipe->write_end);
    }
    *pipe = (struct etd_relay_pipe){.read_end = -1, .write_end = -1};
}

void etd_relay_close(struct etd_relay *relay)
{
    for (int i = 0; i < ETD_RELAY_PIPES; i++)
        close_pipe(&relay->pipes[i]);
}

static bool open_pipe(struct etd_relay_pipe *pipe)
{
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return false;
    /* A smaller one will do, where the user's share of pipes is spent. */
    (void)fcntl(ends[0], F_SETPIPE_SZ, ETD_RELAY_PIPE);
    *pipe = (struct etd_relay_pipe){.read_end = ends[0], .write_end = ends[1]};
    return true;
}

/* The pipe that keeps something for the session, or one that is free; -1: none. */
static int find_pipe(struct etd_relay *relay, const struct etd_session *session)
{
    int keeper;
    if (etd_session_kept(session, &keeper) > 0)
        return keeper;
    for (int i = 0; i < ETD_RELAY_PIPES; i++) {
        if (!relay->pipes[i].lent)
            return relay->pipes[i].read_end >= 0 || open_pipe(&relay->pipes[i]) ? i : -1;
    }
    return -1;
}

static ssize_t move(int from, int to, size_t size)
{
    return splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
}

/* Whether nothing was taken, and the connection can go on: when there is no memory for a splice, or no
 * way, it is read the ordinary way the next time. */
static bool can_read_instead(int error)
{
    return error == EAGAIN || error == EINTR || error == ENOMEM || error == EINVAL;
}

/* Takes what the socket has into the empty pipe. Gives how much; 0: nothing more in this turn. */
static size_t take(const struct etd_relay_pipe *pipe, struct etd_session *session,
                   struct etd_turn *turn, int fd)
{
    ssize_t size = move(fd, pipe->write_end, ETD_RELAY_PIPE);
    if (size > 0)
        return (size_t)size;
    if (size == 0)
        etd_session_ended(session, turn);
    else if (!can_read_instead(errno))
        etd_session_fail(session, etd_tcp_close_reason(errno));
    return 0;
}

static size_t give(const struct etd_relay_pipe *pipe, struct etd_session *session, int fd,
                   size_t kept)
{
    ssize_t size = move(pipe->read_end, fd, kept);
    if (size > 0)
        return (size_t)size;
    if (size < 0 && errno != EAGAIN && errno != EINTR)
        etd_session_fail(session, etd_tcp_close_reason(errno));
    return 0;
}

bool etd_relay_work(struct etd_relay *relay, struct etd_session *session, struct etd_turn *turn,
                    int fd)
{
    int number = find_pipe(relay, session);
    if (number < 0)
        return false;
    struct etd_relay_pipe *pipe = &relay->pipes[number];
    size_t kept = etd_session_kept(session, NULL);
    size_t in = 0, out = 0;
    for (int moves = 0; moves < MOVES_PER_TURN; moves++) {
        if (kept == 0 && session->state == ETD_SESSION_OPEN && !session->stopping) {
            kept = take(pipe, session, turn, fd);
            in += kept;
        }
        if (kept == 0)
            break;
        size_t given = give(pipe, session, fd, kept);
        out += given;
        kept -= given;
        if (kept > 0)
            break;
    }
    etd_session_relayed(session, turn, in, out, number);
    pipe->lent = kept > 0;
    if (session->state == ETD_SESSION_CLOSED)
        close_pipe(pipe);
    return true;
}

void etd_relay_forget(struct etd_relay *relay, const struct etd_session *session)
{
    int keeper;
    if (etd_session_kept(session, &keeper) > 0)
        close_pipe(&relay->pipes[keeper]);
}
