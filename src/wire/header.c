/* SPDX-License-Identifier: MIT */
/* The three headers of an inner packet. */
#include "wire/packet.h"

#include "wire/wire_int.h"

#include <string.h>

#include <tgvoip/error.h>

#define TL_LONG 0xFE /* first byte of a four-byte TL length */
#define TL_BYTE_MAX 0xFD
#define SIMPLE_FIXED 13 /* type, ack, seq, mask: what the TL length counts */

enum tgv_header_form tgv_header_form_of(bool envelope_short,
                                        const uint8_t *inner, size_t len)
{
    struct tgv_reader r;

    if (envelope_short)
        return TGV_HEADER_SHORT;
    tgv_reader_init(&r, inner, len);
    switch (tgv_read_u32le(&r)) {
    case TGV_TL_DECRYPTED_AUDIO_BLOCK:
        return TGV_HEADER_FULL;
    case TGV_TL_SIMPLE_AUDIO_BLOCK:
        return TGV_HEADER_SIMPLE;
    default:
        return TGV_HEADER_SHORT;
    }
}

/* Length of a TL string, which 0xFF as first byte cannot start. */
static size_t read_tl_length(struct tgv_reader *r)
{
    unsigned first = tgv_read_u8(r);

    if (first <= TL_BYTE_MAX)
        return first;
    if (first != TL_LONG)
        r->failed = true;
    return tgv_read_u24le(r);
}

static void write_tl_length(struct tgv_writer *w, size_t n)
{
    if (n <= TL_BYTE_MAX) {
        tgv_write_u8(w, (uint8_t)n);
    } else if (n <= 0xFFFFFF) {
        tgv_write_u8(w, TL_LONG);
        tgv_write_u24le(w, (uint32_t)n);
    } else {
        w->failed = true;
    }
}

/* A TL string with its padding to whole words. */
static const uint8_t *read_tl_string(struct tgv_reader *r, size_t *n)
{
    size_t start = r->pos;
    const uint8_t *p;

    *n = read_tl_length(r);
    p = tgv_read_bytes(r, *n);
    tgv_read_bytes(r, (4 - (r->pos - start) % 4) % 4);
    return p;
}

static void read_acks(struct tgv_header *h, struct tgv_reader *r)
{
    h->ack = tgv_read_u32le(r);
    h->seq = tgv_read_u32le(r);
    h->mask = tgv_read_u32le(r);
}

static void write_acks(const struct tgv_header *h, struct tgv_writer *w)
{
    tgv_write_u32le(w, h->ack);
    tgv_write_u32le(w, h->seq);
    tgv_write_u32le(w, h->mask);
}

/* What both long forms start with. */
static void read_tl_start(struct tgv_header *h, struct tgv_reader *r,
                          uint32_t constructor)
{
    const uint8_t *p;
    size_t n;

    if (tgv_read_u32le(r) != constructor)
        r->failed = true;
    p = tgv_read_bytes(r, sizeof h->random_id);
    if (p)
        memcpy(h->random_id, p, sizeof h->random_id);
    p = read_tl_string(r, &n);
    h->random_len = n;
    if (p && n >= sizeof h->random_bytes)
        memcpy(h->random_bytes, p, sizeof h->random_bytes);
}

static void write_tl_start(const struct tgv_header *h, struct tgv_writer *w,
                           uint32_t constructor)
{
    tgv_write_u32le(w, constructor);
    tgv_write_bytes(w, h->random_id, sizeof h->random_id);
    tgv_write_u8(w, sizeof h->random_bytes);
    tgv_write_bytes(w, h->random_bytes, sizeof h->random_bytes);
}

static int read_short(struct tgv_header *h, struct tgv_reader *r)
{
    h->type = tgv_read_u8(r);
    read_acks(h, r);
    h->flags = tgv_read_u8(r);
    if ((h->flags & TGV_XPFLAG_HAS_EXTRA) && tgv_extras_read(h, r))
        return TGVOIP_ERR_FORMAT;
    h->has_recv_ts = (h->flags & TGV_XPFLAG_HAS_RECV_TS) != 0;
    if (h->has_recv_ts)
        h->recv_ts = tgv_read_u32le(r);
    return 0;
}

static int read_simple(struct tgv_header *h, struct tgv_reader *r,
                       bool has_flags)
{
    read_tl_start(h, r, TGV_TL_SIMPLE_AUDIO_BLOCK);
    /* It does not count flags and extras, so it bounds nothing. */
    h->data_len = read_tl_length(r);
    h->type = tgv_read_u8(r);
    read_acks(h, r);
    h->has_flags = has_flags;
    if (has_flags)
        h->flags = tgv_read_u8(r);
    return (h->flags & TGV_XPFLAG_HAS_EXTRA) ? tgv_extras_read(h, r) : 0;
}

