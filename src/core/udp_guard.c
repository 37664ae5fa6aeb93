#include "echotimed/udp_guard.h"

#include "echotimed/sources.h"

_Static_assert(sizeof(struct etd_rate_set) == ETD_UDP_GUARD_LINE, "a set is one cache line");
_Static_assert(sizeof(struct etd_loop_set) == ETD_UDP_GUARD_LINE, "a set is one cache line");

enum { WORD = sizeof(uint64_t), BLOCK = 4 * WORD };

#define NS_PER_SECOND UINT64_C(1000000000)

size_t etd_udp_guard_size(uint32_t sets)
{
    return sets * (sizeof(struct etd_rate_set) + sizeof(struct etd_loop_set)) + ETD_UDP_GUARD_LINE -
           1;
}

void etd_udp_guard_init(struct etd_udp_guard *guard, void *memory, uint32_t sets,
                        const struct etd_siphash_key *key)
{
    uintptr_t past = (uintptr_t)memory % ETD_UDP_GUARD_LINE;
    uint8_t *start = (uint8_t *)memory + (past > 0 ? ETD_UDP_GUARD_LINE - past : 0);
    *guard = (struct etd_udp_guard){
        .rates = (void *)start,
        .loops = (void *)(start + sets * sizeof(struct etd_rate_set)),
        .mask = sets - 1,
        .stir = etd_siphash(key, etd_bytes_text("stir")) | 1,
        .key = *key,
    };
}

struct etd_udp_limits etd_udp_limits_make(uint16_t endpoint, uint32_t rate_limit,
                                          uint32_t rate_burst, uint32_t loop_guard)
{
    struct etd_udp_limits limits = {.endpoint = endpoint, .loop_guard = loop_guard};
    if (rate_limit > 0) {
        limits.interval = NS_PER_SECOND / rate_limit;
        limits.tolerance = (rate_burst - 1) * limits.interval;
    }
    return limits;
}

static uint64_t hash_source(struct etd_udp_guard *guard, uint16_t endpoint,
                            const struct etd_address *address)
{
    struct etd_source source = etd_source_of(address);
    struct etd_udp_last *last = &guard->last;
    if (last->known && last->block == source.block && last->endpoint == endpoint &&
        last->ipv4 == source.ipv4)
        return last->hash;
    uint8_t text[sizeof source.block + sizeof endpoint + 1];
    memcpy(text, &source.block, sizeof source.block);
    memcpy(text + sizeof source.block, &endpoint, sizeof endpoint);
    text[sizeof text - 1] = source.ipv4;
    *last = (struct etd_udp_last){.block = source.block,
                                  .hash = etd_siphash(&guard->key, etd_bytes(text, sizeof text)),
                                  .endpoint = endpoint,
                                  .ipv4 = source.ipv4,
                                  .known = true};
    return last->hash;
}

/* Each step is a bijection of the state, and of the word: texts of one length that differ in one
 * word give different states. The multiplier is secret, and so is the state that it begins with. */
static uint64_t stir(uint64_t state, uint64_t word, uint64_t multiplier)
{
    state = (state ^ word) * multiplier;
    return state ^ state >> 32;
}

static uint64_t load(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return word;
}

/* Takes all of the payload in, of every datagram, so it is cheap rather than strong. Nobody sees
 * what it gives, and whoever found messages that fall together would have his own dropped, one in
 * loop_guard. */
static uint64_t hash_payload(uint64_t state, struct etd_bytes payload, uint64_t multiplier)
{
    const uint8_t *at = payload.data;
    size_t left = payload.size;
    if (left >= BLOCK) {
        /* Four at a time, since each multiplication waits for the one before. */
        uint64_t a = state, b = state + 1, c = state + 2, d = state + 3;
        for (; left >= BLOCK; at += BLOCK, left -= BLOCK) {
            a = stir(a, load(at, WORD), multiplier);
            b = stir(b, load(at + WORD, WORD), multiplier);
            c = stir(c, load(at + 2 * WORD, WORD), multiplier);
            d = stir(d, load(at + 3 * WORD, WORD), multiplier);
        }
        state = stir(stir(a, b, multiplier), stir(c, d, multiplier), multiplier);
    }
    for (; left >= WORD; at += WORD, left -= WORD)
        state = stir(state, load(at, WORD), multiplier);
    return left > 0 ? stir(state, load(at, left), multiplier) : state;
}

/* The source's hash stands for the endpoint and the source's block, and is a secret. */
static uint64_t hash_message(const struct etd_udp_guard *guard, uint64_t source_hash,
                             const struct etd_address *address, struct etd_bytes payload)
{
    uint64_t host = load(address->ip + WORD, WORD);
    uint64_t state = stir(source_hash, host, guard->stir);
    state = stir(state, (uint64_t)payload.size << 16 | address->port, guard->stir);
    state = hash_payload(state, payload, guard->stir);
    return stir(state, 0, guard->stir);
}

static bool take_token(struct etd_rate_set *set, uint32_t tag, const struct etd_udp_limits *limits,
                       uint64_t now)
{
    const uint64_t most = now + limits->tolerance;
    size_t at = 0;
    while (at < ETD_RATE_WAYS && set->tags[at] != tag)
        at++;
    if (at < ETD_RATE_WAYS) {
        if (set->due[at] > most) {
            /* More debt than an answer can leave was made under other limits. */
            if (set->due[at] - most > limits->interval)
                set->due[at] = most + limits->interval;
            return false;
        }
    } else {
        at = 0;
        for (size_t i = 1; i < ETD_RATE_WAYS; i++)
            at = set->due[i] < set->due[at] ? i : at;
        set->tags[at] = tag;
        if (set->due[at] > most)
            set->due[at] = most;
    }
    set->due[at] = (set->due[at] > now ? set->due[at] : now) + limits->interval;
    return true;
}

static bool count_answer(struct etd_loop_set *set, uint32_t tag, uint32_t loop_guard)
{
    struct etd_loop_row *rows = set->rows, row = {.tag = tag};
    size_t from = 0, to = 0;
    while (from < ETD_LOOP_WAYS && rows[from].tag != tag)
        from++;
    if (from < ETD_LOOP_WAYS) {
        row = rows[from];
    } else {
        from = ETD_LOOP_WAYS - 1;
        to = ETD_LOOP_WAYS / 2;
    }
    for (; from > to; from--)
        rows[from] = rows[from - 1];
    bool answered = row.answers < loop_guard;
    row.answers = answered ? row.answers + 1 : 0;
    rows[to] = row;
    return answered;
}

enum etd_drop_reason etd_udp_guard_admit(struct etd_udp_guard *guard,
                                         const struct etd_udp_limits *limits,
                                         const struct etd_address *source, struct etd_bytes payload,
                                         uint64_t now)
{
    if (limits->interval == 0 && limits->loop_guard == 0)
        return ETD_DROP_NONE;
    /* The low bits of a hash choose the set, the high ones are the tag. */
    uint64_t hash = hash_source(guard, limits->endpoint, source);
    if (limits->interval > 0 &&
        !take_token(&guard->rates[hash & guard->mask], (uint32_t)(hash >> 32), limits, now))
        return ETD_DROP_RATE_LIMIT;
    if (limits->loop_guard > 0) {
        hash = hash_message(guard, hash, source, payload);
        if (!count_answer(&guard->loops[hash & guard->mask], (uint32_t)(hash >> 32),
                          limits->loop_guard))
            return ETD_DROP_LOOP_GUARD;
    }
    return ETD_DROP_NONE;
}
