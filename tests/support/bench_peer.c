/* SPDX-License-Identifier: MIT */
/* What the peer of the call on the bench sends: by relays, and on direct roads. */
#include "support/bench_impl.h"

#include "support/marker_codec.h"

#include <stdlib.h>
#include <string.h>

/* -- by relays ------------------------------------------------------------------- */

static size_t seal_inner(struct tgv_bench *b, unsigned relay,
                         const uint8_t *inner, size_t len, uint8_t *out)
{
    struct tgv_random random = tgv_prng_source(&b->prng);
    size_t n;

    tgv_bench_tag_of(b, relay, out);
    if (tgv_seal_encode(b->seal, b->envelope, inner, len, &random,
                        out + TGV_TAG_BYTES, 1500 - TGV_TAG_BYTES, &n))
        abort();
    return n + TGV_TAG_BYTES;
}

size_t tgv_bench_seal(struct tgv_bench *b, unsigned relay, uint8_t type,
                      const uint8_t *payload, size_t len, uint8_t *out)
{
    struct tgv_header h = {.form = b->form,
                           .type = type,
                           .ack = b->ack,
                           .seq = b->seq++,
                           .mask = b->mask,
                           .has_flags = b->has_flags};
    uint8_t inner[1500];
    size_t n;

    if (b->form == TGV_HEADER_FULL) {
        h.has_call_id = h.has_proto = true;
        h.proto = TGV_PROTO_WORD;
        memcpy(h.call_id, tgv_seal_call_id(b->seal), sizeof(h.call_id));
    }
    h.extra_count = b->extra_count;
    memcpy(h.extras, b->extras, sizeof(h.extras));
    if (tgv_packet_encode(&h, payload, len, inner, sizeof(inner), &n))
        abort();
    return seal_inner(b, relay, inner, n, out);
}

void tgv_bench_datagram(struct tgv_bench *b, unsigned relay,
                        const uint8_t *data, size_t len)
{
    if (b->via >= 0)
        tgv_bench_stream_says(b, (unsigned)b->via, data, len);
    else
        tgv_bench_relay_says(b, relay, data, len);
    tgv_bench_settle(b);
}

void tgv_bench_send(struct tgv_bench *b, unsigned relay, uint8_t type,
                    const uint8_t *payload, size_t len)
{
    uint8_t out[1500];

    tgv_bench_datagram(b, relay, out,
                       tgv_bench_seal(b, relay, type, payload, len, out));
}

void tgv_bench_send_inner(struct tgv_bench *b, unsigned relay,
                          const uint8_t *inner, size_t len)
{
    uint8_t out[1500];

    tgv_bench_datagram(b, relay, out, seal_inner(b, relay, inner, len, out));
}

static size_t init_body(const struct tgv_bench *b, uint32_t version,
                        uint32_t min_version, uint32_t flags, uint8_t *body)
{
    struct tgv_init m = {.version = version,
                         .min_version = min_version,
                         .flags = flags,
                         .codec_count = 1,
                         .codecs = {TGV_CODEC_OPUS}};
    size_t len;

    if (tgv_init_encode(&m, b->o.layer, body, TGV_BENCH_BODY, &len))
        abort();
    return len;
}

size_t tgv_bench_init_body(const struct tgv_bench *b, uint8_t *body)
{
    return init_body(b, b->version, 3, 0, body);
}

void tgv_bench_init_with(struct tgv_bench *b, unsigned relay, uint32_t version,
                         uint32_t min_version, uint32_t flags)
{
    uint8_t body[TGV_BENCH_BODY];

    tgv_bench_send(b, relay, TGV_PKT_INIT, body,
                   init_body(b, version, min_version, flags, body));
}

void tgv_bench_init_packet(struct tgv_bench *b, unsigned relay)
{
    tgv_bench_init_with(b, relay, b->version, 3, 0);
}

size_t tgv_bench_ack_body(const struct tgv_bench *b, uint8_t *body)
{
    struct tgv_init_ack m = {.version = b->version,
                             .min_version = 3,
                             .stream_count = 1,
                             .streams = {{.id = 1,
                                          .type = TGV_STREAM_TYPE_AUDIO,
                                          .codec = TGV_CODEC_OPUS,
                                          .frame_ms = 60,
                                          .enabled = true}}};
    size_t len;

    if (tgv_init_ack_encode(&m, b->version < 5 ? b->version : 9, body,
                            TGV_BENCH_BODY, &len))
        abort();
    return len;
}

void tgv_bench_ack_packet(struct tgv_bench *b, unsigned relay)
{
    uint8_t body[TGV_BENCH_BODY];

    tgv_bench_send(b, relay, TGV_PKT_INIT_ACK, body,
                   tgv_bench_ack_body(b, body));
}

