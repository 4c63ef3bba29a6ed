/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_HASH_H
#define TGV_CRYPTO_HASH_H
/*
 * SHA-1 and SHA-256. A tgv_hash is made once and used for any number of
 * messages without allocating, by one thread at a time; the one-shot forms
 * are for everything that does not happen per packet.
 */
#include <stddef.h>
#include <stdint.h>

#define TGV_SHA1_BYTES 20
#define TGV_SHA256_BYTES 32

enum tgv_hash_kind { TGV_SHA1 = 0, TGV_SHA256 = 1 };

/* A piece of a message that lies in several places. */
struct tgv_piece {
    const void *data;
    size_t len;
};

struct tgv_hash;

/* @return 0, TGVOIP_ERR_NOMEM */
int tgv_hash_create(struct tgv_hash **out, enum tgv_hash_kind kind);
/* NULL is fine. */
void tgv_hash_destroy(struct tgv_hash *h);
/* Hash the pieces, one after the other.
 * @param[out] digest 20 or 32 bytes
 * @return 0, TGVOIP_ERR_NOMEM (the crypto library failed) */
int tgv_hash_run(struct tgv_hash *h, const struct tgv_piece *pieces,
                 size_t count, uint8_t *digest);

/* @return 0, TGVOIP_ERR_NOMEM */
int tgv_sha1(const void *data, size_t len, uint8_t digest[TGV_SHA1_BYTES]);
int tgv_sha256(const void *data, size_t len, uint8_t digest[TGV_SHA256_BYTES]);
/* Of two pieces. */
int tgv_sha256_pair(const void *a, size_t a_len, const void *b, size_t b_len,
                    uint8_t digest[TGV_SHA256_BYTES]);

#endif
