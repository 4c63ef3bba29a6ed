/* SPDX-License-Identifier: MIT */
/* Bodies of packets and data of extras. */
#include "inspect/fields.h"
#include "inspect/opus_toc.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

#include <tgvoip/error.h>

#define INIT_WORDS 12 /* before the lists */
#define INIT_ACK_COUNT 8 /* offset of the number of streams */
#define OLD_STREAM 6 /* bytes of a stream with a codec of one byte */
#define ID_FLAGS 0xC0u
#define LEN_FLAGS 0xF800u

static void set_int(struct tgv_json *j, const char *key, int64_t v)
{
    tgv_json_set(j, key, tgv_json_new_int(v));
}

static void set_bytes(struct tgv_json *j, const char *key, const uint8_t *p,
                      size_t len)
{
    tgv_json_set(j, key, tgv_json_new_hex(p, len));
}

/* What follows the part that was understood. */
static void set_rest(struct tgv_json *j, const uint8_t *p, size_t len,
                     size_t used)
{
    if (len > used)
        set_bytes(j, "rest", p + used, len - used);
}

/* "OPUS", or its number where that is no text. */
static struct tgv_json *codec(uint32_t id)
{
    char text[9];

    for (unsigned i = 0; i < 4; i++) {
        text[i] = (char)(id >> (24 - 8 * i) & 0xFF);
        if (text[i] < ' ' || text[i] > '~') {
            snprintf(text, sizeof text, "%08x", id);
            return tgv_json_new_str(text);
        }
    }
    text[4] = '\0';
    return tgv_json_new_str(text);
}

static struct tgv_json *codecs(const uint32_t *ids, unsigned count)
{
    struct tgv_json *list = tgv_json_array();

    for (unsigned i = 0; i < count; i++)
        tgv_json_append(list, codec(ids[i]));
    return list;
}

static int init_fields(struct tgv_json *j, const uint8_t *p, size_t len,
                       uint32_t *version)
{
    struct tgv_init m;

    if (tgv_init_decode(&m, p, len))
        return TGVOIP_ERR_FORMAT;
    *version = m.version;
    set_int(j, "version", m.version);
    set_int(j, "min_version", m.min_version);
    set_int(j, "flags", m.flags);
    set_bytes(j, "rest", p + INIT_WORDS, len - INIT_WORDS);
    tgv_json_set(j, "audio_codecs", codecs(m.codecs, m.codec_count));
    tgv_json_set(j, "video_decoders", codecs(m.video, m.video_count));
    set_int(j, "max_video_resolution", m.max_video_resolution);
    return 0;
}

/* For a receiver older than version 5 codecs take one byte, though the version
 * that stands in the packet is that of its sender. The length tells. */
static int init_ack_decode(struct tgv_init_ack *m, const uint8_t *p, size_t len)
{
    uint8_t copy[TGV_DATAGRAM_MAX];
    int err = tgv_init_ack_decode(m, p, len);

    if (!err || len <= INIT_ACK_COUNT || len > sizeof copy ||
        len != INIT_ACK_COUNT + 1 + (size_t)p[INIT_ACK_COUNT] * OLD_STREAM)
        return err;
    memcpy(copy, p, len);
    memcpy(copy, (const uint8_t[4]){TGV_PV_CODEC32 - 1}, 4);
    err = tgv_init_ack_decode(m, copy, len);
    m->version = (uint32_t)(p[0] | p[1] << 8 | p[2] << 16) | (uint32_t)p[3]
                                                                 << 24;
    return err;
}

static int init_ack_fields(struct tgv_json *j, const uint8_t *p, size_t len,
                           uint32_t *version)
{
    struct tgv_json *list;
    struct tgv_init_ack m;

    if (init_ack_decode(&m, p, len))
        return TGVOIP_ERR_FORMAT;
    *version = m.version;
    set_int(j, "version", m.version);
    set_int(j, "min_version", m.min_version);
    list = tgv_json_array();
    for (unsigned i = 0; i < m.stream_count; i++) {
        struct tgv_json *s = tgv_json_object();

        set_int(s, "id", m.streams[i].id);
        set_int(s, "type", m.streams[i].type);
        tgv_json_set(s, "codec", codec(m.streams[i].codec));
        set_int(s, "frame_ms", m.streams[i].frame_ms);
        set_int(s, "enabled", m.streams[i].enabled);
        tgv_json_append(list, s);
    }
    tgv_json_set(j, "streams", list);
    return 0;
}

