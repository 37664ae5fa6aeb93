/* What the client can speak: for each protocol a row that makes questions and judges answers. Nothing
 * here sends or waits, and time comes in from outside. */
#ifndef ECHOTIMED_CLIENT_PROTOCOL_H
#define ECHOTIMED_CLIENT_PROTOCOL_H

#include "echotimed/framing.h"
#include "echotimed/ntp_packet.h"
#include "echotimed/service.h"
#include "echotimed/siphash.h"
#include "echotimed/timestamp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Index into etd_protocols. */
enum etd_protocol_id {
    ETD_PROTOCOL_ECHO,
    ETD_PROTOCOL_TEXT, /* the text query time? of echotimed */
    ETD_PROTOCOL_DAYTIME,
    ETD_PROTOCOL_RFC868,
    ETD_PROTOCOL_NTP,
    ETD_PROTOCOL_STAMP,
    ETD_PROTOCOL_COUNT
};

/* One question. */
struct etd_probe {
    const struct etd_protocol *protocol;
    struct etd_siphash_key secret; /* of the run, so that nobody can guess an answer */
    uint32_t session;              /* of the run, random */
    uint32_t number;
    size_t size;                      /* of an echo's payload in bytes; others have their own */
    struct etd_timestamp sent;        /* of the wall clock */
    struct etd_clock_quality quality; /* of our clock */
};

/* What an answer says. */
struct etd_answer {
    struct etd_bytes payload; /* of the answer, a view */

    bool told;                 /* `time` is the time that the server told: */
    struct etd_timestamp time; /* when it answered */
    uint64_t step;             /* nanoseconds in which it tells the time */

    bool stamped;                  /* the server told two times: `time`, and */
    struct etd_timestamp received; /* when the question came */

    bool judged;       /* the server says how good its clock is: */
    bool synchronised; /* it vouches for it */
    uint64_t error;    /* nanoseconds that it may be wrong by, where it does */

    struct etd_ntp_packet ntp; /* of NTP: the packet */
    uint8_t ttl;               /* of STAMP: that of the question at its end; 0: not told */
};

enum etd_judgement {
    ETD_ANSWER_GOOD,    /* `answer` is filled in */
    ETD_ANSWER_FOREIGN, /* it is not the answer to this question: wait for another */
    ETD_ANSWER_WRONG    /* it is, and it is no good */
};

/* Where the answer ends in a TCP stream. */
enum etd_answer_end {
    ETD_ENDS_AS_FRAMED, /* with the framing; raw: behind as many bytes as were asked with */
    ETD_ENDS_AT_SIZE,   /* behind `answer_size` bytes */
    ETD_ENDS_AT_CLOSE   /* with the connection */
};

struct etd_protocol {
    const char *name;                    /* for sentences */
    uint16_t ports[ETD_TRANSPORT_COUNT]; /* where it is asked unless the URL says; 0: not carried */
    bool registered;   /* with IANA at that port, so that the port of a URL tells the protocol */
    bool speaks_first; /* over TCP: the answer comes on connect, without a question */
    bool tells_time;   /* answers may be `told` */
    uint8_t framings;  /* over TCP, a set of 1 << enum etd_framing_id */
    enum etd_framing_id framing; /* unless one is asked for */
    enum etd_answer_end end;
    size_t answer_size;

    /* Writes the question's payload. */
    void (*ask)(const struct etd_probe *probe, struct etd_writer *out);

    /* Finds which probe of the run a payload answers, from a probe of the run. False: it does not tell.
     * Null: answers never tell, and count in the order of the questions. */
    bool (*number)(const struct etd_probe *any, struct etd_bytes payload, uint32_t *number);

    /* Judges the answer. What is wrong or foreign is written to `why`, a sentence's end behind "the
     * answer ". */
    enum etd_judgement (*read)(const struct etd_probe *probe, struct etd_bytes payload,
                               struct etd_answer *answer, struct etd_writer *why);
};

/* In the order of enum etd_protocol_id. */
extern const struct etd_protocol *const etd_protocols[ETD_PROTOCOL_COUNT];

extern const struct etd_protocol etd_protocol_echo, etd_protocol_text, etd_protocol_daytime,
    etd_protocol_rfc868, etd_protocol_ntp, etd_protocol_stamp;

/* A name on the command line that stands for a protocol. */
struct etd_protocol_choice {
    const char *name; /* null ends a list */
    enum etd_protocol_id protocol;
};

/* Of the choices the one that the port is registered for, else the first. */
enum etd_protocol_id etd_protocol_choose(const struct etd_protocol_choice *choices,
                                         enum etd_transport transport, uint16_t port);

/* For `read`: writes the reason, gives WRONG or FOREIGN. */
enum etd_judgement etd_answer_wrong(struct etd_writer *why, const char *reason);
enum etd_judgement etd_answer_foreign(struct etd_writer *why, const char *reason);

/* Writes what a server sent, for a sentence: quoted, at most its beginning. */
void etd_answer_quote(struct etd_writer *why, struct etd_bytes payload);

/* The origin timestamp of NTP that the probe waits for. */
uint64_t etd_ntp_cookie(const struct etd_probe *probe);

#endif
