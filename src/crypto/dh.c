/* SPDX-License-Identifier: MIT */
/* With openssl.c the second adaptor of OpenSSL: its big numbers. */
#include "crypto/dh.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "crypto/hash.h"
#include "crypto/secret.h"

#include <string.h>

#include <openssl/bn.h>

/* Public values keep this many bits of distance from 0 and from p. */
#define MARGIN_BITS 1984
/* Draws before the random source is declared broken: for a good one the
 * chance of getting here is below 2^-200. */
#define DRAWS_MAX 256

static const uint8_t known_prime[TGV_DH_BYTES] = {
    0xC7, 0x1C, 0xAE, 0xB9, 0xC6, 0xB1, 0xC9, 0x04, 0x8E, 0x6C, 0x52, 0x2F,
    0x70, 0xF1, 0x3F, 0x73, 0x98, 0x0D, 0x40, 0x23, 0x8E, 0x3E, 0x21, 0xC1,
    0x49, 0x34, 0xD0, 0x37, 0x56, 0x3D, 0x93, 0x0F, 0x48, 0x19, 0x8A, 0x0A,
    0xA7, 0xC1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xD2, 0x25, 0x30, 0xF4, 0xDB,
    0xFA, 0x33, 0x6F, 0x6E, 0x0A, 0xC9, 0x25, 0x13, 0x95, 0x43, 0xAE, 0xD4,
    0x4C, 0xCE, 0x7C, 0x37, 0x20, 0xFD, 0x51, 0xF6, 0x94, 0x58, 0x70, 0x5A,
    0xC6, 0x8C, 0xD4, 0xFE, 0x6B, 0x6B, 0x13, 0xAB, 0xDC, 0x97, 0x46, 0x51,
    0x29, 0x69, 0x32, 0x84, 0x54, 0xF1, 0x8F, 0xAF, 0x8C, 0x59, 0x5F, 0x64,
    0x24, 0x77, 0xFE, 0x96, 0xBB, 0x2A, 0x94, 0x1D, 0x5B, 0xCD, 0x1D, 0x4A,
    0xC8, 0xCC, 0x49, 0x88, 0x07, 0x08, 0xFA, 0x9B, 0x37, 0x8E, 0x3C, 0x4F,
    0x3A, 0x90, 0x60, 0xBE, 0xE6, 0x7C, 0xF9, 0xA4, 0xA4, 0xA6, 0x95, 0x81,
    0x10, 0x51, 0x90, 0x7E, 0x16, 0x27, 0x53, 0xB5, 0x6B, 0x0F, 0x6B, 0x41,
    0x0D, 0xBA, 0x74, 0xD8, 0xA8, 0x4B, 0x2A, 0x14, 0xB3, 0x14, 0x4E, 0x0E,
    0xF1, 0x28, 0x47, 0x54, 0xFD, 0x17, 0xED, 0x95, 0x0D, 0x59, 0x65, 0xB4,
    0xB9, 0xDD, 0x46, 0x58, 0x2D, 0xB1, 0x17, 0x8D, 0x16, 0x9C, 0x6B, 0xC4,
    0x65, 0xB0, 0xD6, 0xFF, 0x9C, 0xA3, 0x92, 0x8F, 0xEF, 0x5B, 0x9A, 0xE4,
    0xE4, 0x18, 0xFC, 0x15, 0xE8, 0x3E, 0xBE, 0xA0, 0xF8, 0x7F, 0xA9, 0xFF,
    0x5E, 0xED, 0x70, 0x05, 0x0D, 0xED, 0x28, 0x49, 0xF4, 0x7B, 0xF9, 0x59,
    0xD9, 0x56, 0x85, 0x0C, 0xE9, 0x29, 0x85, 0x1F, 0x0D, 0x81, 0x15, 0xF6,
    0x35, 0xB1, 0x05, 0xEE, 0x2E, 0x4E, 0x15, 0xD0, 0x4B, 0x24, 0x54, 0xBF,
    0x6F, 0x4F, 0xAD, 0xF0, 0x34, 0xB1, 0x04, 0x03, 0x11, 0x9C, 0xD8, 0xE3,
    0xB9, 0x2F, 0xCC, 0x5B,
};

const uint8_t *tgv_dh_known_prime(void)
{
    return known_prime;
}

/* p_len bytes, 2048 bits, odd: what the arithmetic below relies on. */
static bool usable_prime(const uint8_t *p, size_t p_len)
{
    return p && p_len == TGV_DH_BYTES && (p[0] & 0x80) && (p[p_len - 1] & 1);
}

/* The condition on g for which g generates the subgroup of order (p-1)/2.
 * @return NULL if it holds, else the rule that does not */
