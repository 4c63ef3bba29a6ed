/* SPDX-License-Identifier: MIT */
/* Extras: their list in the header, and the data of each type. */
#include "wire/wire_int.h"

#include <string.h>

#include <tgvoip/error.h>

static const uint8_t tgvx_magic[4] = {'T', 'G', 'V', 'X'};

/* A known extra that is too short condemns its packet (C11). */
static bool extra_is_sound(const struct tgv_extra *x)
{
    struct tgv_stream_csd csd;

    switch (x->type) {
    case TGV_EXTRA_STREAM_FLAGS:
        return x->len >= 5;
    case TGV_EXTRA_STREAM_CSD:
        return tgv_stream_csd_decode(&csd, x->data, x->len) == 0;
    case TGV_EXTRA_LAN_ENDPOINT:
        return x->len >= 8;
    case TGV_EXTRA_NETWORK_CHANGED:
        return x->len >= 4;
    case TGV_EXTRA_IPV6_ENDPOINT:
        return x->len >= 18;
    default:
        return true;
    }
}

int tgv_extras_read(struct tgv_header *h, struct tgv_reader *r)
{
    unsigned count = tgv_read_u8(r);

    for (unsigned i = 0; i < count; i++) {
        unsigned len = tgv_read_u8(r);
        struct tgv_extra x;

        if (r->failed || len < 1)
            return TGVOIP_ERR_FORMAT;
        x.type = tgv_read_u8(r);
        x.len = (uint8_t)(len - 1);
        x.data = tgv_read_bytes(r, x.len);
        if (r->failed || !extra_is_sound(&x))
            return TGVOIP_ERR_FORMAT;
        /* More than we can hold: at most one of each type makes sense. */
        if (h->extra_count < TGV_EXTRAS_MAX)
            h->extras[h->extra_count++] = x;
    }
    return r->failed ? TGVOIP_ERR_FORMAT : 0;
}

int tgv_extras_write(const struct tgv_header *h, struct tgv_writer *w)
{
    if (h->extra_count > TGV_EXTRAS_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    tgv_write_u8(w, (uint8_t)h->extra_count);
    for (unsigned i = 0; i < h->extra_count; i++) {
        const struct tgv_extra *x = &h->extras[i];

        if (x->len > TGV_EXTRA_DATA_MAX)
            return TGVOIP_ERR_TOO_LARGE;
        tgv_write_u8(w, (uint8_t)(x->len + 1));
        tgv_write_u8(w, x->type);
        tgv_write_bytes(w, x->data, x->len);
    }
    return 0;
}

int tgv_stream_flags_decode(uint8_t *id, uint32_t *flags, const uint8_t *p,
                            size_t len)
{
    struct tgv_reader r;

    tgv_reader_init(&r, p, len);
    *id = tgv_read_u8(&r);
    *flags = tgv_read_u32le(&r);
    return r.failed ? TGVOIP_ERR_FORMAT : 0;
}

size_t tgv_stream_flags_encode(uint8_t id, uint32_t flags, uint8_t out[5])
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, 5);
    tgv_write_u8(&w, id);
    tgv_write_u32le(&w, flags);
    return w.pos;
}

int tgv_ipv6_endpoint_decode(uint8_t ip[16], uint16_t *port, const uint8_t *p,
                             size_t len)
{
    struct tgv_reader r;
    const uint8_t *from;

    tgv_reader_init(&r, p, len);
    from = tgv_read_bytes(&r, 16);
    *port = tgv_read_u16le(&r);
    if (r.failed) {
        memset(ip, 0, 16);
        return TGVOIP_ERR_FORMAT;
    }
    memcpy(ip, from, 16);
    return 0;
}

size_t tgv_ipv6_endpoint_encode(const uint8_t ip[16], uint16_t port,
                                uint8_t out[18])
{
    struct tgv_writer w;

    tgv_writer_init(&w, out, 18);
    tgv_write_bytes(&w, ip, 16);
    tgv_write_u16le(&w, port);
    return w.pos;
}

int tgv_stream_csd_decode(struct tgv_stream_csd *m, const uint8_t *p,
                          size_t len)
{
    struct tgv_reader r;

    *m = (struct tgv_stream_csd){0};
    tgv_reader_init(&r, p, len);
    m->stream_id = tgv_read_u8(&r);
    m->width = tgv_read_u16le(&r);
    m->height = tgv_read_u16le(&r);
    return tgv_blobs_read(m->entries, &m->count, &r);
}

int tgv_stream_csd_encode(const struct tgv_stream_csd *m, uint8_t *out,
                          size_t cap, size_t *len)
{
    struct tgv_writer w;

    *len = 0;
    tgv_writer_init(&w, out, cap);
    tgv_write_u8(&w, m->stream_id);
    tgv_write_u16le(&w, m->width);
    tgv_write_u16le(&w, m->height);
    if (tgv_blobs_write(m->entries, m->count, &w))
        return TGVOIP_ERR_TOO_LARGE;
    return tgv_writer_end(&w, len);
}

int tgv_tgvx_decode(uint8_t *version, uint8_t *min_frame_ms, const uint8_t *p,
                    size_t len)
{
    *version = 0;
    *min_frame_ms = 0;
    if (len < 6 || memcmp(p, tgvx_magic, sizeof tgvx_magic) != 0)
        return TGVOIP_ERR_FORMAT;
    *version = p[4];
    *min_frame_ms = p[5];
    return 0;
}

size_t tgv_tgvx_encode(uint8_t version, uint8_t min_frame_ms, uint8_t out[6])
{
    memcpy(out, tgvx_magic, sizeof tgvx_magic);
    out[4] = version;
    out[5] = min_frame_ms;
    return 6;
}
