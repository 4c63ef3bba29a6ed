/* SPDX-License-Identifier: MIT */
/* Source: wire specification 3.2 to 3.4 and 4.1 to 4.3, 4.5 */
#include "support/old_wire.h"

#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

/* -- bytes ------------------------------------------------------------------ */

struct old_cursor old_cursor(void *bytes, size_t len)
{
    uint8_t *p = bytes;

    return (struct old_cursor){.at = p, .end = p + len};
}

size_t old_left(const struct old_cursor *c)
{
    return (size_t)(c->end - c->at);
}

static uint8_t *take(struct old_cursor *c, size_t len)
{
    uint8_t *p = c->at;

    if (c->bad || len > old_left(c)) {
        c->bad = true;
        return NULL;
    }
    c->at += len;
    return p;
}

uint32_t old_get(struct old_cursor *c, unsigned bytes)
{
    const uint8_t *p = take(c, bytes);
    uint32_t v = 0;

    for (unsigned i = 0; p && i < bytes; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

void old_put(struct old_cursor *c, unsigned bytes, uint32_t v)
{
    uint8_t *p = take(c, bytes);

    for (unsigned i = 0; p && i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void old_put_bytes(struct old_cursor *c, const void *from, size_t len)
{
    const uint8_t *b = from;

    for (size_t i = 0; i < len; i++)
        old_put(c, 1, b[i]);
}

/* -- keys ------------------------------------------------------------------- */

void old_keys_init(struct old_keys *k, const uint8_t key[256], bool caller)
{
    uint8_t digest[32];

    memcpy(k->key, key, 256);
    k->caller = caller;
    if (tgv_sha1(key, 256, digest) != 0)
        abort();
    memcpy(k->fingerprint, digest + 12, 8);
    if (tgv_sha256(key, 256, digest) != 0 || tgv_ige_create(&k->ige) != 0)
        abort();
    memcpy(k->call_id, digest + 16, 16);
}

void old_keys_fini(struct old_keys *k)
{
    tgv_ige_destroy(k->ige);
}

/* A hash of two or three pieces, through one buffer. */
static void hash(bool sha256, const void *const pieces[3], const size_t lens[3],
                 uint8_t *digest)
{
    uint8_t all[OLD_INNER_MAX + 400];
    size_t n = 0;

    for (int i = 0; i < 3; i++) {
        if (n + lens[i] > sizeof(all))
            abort();
        if (lens[i] > 0)
            memcpy(all + n, pieces[i], lens[i]);
        n += lens[i];
    }
    if ((sha256 ? tgv_sha256(all, n, digest) : tgv_sha1(all, n, digest)) != 0)
        abort();
}

#define HASH(sha256, a, an, b, bn, c, cn, out)                                 \
    hash(sha256, (const void *const[3]){a, b, c},                              \
         (const size_t[3]){an, bn, cn}, out)

struct cipher {
    uint8_t key[32], iv[32];
};

static void kdf2(const uint8_t *k, size_t x, const uint8_t *mk,
                 struct cipher *out)
{
    uint8_t a[32], b[32];

    HASH(true, mk, 16, k + x, 36, NULL, 0, a);
    HASH(true, k + 40 + x, 36, mk, 16, NULL, 0, b);
    memcpy(out->key, a, 8);
    memcpy(out->key + 8, b + 8, 16);
    memcpy(out->key + 24, a + 24, 8);
    memcpy(out->iv, b, 8);
    memcpy(out->iv + 8, a + 8, 16);
    memcpy(out->iv + 24, b + 24, 8);
}

static void kdf1(const uint8_t *k, size_t x, const uint8_t *mk,
                 struct cipher *out)
{
    uint8_t a[20], b[20], c[20], d[20];

    HASH(false, mk, 16, k + x, 32, NULL, 0, a);
    HASH(false, k + 32 + x, 16, mk, 16, k + 48 + x, 16, b);
    HASH(false, k + 64 + x, 32, mk, 16, NULL, 0, c);
    HASH(false, mk, 16, k + 96 + x, 32, NULL, 0, d);
    memcpy(out->key, a, 8);
    memcpy(out->key + 8, b + 8, 12);
    memcpy(out->key + 20, c + 4, 12);
    memcpy(out->iv, a + 8, 12);
    memcpy(out->iv + 12, b, 8);
    memcpy(out->iv + 20, c + 16, 4);
    memcpy(out->iv + 24, d, 8);
}

/* -- envelopes -------------------------------------------------------------- */

static size_t offset(const struct old_keys *k, bool out)
{
    return k->caller == out ? 0 : 8;
}

static void message_key(const struct old_keys *k, enum old_envelope e, size_t x,
                        const uint8_t *t, size_t len, uint8_t mk[16])
{
    uint8_t digest[32];
    size_t skip = e == OLD_V2_LONG ? 4 : 0;

    if (e == OLD_V1) { /* the length and what it counts, no padding */
        HASH(false, t, len, NULL, 0, NULL, 0, digest);
        memcpy(mk, digest + 4, 16);
        return;
    }
    HASH(true, k->key + 88 + x, 32, t + skip, len - skip, NULL, 0, digest);
    memcpy(mk, digest + 8, 16);
}

static size_t padding(enum old_envelope e, size_t len)
{
    size_t p = 16 - len % 16;

    if (e == OLD_V1)
        return p % 16;
    return p < 16 ? p + 16 : p;
}

size_t old_seal(struct old_keys *k, enum old_envelope e, const uint8_t *inner,
                size_t n, const uint8_t pad[31], uint8_t *out)
{
    unsigned prefix = e == OLD_V2_SHORT ? 2 : 4;
    size_t x = offset(k, true), len = prefix + n, more = padding(e, len);
    uint8_t t[OLD_INNER_MAX + 100];
    struct old_cursor c = old_cursor(t, sizeof(t));
    struct cipher key;

    if (n > OLD_INNER_MAX)
        abort();
    old_put(&c, prefix, (uint32_t)n);
    old_put_bytes(&c, inner, n);
    old_put_bytes(&c, pad, more);
    if (e != OLD_V2_SHORT) {
        memcpy(out, k->fingerprint, 8);
        out += 8;
    }
    message_key(k, e, x, t, e == OLD_V1 ? len : len + more, out);
    if (e == OLD_V1)
        kdf1(k->key, x, out, &key);
    else
        kdf2(k->key, x, out, &key);
    if (tgv_ige_encrypt(k->ige, key.key, key.iv, t, len + more, out + 16))
        abort();
    return (e == OLD_V2_SHORT ? 16 : 24) + len + more;
}

/* @return the inner length that the clear text t of len bytes allows, or 0 */
static size_t inner_length(enum old_envelope e, uint8_t *t, size_t len)
{
    struct old_cursor c = old_cursor(t, len);
    size_t n = old_get(&c, e == OLD_V2_SHORT ? 2 : 4);
    size_t least = e == OLD_V1 ? 4 : e == OLD_V2_SHORT ? 16 : 12;

    return n <= len && len - n >= least && n < 0x8000 ? n : 0;
}

size_t old_open(struct old_keys *k, enum old_envelope e, const uint8_t *body,
                size_t len, uint8_t inner[OLD_INNER_MAX + 100])
{
    size_t x = offset(k, false), n;
    uint8_t t[OLD_INNER_MAX + 100], mk[16];
    struct cipher key;

    if (len < 40)
        return 0;
    if (e != OLD_V2_SHORT) {
        if (memcmp(body, k->fingerprint, 8) != 0)
            return 0;
        body += 8;
        len -= 8;
    }
    len -= 16;
    if (len % 16 != 0 || len > sizeof(t))
        return 0;
    if (e == OLD_V1)
        kdf1(k->key, x, body, &key);
    else
        kdf2(k->key, x, body, &key);
    if (tgv_ige_decrypt(k->ige, key.key, key.iv, body + 16, len, t))
        abort();
    n = inner_length(e, t, len);
    message_key(k, e, x, t, e == OLD_V1 ? 4 + n : len, mk);
    if (memcmp(mk, body, 16) != 0)
        return 0;
    memcpy(inner, t + (e == OLD_V2_SHORT ? 2 : 4), n);
    return n;
}

/* -- headers ---------------------------------------------------------------- */

#define FULL_ID 0xDBF948C1u
#define SIMPLE_ID 0xCC0D0E76u
#define FULL_FLAGS 0x3Cu /* call id, proto, seq, mask; 1 if there is data */
#define PROTO 0x50567247u

enum old_form old_named_form(const uint8_t *inner, size_t n)
{
    uint8_t copy[4] = {0};
    struct old_cursor c = old_cursor(copy, sizeof(copy));
    uint32_t id;

    memcpy(copy, inner, n < 4 ? n : 4);
    id = old_get(&c, 4);
    return id == FULL_ID ? OLD_FULL : id == SIMPLE_ID ? OLD_SIMPLE : OLD_SHORT;
}

static void put_tl_length(struct old_cursor *c, size_t n)
{
    if (n <= 253)
        old_put(c, 1, (uint32_t)n);
    else
        old_put(c, 4, (uint32_t)n << 8 | 254);
}

static size_t get_tl_length(struct old_cursor *c)
{
    size_t n = old_get(c, 1);

    return n == 254 ? old_get(c, 3) : n;
}

static void put_start(struct old_cursor *c, const struct old_packet *p,
                      uint32_t id)
{
    old_put(c, 4, id);
    old_put_bytes(c, p->random, 8);
    old_put(c, 1, 7);
    old_put_bytes(c, p->random + 8, 7);
}

static void put_numbers(struct old_cursor *c, const struct old_packet *p)
{
    old_put(c, 4, p->ack);
    old_put(c, 4, p->seq);
    old_put(c, 4, p->mask);
}

static void put_flags(struct old_cursor *c, const struct old_packet *p)
{
    old_put(c, 1, p->extra_count ? 1 : 0);
    if (p->extra_count)
        old_put(c, 1, p->extra_count);
    for (unsigned i = 0; i < p->extra_count; i++) {
        old_put(c, 1, p->extras[i].len + 1u);
        old_put(c, 1, p->extras[i].type);
        old_put_bytes(c, p->extras[i].data, p->extras[i].len);
    }
}

size_t old_build(const struct old_keys *k, const struct old_packet *p,
                 uint8_t out[OLD_INNER_MAX])
{
    struct old_cursor c = old_cursor(out, OLD_INNER_MAX);

    if (p->form == OLD_FULL) {
        put_start(&c, p, FULL_ID);
        old_put(&c, 4,
                (p->len ? 1u : 0u) | FULL_FLAGS | (uint32_t)p->type << 24);
        old_put_bytes(&c, k->call_id, 16);
        put_numbers(&c, p);
        old_put(&c, 4, PROTO);
        if (p->len)
            put_tl_length(&c, p->len);
    } else {
        if (p->form == OLD_SIMPLE) {
            put_start(&c, p, SIMPLE_ID);
            put_tl_length(&c, p->len + 13);
        }
        old_put(&c, 1, p->type);
        put_numbers(&c, p);
        if (p->form == OLD_SHORT || p->flag_byte)
            put_flags(&c, p);
    }
    old_put_bytes(&c, p->payload, p->len);
    if (c.bad)
        abort();
    return (size_t)(c.at - out);
}

static const char *get_start(struct old_cursor *c, struct old_packet *p)
{
    const uint8_t *random;

    old_get(c, 4);
    random = take(c, 8);
    if (random)
        memcpy(p->random, random, 8);
    if (old_get(c, 1) != 7)
        return "the random string is not of 7 bytes";
    random = take(c, 7);
    if (random)
        memcpy(p->random + 8, random, 7);
    return c->bad ? "cut in the TL part" : NULL;
}

static void get_numbers(struct old_cursor *c, struct old_packet *p)
{
    p->ack = old_get(c, 4);
    p->seq = old_get(c, 4);
    p->mask = old_get(c, 4);
}

static const char *get_flags(struct old_cursor *c, struct old_packet *p)
{
    uint32_t flags = old_get(c, 1);
    uint32_t count = flags & 1 ? old_get(c, 1) : 0;

    if (flags & ~3u || (flags & 2 && p->form != OLD_SHORT))
        return "unknown flags";
    if (flags & 1 && (count == 0 || count > OLD_EXTRAS_MAX))
        return "an odd number of extras";
    for (uint32_t i = 0; i < count; i++) {
        struct old_extra *x = &p->extras[p->extra_count++];
        uint32_t len = old_get(c, 1);

        x->type = (uint8_t)old_get(c, 1);
        x->len = (uint8_t)(len - 1);
        x->data = take(c, len ? len - 1 : 0);
        if (c->bad || len == 0)
            return "a bad extra";
    }
    p->recv_ts = flags & 2;
    if (p->recv_ts)
        old_get(c, 4);
    return NULL;
}

static const char *get_full(const struct old_keys *k, struct old_cursor *c,
                            struct old_packet *p)
{
    const char *why = get_start(c, p);
    uint32_t flags = old_get(c, 4);
    const uint8_t *id;

    if (why)
        return why;
    p->type = (uint8_t)(flags >> 24);
    if ((flags & 0xFFFFFE) != FULL_FLAGS)
        return "other flags than every release writes";
    id = take(c, 16);
    if (!id || memcmp(id, k->call_id, 16) != 0)
        return "wrong call id";
    get_numbers(c, p);
    if (old_get(c, 4) != PROTO)
        return "wrong protocol word";
    p->len = flags & 1 ? get_tl_length(c) : 0;
    return p->len != old_left(c) ? "length and bytes differ" : NULL;
}

const char *old_parse(const struct old_keys *k, struct old_packet *p,
                      uint8_t *inner, size_t n)
{
    struct old_cursor c = old_cursor(inner, n);
    const char *why = NULL;
    size_t length = 0;

    p->extra_count = 0;
    p->recv_ts = false;
    if (p->form == OLD_FULL) {
        why = get_full(k, &c, p);
    } else {
        if (p->form == OLD_SIMPLE) {
            why = get_start(&c, p);
            length = get_tl_length(&c);
        }
        p->type = (uint8_t)old_get(&c, 1);
        get_numbers(&c, p);
        if (!why && (p->form == OLD_SHORT || p->flag_byte))
            why = get_flags(&c, p);
        p->len = old_left(&c);
        if (!why && p->form == OLD_SIMPLE && length != p->len + 13)
            why = "the TL length is not payload + 13";
    }
    p->payload = c.at;
    return why ? why : c.bad ? "cut in the header" : NULL;
}