static size_t marker_frame(uint32_t number, uint8_t *out, size_t cap)
{
    static const struct tgv_encoder_settings settings = {.bitrate_bps = 16000};
    const struct tgv_codec *codec = tgv_codec_marker();
    int16_t pcm[3 * TGV_BLOCK_SAMPLES];
    void *enc = codec->encoder_create();
    int n;

    for (uint32_t i = 0; i < 3; i++)
        tgv_marker_write(pcm + i * TGV_BLOCK_SAMPLES, number + i);
    n = codec->encode(enc, &settings, pcm, 3 * TGV_BLOCK_SAMPLES, out, cap);
    codec->encoder_destroy(enc);
    return n > 0 ? (size_t)n : 0;
}

void tgv_bench_media(struct tgv_bench *b, unsigned relay, uint32_t pts)
{
    uint8_t frame[256], body[512];
    struct tgv_stream_data m = {.stream_id = 1, .pts = pts};
    size_t len;

    m.data.data = frame;
    m.data.len = marker_frame(pts / 20, frame, sizeof(frame));
    if (tgv_stream_data_encode(&m, body, sizeof(body), &len))
        abort();
    tgv_bench_send(b, relay, TGV_PKT_STREAM_DATA, body, len);
}

void tgv_bench_establish(struct tgv_bench *b)
{
    tgv_bench_init_packet(b, 0);
    tgv_bench_ack_packet(b, 0);
    tgv_bench_media(b, 0, 0);
}

void tgv_bench_establish_version(struct tgv_bench *b, unsigned version)
{
    b->version = version;
    if (version < 8) {
        b->envelope = version >= 5 ? TGV_ENVELOPE_V2_LONG : TGV_ENVELOPE_V1;
        b->form = TGV_HEADER_FULL;
    }
    tgv_bench_establish(b);
    if (version < 8) { /* from here on it knows our version */
        b->form = TGV_HEADER_SIMPLE;
        b->has_flags = version >= 6;
    }
}

static void say(struct tgv_bench *b)
{
    tgv_bench_media(b, 0, b->pts);
    b->pts += 60;
}

void tgv_bench_talk(struct tgv_bench *b, tgv_time length)
{
    for (tgv_time t = 0; t < length; t += TGV_MS(60)) {
        tgv_bench_run(b, TGV_MS(60));
        say(b);
    }
}

void tgv_bench_talk_promptly(struct tgv_bench *b, tgv_time length)
{
    for (tgv_time t = 0; t < length; t += TGV_MS(20)) {
        tgv_bench_run(b, TGV_MS(20));
        if (t % TGV_MS(60) == 0)
            say(b);
    }
}

/* -- direct roads -------------------------------------------------------------- */

size_t tgv_bench_seal_direct(struct tgv_bench *b, uint8_t type,
                             const uint8_t *payload, size_t len, uint8_t *out)
{
    size_t n = tgv_bench_seal(b, 0, type, payload, len, out);

    memcpy(out, tgv_seal_call_id(b->seal), TGV_CALL_ID_BYTES);
    if (b->version < 9)
        return n;
    memmove(out, out + TGV_CALL_ID_BYTES, n - TGV_CALL_ID_BYTES);
    return n - TGV_CALL_ID_BYTES;
}

void tgv_bench_from(struct tgv_bench *b, const struct tgv_addr *from,
                    const uint8_t *data, size_t len)
{
    tgv_call_receive(b->call, b->sock, from, data, len, b->now);
    tgv_bench_settle(b);
}

void tgv_bench_send_direct(struct tgv_bench *b, const struct tgv_addr *from,
                           uint8_t type, const uint8_t *payload, size_t len)
{
    uint8_t out[1500];

    tgv_bench_from(b, from, out,
                   tgv_bench_seal_direct(b, type, payload, len, out));
}

void tgv_bench_answer(struct tgv_bench *b, const struct tgv_addr *at,
                      tgv_time length)
{
    unsigned next = b->count;
    uint8_t body[4];

    for (tgv_time t = 0; t < length; t += TGV_MS(20)) {
        tgv_bench_talk_promptly(b, TGV_MS(20));
        for (; next < b->count; next++)
            if (b->log[next].opened && b->log[next].h.type == TGV_PKT_PING &&
                tgv_addr_equal(&b->log[next].to, at))
                tgv_bench_send_direct(
                    b, at, TGV_PKT_PONG, body,
                    tgv_pong_encode(b->log[next].h.seq, body));
    }
}

void tgv_bench_peer_info(struct tgv_bench *b, unsigned relay,
                         const struct tgv_addr *self,
                         const struct tgv_addr *peer)
{
    struct tgv_control m = {
        .kind = TGV_CONTROL_PEER_INFO, .self = *self, .peer = *peer};
    uint8_t buf[TGV_CONTROL_MAX];
    size_t len;

    tgv_bench_tag_of(b, relay, m.tag);
    if (tgv_control_encode(&m, buf, sizeof(buf), &len) != 0)
        abort();
    tgv_bench_datagram(b, relay, buf, len);
}

void tgv_bench_interfaces(struct tgv_bench *b, const struct tgv_addr *addrs,
                          unsigned count)
{
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES, .addr_count = count};

    if (count)
        memcpy(ev.addrs, addrs, count * sizeof(*addrs));
    tgv_call_io_event(b->call, &ev, b->now);
    tgv_bench_settle(b);
}
