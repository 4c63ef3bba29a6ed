/* SPDX-License-Identifier: MIT */
#include "crypto/seal.h"

#include "base/bytes.h"
#include "crypto/kdf.h"
#include "crypto/secret.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/* Checks C4 and C5 of the wire specification, 9.1. */
#define BODY_MIN 40
#define CIPHERTEXT_MAX 1500

/* Padding including the length prefix that an opened packet must have. */
#define SLACK_MIN_SHORT 16
#define SLACK_MIN_LONG 12

#define CALL_ID_BYTES 16

struct tgv_seal {
    uint8_t key[TGV_KEY_BYTES];
    uint8_t sha1[TGV_SHA1_BYTES]; /* of the key */
    uint8_t sha256[TGV_SHA256_BYTES]; /* of the key */
    size_t x_send, x_receive;
    struct tgv_hash *hash1, *hash256;
    struct tgv_ige *ige;
};

const char *tgv_envelope_str(enum tgv_envelope e)
{
    switch (e) {
    case TGV_ENVELOPE_V2_SHORT:
        return "v2-short";
    case TGV_ENVELOPE_V2_LONG:
        return "v2-long";
    case TGV_ENVELOPE_V1:
        return "v1";
    }
    return "?";
}

int tgv_seal_create(struct tgv_seal **out, const uint8_t key[TGV_KEY_BYTES],
                    bool outgoing)
{
    const struct tgv_piece whole = {key, TGV_KEY_BYTES};
    struct tgv_seal *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (!s)
        return TGVOIP_ERR_NOMEM;
    memcpy(s->key, key, TGV_KEY_BYTES);
    tgv_wipe_traces();
    s->x_send = outgoing ? 0 : 8;
    s->x_receive = outgoing ? 8 : 0;
    if (tgv_hash_create(&s->hash1, TGV_SHA1) ||
        tgv_hash_create(&s->hash256, TGV_SHA256) || tgv_ige_create(&s->ige) ||
        tgv_hash_run(s->hash1, &whole, 1, s->sha1) ||
        tgv_hash_run(s->hash256, &whole, 1, s->sha256)) {
        tgv_seal_destroy(s);
        return TGVOIP_ERR_NOMEM;
    }
    *out = s;
    return 0;
}

void tgv_seal_destroy(struct tgv_seal *s)
{
    if (!s)
        return;
    tgv_hash_destroy(s->hash1);
    tgv_hash_destroy(s->hash256);
    tgv_ige_destroy(s->ige);
    tgv_wipe(s, sizeof(*s));
    free(s);
}

const uint8_t *tgv_seal_fingerprint(const struct tgv_seal *s)
{
    return s->sha1 + TGV_SHA1_BYTES - TGV_FINGERPRINT_BYTES;
}

const uint8_t *tgv_seal_call_id(const struct tgv_seal *s)
{
    return s->sha256 + TGV_SHA256_BYTES - CALL_ID_BYTES;
}

static size_t prefix_size(enum tgv_envelope e)
{
    return e == TGV_ENVELOPE_V2_SHORT ? 2 : 4;
}

/* What stands in front of the ciphertext. */
static size_t head_size(enum tgv_envelope e)
{
    return TGV_MSG_KEY_BYTES +
           (e == TGV_ENVELOPE_V2_SHORT ? 0 : TGV_FINGERPRINT_BYTES);
}

static size_t padding_size(enum tgv_envelope e, size_t filled)
{
    size_t p = TGV_AES_BLOCK - filled % TGV_AES_BLOCK;

    if (e == TGV_ENVELOPE_V1)
        return p % TGV_AES_BLOCK;
    return p < 16 ? p + 16 : p;
}

size_t tgv_seal_size(enum tgv_envelope e, size_t n)
{
    size_t filled = prefix_size(e) + n;

    return head_size(e) + filled + padding_size(e, filled);
}

/* The message key of clear text t, n bytes of it being the inner packet. */
static int message_key(struct tgv_seal *s, enum tgv_envelope e, size_t x,
                       const uint8_t *t, size_t t_len, size_t n,
                       uint8_t out[TGV_MSG_KEY_BYTES])
{
    uint8_t digest[TGV_SHA256_BYTES];
    size_t skip = e == TGV_ENVELOPE_V2_LONG ? 4 : 0, cut = 8;
    int err;

    if (e == TGV_ENVELOPE_V1) {
        cut = 4;
        err = tgv_hash_run(s->hash1, &(struct tgv_piece){t, 4 + n}, 1, digest);
    } else {
        const struct tgv_piece pieces[] = {{s->key + 88 + x, 32},
                                           {t + skip, t_len - skip}};

        err = tgv_hash_run(s->hash256, pieces, 2, digest);
    }
    if (!err)
        memcpy(out, digest + cut, TGV_MSG_KEY_BYTES);
    tgv_wipe(digest, sizeof(digest));
    return err;
}

static int derive(struct tgv_seal *s, enum tgv_envelope e, size_t x,
                  const uint8_t *msg_key, struct tgv_cipher_key *out)
{
    return e == TGV_ENVELOPE_V1 ? tgv_kdf1(s->hash1, s->key, x, msg_key, out)
                                : tgv_kdf2(s->hash256, s->key, x, msg_key, out);
}

