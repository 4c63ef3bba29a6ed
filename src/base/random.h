/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_RANDOM_H
#define TGV_BASE_RANDOM_H
/*
 * A source of random bytes, given to a core at its creation: the system's in
 * production, a seeded one in tests; and a small seeded generator for
 * simulation, never for secrets.
 */
#include <stddef.h>
#include <stdint.h>

struct tgv_random {
    /* Fill buf; 0 or TGVOIP_ERR_RANDOM, which the user of the bytes must
     * heed (ENG-33). */
    int (*fill)(void *ctx, uint8_t *buf, size_t len);
    void *ctx;
};

/* xoshiro256**, seeded through splitmix64. */
struct tgv_prng {
    uint64_t s[4];
};

void tgv_prng_init(struct tgv_prng *g, uint64_t seed);
uint64_t tgv_prng_u64(struct tgv_prng *g);
/* Uniform in [0, 1). */
double tgv_prng_unit(struct tgv_prng *g);
/* Uniform in 0..n-1, n >= 1. */
uint32_t tgv_prng_below(struct tgv_prng *g, uint32_t n);
/* A random source that draws from g, which must outlive it. */
struct tgv_random tgv_prng_source(struct tgv_prng *g);

#endif
