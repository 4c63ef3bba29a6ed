/* SPDX-License-Identifier: MIT */
#include "base/random.h"

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void tgv_prng_init(struct tgv_prng *g, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        g->s[i] = splitmix(&seed);
}

uint64_t tgv_prng_u64(struct tgv_prng *g)
{
    uint64_t *s = g->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double tgv_prng_unit(struct tgv_prng *g)
{
    return (double)(tgv_prng_u64(g) >> 11) * 0x1.0p-53;
}

uint32_t tgv_prng_below(struct tgv_prng *g, uint32_t n)
{
    return (uint32_t)(((tgv_prng_u64(g) >> 32) * n) >> 32);
}

static int fill(void *ctx, uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf[i] = (uint8_t)tgv_prng_u64(ctx);
    return 0;
}

struct tgv_random tgv_prng_source(struct tgv_prng *g)
{
    return (struct tgv_random){.fill = fill, .ctx = g};
}
