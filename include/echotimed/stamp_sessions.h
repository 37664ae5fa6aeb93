/* The sessions of a stateful STAMP reflector (RFC 8762 section 4): each sender's own count of
 * answers, so that it can tell on which way a packet was lost.
 *
 * Nobody says when a session ends, and a sender can be forged. So the table has a fixed size, and
 * forgets the session that was not heard of for longest when it needs the place; that one begins
 * again with 0 when it comes back. It is hashed under a secret. */
#ifndef ECHOTIMED_STAMP_SESSIONS_H
#define ECHOTIMED_STAMP_SESSIONS_H

#include "echotimed/address.h"
#include "echotimed/siphash.h"

#include <stdint.h>

enum { ETD_STAMP_SESSIONS = 4096 }; /* a power of two; the table takes 50 bytes for each */

/* What a reflector remembers of one session. */
struct etd_stamp_session {
    uint32_t sequence;    /* the number of the next answer */
    uint64_t transmitted; /* of the last answer, an NTP timestamp; 0: there was none */
};

/* Entries are numbered from 1; 0 is the end of a list. */
struct etd_stamp_entry {
    struct etd_stamp_session session;
    struct etd_address source;
    uint16_t ssid;
    uint16_t chain; /* the next with the same hash */
    uint16_t newer, older;
};

struct etd_stamp_sessions {
    struct etd_siphash_key key;
    uint16_t used;
    uint16_t newest, oldest; /* 0 while the table is empty */
    uint16_t heads[ETD_STAMP_SESSIONS];
    struct etd_stamp_entry entries[ETD_STAMP_SESSIONS + 1]; /* the one at 0 is not used */
};

/* Empties the table. Entries that were never used are not touched. */
void etd_stamp_sessions_init(struct etd_stamp_sessions *sessions,
                             const struct etd_siphash_key *key);

/* What is known of a session, all zeros when that is nothing; changes nothing. It is what an answer
 * tells while it is not certain yet that it will be sent. */
struct etd_stamp_session etd_stamp_sessions_peek(struct etd_stamp_sessions *sessions,
                                                 const struct etd_address *source, uint16_t ssid);

/* The session of that source (with its port) and SSID, begun where there is none yet; it is the
 * newest now. Only for what etd_stamp_is_request and will be answered: anything else would push
 * others out. Valid until the next call. */
struct etd_stamp_session *etd_stamp_sessions_find(struct etd_stamp_sessions *sessions,
                                                  const struct etd_address *source, uint16_t ssid);

/* An answer went out, with `transmitted` in it. */
void etd_stamp_session_answered(struct etd_stamp_session *session, uint64_t transmitted);

#endif
