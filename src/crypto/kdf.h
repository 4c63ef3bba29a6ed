/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_KDF_H
#define TGV_CRYPTO_KDF_H
/*
 * AES key and iv of one packet from the call's key and the message key.
 * x is 0 for what the caller sends and 8 for what the callee sends.
 * Source: wire specification 3.2 to 3.4
 */
#include "crypto/hash.h"
#include "crypto/ige.h"

#define TGV_MSG_KEY_BYTES 16

struct tgv_cipher_key {
    uint8_t key[TGV_AES_KEY];
    uint8_t iv[TGV_IGE_IV];
};

/* @param k the call's key, 256 bytes; sha256, sha1: hashes of that kind
 * @return 0, TGVOIP_ERR_NOMEM; out is secret, the caller wipes it */
int tgv_kdf2(struct tgv_hash *sha256, const uint8_t *k, size_t x,
             const uint8_t msg_key[TGV_MSG_KEY_BYTES],
             struct tgv_cipher_key *out);
int tgv_kdf1(struct tgv_hash *sha1, const uint8_t *k, size_t x,
             const uint8_t msg_key[TGV_MSG_KEY_BYTES],
             struct tgv_cipher_key *out);

#endif
