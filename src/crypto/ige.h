/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_IGE_H
#define TGV_CRYPTO_IGE_H
/*
 * AES-256 in IGE mode, one block cipher call per step. One object serves any
 * number of messages, each under its own key, without allocating; one thread
 * at a time. It keeps the last key until the next message or destruction.
 * Source: wire specification 3.1
 */
#include <stddef.h>
#include <stdint.h>

#define TGV_AES_BLOCK 16
#define TGV_AES_KEY 32
#define TGV_IGE_IV 32

struct tgv_ige;

/* @return 0, TGVOIP_ERR_NOMEM */
int tgv_ige_create(struct tgv_ige **out);
/* NULL is fine; wipes the key. */
void tgv_ige_destroy(struct tgv_ige *c);

/*
 * @param iv  previous ciphertext block, then previous clear block
 * @param len multiple of 16; out may be in
 * @return 0, TGVOIP_ERR_NOMEM (the crypto library failed)
 */
int tgv_ige_encrypt(struct tgv_ige *c, const uint8_t key[TGV_AES_KEY],
                    const uint8_t iv[TGV_IGE_IV], const uint8_t *in, size_t len,
                    uint8_t *out);
int tgv_ige_decrypt(struct tgv_ige *c, const uint8_t key[TGV_AES_KEY],
                    const uint8_t iv[TGV_IGE_IV], const uint8_t *in, size_t len,
                    uint8_t *out);

#endif
