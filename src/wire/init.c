/* SPDX-License-Identifier: MIT */
/* INIT and INIT_ACK. */
#include "wire/wire_int.h"

#include <tgvoip/error.h>

#define PV_VIDEO_RESOLUTION 6 /* older peers end with the decoder count */
#define INIT_ACK_VERSIONLESS 10 /* so short: a peer of version 1 */
#define VERSION_1_STREAM 4 /* id, type, codec, enabled */
#define STREAM_ID_MAX 63

static uint32_t read_codec(struct tgv_reader *r, uint32_t version)
{
    return version < TGV_PV_CODEC32 ? tgv_read_u8(r) : tgv_read_u32le(r);
}

static void write_codec(struct tgv_writer *w, uint32_t version, uint32_t codec)
{
    if (version >= TGV_PV_CODEC32)
        tgv_write_u32le(w, codec);
    else if (codec == TGV_CODEC_OPUS || codec == TGV_CODEC_OPUS_OLD)
        tgv_write_u8(w, TGV_CODEC_OPUS_OLD);
    else
        tgv_write_u8(w, 0);
}

/* n entries into at most TGV_CODECS_MAX; more are read and forgotten. */
static void read_codecs(struct tgv_reader *r, uint32_t version, unsigned n,
                        uint32_t *codecs, unsigned *count)
{
    *count = 0;
    for (unsigned i = 0; i < n; i++) {
        uint32_t codec = read_codec(r, version);

        if (*count < TGV_CODECS_MAX)
            codecs[(*count)++] = codec;
    }
}

int tgv_init_decode(struct tgv_init *m, const uint8_t *p, size_t len)
{
    struct tgv_reader r;

    *m = (struct tgv_init){0};
    tgv_reader_init(&r, p, len);
    m->version = tgv_read_u32le(&r);
    m->min_version = tgv_read_u32le(&r);
    m->flags = tgv_read_u32le(&r);
    read_codecs(&r, m->version, tgv_read_u8(&r), m->codecs, &m->codec_count);
    if (r.failed) {
        *m = (struct tgv_init){0};
        return TGVOIP_ERR_FORMAT;
    }
    read_codecs(&r, TGV_PV_CODEC32, tgv_read_u8(&r), m->video, &m->video_count);
    if (r.failed) {
        m->video_count = 0;
        return 0;
    }
    m->max_video_resolution = tgv_read_u8(&r);
    return 0;
}

int tgv_init_encode(const struct tgv_init *m, int layer, uint8_t *out,
                    size_t cap, size_t *len)
{
    /* Below layer 74 the peer may be so old that it reads the first byte of
     * the first entry as its only one. */
    static const uint32_t usual[] = {TGV_CODEC_OPUS_OLD, TGV_CODEC_OPUS};
    const unsigned skip = layer >= TGV_LAYER_V2 ? 1 : 0;
    const uint32_t *codecs = m->codec_count ? m->codecs : usual + skip;
    unsigned count = m->codec_count ? m->codec_count : 2 - skip;
    struct tgv_writer w;

    *len = 0;
    if (count > TGV_CODECS_MAX || m->video_count > TGV_CODECS_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    tgv_writer_init(&w, out, cap);
    tgv_write_u32le(&w, m->version);
    tgv_write_u32le(&w, m->min_version);
    tgv_write_u32le(&w, m->flags);
    tgv_write_u8(&w, (uint8_t)count);
    for (unsigned i = 0; i < count; i++)
        write_codec(&w, m->version, codecs[i]);
    tgv_write_u8(&w, (uint8_t)m->video_count);
    for (unsigned i = 0; i < m->video_count; i++)
        tgv_write_u32le(&w, m->video[i]);
    if (m->version >= PV_VIDEO_RESOLUTION)
        tgv_write_u8(&w,
                     layer >= TGV_LAYER_SHORT ? m->max_video_resolution : 0);
    return tgv_writer_end(&w, len);
}

/* Keep a stream that we can name and have not seen. */
static void keep_stream(struct tgv_init_ack *m,
                        const struct tgv_stream_desc *stream)
{
    if (stream->id > STREAM_ID_MAX || m->stream_count == TGV_STREAMS_MAX)
        return;
    for (unsigned i = 0; i < m->stream_count; i++) {
        if (m->streams[i].id == stream->id)
            return;
    }
    m->streams[m->stream_count++] = *stream;
}

/* Of a peer of version 1, whose streams are of no use: any longer form is at
 * least as long as two of them. */
static int read_versionless(struct tgv_init_ack *m, const uint8_t *p,
                            size_t len)
{
    if (len == 0 || len != 1 + VERSION_1_STREAM * (size_t)p[0])
        return TGVOIP_ERR_FORMAT;
    m->version = m->min_version = 1;
    return 0;
}

int tgv_init_ack_decode(struct tgv_init_ack *m, const uint8_t *p, size_t len)
{
    struct tgv_reader r;
    unsigned count;

    *m = (struct tgv_init_ack){0};
    if (len <= INIT_ACK_VERSIONLESS)
        return read_versionless(m, p, len);
    tgv_reader_init(&r, p, len);
    m->version = tgv_read_u32le(&r);
    m->min_version = tgv_read_u32le(&r);
    count = tgv_read_u8(&r);
    for (unsigned i = 0; i < count && !r.failed; i++) {
        struct tgv_stream_desc s;

        s.id = tgv_read_u8(&r);
        s.type = tgv_read_u8(&r);
        s.codec = read_codec(&r, m->version);
        s.frame_ms = tgv_read_u16le(&r);
        s.enabled = tgv_read_u8(&r) != 0;
        if (!r.failed)
            keep_stream(m, &s);
    }
    if (!r.failed)
        return 0;
    *m = (struct tgv_init_ack){0};
    return TGVOIP_ERR_FORMAT;
}

int tgv_init_ack_encode(const struct tgv_init_ack *m, unsigned peer_version,
                        uint8_t *out, size_t cap, size_t *len)
{
    struct tgv_writer w;

    *len = 0;
    if (m->stream_count > TGV_STREAMS_MAX)
        return TGVOIP_ERR_TOO_LARGE;
    tgv_writer_init(&w, out, cap);
    tgv_write_u32le(&w, m->version);
    tgv_write_u32le(&w, m->min_version);
    tgv_write_u8(&w, (uint8_t)m->stream_count);
    for (unsigned i = 0; i < m->stream_count; i++) {
        const struct tgv_stream_desc *s = &m->streams[i];

        tgv_write_u8(&w, s->id);
        tgv_write_u8(&w, s->type);
        write_codec(&w, peer_version, s->codec);
        tgv_write_u16le(&w, s->frame_ms);
        tgv_write_u8(&w, s->enabled);
    }
    return tgv_writer_end(&w, len);
}
