/* SPDX-License-Identifier: MIT */
#include "transport/obfuscated.h"

#include "base/bytes.h"
#include "crypto/ctr.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define KEY_AT 8
#define KEY_BYTES 32
#define IV_BYTES 16
#define TAG_AT 56
#define TAG_BYTES 4

/* A nonce is forbidden with a probability of about 1/256. */
#define DRAWS_MAX 32

static const uint8_t abridged_tag[TAG_BYTES] = {0xEF, 0xEF, 0xEF, 0xEF};

enum stage {
    STAGE_HEADER,
    STAGE_LENGTH, /* one byte, or 0x7F and three more */
    STAGE_PACKET,
    STAGE_BROKEN
};

struct tgv_obf {
    struct tgv_ctr *send, *receive;
    enum stage stage;
    uint8_t buf[TGV_OBF_PACKET_MAX]; /* of the present stage, in clear */
    size_t have, want;
};

bool tgv_obf_forbidden(const uint8_t first8[8])
{
    static const char words[][5] = {"HEAD", "POST", "GET ", "\xEE\xEE\xEE\xEE"};
    static const uint8_t zero[4];

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (memcmp(first8, words[i], 4) == 0)
            return true;
    return memcmp(first8 + 4, zero, 4) == 0 || first8[0] == 0xEF;
}

static void expect(struct tgv_obf *o, enum stage stage, size_t want)
{
    o->stage = stage;
    o->have = 0;
    o->want = want;
}

static int create(struct tgv_obf **out)
{
    struct tgv_obf *o = calloc(1, sizeof(*o));

    *out = NULL;
    if (!o)
        return TGVOIP_ERR_NOMEM;
    if (tgv_ctr_create(&o->send) || tgv_ctr_create(&o->receive)) {
        tgv_obf_destroy(o);
        return TGVOIP_ERR_NOMEM;
    }
    *out = o;
    return 0;
}

void tgv_obf_destroy(struct tgv_obf *o)
{
    if (!o)
        return;
    tgv_ctr_destroy(o->send);
    tgv_ctr_destroy(o->receive);
    free(o);
}

/* The client-to-relay stream has the keys of the header, the other direction
 * the same bytes reversed. */
static int start_streams(const uint8_t header[TGV_OBF_HEADER],
                         struct tgv_ctr *up, struct tgv_ctr *down)
{
    const uint8_t *key = header + KEY_AT;
    uint8_t reversed[KEY_BYTES + IV_BYTES];
    int err = tgv_ctr_start(up, key, key + KEY_BYTES);

    for (size_t i = 0; i < sizeof(reversed); i++)
        reversed[i] = key[sizeof(reversed) - 1 - i];
    if (!err)
        err = tgv_ctr_start(down, reversed, reversed + KEY_BYTES);
    return err;
}

static int draw_nonce(const struct tgv_random *random,
                      uint8_t nonce[TGV_OBF_HEADER])
{
    for (int i = 0; i < DRAWS_MAX; i++) {
        if (random->fill(random->ctx, nonce, TGV_OBF_HEADER))
            return TGVOIP_ERR_RANDOM;
        if (!tgv_obf_forbidden(nonce))
            return 0;
    }
    return TGVOIP_ERR_RANDOM;
}

int tgv_obf_create_client(struct tgv_obf **out, const struct tgv_random *random,
                          uint8_t header[TGV_OBF_HEADER])
{
    uint8_t encrypted[TGV_OBF_HEADER];
    struct tgv_obf *o;
    int err = create(&o);

    *out = NULL;
    if (err)
        return err;
    err = draw_nonce(random, header);
    if (!err)
        err = start_streams(header, o->send, o->receive);
    if (!err) {
        memcpy(header + TAG_AT, abridged_tag, TAG_BYTES);
        err = tgv_ctr_run(o->send, header, TGV_OBF_HEADER, encrypted);
    }
    if (err) {
        tgv_obf_destroy(o);
        return err;
    }
    memcpy(header + TAG_AT, encrypted + TAG_AT, TGV_OBF_HEADER - TAG_AT);
    expect(o, STAGE_LENGTH, 1);
    *out = o;
    return 0;
}

