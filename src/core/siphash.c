#include "echotimed/siphash.h"

enum { COMPRESSION_ROUNDS = 2, FINALIZATION_ROUNDS = 4, WORD = 8 };

/* The four words of the state, v0 to v3 in the paper. */
struct state {
    uint64_t v[4];
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* The first `size` bytes, at most 8, least significant first. */
static uint64_t load(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

/* One half of a SipRound: two additions, each with its rotation and exclusive or. `a` to `d` are the
 * words in the half's order. */
static void half_round(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, unsigned b_bits,
                       unsigned d_bits)
{
    *a += *b;
    *c += *d;
    *b = rotate(*b, b_bits) ^ *a;
    *d = rotate(*d, d_bits) ^ *c;
    *a = rotate(*a, 32);
}

static void run_rounds(struct state *state, int rounds)
{
    uint64_t *v = state->v;
    for (int i = 0; i < rounds; i++) {
        half_round(&v[0], &v[1], &v[2], &v[3], 13, 16);
        half_round(&v[2], &v[1], &v[0], &v[3], 17, 21);
    }
}

static void compress(struct state *state, uint64_t word)
{
    state->v[3] ^= word;
    run_rounds(state, COMPRESSION_ROUNDS);
    state->v[0] ^= word;
}

uint64_t etd_siphash(const struct etd_siphash_key *key, struct etd_bytes message)
{
    uint64_t k0 = load(key->bytes, WORD), k1 = load(key->bytes + WORD, WORD);
    /* The constants spell "somepseudorandomlygeneratedbytes". */
    struct state state = {{k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                           k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)}};
    size_t whole = message.size - message.size % WORD;
    for (size_t i = 0; i < whole; i += WORD)
        compress(&state, load(message.data + i, WORD));
    /* The last word ends in the length's low byte. */
    uint64_t last = (uint64_t)message.size << 56;
    if (message.size > whole)
        last |= load(message.data + whole, message.size - whole);
    compress(&state, last);
    state.v[2] ^= 0xff;
    run_rounds(&state, FINALIZATION_ROUNDS);
    return state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3];
}
