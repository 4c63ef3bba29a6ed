/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_OLD_WIRE_H
#define TGV_TEST_OLD_WIRE_H
/*
 * Envelopes and headers written a second time, from the wire specification and
 * not from src/wire or src/crypto/seal.c, so that a fault there is not
 * repeated here. Only hashes and AES-IGE are shared. It reads as a strict peer
 * does: one envelope and one form at a time, nothing by trial.
 */
#include "crypto/ige.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OLD_INNER_MAX 1400
#define OLD_EXTRAS_MAX 8

enum old_envelope { OLD_V1, OLD_V2_LONG, OLD_V2_SHORT };
enum old_form { OLD_FULL, OLD_SIMPLE, OLD_SHORT };

/* A place in bytes; reading or writing beyond the end only sets `bad`. */
struct old_cursor {
    uint8_t *at, *end;
    bool bad;
};
struct old_cursor old_cursor(void *bytes, size_t len);
uint32_t old_get(struct old_cursor *c, unsigned bytes);
void old_put(struct old_cursor *c, unsigned bytes, uint32_t v);
void old_put_bytes(struct old_cursor *c, const void *from, size_t len);
size_t old_left(const struct old_cursor *c);

struct old_keys {
    uint8_t key[256];
    uint8_t fingerprint[8], call_id[16];
    bool caller;
    struct tgv_ige *ige;
};
void old_keys_init(struct old_keys *k, const uint8_t key[256], bool caller);
void old_keys_fini(struct old_keys *k);

/* pad: as many bytes as the form takes are used, 31 at most.
 * @return length of the envelope */
size_t old_seal(struct old_keys *k, enum old_envelope e, const uint8_t *inner,
                size_t n, const uint8_t pad[31], uint8_t *out);
/* @return length of inner, 0 if it is not of this form and call */
size_t old_open(struct old_keys *k, enum old_envelope e, const uint8_t *body,
                size_t len, uint8_t inner[OLD_INNER_MAX + 100]);

struct old_extra {
    uint8_t type, len;
    const uint8_t *data;
};

struct old_packet {
    enum old_form form;
    uint8_t type;
    uint32_t ack, seq, mask;
    bool flag_byte; /* simple: is it there */
    bool recv_ts;
    unsigned extra_count;
    struct old_extra extras[OLD_EXTRAS_MAX];
    uint8_t random[15]; /* id and bytes of the TL forms */
    const uint8_t *payload;
    size_t len;
};

size_t old_build(const struct old_keys *k, const struct old_packet *p,
                 uint8_t out[OLD_INNER_MAX]);
/* Of a long form: which one the first bytes name; OLD_SHORT for neither. */
enum old_form old_named_form(const uint8_t *inner, size_t n);
/* form and flag_byte are given in p. @return NULL, or what is wrong */
const char *old_parse(const struct old_keys *k, struct old_packet *p,
                      uint8_t *inner, size_t n);

#endif