int tgv_obf_create_relay(struct tgv_obf **out)
{
    int err = create(out);

    if (!err)
        expect(*out, STAGE_HEADER, TGV_OBF_HEADER);
    return err;
}

bool tgv_obf_ready(const struct tgv_obf *o)
{
    return o->stage == STAGE_LENGTH || o->stage == STAGE_PACKET;
}

int tgv_obf_encode(struct tgv_obf *o, const uint8_t *packet, size_t len,
                   uint8_t *out, size_t cap, size_t *out_len)
{
    struct tgv_writer w;
    uint32_t words = (uint32_t)(len / 4);
    int err;

    *out_len = 0;
    if (!tgv_obf_ready(o))
        return TGVOIP_ERR_STATE;
    if (len > TGV_OBF_PACKET_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    if (len % 4 || len < TGV_OBF_PACKET_MIN)
        return TGVOIP_ERR_INVALID;
    tgv_writer_init(&w, out, cap);
    if (words < 0x7F) {
        tgv_write_u8(&w, (uint8_t)words);
    } else {
        tgv_write_u8(&w, 0x7F);
        tgv_write_u24le(&w, words);
    }
    tgv_write_bytes(&w, packet, len);
    if (w.failed)
        return TGVOIP_ERR_TOO_LARGE;
    err = tgv_ctr_run(o->send, out, w.pos, out);
    if (!err)
        *out_len = w.pos;
    return err;
}

static int header_done(struct tgv_obf *o)
{
    /* The header's own bytes 8..55 came in clear; all 64 consume key stream. */
    int err = start_streams(o->buf, o->receive, o->send);

    if (!err)
        err = tgv_ctr_run(o->receive, o->buf, TGV_OBF_HEADER, o->buf);
    if (err || memcmp(o->buf + TAG_AT, abridged_tag, TAG_BYTES))
        return TGVOIP_ERR_FORMAT;
    expect(o, STAGE_LENGTH, 1);
    return 0;
}

static int length_done(struct tgv_obf *o)
{
    struct tgv_reader r;
    uint32_t words;

    if (o->have == 1 && o->buf[0] >= 0x7F) {
        o->want = 4;
        return 0;
    }
    tgv_reader_init(&r, o->buf, o->have);
    words = tgv_read_u8(&r);
    if (words >= 0x7F)
        words = tgv_read_u24le(&r);
    if (words < TGV_OBF_PACKET_MIN / 4 || words > TGV_OBF_PACKET_MAX / 4)
        return TGVOIP_ERR_FORMAT;
    expect(o, STAGE_PACKET, words * 4u);
    return 0;
}

/* Copy, and decrypt, what the present stage still lacks.
 * @return bytes consumed */
static size_t take(struct tgv_obf *o, const uint8_t *data, size_t len)
{
    size_t n = o->want - o->have;

    if (n > len)
        n = len;
    if (o->stage == STAGE_HEADER)
        memcpy(o->buf + o->have, data, n);
    else if (tgv_ctr_run(o->receive, data, n, o->buf + o->have))
        o->stage = STAGE_BROKEN;
    o->have += n;
    return n;
}

/* A stage is complete. */
static int advance(struct tgv_obf *o, const uint8_t **packet,
                   size_t *packet_len)
{
    switch (o->stage) {
    case STAGE_HEADER:
        return header_done(o);
    case STAGE_LENGTH:
        return length_done(o);
    case STAGE_PACKET:
        *packet = o->buf;
        *packet_len = o->have;
        expect(o, STAGE_LENGTH, 1); /* leaves buf until the next call */
        return 0;
    case STAGE_BROKEN:
        break;
    }
    return TGVOIP_ERR_FORMAT;
}

int tgv_obf_decode(struct tgv_obf *o, const uint8_t *data, size_t len,
                   size_t *used, const uint8_t **packet, size_t *packet_len)
{
    *used = 0;
    *packet = NULL;
    *packet_len = 0;
    while (o->stage != STAGE_BROKEN && *used < len && !*packet) {
        *used += take(o, data + *used, len - *used);
        if (o->have == o->want && advance(o, packet, packet_len))
            o->stage = STAGE_BROKEN;
    }
    return o->stage == STAGE_BROKEN ? TGVOIP_ERR_FORMAT : 0;
}