static void set_opus(struct tgv_json *j, const struct tgv_blob *data)
{
    struct tgv_opus_toc toc;
    struct tgv_json *o;

    if (!tgv_opus_toc_read(&toc, data->data, data->len))
        return;
    o = tgv_json_object();
    tgv_json_set(o, "mode", tgv_json_new_str(toc.mode));
    tgv_json_set(o, "bw", tgv_json_new_str(toc.band));
    if (toc.frame_us % 1000)
        tgv_json_set(o, "frame_ms", tgv_json_new_real(toc.frame_us / 1000.0));
    else
        set_int(o, "frame_ms", toc.frame_us / 1000);
    set_int(o, "frames", toc.frames);
    if (toc.stereo)
        tgv_json_set(o, "stereo", tgv_json_new_bool(true));
    tgv_json_set(j, "opus", o);
}

/* Redundant frames, the last being that of pts itself. */
static struct tgv_json *redundant(const struct tgv_blob *frames, unsigned count,
                                  uint32_t pts)
{
    struct tgv_json *list = tgv_json_array();

    for (unsigned i = 0; i < count; i++) {
        struct tgv_json *j = tgv_json_object();

        set_int(j, "pts", (uint32_t)(pts - (count - 1 - i) * TGV_FRAME_MS));
        set_int(j, "len", (int64_t)frames[i].len);
        set_opus(j, &frames[i]);
        tgv_json_append(list, j);
    }
    return list;
}

/* raw: the start of the body, for the bits that the decoder leaves out */
static struct tgv_json *frame(const struct tgv_stream_data *m,
                              const uint8_t *raw)
{
    struct tgv_json *j = tgv_json_object();
    unsigned len = m->len16 ? (unsigned)(raw[1] | raw[2] << 8) : 0;

    set_int(j, "stream", m->stream_id);
    set_int(j, "id_flags", raw[0] & ID_FLAGS);
    set_int(j, "xflags", len & LEN_FLAGS);
    set_int(j, "pts", m->pts);
    if (m->fragmented) {
        set_int(j, "fragment_index", m->fragment_index);
        set_int(j, "fragment_count", m->fragment_count);
    }
    set_int(j, "len", (int64_t)m->data.len);
    if (m->stream_id == TGV_STREAM_AUDIO_ID && !m->fragmented)
        set_opus(j, &m->data);
    if (m->has_fec)
        tgv_json_set(j, "fec", redundant(m->fec, m->fec_count, m->pts));
    if (m->fec_truncated)
        tgv_json_set(j, "fec_truncated", tgv_json_new_bool(true));
    return j;
}

static int stream_data_fields(struct tgv_json *j, unsigned frames,
                              const uint8_t *p, size_t len)
{
    struct tgv_json *list = tgv_json_array();
    size_t pos = 0;

    for (unsigned i = 0; i < frames; i++) {
        struct tgv_stream_data m;
        size_t used;

        if (tgv_stream_data_decode(&m, p + pos, len - pos, &used)) {
            tgv_json_free(list);
            return TGVOIP_ERR_FORMAT;
        }
        tgv_json_append(list, frame(&m, p + pos));
        pos += used;
    }
    tgv_json_set(j, "frames", list);
    set_rest(j, p, len, pos);
    return 0;
}

static int stream_ec_fields(struct tgv_json *j, const uint8_t *p, size_t len)
{
    struct tgv_stream_ec m;
    size_t used = 6;

    if (tgv_stream_ec_decode(&m, p, len))
        return TGVOIP_ERR_FORMAT;
    for (unsigned i = 0; i < m.count; i++)
        used += 1 + m.frames[i].len;
    set_int(j, "stream", m.stream_id);
    set_int(j, "pts", m.pts);
    tgv_json_set(j, "fec", redundant(m.frames, m.count, m.pts));
    set_rest(j, p, len, used);
    return 0;
}

/* Fixed forms that exist both as packet and as extra. */

static int lan_endpoint_fields(struct tgv_json *j, const uint8_t *p, size_t len)
{
    struct tgv_addr a;
    uint8_t ip[4];
    uint16_t port;

    if (tgv_lan_endpoint_decode(ip, &port, p, len))
        return TGVOIP_ERR_FORMAT;
    a = tgv_addr_ipv4(ip, port);
    tgv_fields_set_ip(j, "ip", "port", &a);
    return 0;
}

static int network_changed_fields(struct tgv_json *j, const uint8_t *p,
                                  size_t len)
{
    uint32_t flags;

    if (tgv_network_changed_decode(&flags, p, len))
        return TGVOIP_ERR_FORMAT;
    set_int(j, "flags", flags);
    return 0;
}

