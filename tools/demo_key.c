/* SPDX-License-Identifier: MIT */
/* The call's key, agreed as two clients do it through Telegram's server; here
 * the "server" is the order of the statements. */
#include "demo.h"

#include <stdio.h>
#include <string.h>

#define GENERATOR 3

struct party {
    uint8_t secret[TGVOIP_KEY_BYTES];
    uint8_t public_value[TGVOIP_KEY_BYTES];
    uint8_t key[TGVOIP_KEY_BYTES];
    int64_t fingerprint;
};

static int fail(struct tgvoip_failure *failure, int err, const char *why)
{
    if (failure->why[0])
        return err; /* the library has said it better */
    failure->code = err;
    snprintf(failure->what, sizeof(failure->what), "key");
    snprintf(failure->why, sizeof(failure->why), "%s: %s", why,
             tgvoip_error_str(err));
    return err;
}

static int draw(struct party *party, const uint8_t *p)
{
    return tgvoip_dh_keypair(GENERATOR, p, TGVOIP_KEY_BYTES, NULL,
                             party->secret, party->public_value);
}

static int derive(struct party *party, const struct party *peer,
                  const uint8_t *p)
{
    int err = tgvoip_dh_check_public(peer->public_value, TGVOIP_KEY_BYTES, p,
                                     TGVOIP_KEY_BYTES);

    if (!err)
        err = tgvoip_dh_shared_key(peer->public_value, TGVOIP_KEY_BYTES,
                                   party->secret, p, TGVOIP_KEY_BYTES,
                                   party->key);
    if (!err)
        err = tgvoip_key_fingerprint(party->key, &party->fingerprint);
    return err;
}

static int agree(struct demo_key *key, struct party *a, struct party *b,
                 struct tgvoip_failure *failure)
{
    const uint8_t *p = tgvoip_dh_known_prime();
    uint8_t commitment[32];
    int err, i;

    /* Both have asked the server for its parameters and trust them not. */
    err = tgvoip_dh_check_config(GENERATOR, p, TGVOIP_KEY_BYTES, failure);
    if (err)
        return fail(failure, err, "parameters");
    err = draw(a, p);
    if (!err)
        err = draw(b, p);
    if (err)
        return fail(failure, err, "key pair");
    /* Caller: a hash first, so that it cannot choose g_a after seeing g_b. */
    err = tgvoip_dh_commitment(a->public_value, TGVOIP_KEY_BYTES, commitment);
    if (err)
        return fail(failure, err, "commitment");
    err = derive(a, b, p);
    if (err)
        return fail(failure, err, "caller's key");
    /* Callee: the g_a that came now must be the one committed to. */
    err = tgvoip_dh_check_commitment(a->public_value, TGVOIP_KEY_BYTES,
                                     commitment);
    if (err)
        return fail(failure, err, "commitment");
    err = derive(b, a, p);
    if (!err && a->fingerprint != b->fingerprint)
        err = TGVOIP_ERR_AUTH;
    if (err)
        return fail(failure, err, "callee's key");
    for (i = 0; i < SIDES && !err; i++)
        err = tgvoip_key_emoji(i == CALLER ? a->key : b->key, a->public_value,
                               TGVOIP_KEY_BYTES, key->emoji[i]);
    for (i = 0; i < TGVOIP_EMOJI_COUNT && !err; i++)
        if (key->emoji[CALLER][i].index != key->emoji[CALLEE][i].index)
            err = TGVOIP_ERR_AUTH;
    if (err)
        return fail(failure, err, "emoji");
    memcpy(key->key, a->key, sizeof(key->key));
    key->fingerprint = a->fingerprint;
    return 0;
}

int demo_key_agree(struct demo_key *key, struct tgvoip_failure *failure)
{
    int64_t start = tool_now_us();
    struct party a, b;
    int err;

    memset(key, 0, sizeof(*key));
    memset(failure, 0, sizeof(*failure));
    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    err = agree(key, &a, &b, failure);
    tgvoip_wipe(&a, sizeof(a));
    tgvoip_wipe(&b, sizeof(b));
    key->took_us = tool_now_us() - start;
    return err;
}

void demo_key_wipe(struct demo_key *key)
{
    tgvoip_wipe(key->key, sizeof(key->key));
}
