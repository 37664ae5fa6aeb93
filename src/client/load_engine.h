/* What the parts of load share: the run, its connections, and the two transports. */
#ifndef ECHOTIMED_CLIENT_LOAD_ENGINE_H
#define ECHOTIMED_CLIENT_LOAD_ENGINE_H

#include "client/load.h"
#include "client/load_message.h"
#include "client/loop.h"

#include <ev.h>

/* When messages of a closed loop were asked: those from where the last entry ends, below `until`. */
struct etd_load_asked {
    uint64_t until;
    uint64_t at; /* ns */
};

/* Those not yet answered are begin to end. Invariant: begin <= end <= capacity. */
struct etd_load_times {
    struct etd_load_asked *entries;
    size_t begin;
    size_t end;
    size_t capacity;
};

enum etd_load_state {
    ETD_LOAD_UNOPENED, /* or failed to open */
    ETD_LOAD_OPENING,
    ETD_LOAD_OPEN,
    ETD_LOAD_CLOSED
};

/* Messages of a connection are numbered from 0. Invariant: done <= sent <= asked <= due. */
struct etd_load_connection {
    ev_io io;
    struct etd_load *load;
    uint32_t number; /* among those opened, from the start of the run on */
    enum etd_load_state state;
    uint64_t since;                 /* ns; when it began to be opened */
    uint64_t due;                   /* messages whose time has come */
    uint64_t asked;                 /* of those, the ones that `depth` lets be sent */
    uint64_t sent;                  /* and of those, the ones that the kernel has taken whole */
    uint64_t done;                  /* messages that are no longer waited for */
    uint64_t held;                  /* messages below this are counted as held back, if they were */
    uint64_t skipped;               /* TCP: of those, the ones that may still come late */
    size_t sent_part;               /* TCP: bytes of message `sent` that the kernel has */
    struct etd_load_reader reader;  /* TCP */
    struct etd_load_times times;    /* TCP, closed loop */
    struct etd_load_window *window; /* UDP */
};

struct etd_load_transport {
    /* The connection is there. False, here and below: no memory. */
    bool (*begin)(struct etd_load_connection *connection);
    /* Whether there is room to ask for more messages, and how many at most; null: any number. */
    uint64_t (*room)(const struct etd_load_connection *connection);
    /* `asked` has grown. Null: that is of no interest. */
    bool (*asked)(struct etd_load_connection *connection, uint64_t now);
    /* Sends what may be sent. */
    void (*send)(struct etd_load_connection *connection);
    /* Takes what has come, once. */
    void (*receive)(struct etd_load_connection *connection);
    /* Gives up what was sent too long ago; null: nothing ever is. */
    void (*expire)(struct etd_load_connection *connection, uint64_t now);
    void (*end)(struct etd_load_connection *connection);
};

extern const struct etd_load_transport etd_load_stream, etd_load_datagrams;

enum {
    ETD_LOAD_OUT = 64 * 1024,
    ETD_LOAD_IN = 256 * 1024,
    ETD_LOAD_SENDS =
        16 /* calls in one turn: replies, timers and other connections wait meanwhile */
};

struct etd_load {
    const struct etd_load_plan *plan;
    const struct etd_load_transport *transport;
    struct etd_load_result *result;
    struct ev_loop *loop;
    struct etd_load_messages messages;
    struct etd_load_connection *connections;
    struct etd_load_connection **lanes; /* those opened, by their number */
    uint32_t lane_count;
    uint32_t next;    /* connection to be opened next */
    uint32_t opening; /* being opened */
    uint32_t open;
    uint64_t start;      /* ns; 0: connections are still being opened */
    uint64_t ended;      /* ns; from when on no message is begun; 0: goes on */
    uint64_t last_reply; /* ns */
    uint64_t pending;    /* messages due and not done, on open connections */
    uint64_t due;        /* open loop: messages whose time has come, */
    uint64_t total;      /* and of how many */
    uint32_t turn;       /* the number of the connection that the next one is for */
    double interval_ns;
    uint64_t shown; /* ns; when progress was told last */
    ev_io tick;     /* a timerfd: libev's own timers are rounded to milliseconds */
    ev_timer pulse;
    ev_timer end; /* of a closed loop's duration, and then of the wait for replies */
    struct etd_stop stop;
    uint8_t *out; /* ETD_LOAD_OUT bytes */
    uint8_t *in;  /* ETD_LOAD_IN bytes */
};

/* Open loop: when a message is to be sent, in ns. */
uint64_t etd_load_intended(const struct etd_load_connection *connection, uint64_t number);

/* `count` messages are no longer waited for. */
void etd_load_done(struct etd_load_connection *connection, uint64_t count);

/* Ends the run when all was asked and nothing is waited for. */
void etd_load_end_if_done(struct etd_load *load);

/* No message is begun any more: what is due beyond those begun is dropped. */
void etd_load_cut(struct etd_load_connection *connection);

/* Asks for as many messages as may be, and sends. Call when something was done. */
void etd_load_go_on(struct etd_load_connection *connection, uint64_t now);

/* Says what the connection waits for, besides replies. */
void etd_load_want_room(struct etd_load_connection *connection, bool wanted);

/* The connection is lost; `failure` is an errno, 0 for an end of the stream. */
void etd_load_lose(struct etd_load_connection *connection, int failure);

#endif
