/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_CTR_H
#define TGV_CRYPTO_CTR_H
/*
 * AES-256-CTR as a running key stream with a 128-bit big-endian counter: any
 * segmentation of the input gives the same output. Encrypting and decrypting
 * are the same operation. No allocation after creation.
 */
#include <stddef.h>
#include <stdint.h>

struct tgv_ctr;

/* @return 0, TGVOIP_ERR_NOMEM */
int tgv_ctr_create(struct tgv_ctr **out);
/* NULL is fine; wipes the key. */
void tgv_ctr_destroy(struct tgv_ctr *c);
/* Start a new stream at offset 0. @return 0, TGVOIP_ERR_NOMEM */
int tgv_ctr_start(struct tgv_ctr *c, const uint8_t key[32],
                  const uint8_t iv[16]);
/* The next len bytes of the stream; out may be in.
 * @return 0, TGVOIP_ERR_NOMEM (the crypto library failed) */
int tgv_ctr_run(struct tgv_ctr *c, const uint8_t *in, size_t len, uint8_t *out);

#endif
