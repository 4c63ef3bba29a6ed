/* SPDX-License-Identifier: MIT */
#include "crypto/kdf.h"

#include "crypto/secret.h"

#include <string.h>

static struct tgv_piece piece(const void *data, size_t len)
{
    return (struct tgv_piece){data, len};
}

int tgv_kdf2(struct tgv_hash *sha256, const uint8_t *k, size_t x,
             const uint8_t msg_key[TGV_MSG_KEY_BYTES],
             struct tgv_cipher_key *out)
{
    uint8_t a[TGV_SHA256_BYTES], b[TGV_SHA256_BYTES];
    const struct tgv_piece m = {msg_key, TGV_MSG_KEY_BYTES};
    const struct tgv_piece for_a[] = {m, piece(k + x, 36)};
    const struct tgv_piece for_b[] = {piece(k + 40 + x, 36), m};
    int err = tgv_hash_run(sha256, for_a, 2, a);

    if (!err)
        err = tgv_hash_run(sha256, for_b, 2, b);
    if (!err) {
        memcpy(out->key, a, 8);
        memcpy(out->key + 8, b + 8, 16);
        memcpy(out->key + 24, a + 24, 8);
        memcpy(out->iv, b, 8);
        memcpy(out->iv + 8, a + 8, 16);
        memcpy(out->iv + 24, b + 24, 8);
    }
    tgv_wipe(a, sizeof(a));
    tgv_wipe(b, sizeof(b));
    return err;
}

int tgv_kdf1(struct tgv_hash *sha1, const uint8_t *k, size_t x,
             const uint8_t msg_key[TGV_MSG_KEY_BYTES],
             struct tgv_cipher_key *out)
{
    uint8_t h[4][TGV_SHA1_BYTES]; /* a, b, c, d of the specification */
    const struct tgv_piece m = {msg_key, TGV_MSG_KEY_BYTES};
    const struct tgv_piece for_a[] = {m, piece(k + x, 32)};
    const struct tgv_piece for_b[] = {piece(k + 32 + x, 16), m,
                                      piece(k + 48 + x, 16)};
    const struct tgv_piece for_c[] = {piece(k + 64 + x, 32), m};
    const struct tgv_piece for_d[] = {m, piece(k + 96 + x, 32)};
    int err = tgv_hash_run(sha1, for_a, 2, h[0]);

    if (!err)
        err = tgv_hash_run(sha1, for_b, 3, h[1]);
    if (!err)
        err = tgv_hash_run(sha1, for_c, 2, h[2]);
    if (!err)
        err = tgv_hash_run(sha1, for_d, 2, h[3]);
    if (!err) {
        memcpy(out->key, h[0], 8);
        memcpy(out->key + 8, h[1] + 8, 12);
        memcpy(out->key + 20, h[2] + 4, 12);
        memcpy(out->iv, h[0] + 8, 12);
        memcpy(out->iv + 12, h[1], 8);
        memcpy(out->iv + 20, h[2] + 16, 4);
        memcpy(out->iv + 24, h[3], 8);
    }
    tgv_wipe(h, sizeof(h));
    return err;
}