/* @param[out] payload_len what the header says about it */
static int read_full(struct tgv_header *h, struct tgv_reader *r,
                     size_t *payload_len)
{
    const unsigned required = TGV_PFLAG_HAS_SEQ | TGV_PFLAG_HAS_RECENT_RECV;
    uint32_t flags;
    size_t n;

    read_tl_start(h, r, TGV_TL_DECRYPTED_AUDIO_BLOCK);
    flags = tgv_read_u32le(r);
    h->flags = flags;
    h->type = (uint8_t)(flags >> 24);
    if ((flags & required) != required)
        return TGVOIP_ERR_FORMAT;
    if (flags & TGV_PFLAG_HAS_CALL_ID) {
        const uint8_t *p = tgv_read_bytes(r, sizeof h->call_id);

        h->has_call_id = true;
        if (p)
            memcpy(h->call_id, p, sizeof h->call_id);
    }
    read_acks(h, r);
    h->has_proto = (flags & TGV_PFLAG_HAS_PROTO) != 0;
    if (h->has_proto)
        h->proto = tgv_read_u32le(r);
    if (flags & TGV_PFLAG_HAS_EXTRA)
        read_tl_string(r, &n);
    *payload_len = (flags & TGV_PFLAG_HAS_DATA) ? read_tl_length(r) : 0;
    h->data_len = *payload_len;
    return *payload_len <= tgv_reader_left(r) ? 0 : TGVOIP_ERR_FORMAT;
}

int tgv_header_decode(struct tgv_header *h, enum tgv_header_form form,
                      bool simple_flags, const uint8_t *inner, size_t len,
                      const uint8_t **payload, size_t *payload_len)
{
    struct tgv_reader r;
    size_t n = 0;
    int err;

    *h = (struct tgv_header){.form = form};
    *payload = NULL;
    *payload_len = 0;
    tgv_reader_init(&r, inner, len);
    if (form == TGV_HEADER_FULL)
        err = read_full(h, &r, &n);
    else if (form == TGV_HEADER_SIMPLE)
        err = read_simple(h, &r, simple_flags);
    else
        err = read_short(h, &r);
    if (err || r.failed) {
        *h = (struct tgv_header){.form = form};
        return TGVOIP_ERR_FORMAT;
    }
    *payload_len = form == TGV_HEADER_FULL ? n : tgv_reader_left(&r);
    *payload = inner + r.pos;
    return 0;
}

static int write_short(const struct tgv_header *h, struct tgv_writer *w)
{
    unsigned flags = 0;

    if (h->extra_count)
        flags |= TGV_XPFLAG_HAS_EXTRA;
    if (h->has_recv_ts)
        flags |= TGV_XPFLAG_HAS_RECV_TS;
    tgv_write_u8(w, h->type);
    write_acks(h, w);
    tgv_write_u8(w, (uint8_t)flags);
    if (h->extra_count && tgv_extras_write(h, w))
        return TGVOIP_ERR_TOO_LARGE;
    if (h->has_recv_ts)
        tgv_write_u32le(w, h->recv_ts);
    return 0;
}

static int write_simple(const struct tgv_header *h, size_t payload_len,
                        struct tgv_writer *w)
{
    write_tl_start(h, w, TGV_TL_SIMPLE_AUDIO_BLOCK);
    write_tl_length(w, payload_len + SIMPLE_FIXED);
    tgv_write_u8(w, h->type);
    write_acks(h, w);
    if (!h->has_flags)
        return h->extra_count ? TGVOIP_ERR_INVALID : 0;
    tgv_write_u8(w, h->extra_count ? TGV_XPFLAG_HAS_EXTRA : 0);
    return h->extra_count ? tgv_extras_write(h, w) : 0;
}

static int write_full(const struct tgv_header *h, size_t payload_len,
                      struct tgv_writer *w)
{
    uint32_t flags = TGV_PFLAG_HAS_SEQ | TGV_PFLAG_HAS_RECENT_RECV;

    if (h->extra_count)
        return TGVOIP_ERR_INVALID; /* this form has no place for them */
    if (payload_len)
        flags |= TGV_PFLAG_HAS_DATA;
    if (h->has_call_id)
        flags |= TGV_PFLAG_HAS_CALL_ID;
    if (h->has_proto)
        flags |= TGV_PFLAG_HAS_PROTO;
    write_tl_start(h, w, TGV_TL_DECRYPTED_AUDIO_BLOCK);
    tgv_write_u32le(w, flags | (uint32_t)h->type << 24);
    if (h->has_call_id)
        tgv_write_bytes(w, h->call_id, sizeof h->call_id);
    write_acks(h, w);
    if (h->has_proto)
        tgv_write_u32le(w, h->proto);
    if (payload_len)
        write_tl_length(w, payload_len);
    return 0;
}

int tgv_packet_encode(const struct tgv_header *h, const uint8_t *payload,
                      size_t payload_len, uint8_t *out, size_t cap, size_t *len)
{
    struct tgv_writer w;
    int err;

    *len = 0;
    tgv_writer_init(&w, out, cap);
    if (h->form == TGV_HEADER_FULL)
        err = write_full(h, payload_len, &w);
    else if (h->form == TGV_HEADER_SIMPLE)
        err = write_simple(h, payload_len, &w);
    else
        err = write_short(h, &w);
    if (err)
        return err;
    tgv_write_bytes(&w, payload, payload_len);
    return tgv_writer_end(&w, len);
}