static const char *bad_generator(int g, const BIGNUM *p)
{
    BN_ULONG r;

    switch (g) {
    case 2:
        return BN_mod_word(p, 8) == 7 ? NULL : "p mod 8 must be 7 for g = 2";
    case 3:
        return BN_mod_word(p, 3) == 2 ? NULL : "p mod 3 must be 2 for g = 3";
    case 4:
        return NULL; /* a square */
    case 5:
        r = BN_mod_word(p, 5);
        return r == 1 || r == 4 ? NULL : "p mod 5 must be 1 or 4 for g = 5";
    case 6:
        r = BN_mod_word(p, 24);
        return r == 19 || r == 23 ? NULL
                                  : "p mod 24 must be 19 or 23 for g = 6";
    case 7:
        r = BN_mod_word(p, 7);
        return r == 3 || r == 5 || r == 6
                   ? NULL
                   : "p mod 7 must be 3, 5 or 6 for g = 7";
    default:
        return "g must be 2..7";
    }
}

/* @return NULL if p is a safe prime, else the rule that does not hold; *err
 * is set if that could not be found out */
static const char *bad_prime(BIGNUM *p, BN_CTX *ctx, int *err)
{
    int prime = BN_check_prime(p, ctx, NULL); /* 64 rounds at 2048 bits */

    if (prime == 0)
        return "p is not prime";
    if (prime == 1 && BN_rshift1(p, p)) { /* p odd: now (p - 1) / 2 */
        prime = BN_check_prime(p, ctx, NULL);
        if (prime >= 0)
            return prime ? NULL : "(p - 1) / 2 is not prime";
    }
    *err = TGVOIP_ERR_NOMEM;
    return NULL;
}

int tgv_dh_check_config(int g, const uint8_t *p, size_t p_len,
                        struct tgvoip_failure *failure)
{
    const char *why;
    BN_CTX *ctx;
    BIGNUM *n;
    int err = 0;

    if (!p || p_len != TGV_DH_BYTES || !(p[0] & 0x80))
        return tgv_fail(failure, TGVOIP_ERR_AUTH, "p",
                        "p must have exactly 2048 bits");
    ctx = BN_CTX_new();
    n = BN_bin2bn(p, (int)p_len, NULL);
    if (!ctx || !n) {
        err = tgv_fail(failure, TGVOIP_ERR_NOMEM, "p", "out of memory");
        goto out;
    }
    why = bad_generator(g, n);
    if (why) {
        err = tgv_fail(failure, TGVOIP_ERR_AUTH, "g", "%s", why);
        goto out;
    }
    if (memcmp(p, known_prime, sizeof(known_prime)) == 0)
        goto out;
    why = bad_prime(n, ctx, &err);
    if (why)
        err = tgv_fail(failure, TGVOIP_ERR_AUTH, "p", "%s", why);
    else if (err)
        err = tgv_fail(failure, err, "p", "out of memory");
out:
    BN_free(n);
    BN_CTX_free(ctx);
    return err;
}

/* 2^1984 < v < p - 2^1984, which implies 1 < v < p - 1.
 * @return 0, TGVOIP_ERR_AUTH, TGVOIP_ERR_NOMEM */
static int check_range(const BIGNUM *v, const BIGNUM *p)
{
    BIGNUM *low = BN_new(), *high = BN_new();
    int err = TGVOIP_ERR_NOMEM;

    if (low && high && BN_set_bit(low, MARGIN_BITS) && BN_sub(high, p, low))
        err = BN_cmp(low, v) < 0 && BN_cmp(v, high) < 0 ? 0 : TGVOIP_ERR_AUTH;
    BN_free(low);
    BN_free(high);
    return err;
}

int tgv_dh_check_public(const uint8_t *value, size_t len, const uint8_t *p,
                        size_t p_len)
{
    BIGNUM *v, *n;
    int err = TGVOIP_ERR_NOMEM;

    if (!value || len < 1 || len > TGV_DH_BYTES || !usable_prime(p, p_len))
        return TGVOIP_ERR_INVALID;
    v = BN_bin2bn(value, (int)len, NULL);
    n = BN_bin2bn(p, (int)p_len, NULL);
    if (v && n)
        err = check_range(v, n);
    BN_free(v);
    BN_free(n);
    return err;
}

/* out = base ^ secret mod p, in constant time, left-padded.
 * @return 0, TGVOIP_ERR_INVALID (secret not in 2..p-2), TGVOIP_ERR_NOMEM */
static int power(const BIGNUM *base, const uint8_t secret[TGV_DH_BYTES],
                 const BIGNUM *p, uint8_t out[TGV_DH_BYTES])
{
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *x = BN_secure_new(), *result = BN_secure_new(), *top = BN_dup(p);
    int err = TGVOIP_ERR_NOMEM;

    if (!ctx || !x || !result || !top || !BN_sub_word(top, 1) ||
        !BN_bin2bn(secret, TGV_DH_BYTES, x))
        goto out;
    BN_set_flags(x, BN_FLG_CONSTTIME);
    if (BN_cmp(x, BN_value_one()) <= 0 || BN_cmp(x, top) >= 0) {
        err = TGVOIP_ERR_INVALID;
        goto out;
    }
    if (BN_mod_exp_mont_consttime(result, base, x, p, ctx, NULL) &&
        BN_bn2binpad(result, out, TGV_DH_BYTES) == TGV_DH_BYTES)
        err = 0;
out:
    BN_clear_free(x);
    BN_clear_free(result);
    BN_free(top);
    BN_CTX_free(ctx); /* clears the numbers that it lent */
    return err;
}

