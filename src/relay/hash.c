/* SPDX-License-Identifier: MIT */
#include "relay/hash.h"

#include "base/random.h"

void tgv_hash_key_init(struct tgv_hash_key *key, uint64_t seed)
{
    struct tgv_prng g;

    tgv_prng_init(&g, seed);
    key->k[0] = tgv_prng_u64(&g);
    key->k[1] = tgv_prng_u64(&g);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

uint64_t tgv_hash_words(const struct tgv_hash_key *key, const uint64_t *words,
                        size_t n)
{
    uint64_t v[4] = {
        key->k[0] ^ 0x736f6d6570736575u, key->k[1] ^ 0x646f72616e646f6du,
        key->k[0] ^ 0x6c7967656e657261u, key->k[1] ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)(n * 8) << 56;

    for (size_t i = 0; i <= n; i++) {
        uint64_t m = i < n ? words[i] : last;
        v[3] ^= m;
        mix(v);
        v[0] ^= m;
    }
    v[2] ^= 0xFF;
    for (int i = 0; i < 3; i++)
        mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
