/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_NEGOTIATE_H
#define TGVOIP_NEGOTIATE_H
/**
 * @file
 * Agreeing on a call's key: Diffie-Hellman over a 2048-bit safe prime with all
 * its checks, the key's fingerprint, and the four emoji that two people
 * compare. Plain functions over byte strings; numbers are big-endian.
 *
 * The order of use, for both sides:
 *   1. tgvoip_dh_check_config() on what the server sent
 *   2. tgvoip_dh_keypair()              own secret and public value
 *   3. tgvoip_dh_check_public() on the peer's value (done again in 4)
 *   4. tgvoip_dh_shared_key()           the call's key, 256 bytes
 *   5. tgvoip_key_fingerprint(), tgvoip_key_emoji()
 *
 * Secrets stay in the caller's buffers; wipe them with tgvoip_wipe().
 * Source: call signalling notes, section 6.  Context: any thread.
 */
#include <stdint.h>

#include <tgvoip/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TGVOIP_KEY_BYTES 256
#define TGVOIP_EMOJI_COUNT 4

struct tgvoip_emoji {
    unsigned index; /**< 0..332 */
    const char *utf8; /**< the emoji, constant */
    const char *name; /**< its English name, e.g. "GOAT", constant */
};

/**
 * Check the server's Diffie-Hellman parameters: p is 2048 bits long, p and
 * (p-1)/2 are prime, and g generates a subgroup of that prime order.
 *
 * @param g 2..7    @param p big-endian, 256 bytes
 * @return 0; TGVOIP_ERR_AUTH (failure says which check); TGVOIP_ERR_NOMEM
 *
 * About 1 us for the prime that the servers use today, up to some seconds
 * for another one.
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_check_config(int g, const uint8_t *p, size_t p_len,
                       struct tgvoip_failure *failure);

/**
 * Check a public value (g_a or g_b), own or received:
 * 2^1984 < value < p - 2^1984.
 * @return 0; TGVOIP_ERR_AUTH; TGVOIP_ERR_INVALID for lengths
 */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_dh_check_public(const uint8_t *value,
                                                        size_t len,
                                                        const uint8_t *p,
                                                        size_t p_len);

/**
 * Draw a secret exponent and compute the public value. The secret is the
 * system's random bytes XOR `server_random`, drawn again until all checks hold.
 *
 * @param      server_random 256 bytes from getDhConfig, or NULL
 * @param[out] secret        256 bytes; the caller wipes it
 * @param[out] public_value  256 bytes, left-padded; first byte is never 0
 * @return 0; TGVOIP_ERR_INVALID; TGVOIP_ERR_RANDOM; TGVOIP_ERR_NOMEM
 */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_dh_keypair(
    int g, const uint8_t *p, size_t p_len, const uint8_t *server_random,
    uint8_t secret[TGVOIP_KEY_BYTES], uint8_t public_value[TGVOIP_KEY_BYTES]);

/**
 * Compute the shared key from the own secret and the peer's public value,
 * which is checked first. Constant-time exponentiation.
 * @param[out] key 256 bytes, left-padded with zeros; wiped on failure
 * @return 0; TGVOIP_ERR_AUTH (public value refused); TGVOIP_ERR_INVALID;
 *         TGVOIP_ERR_NOMEM
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_shared_key(const uint8_t *peer_public, size_t peer_len,
                     const uint8_t secret[TGVOIP_KEY_BYTES], const uint8_t *p,
                     size_t p_len, uint8_t key[TGVOIP_KEY_BYTES]);

/**
 * Hash that commits the caller to g_a before it is sent.
 * @param[out] hash SHA-256 of the bytes
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_commitment(const uint8_t *g_a, size_t len, uint8_t hash[32]);

/** Compare the commitment with the g_a that came, in constant time.
 *  @return 0 or TGVOIP_ERR_AUTH */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_dh_check_commitment(const uint8_t *g_a, size_t len,
                           const uint8_t hash[32]);

/**
 * Fingerprint of a key: a sanity check, not a security one.
 * @param[out] fingerprint last 8 bytes of SHA-1, little-endian signed
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_key_fingerprint(const uint8_t key[TGVOIP_KEY_BYTES],
                       int64_t *fingerprint);

/**
 * The four emoji of a key. Equal on both sides, or someone sits in between.
 * @param g_a the caller's public value exactly as it went over the wire
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_key_emoji(const uint8_t key[TGVOIP_KEY_BYTES], const uint8_t *g_a,
                 size_t g_a_len, struct tgvoip_emoji emoji[TGVOIP_EMOJI_COUNT]);

/** Emoji number 0..332, or NULLs in the fields when out of range. */
TGVOIP_API struct tgvoip_emoji tgvoip_emoji_at(unsigned index);

/** The prime that the servers have used for years; 256 bytes, constant. */
TGVOIP_API const uint8_t *tgvoip_dh_known_prime(void);

/** Overwrite a secret in a way that the compiler keeps. */
TGVOIP_API void tgvoip_wipe(void *secret, size_t len);

/** Cryptographic random bytes of the system. @return 0 or
 *  TGVOIP_ERR_RANDOM */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_random(uint8_t *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
