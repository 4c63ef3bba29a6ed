/* SPDX-License-Identifier: MIT */
/* Sound of an old peer: frames and copies out, and what it reads of ours. */
#include "support/old_peer_impl.h"

#include "support/marker_codec.h"

#include <stdlib.h>
#include <string.h>

/* -- sound out -------------------------------------------------------------- */

static void hold(struct old_peer *p, const int16_t *pcm)
{
    const struct tgv_encoder_settings small = {.bitrate_bps = 8000};
    uint8_t copy[128];
    int n = p->o.codec->encode(p->small_encoder, &small, pcm, FRAME_SAMPLES,
                               copy, sizeof(copy));

    if (n <= 0)
        return;
    if (p->held_count == OLD_PEER_HELD) {
        memmove(p->held, p->held + 1, sizeof(p->held[0]) * 3);
        memmove(p->held_len, p->held_len + 1, sizeof(p->held_len[0]) * 3);
        p->held_count--;
    }
    memcpy(p->held[p->held_count], copy, (size_t)n);
    p->held_len[p->held_count++] = (unsigned)n;
}

static void put_copies(const struct old_peer *p, struct old_cursor *c)
{
    old_put(c, 1, p->held_count);
    for (unsigned i = 0; i < p->held_count; i++) {
        old_put(c, 1, p->held_len[i]);
        old_put_bytes(c, p->held[i], p->held_len[i]);
    }
}

static void send_copies(struct old_peer *p, uint32_t pts)
{
    uint8_t body[1200];
    struct old_cursor c = old_cursor(body, sizeof(body));

    old_put(&c, 1, 1);
    old_put(&c, 4, pts);
    put_copies(p, &c);
    old_peer_send(p, STREAM_EC, body, (size_t)(c.at - body));
}

static void send_data(struct old_peer *p, uint32_t pts, const uint8_t *frame,
                      unsigned n)
{
    uint8_t body[1300];
    struct old_cursor c = old_cursor(body, sizeof(body));
    bool inside = p->o.copies && p->o.version >= 7;
    bool wide = inside || n > 255;

    old_put(&c, 1, wide ? 0x41 : 1);
    old_put(&c, wide ? 2 : 1, n | (inside ? 0x2000u : 0));
    old_put(&c, 4, pts);
    old_put_bytes(&c, frame, n);
    if (inside)
        put_copies(p, &c);
    old_peer_send(p, STREAM_DATA, body, (size_t)(c.at - body));
}

void old_peer_send_frame(struct old_peer *p)
{
    const struct tgv_encoder_settings voice = {.bitrate_bps = 16000};
    uint32_t index = p->frames_sent % OLD_PEER_FRAMES, pts;
    int16_t pcm[FRAME_SAMPLES];
    uint8_t frame[1024];
    int n;

    for (uint32_t i = 0; i < 3; i++)
        tgv_marker_write(pcm + i * 960, 3 * p->frames_sent + i);
    n = p->o.codec->encode(p->encoder, &voice, pcm, FRAME_SAMPLES, frame,
                           sizeof(frame));
    if (n <= 0)
        abort();
    p->sent_at[index] = p->now;
    pts = 60 * p->frames_sent++; /* grows by what is sent, not by time */
    if (p->o.copies)
        hold(p, pcm);
    send_data(p, pts, frame, (unsigned)n);
    if (p->o.copies && p->o.version == 6)
        send_copies(p, pts);
}

/* -- sound in --------------------------------------------------------------- */

static void check_place(struct old_peer *p, uint32_t pts, uint32_t number)
{
    int64_t base = (int64_t)number - pts / 20;

    if (number == TGV_MARKER_NONE)
        return;
    if (!p->base_known) {
        p->base_known = true;
        p->base = base;
    }
    if (base != p->base)
        old_peer_breach(p, "a frame is not where its time stamp says", pts);
}

static void take_frame(struct old_peer *p, uint32_t pts, const uint8_t *data,
                       size_t len, uint8_t bit)
{
    int16_t pcm[FRAME_SAMPLES];

    if (pts % 60 != 0 || pts / 60 >= OLD_PEER_FRAMES) {
        old_peer_breach(p, "a time stamp off the grid of 60 ms", pts);
        return;
    }
    if (len > 1024 || p->o.codec->duration(data, len) != FRAME_SAMPLES) {
        old_peer_breach(p, "a frame that is not of 60 ms", (unsigned)len);
        return;
    }
    p->heard.inband += bit == 1 && p->o.codec->fec_samples(data, len) > 0;
    if (p->o.codec->decode(p->decoder, data, len, false, pcm, FRAME_SAMPLES) !=
        FRAME_SAMPLES) {
        old_peer_breach(p, "a frame that cannot be decoded", (unsigned)len);
        return;
    }
    check_place(p, pts, tgv_marker_read(pcm, 960));
    p->slots[pts / 60] |= bit;
}

/* The newest place may be empty from version 7 on (tried with originals). */
static void take_copies(struct old_peer *p, uint32_t pts, struct old_cursor *c)
{
    uint32_t count = old_get(c, 1);

    if (count == 0 || count > 4)
        old_peer_breach(p, "a number of copies that no release writes", count);
    for (uint32_t j = 0; j < count && !c->bad; j++) {
        uint32_t len = old_get(c, 1), back = 60 * (count - 1 - j);
        const uint8_t *data = c->at;

        if (len > old_left(c)) {
            c->bad = true;
            return;
        }
        c->at += len;
        p->heard.entries += len > 0;
        if (len == 0 && (p->o.version < 7 || back > 0))
            old_peer_breach(p, "an empty copy", j);
        else if (len > 0 && back <= pts)
            take_frame(p, pts - back, data, len, 2);
    }
}

void old_peer_take_data(struct old_peer *p, struct old_cursor *c)
{
    uint32_t id = old_get(c, 1), len, pts, flags = 0;
    const uint8_t *data;

    len = old_get(c, id & 0x40 ? 2 : 1);
    if (p->o.version >= 7) {
        flags = len & ~0x7FFu;
        len &= 0x7FF;
    }
    pts = old_get(c, 4);
    data = c->at;
    if (c->bad || (id & 0x3F) != 1 || (id & 0x80) || (flags & ~0x2000u) ||
        len > old_left(c)) {
        old_peer_breach(p, "STREAM_DATA that it does not understand", len);
        c->bad = true;
        return;
    }
    c->at += len;
    p->heard.frames++;
    take_frame(p, pts, data, len, 1);
    if (flags)
        take_copies(p, pts, c);
}

void old_peer_take_ec(struct old_peer *p, struct old_cursor *c)
{
    uint32_t id = old_get(c, 1), pts = old_get(c, 4);

    if (id != 1 || p->o.version != 6)
        old_peer_breach(p, "STREAM_EC that is of no use to it", id);
    else
        take_copies(p, pts, c);
}
