/* SPDX-License-Identifier: MIT */
#ifndef TGV_CRYPTO_SEAL_H
#define TGV_CRYPTO_SEAL_H
/*
 * The envelopes of a call: sealing an inner packet and opening one, under the
 * call's key. One object per end of a call; it owns the key and wipes it.
 *
 * A tgv_seal is used by one thread at a time; after creation it does not
 * allocate. Which envelope to send is the caller's decision.
 * Source: wire specification 1.2, 3
 */
#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_KEY_BYTES 256
#define TGV_FINGERPRINT_BYTES 8

enum tgv_envelope {
    TGV_ENVELOPE_V2_SHORT = 0, /* msg_key, AES(len16 inner pad) */
    TGV_ENVELOPE_V2_LONG = 1, /* fingerprint, msg_key, AES(len32 ...) */
    TGV_ENVELOPE_V1 = 2 /* the same with SHA-1 */
};
const char *tgv_envelope_str(enum tgv_envelope e);

struct tgv_seal;

/* @param outgoing this end is the caller. @return 0, TGVOIP_ERR_NOMEM */
int tgv_seal_create(struct tgv_seal **out, const uint8_t key[TGV_KEY_BYTES],
                    bool outgoing);
void tgv_seal_destroy(struct tgv_seal *s);

/* Last 8 bytes of SHA-1, last 16 bytes of SHA-256 of the key. */
const uint8_t *tgv_seal_fingerprint(const struct tgv_seal *s);
const uint8_t *tgv_seal_call_id(const struct tgv_seal *s);

/* Bytes that sealing n bytes takes. */
size_t tgv_seal_size(enum tgv_envelope e, size_t n);

/*
 * Seal inner into out (no prefix). out must not overlap inner.
 * @param[out] out_len bytes written, 0 on failure
 * @return 0, TGVOIP_ERR_TOO_LARGE, TGVOIP_ERR_RANDOM
 */
int tgv_seal_encode(struct tgv_seal *s, enum tgv_envelope e,
                    const uint8_t *inner, size_t n,
                    const struct tgv_random *random, uint8_t *out, size_t cap,
                    size_t *out_len);

struct tgv_opened {
    enum tgv_envelope envelope;
    const uint8_t *inner; /* inside the buffer given */
    size_t len;
};

/*
 * Open a body (after the prefix) by trial: V2-long and, if allow_v1, V1 when
 * it starts with the fingerprint; V2-short otherwise or if those fail. The
 * message key is compared in constant time before anything is believed.
 *
 * @param buf scratch that receives the clear text, cap >= len
 * @return 0, or TGVOIP_ERR_AUTH without telling what failed
 */
int tgv_seal_open(struct tgv_seal *s, bool allow_v1, const uint8_t *body,
                  size_t len, uint8_t *buf, size_t cap,
                  struct tgv_opened *opened);

#endif
