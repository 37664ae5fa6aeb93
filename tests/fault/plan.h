/* What is to go wrong in a daemon under test, and what came of it.
 *
 * The daemon runs in a child process of the test. calls.c and allocations.c stand between it, libev
 * included, and the system; the plan tells them what to refuse, and they count in the report. */
#ifndef ECHOTIMED_TESTS_FAULT_PLAN_H
#define ECHOTIMED_TESTS_FAULT_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum fault_call {
    FAULT_ACCEPT4,
    FAULT_BIND,
    FAULT_CLOSE, /* closes, and gives the error then: so does the kernel */
    FAULT_EPOLL_CREATE1,
    FAULT_EPOLL_CTL,
    FAULT_EPOLL_WAIT,
    FAULT_FCNTL,
    FAULT_GETSOCKNAME,
    FAULT_GETSOCKOPT,
    FAULT_IOCTL,
    FAULT_LISTEN,
    FAULT_PIPE2,
    FAULT_READ,
    FAULT_RECV,
    FAULT_RECVMMSG, /* or recvmsg, of one datagram */
    FAULT_SEND,
    FAULT_SENDMMSG, /* or sendmsg */
    FAULT_SETSOCKOPT,
    FAULT_SHUTDOWN,
    FAULT_SIGNALFD,
    FAULT_SOCKET,
    FAULT_SPLICE_IN,  /* from a socket into a pipe */
    FAULT_SPLICE_OUT, /* and back */
    FAULT_GETPWNAM,
    FAULT_GETGRNAM,
    FAULT_SETGROUPS,
    FAULT_SETRESGID,
    FAULT_SETRESUID,
    FAULT_CAPSET,
    FAULT_PRCTL,
    FAULT_GETGROUPS,
    FAULT_GETRESGID,
    FAULT_GETRESUID,
    FAULT_CAPGET,
    FAULT_ALLOCATION, /* malloc, calloc, realloc or mmap */
    FAULT_CALLS
};

const char *fault_call_name(enum fault_call call);

/* All zeros: nothing goes wrong. */
struct fault_plan {
    enum fault_call call;
    int error;          /* errno; for an allocation it is ENOMEM; 0: says that it succeeded, and did
                       nothing (identity_calls.c alone) */
    unsigned at;        /* the first call that fails, counted from 1 */
    unsigned count;     /* how many calls fail from there on */
    unsigned every;     /* unless 0, in place of both: each such call fails */
    const char *user;   /* unless null, of [daemon]; */
    const char *group;  /* likewise */
    const char *config; /* the file that is served; null: echotimed.ini */
    bool exhausted;     /* an allocation: from `at` on no more can be held than at that moment */

    /* Short ones; 0: as many as there are. */
    size_t most_received; /* bytes of a recv, */
    size_t most_sent;     /* a send, */
    size_t most_spliced;  /* a splice */
    unsigned most_datagrams;
    unsigned cut_at; /* unless 0: the receive whose first datagram is said to have been longer */
};

enum { FAULT_PORTS = 16 };

/* Shared between the test and the daemon. */
struct fault_report {
    atomic_bool lifted; /* set by the test: nothing fails any more */
    atomic_uint calls[FAULT_CALLS];
    atomic_uint fired; /* how many calls failed by the plan */
    atomic_uint
        hit; /* the client's port of the TCP connection that the last one was for; 0: none */
    atomic_uint blocked;            /* that of the last connection whose socket took no more */
    atomic_uint reset;              /* that of the last connection that was closed by a reset */
    atomic_uint bound[FAULT_PORTS]; /* the ports that were bound, in order */
    atomic_uint bound_count;

    /* Known when the daemon has ended. */
    int status;       /* what main gave */
    long pieces_left; /* of memory */
    long mappings_left;
    int descriptors_left;
};

/* From here on this process is the daemon: the plan holds for it. Writes a byte to `ready` when the
 * loop first waits. The plan and the report stay in use. */
void fault_arm(const struct fault_plan *plan, struct fault_report *report, int ready);

/* The plan holds no longer. */
void fault_disarm(void);

/* For calls.c and allocations.c: whether this process is the daemon, and its plan and report. */
extern const struct fault_plan *fault_plan;
extern struct fault_report *fault_report;

/* Counts a call for the socket `fd` (-1: none); whether it is to fail. */
bool fault_strikes(enum fault_call call, int fd);

#endif
