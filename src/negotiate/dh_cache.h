/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_DH_CACHE_H
#define TGV_NEGOTIATE_DH_CACHE_H
/*
 * The last Diffie-Hellman parameters that passed every check, with the
 * server's number for them. What is in it is verified; a failed check changes
 * nothing. One thread at a time.
 * Source: call signalling 6.1, SIG-14..19
 */
#include "crypto/dh.h"

#include <stdbool.h>

struct tgvoip_dh_cache {
    bool valid;
    int g, version;
    uint8_t p[TGV_DH_BYTES];
    unsigned checks; /* how often a prime was tested */
};

void tgv_dh_cache_init(struct tgvoip_dh_cache *cache);
/* 0 when empty: "send me all". */
int tgv_dh_cache_version(const struct tgvoip_dh_cache *cache);
/* Verify and keep; g and p that are in it already are not tested again.
 * @return as tgv_dh_check_config() */
int tgv_dh_cache_put(struct tgvoip_dh_cache *cache, int g, const uint8_t *p,
                     size_t p_len, int version, struct tgvoip_failure *failure);

#endif
