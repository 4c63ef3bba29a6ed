/* SPDX-License-Identifier: MIT */
/* The key exchange and its checks. Source: call signalling 6, 9.2 */
#include "negotiate/account.h"

#include "base/failure.h"
#include "crypto/secret.h"

#include <string.h>

void tgv_keys_wipe(struct tgvoip_negotiation *n)
{
    tgv_wipe(&n->secrets, sizeof(n->secrets));
    n->pair_ready = false;
    n->key_held = false;
}

/* @return false, for `return broken(...)` */
static bool broken(struct tgvoip_negotiation *n, int err, tgv_time now,
                   const char *step)
{
    tgv_neg_fail(n, TGVOIP_OUTCOME_INTERNAL, now, "%s: %s", step,
                 tgvoip_error_str(err));
    return false;
}

static bool refused(struct tgvoip_negotiation *n, tgv_time now, const char *why)
{
    tgv_neg_fail(n, TGVOIP_OUTCOME_VERIFICATION_FAILED, now, "%s", why);
    return false;
}

/* Into the cache, or from it. */
static bool verified(struct tgvoip_negotiation *n,
                     const struct tgvoip_dh_config *dh, tgv_time now)
{
    struct tgvoip_dh_cache *cache = n->account->cache;
    struct tgvoip_failure failure = {0};
    int err = 0;

    if (!dh->p && !cache->valid)
        return refused(n, now,
                       "DH parameters not modified, but none are known");
    if (dh->p)
        err = tgv_dh_cache_put(cache, dh->g, dh->p, dh->p_len, dh->version,
                               &failure);
    if (err && err != TGVOIP_ERR_AUTH)
        return broken(n, err, now, "DH parameters");
    if (err) {
        tgv_neg_fail(n, TGVOIP_OUTCOME_VERIFICATION_FAILED, now,
                     "DH parameters: %s", failure.why);
        return false;
    }
    n->g = cache->g;
    memcpy(n->p, cache->p, sizeof(n->p));
    return true;
}

bool tgv_keys_parameters(struct tgvoip_negotiation *n,
                         const struct tgvoip_dh_config *dh, tgv_time now)
{
    int err;

    if (n->pair_ready)
        return false;
    if (!dh->random || dh->random_len != TGV_DH_RANDOM_BYTES)
        return refused(n, now, "DH parameters: random is not 256 bytes long");
    if (!verified(n, dh, now))
        return false;
    err = tgv_dh_keypair(n->g, n->p, sizeof(n->p), dh->random,
                         &n->account->config.random, n->secrets.exponent,
                         n->public_value);
    if (err)
        return broken(n, err, now, "own exponent");
    n->pair_ready = true;
    return true;
}

/* The key itself, then what follows from it; the exponent has served. */
static int derive(struct tgvoip_negotiation *n, const uint8_t *peer,
                  size_t peer_len, const uint8_t *g_a, size_t g_a_len)
{
    int err = tgv_dh_shared_key(peer, peer_len, n->secrets.exponent, n->p,
                                sizeof(n->p), n->secrets.key);

    tgv_wipe(n->secrets.exponent, sizeof(n->secrets.exponent));
    n->pair_ready = false;
    if (!err)
        err = tgv_key_fingerprint(n->secrets.key, &n->fingerprint);
    if (!err)
        err = tgv_emoji_indexes(n->secrets.key, g_a, g_a_len, n->emoji);
    n->key_agreed = n->key_held = !err;
    return err;
}

bool tgv_keys_from_g_b(struct tgvoip_negotiation *n, const uint8_t *g_b,
                       size_t len, tgv_time now)
{
    int err =
        g_b && len && len <= TGV_DH_BYTES
            ? derive(n, g_b, len, n->public_value, sizeof(n->public_value))
            : TGVOIP_ERR_INVALID;

    if (err == TGVOIP_ERR_AUTH)
        return refused(n, now, "g_b is not in the safe range");
    if (err == TGVOIP_ERR_INVALID)
        return refused(n, now, "g_b is not 1 to 256 bytes long");
    return err ? broken(n, err, now, "key") : true;
}

bool tgv_keys_check_fingerprint(struct tgvoip_negotiation *n,
                                int64_t fingerprint, tgv_time now)
{
    if (tgv_equal(&fingerprint, &n->fingerprint, sizeof(fingerprint)))
        return true;
    n->key_agreed = false; /* nobody shall compare its emoji */
    return refused(n, now, "the key's fingerprint differs");
}

bool tgv_keys_from_g_a(struct tgvoip_negotiation *n, const uint8_t *g_a,
                       size_t len, int64_t fingerprint, tgv_time now)
{
    int err;

    if (!g_a || !len)
        return refused(n, now, "g_a is empty");
    err = tgv_dh_check_commitment(g_a, len, n->commitment);
    if (err == TGVOIP_ERR_AUTH)
        return refused(n, now, "g_a is not the one that was committed to");
    if (err)
        return broken(n, err, now, "commitment");
    if (len > TGV_DH_BYTES)
        return refused(n, now, "g_a is not 1 to 256 bytes long");
    err = derive(n, g_a, len, g_a, len);
    if (err == TGVOIP_ERR_AUTH)
        return refused(n, now, "g_a is not in the safe range");
    if (err)
        return broken(n, err, now, "key");
    return tgv_keys_check_fingerprint(n, fingerprint, now);
}