static int pong_fields(struct tgv_json *j, const uint8_t *p, size_t len)
{
    uint32_t seq;

    if (tgv_pong_decode(&seq, p, len))
        return TGVOIP_ERR_FORMAT;
    set_int(j, "ping_seq", seq);
    set_rest(j, p, len, 4);
    return 0;
}

static int stream_state_fields(struct tgv_json *j, const uint8_t *p, size_t len)
{
    uint8_t id;
    bool enabled;

    if (tgv_stream_state_decode(&id, &enabled, p, len))
        return TGVOIP_ERR_FORMAT;
    set_int(j, "stream", id);
    set_int(j, "enabled", enabled);
    set_rest(j, p, len, 2);
    return 0;
}

int tgv_fields_body(struct tgv_json *object, unsigned type, const uint8_t *p,
                    size_t len, uint32_t *version)
{
    int err;

    switch (type) {
    case TGV_PKT_INIT:
        return init_fields(object, p, len, version);
    case TGV_PKT_INIT_ACK:
        return init_ack_fields(object, p, len, version);
    case TGV_PKT_STREAM_STATE:
        return stream_state_fields(object, p, len);
    case TGV_PKT_STREAM_DATA:
        return stream_data_fields(object, 1, p, len);
    case TGV_PKT_STREAM_DATA_X2:
        return stream_data_fields(object, 2, p, len);
    case TGV_PKT_STREAM_DATA_X3:
        return stream_data_fields(object, 3, p, len);
    case TGV_PKT_PONG:
        return pong_fields(object, p, len);
    case TGV_PKT_LAN_ENDPOINT:
        err = lan_endpoint_fields(object, p, len);
        if (!err)
            set_rest(object, p, len, 8);
        return err;
    case TGV_PKT_NETWORK_CHANGED:
        err = network_changed_fields(object, p, len);
        if (!err)
            set_rest(object, p, len, 4);
        return err;
    case TGV_PKT_STREAM_EC:
        return stream_ec_fields(object, p, len);
    default: /* PING and NOP are empty, the others have no layout */
        set_rest(object, p, len, 0);
        return 0;
    }
}

static void stream_flags_fields(struct tgv_json *j, const struct tgv_extra *x)
{
    uint32_t flags;
    uint8_t id;

    if (tgv_stream_flags_decode(&id, &flags, x->data, x->len))
        return;
    set_int(j, "stream", id);
    set_int(j, "flags", flags);
}

static void stream_csd_fields(struct tgv_json *j, const struct tgv_extra *x)
{
    struct tgv_stream_csd m;
    struct tgv_json *list;

    if (tgv_stream_csd_decode(&m, x->data, x->len))
        return;
    set_int(j, "stream", m.stream_id);
    set_int(j, "width", m.width);
    set_int(j, "height", m.height);
    list = tgv_json_array();
    for (unsigned i = 0; i < m.count; i++)
        tgv_json_append(list,
                        tgv_json_new_hex(m.entries[i].data, m.entries[i].len));
    tgv_json_set(j, "entries", list);
}

static void ipv6_endpoint_fields(struct tgv_json *j, const struct tgv_extra *x)
{
    struct tgv_addr a;
    uint8_t ip[16];
    uint16_t port;

    if (tgv_ipv6_endpoint_decode(ip, &port, x->data, x->len))
        return;
    a = tgv_addr_ipv6(ip, port);
    tgv_fields_set_ip(j, "ip", "port", &a);
}

static void tgvx_fields(struct tgv_json *j, const struct tgv_extra *x)
{
    uint8_t version, min_frame_ms;

    if (tgv_tgvx_decode(&version, &min_frame_ms, x->data, x->len))
        return;
    set_int(j, "version", version);
    set_int(j, "min_frame_ms", min_frame_ms);
}

void tgv_fields_extra(struct tgv_json *object, const struct tgv_extra *x)
{
    set_int(object, "type", x->type);
    tgv_json_set(object, "name", tgv_json_new_str(tgv_extra_type_str(x->type)));
    set_bytes(object, "hex", x->data, x->len);
    switch (x->type) {
    case TGV_EXTRA_STREAM_FLAGS:
        stream_flags_fields(object, x);
        break;
    case TGV_EXTRA_STREAM_CSD:
        stream_csd_fields(object, x);
        break;
    case TGV_EXTRA_LAN_ENDPOINT:
        lan_endpoint_fields(object, x->data, x->len);
        break;
    case TGV_EXTRA_NETWORK_CHANGED:
        network_changed_fields(object, x->data, x->len);
        break;
    case TGV_EXTRA_IPV6_ENDPOINT:
        ipv6_endpoint_fields(object, x);
        break;
    case TGV_EXTRA_TGVX:
        tgvx_fields(object, x);
        break;
    default:
        break;
    }
}