static int draw(const struct tgv_random *random, const uint8_t *server_random,
                uint8_t secret[TGV_DH_BYTES])
{
    if (random->fill(random->ctx, secret, TGV_DH_BYTES))
        return TGVOIP_ERR_RANDOM;
    for (size_t i = 0; server_random && i < TGV_DH_BYTES; i++)
        secret[i] ^= server_random[i];
    return 0;
}

/* One draw. @return 0; TGVOIP_ERR_AUTH or TGVOIP_ERR_INVALID: draw again */
static int keypair_once(const BIGNUM *g, const BIGNUM *p, const uint8_t *p_raw,
                        const uint8_t *server_random,
                        const struct tgv_random *random, uint8_t *secret,
                        uint8_t *public_value)
{
    int err = draw(random, server_random, secret);

    if (!err)
        err = power(g, secret, p, public_value);
    if (!err)
        err = tgv_dh_check_public(public_value, TGV_DH_BYTES, p_raw,
                                  TGV_DH_BYTES);
    if (!err && public_value[0] == 0)
        err = TGVOIP_ERR_AUTH;
    return err;
}

int tgv_dh_keypair(int g, const uint8_t *p, size_t p_len,
                   const uint8_t *server_random,
                   const struct tgv_random *random,
                   uint8_t secret[TGV_DH_BYTES],
                   uint8_t public_value[TGV_DH_BYTES])
{
    BIGNUM *base, *n;
    int err;

    memset(secret, 0, TGV_DH_BYTES);
    memset(public_value, 0, TGV_DH_BYTES);
    if (g < 2 || g > 7 || !usable_prime(p, p_len))
        return TGVOIP_ERR_INVALID;
    base = BN_new();
    n = BN_bin2bn(p, (int)p_len, NULL);
    err = base && n && BN_set_word(base, (BN_ULONG)g) ? TGVOIP_ERR_AUTH
                                                      : TGVOIP_ERR_NOMEM;
    for (int i = 0; i < DRAWS_MAX; i++) {
        if (err != TGVOIP_ERR_AUTH && err != TGVOIP_ERR_INVALID)
            break;
        err = keypair_once(base, n, p, server_random, random, secret,
                           public_value);
    }
    if (err == TGVOIP_ERR_AUTH || err == TGVOIP_ERR_INVALID)
        err = TGVOIP_ERR_RANDOM;
    if (err) {
        tgv_wipe(secret, TGV_DH_BYTES);
        tgv_wipe(public_value, TGV_DH_BYTES);
    }
    BN_free(base);
    BN_free(n);
    return err;
}

int tgv_dh_shared_key(const uint8_t *peer_public, size_t peer_len,
                      const uint8_t secret[TGV_DH_BYTES], const uint8_t *p,
                      size_t p_len, uint8_t key[TGV_DH_BYTES])
{
    BIGNUM *base, *n;
    int err;

    memset(key, 0, TGV_DH_BYTES);
    err = tgv_dh_check_public(peer_public, peer_len, p, p_len);
    if (err)
        return err;
    base = BN_bin2bn(peer_public, (int)peer_len, NULL);
    n = BN_bin2bn(p, (int)p_len, NULL);
    err = base && n ? power(base, secret, n, key) : TGVOIP_ERR_NOMEM;
    if (err)
        tgv_wipe(key, TGV_DH_BYTES);
    BN_free(base);
    BN_free(n);
    return err;
}

int tgv_dh_commitment(const uint8_t *g_a, size_t len, uint8_t hash[32])
{
    return tgv_sha256(g_a, len, hash);
}

int tgv_dh_check_commitment(const uint8_t *g_a, size_t len,
                            const uint8_t hash[32])
{
    uint8_t own[TGV_SHA256_BYTES];
    int err = tgv_sha256(g_a, len, own);

    if (err)
        return err;
    return tgv_equal(own, hash, sizeof(own)) ? 0 : TGVOIP_ERR_AUTH;
}

int tgv_key_fingerprint(const uint8_t key[TGV_DH_BYTES], int64_t *fingerprint)
{
    uint8_t digest[TGV_SHA1_BYTES];
    struct tgv_reader r;
    int err = tgv_sha1(key, TGV_DH_BYTES, digest);

    *fingerprint = 0;
    if (err)
        return err;
    tgv_reader_init(&r, digest + sizeof(digest) - 8, 8);
    *fingerprint = (int64_t)tgv_read_u64le(&r);
    tgv_wipe(digest, sizeof(digest));
    return 0;
}
