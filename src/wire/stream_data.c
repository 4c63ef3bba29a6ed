/* SPDX-License-Identifier: MIT */
/* STREAM_DATA and STREAM_EC. */
#include "wire/wire_int.h"

#include <tgvoip/error.h>

#define ID_MASK 0x3Fu
#define ID_LEN16 0x40u
#define LEN_MASK 0x07FFu
#define LEN_EXTRA_FEC 0x2000u
#define LEN_FRAGMENTED 0x4000u
#define LEN_KEYFRAME 0x8000u
#define LEN8_MAX 255

static void read_length(struct tgv_stream_data *m, struct tgv_reader *r)
{
    unsigned v;

    if (!m->len16) {
        m->data.len = tgv_read_u8(r);
        return;
    }
    v = tgv_read_u16le(r);
    m->data.len = v & LEN_MASK;
    m->has_fec = (v & LEN_EXTRA_FEC) != 0;
    m->fragmented = (v & LEN_FRAGMENTED) != 0;
    m->keyframe = (v & LEN_KEYFRAME) != 0;
}

int tgv_stream_data_decode(struct tgv_stream_data *m, const uint8_t *p,
                           size_t len, size_t *used)
{
    struct tgv_reader r;
    unsigned id;

    *m = (struct tgv_stream_data){0};
    *used = 0;
    tgv_reader_init(&r, p, len);
    id = tgv_read_u8(&r);
    m->stream_id = (uint8_t)(id & ID_MASK);
    m->len16 = (id & ID_LEN16) != 0;
    read_length(m, &r);
    m->pts = tgv_read_u32le(&r);
    if (m->fragmented) {
        m->fragment_index = tgv_read_u8(&r);
        m->fragment_count = tgv_read_u8(&r);
    }
    m->data.data = tgv_read_bytes(&r, m->data.len);
    if (r.failed || (m->fragmented && m->fragment_index >= m->fragment_count)) {
        *m = (struct tgv_stream_data){0};
        return TGVOIP_ERR_FORMAT;
    }
    if (m->has_fec && tgv_blobs_read(m->fec, &m->fec_count, &r)) {
        /* Where the list ends is unknown: nothing after it can be read. */
        m->fec_truncated = true;
        r.pos = len;
    }
    *used = r.pos;
    return 0;
}

int tgv_stream_data_encode(const struct tgv_stream_data *m, uint8_t *out,
                           size_t cap, size_t *len)
{
    const bool flags = m->has_fec || m->fragmented || m->keyframe;
    const bool len16 = m->len16 || flags || m->data.len > LEN8_MAX;
    struct tgv_writer w;

    *len = 0;
    if (m->stream_id > ID_MASK ||
        (m->fragmented && m->fragment_index >= m->fragment_count))
        return TGVOIP_ERR_INVALID;
    if (m->data.len > TGV_STREAM_DATA_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    tgv_writer_init(&w, out, cap);
    tgv_write_u8(&w, (uint8_t)(m->stream_id | (len16 ? ID_LEN16 : 0)));
    if (len16)
        tgv_write_u16le(&w, (uint16_t)(m->data.len |
                                       (m->has_fec ? LEN_EXTRA_FEC : 0) |
                                       (m->fragmented ? LEN_FRAGMENTED : 0) |
                                       (m->keyframe ? LEN_KEYFRAME : 0)));
    else
        tgv_write_u8(&w, (uint8_t)m->data.len);
    tgv_write_u32le(&w, m->pts);
    if (m->fragmented) {
        tgv_write_u8(&w, m->fragment_index);
        tgv_write_u8(&w, m->fragment_count);
    }
    tgv_write_bytes(&w, m->data.data, m->data.len);
    if (m->has_fec && tgv_blobs_write(m->fec, m->fec_count, &w))
        return TGVOIP_ERR_TOO_LARGE;
    return tgv_writer_end(&w, len);
}

int tgv_stream_ec_decode(struct tgv_stream_ec *m, const uint8_t *p, size_t len)
{
    struct tgv_reader r;

    *m = (struct tgv_stream_ec){0};
    tgv_reader_init(&r, p, len);
    m->stream_id = tgv_read_u8(&r);
    m->pts = tgv_read_u32le(&r);
    return tgv_blobs_read(m->frames, &m->count, &r);
}

int tgv_stream_ec_encode(const struct tgv_stream_ec *m, uint8_t *out,
                         size_t cap, size_t *len)
{
    struct tgv_writer w;

    *len = 0;
    tgv_writer_init(&w, out, cap);
    tgv_write_u8(&w, m->stream_id);
    tgv_write_u32le(&w, m->pts);
    if (tgv_blobs_write(m->frames, m->count, &w))
        return TGVOIP_ERR_TOO_LARGE;
    return tgv_writer_end(&w, len);
}
