#include "echotimed/stamp_sessions.h"

#include <string.h>

/* Where the list of a session's hash begins. */
static uint16_t *head_of(struct etd_stamp_sessions *sessions, const struct etd_address *source,
                         uint16_t ssid)
{
    uint8_t bytes[sizeof source->ip + 4];
    struct etd_writer writer = etd_writer(bytes, sizeof bytes);
    etd_write_bytes(&writer, etd_bytes(source->ip, sizeof source->ip));
    etd_write_u16(&writer, source->port);
    etd_write_u16(&writer, ssid);
    uint64_t hash = etd_siphash(&sessions->key, etd_writer_bytes(&writer));
    return &sessions->heads[hash % ETD_STAMP_SESSIONS];
}

static bool is_session(const struct etd_stamp_entry *entry, const struct etd_address *source,
                       uint16_t ssid)
{
    return entry->ssid == ssid && entry->source.port == source->port &&
           etd_address_same_ip(&entry->source, source);
}

/* The number of a session's entry in the list that begins at `number`; 0: it has none. */
static uint16_t number_of(const struct etd_stamp_sessions *sessions, uint16_t number,
                          const struct etd_address *source, uint16_t ssid)
{
    while (number != 0 && !is_session(&sessions->entries[number], source, ssid))
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
    uint16_t *link = head_of(sessions, &entry->source, entry->ssid);
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
                                                 const struct etd_address *source, uint16_t ssid)
{
    uint16_t number = number_of(sessions, *head_of(sessions, source, ssid), source, ssid);
    return number != 0 ? sessions->entries[number].session : (struct etd_stamp_session){0};
}

struct etd_stamp_session *etd_stamp_sessions_find(struct etd_stamp_sessions *sessions,
                                                  const struct etd_address *source, uint16_t ssid)
{
    uint16_t *head = head_of(sessions, source, ssid);
    uint16_t number = number_of(sessions, *head, source, ssid);
    if (number != 0) {
        take_out_of_ages(sessions, number);
        make_newest(sessions, number);
        return &sessions->entries[number].session;
    }
    number = sessions->used < ETD_STAMP_SESSIONS ? ++sessions->used : forget_oldest(sessions);
    sessions->entries[number] =
        (struct etd_stamp_entry){.source = *source, .ssid = ssid, .chain = *head};
    *head = number;
    make_newest(sessions, number);
    return &sessions->entries[number].session;
}

void etd_stamp_session_answered(struct etd_stamp_session *session, uint64_t transmitted)
{
    session->sequence++; /* wraps, as the sender's does */
    session->transmitted = transmitted;
}