/* Length, inner packet, padding; returns TGVOIP_ERR_RANDOM if need be. */
static int write_clear(enum tgv_envelope e, const uint8_t *inner, size_t n,
                       const struct tgv_random *random, uint8_t *t,
                       size_t t_len)
{
    struct tgv_writer w;

    tgv_writer_init(&w, t, t_len);
    if (e == TGV_ENVELOPE_V2_SHORT)
        tgv_write_u16le(&w, (uint16_t)n);
    else
        tgv_write_u32le(&w, (uint32_t)n);
    tgv_write_bytes(&w, inner, n);
    if (w.pos < t_len && random->fill(random->ctx, t + w.pos, t_len - w.pos))
        return TGVOIP_ERR_RANDOM;
    return 0;
}

int tgv_seal_encode(struct tgv_seal *s, enum tgv_envelope e,
                    const uint8_t *inner, size_t n,
                    const struct tgv_random *random, uint8_t *out, size_t cap,
                    size_t *out_len)
{
    struct tgv_cipher_key ck;
    size_t head = head_size(e), size, t_len;
    uint8_t *t = out + head, *msg_key = t - TGV_MSG_KEY_BYTES;
    int err;

    *out_len = 0;
    if (n > CIPHERTEXT_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    size = tgv_seal_size(e, n);
    t_len = size - head;
    if (size > cap || t_len > CIPHERTEXT_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    err = write_clear(e, inner, n, random, t, t_len);
    if (!err)
        err = message_key(s, e, s->x_send, t, t_len, n, msg_key);
    if (!err)
        err = derive(s, e, s->x_send, msg_key, &ck);
    if (!err)
        err = tgv_ige_encrypt(s->ige, ck.key, ck.iv, t, t_len, t);
    tgv_wipe(&ck, sizeof(ck));
    if (err) {
        tgv_wipe(out, size); /* no clear text is left behind */
        return err;
    }
    if (e != TGV_ENVELOPE_V2_SHORT)
        memcpy(out, tgv_seal_fingerprint(s), TGV_FINGERPRINT_BYTES);
    *out_len = size;
    return 0;
}

/* Whether n bytes of inner packet may stand in t_len bytes of clear text. */
static bool length_fits(enum tgv_envelope e, size_t t_len, uint32_t n)
{
    switch (e) {
    case TGV_ENVELOPE_V2_SHORT:
        return n <= t_len && t_len - n >= SLACK_MIN_SHORT;
    case TGV_ENVELOPE_V2_LONG:
        return n <= t_len - 4 && t_len - n >= SLACK_MIN_LONG;
    case TGV_ENVELOPE_V1:
        return n <= t_len - 4;
    }
    return false;
}

/* One attempt. Only V1 reads the length before the message key is known to
 * be right, because it says what to hash; it is bounded first. */
static bool try_open(struct tgv_seal *s, enum tgv_envelope e,
                     const uint8_t *body, size_t len, uint8_t *t,
                     struct tgv_opened *opened)
{
    size_t head = head_size(e), t_len = len - head;
    const uint8_t *msg_key = body + head - TGV_MSG_KEY_BYTES;
    uint8_t expected[TGV_MSG_KEY_BYTES];
    struct tgv_cipher_key ck;
    struct tgv_reader r;
    bool fits;
    uint32_t n;

    if (len <= head || t_len % TGV_AES_BLOCK || t_len > CIPHERTEXT_MAX)
        return false;
    if (derive(s, e, s->x_receive, msg_key, &ck) ||
        tgv_ige_decrypt(s->ige, ck.key, ck.iv, body + head, t_len, t)) {
        tgv_wipe(&ck, sizeof(ck));
        return false;
    }
    tgv_wipe(&ck, sizeof(ck));
    tgv_reader_init(&r, t, t_len);
    n = e == TGV_ENVELOPE_V2_SHORT ? tgv_read_u16le(&r) : tgv_read_u32le(&r);
    fits = length_fits(e, t_len, n);
    if (message_key(s, e, s->x_receive, t, t_len, fits ? n : 0, expected) ||
        !tgv_equal(expected, msg_key, sizeof(expected)) || !fits)
        return false;
    *opened = (struct tgv_opened){e, t + prefix_size(e), n};
    return true;
}

int tgv_seal_open(struct tgv_seal *s, bool allow_v1, const uint8_t *body,
                  size_t len, uint8_t *buf, size_t cap,
                  struct tgv_opened *opened)
{
    *opened = (struct tgv_opened){TGV_ENVELOPE_V2_SHORT, NULL, 0};
    if (len < BODY_MIN || len > cap)
        return TGVOIP_ERR_AUTH;
    if (tgv_equal(body, tgv_seal_fingerprint(s), TGV_FINGERPRINT_BYTES) &&
        (try_open(s, TGV_ENVELOPE_V2_LONG, body, len, buf, opened) ||
         (allow_v1 && try_open(s, TGV_ENVELOPE_V1, body, len, buf, opened))))
        return 0;
    if (try_open(s, TGV_ENVELOPE_V2_SHORT, body, len, buf, opened))
        return 0;
    tgv_wipe(buf, len);
    return TGVOIP_ERR_AUTH;
}
