/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_DH_H
#define TGV_CRYPTO_DH_H
/*
 * Diffie-Hellman over a 2048-bit safe prime with every check that the call
 * signalling asks for, and what follows from the key: commitment and
 * fingerprint. Plain functions over big-endian byte strings of 256 bytes.
 *
 * Exponentiation is constant-time; numbers that hold secrets are wiped.
 * Secrets handed out belong to the caller, who wipes them.
 * Source: call signalling 6; Python API 9
 */
#include "base/random.h"

#include <stddef.h>
#include <stdint.h>

#include <tgvoip/error.h>

#define TGV_DH_BYTES 256

/* The prime that the servers have used for years; 256 bytes. */
const uint8_t *tgv_dh_known_prime(void);

/*
 * Check g and p. The known prime skips the two primality tests, never the
 * condition on g.
 * @return 0; TGVOIP_ERR_AUTH, and failure (may be NULL) names the rule that
 *         does not hold; TGVOIP_ERR_NOMEM
 */
int tgv_dh_check_config(int g, const uint8_t *p, size_t p_len,
                        struct tgvoip_failure *failure);

/*
 * 1 < value < p - 1 and 2^1984 < value < p - 2^1984, own or received.
 * @param len 1..256
 * @return 0; TGVOIP_ERR_AUTH; TGVOIP_ERR_INVALID (lengths, or p is not an
 *         odd number of 2048 bits); TGVOIP_ERR_NOMEM
 */
int tgv_dh_check_public(const uint8_t *value, size_t len, const uint8_t *p,
                        size_t p_len);

/*
 * Draw a secret, XOR it with what the server sent, and raise g to it; drawn
 * again until 1 < secret < p - 1, the public value passes its check and its
 * first byte is not 0 (some peers strip zeros).
 * @param      server_random 256 bytes, or NULL
 * @param[out] secret, public_value 256 bytes each; zero on failure
 * @return 0; TGVOIP_ERR_INVALID (g or p unusable); TGVOIP_ERR_RANDOM (also
 *         when no draw of many passes); TGVOIP_ERR_NOMEM
 */
int tgv_dh_keypair(int g, const uint8_t *p, size_t p_len,
                   const uint8_t *server_random,
                   const struct tgv_random *random,
                   uint8_t secret[TGV_DH_BYTES],
                   uint8_t public_value[TGV_DH_BYTES]);

/*
 * peer_public ^ secret mod p, left-padded; the peer's value is checked first.
 * @param[out] key zero on failure
 * @return 0; TGVOIP_ERR_AUTH (public value refused); TGVOIP_ERR_INVALID
 *         (lengths, p, or a secret out of range); TGVOIP_ERR_NOMEM
 */
int tgv_dh_shared_key(const uint8_t *peer_public, size_t peer_len,
                      const uint8_t secret[TGV_DH_BYTES], const uint8_t *p,
                      size_t p_len, uint8_t key[TGV_DH_BYTES]);

/* SHA-256 of g_a exactly as it will be sent. @return 0, TGVOIP_ERR_NOMEM */
int tgv_dh_commitment(const uint8_t *g_a, size_t len, uint8_t hash[32]);
/* In constant time. @return 0, TGVOIP_ERR_AUTH, TGVOIP_ERR_NOMEM */
int tgv_dh_check_commitment(const uint8_t *g_a, size_t len,
                            const uint8_t hash[32]);

/* Last 8 bytes of SHA-1 as a little-endian signed number.
 * @return 0, TGVOIP_ERR_NOMEM */
int tgv_key_fingerprint(const uint8_t key[TGV_DH_BYTES], int64_t *fingerprint);

#endif
