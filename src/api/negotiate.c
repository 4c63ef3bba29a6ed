/* SPDX-License-Identifier: MIT */
/* The key agreement's functions for users: crypto with the system's random. */
#include <tgvoip/negotiate.h>

#include "crypto/dh.h"
#include "crypto/emoji.h"
#include "crypto/secret.h"

#include <string.h>

int tgvoip_dh_check_config(int g, const uint8_t *p, size_t p_len,
                           struct tgvoip_failure *failure)
{
    return tgv_dh_check_config(g, p, p_len, failure);
}

int tgvoip_dh_check_public(const uint8_t *value, size_t len, const uint8_t *p,
                           size_t p_len)
{
    return tgv_dh_check_public(value, len, p, p_len);
}

int tgvoip_dh_keypair(int g, const uint8_t *p, size_t p_len,
                      const uint8_t *server_random,
                      uint8_t secret[TGVOIP_KEY_BYTES],
                      uint8_t public_value[TGVOIP_KEY_BYTES])
{
    const struct tgv_random random = tgv_system_random();

    if (!p || !secret || !public_value)
        return TGVOIP_ERR_INVALID;
    return tgv_dh_keypair(g, p, p_len, server_random, &random, secret,
                          public_value);
}

int tgvoip_dh_shared_key(const uint8_t *peer_public, size_t peer_len,
                         const uint8_t secret[TGVOIP_KEY_BYTES],
                         const uint8_t *p, size_t p_len,
                         uint8_t key[TGVOIP_KEY_BYTES])
{
    if (!secret || !key)
        return TGVOIP_ERR_INVALID;
    return tgv_dh_shared_key(peer_public, peer_len, secret, p, p_len, key);
}

int tgvoip_dh_commitment(const uint8_t *g_a, size_t len, uint8_t hash[32])
{
    if (!g_a || !len || !hash)
        return TGVOIP_ERR_INVALID;
    return tgv_dh_commitment(g_a, len, hash);
}

int tgvoip_dh_check_commitment(const uint8_t *g_a, size_t len,
                               const uint8_t hash[32])
{
    if (!g_a || !len || !hash)
        return TGVOIP_ERR_AUTH;
    return tgv_dh_check_commitment(g_a, len, hash);
}

int tgvoip_key_fingerprint(const uint8_t key[TGVOIP_KEY_BYTES],
                           int64_t *fingerprint)
{
    if (!key || !fingerprint)
        return TGVOIP_ERR_INVALID;
    return tgv_key_fingerprint(key, fingerprint);
}

struct tgvoip_emoji tgvoip_emoji_at(unsigned index)
{
    return (struct tgvoip_emoji){index, tgv_emoji_utf8(index),
                                 tgv_emoji_name(index)};
}

int tgvoip_key_emoji(const uint8_t key[TGVOIP_KEY_BYTES], const uint8_t *g_a,
                     size_t g_a_len,
                     struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT])
{
    unsigned indexes[TGV_EMOJI_COUNT];
    int err;

    if (!key || !g_a || !g_a_len || !emoji)
        return TGVOIP_ERR_INVALID;
    memset(emoji, 0, sizeof(*emoji) * TGVOIP_EMOJI_COUNT);
    err = tgv_emoji_indexes(key, g_a, g_a_len, indexes);
    for (size_t i = 0; !err && i < TGVOIP_EMOJI_COUNT; i++)
        emoji[i] = tgvoip_emoji_at(indexes[i]);
    return err;
}

const uint8_t *tgvoip_dh_known_prime(void)
{
    return tgv_dh_known_prime();
}

void tgvoip_wipe(void *secret, size_t len)
{
    tgv_wipe(secret, len);
}

int tgvoip_random(uint8_t *buf, size_t len)
{
    const struct tgv_random random = tgv_system_random();

    if (!buf && len)
        return TGVOIP_ERR_INVALID;
    return random.fill(random.ctx, buf, len);
}
