/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_HASH_H
#define TGV_RELAY_HASH_H
/*
 * SipHash-1-3 of a few words under a secret key: strangers choose tags and
 * addresses, and must not be able to choose their place in a table.
 */
#include <stddef.h>
#include <stdint.h>

struct tgv_hash_key {
    uint64_t k[2];
};

void tgv_hash_key_init(struct tgv_hash_key *key, uint64_t seed);
uint64_t tgv_hash_words(const struct tgv_hash_key *key, const uint64_t *words,
                        size_t n);

#endif
