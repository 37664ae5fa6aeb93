#include "echotimed/stamp_sessions.h"

#include <string.h>

/* Where the list of a session's hash begins. */
static uint16_t *head_of(struct etd_stamp_sessions *sessions, const struct etd_stamp_session_id *id)
{
    uint8_t bytes[sizeof id->source.ip + 6];
    struct etd_writer writer = etd_writer(bytes, sizeof bytes);
    etd_write_bytes(&writer, etd_bytes(id->source.ip, sizeof id->source.ip));
    etd_write_u16(&writer, id->source.port);
    etd_write_u16(&writer, id->endpoint);
    etd_write_u16(&writer, id->ssid);
    uint64_t hash = etd_siphash(&sessions->key, etd_writer_bytes(&writer));
    return &sessions->heads[hash % ETD_STAMP_SESSIONS];
}

static bool is_session(const struct etd_stamp_entry *entry, const struct etd_stamp_session_id *id)
{
    return entry->id.ssid == id->ssid && entry->id.endpoint == id->endpoint &&
           entry->id.source.port == id->source.port &&
           etd_address_same_ip(&entry->id.source, &id->source);
}

/* The number of a session's entry in the list that begins at `number`; 0: it has none. */
static uint16_t number_of(const struct etd_stamp_sessions *sessions, uint16_t number,
                          const struct etd_stamp_session_id *id)
{
    while (number != 0 && !is_session(&sessions->entries[number], id))
        number = sessions->entries[number].chain;
    return number;
}

static void take_out_of_ages(struct etd_stamp_sessions *sessions, uint16_t number)
{
    struct etd_stamp_entry *entry = &sessions->entries[number];
    *(entry->newer != 0 ? &sessions->entries[entry->newer].older : &sessions->newest) =
        entry->older;
    *(entry->older != 0 ? &sessions->entries[entry->older].newer : &sessions->oldest) =
        entry->newer;
}

static void make_newest(struct etd_stamp_sessions *sessions, uint16_t number)
{
    struct etd_stamp_entry *entry = &sessions->entries[number];
    entry->newer = 0;
    entry->older = sessions->newest;
    *(entry->older != 0 ? &sessions->entries[entry->older].newer : &sessions->oldest) = number;
    sessions->newest = number;
}

/* Gives the place of the session that was not heard of for longest. */
static uint16_t forget_oldest(struct etd_stamp_sessions *sessions)
{
    uint16_t number = sessions->oldest;
    struct etd_stamp_entry *entry = &sessions->entries[number];
    take_out_of_ages(sessions, number);
    uint16_t *link = head_of(sessions, &entry->id);
    while (*link != number)
        link = &sessions->entries[*link].chain;
    *link = entry->chain;
    return number;
}

void etd_stamp_sessions_init(struct etd_stamp_sessions *sessions, const struct etd_siphash_key *key)
{
    sessions->key = *key;
    sessions->used = sessions->newest = sessions->oldest = 0;
    memset(sessions->heads, 0, sizeof sessions->heads);
}

struct etd_stamp_session etd_stamp_sessions_peek(struct etd_stamp_sessions *sessions,
                                                 const struct etd_stamp_session_id *id)
{
    uint16_t number = number_of(sessions, *head_of(sessions, id), id);
    return number != 0 ? sessions->entries[number].session : (struct etd_stamp_session){0};
}

struct etd_stamp_session *etd_stamp_sessions_find(struct etd_stamp_sessions *sessions,
                                                  const struct etd_stamp_session_id *id)
{
    uint16_t *head = head_of(sessions, id);
    uint16_t number = number_of(sessions, *head, id);
    if (number != 0) {
        take_out_of_ages(sessions, number);
        make_newest(sessions, number);
        return &sessions->entries[number].session;
    }
    number = sessions->used < ETD_STAMP_SESSIONS ? ++sessions->used : forget_oldest(sessions);
    sessions->entries[number] = (struct etd_stamp_entry){.id = *id, .chain = *head};
    *head = number;
    make_newest(sessions, number);
    return &sessions->entries[number].session;
}

void etd_stamp_session_answered(struct etd_stamp_session *session, uint64_t transmitted)
{
    session->sequence++; /* wraps, as the sender's does */
    session->transmitted = transmitted;
}
