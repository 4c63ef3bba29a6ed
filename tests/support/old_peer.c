/* SPDX-License-Identifier: MIT */
#include "support/old_peer.h"

#include "support/marker_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INIT 1
#define INIT_ACK 2
#define STREAM_STATE 3
#define STREAM_DATA 4
#define PING 6
#define PONG 7
#define STREAM_DATA_X2 8
#define STREAM_DATA_X3 9
#define LAN_ENDPOINT 10
#define NETWORK_CHANGED 11
#define NOP 14
#define STREAM_EC 17

#define EXTRA_STREAM_FLAGS 1
#define EXTRA_LAN_ENDPOINT 3
#define EXTRA_NETWORK_CHANGED 4
#define EXTRA_TYPES 8

#define OPUS 0x4F505553u
#define FRAME_US TGV_MS(60)
#define FRAME_SAMPLES 2880

static void breach(struct old_peer *p, const char *what, unsigned value)
{
    if (p->heard.breaches++ == 0)
        snprintf(p->heard.why, sizeof(p->heard.why), "%s (%u)", what, value);
}

static bool after(uint32_t a, uint32_t b)
{
    return a != b && a - b < 0x80000000u;
}

/* -- forms ------------------------------------------------------------------ */

static bool is_short(const struct old_peer *p)
{
    return p->o.version >= 8 &&
           (p->pv >= 8 || (p->pv == 0 && p->o.layer >= 92));
}

static enum old_envelope v2_form(const struct old_peer *p)
{
    return is_short(p) ? OLD_V2_SHORT : OLD_V2_LONG;
}

static enum old_envelope envelope(const struct old_peer *p)
{
    bool v2 = p->o.version >= 5 && (p->o.layer >= 74 || p->upgraded);

    return v2 ? v2_form(p) : OLD_V1;
}

static bool knows_extras(const struct old_peer *p)
{
    return p->o.version >= 6;
}

/* -- out -------------------------------------------------------------------- */

static void fill(struct old_peer *p, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)tgv_prng_u64(&p->prng);
}

static uint32_t mask(const struct old_peer *p)
{
    return (uint32_t)((p->o.mask_a ? p->received << 1 : p->received) >> 32);
}

static void add_extras(struct old_peer *p, struct old_packet *h)
{
    for (uint8_t t = 0; t < EXTRA_TYPES; t++) {
        if (!p->extra_out[t].pending)
            continue;
        h->extras[h->extra_count++] =
            (struct old_extra){t, p->extra_out[t].len, p->extra_out[t].data};
        if (p->extra_out[t].first_seq == 0)
            p->extra_out[t].first_seq = h->seq;
    }
}

static void note_reliable(struct old_peer *p, const struct old_packet *h)
{
    for (size_t i = 0; i < 3; i++) {
        struct old_peer_reliable *r = &p->reliable[i];
        if (r->type == h->type)
            r->seqs[r->count++ % 16] = h->seq;
    }
}

/* What stands before the envelope: only its own rule counts, and to it we are
 * of version 9. */
static size_t prefix(const struct old_peer *p, bool direct,
                     const uint8_t **bytes)
{
    *bytes = direct ? p->keys.call_id : p->o.tag;
    return direct && p->o.version >= 9 ? 0 : 16;
}

static void send_on(struct old_peer *p, bool direct, uint8_t type,
                    const uint8_t *payload, size_t len)
{
    struct old_packet h = {.type = type,
                           .ack = p->last,
                           .seq = p->seq++,
                           .mask = mask(p),
                           .payload = payload,
                           .len = len};
    uint8_t inner[OLD_INNER_MAX], pad[31], datagram[1500];
    const uint8_t *start;
    size_t before = prefix(p, direct, &start), n;

    h.form = is_short(p) ? OLD_SHORT : p->established ? OLD_SIMPLE : OLD_FULL;
    h.flag_byte = knows_extras(p) && p->pv >= 6;
    if (h.form == OLD_SHORT || (h.form == OLD_SIMPLE && h.flag_byte))
        add_extras(p, &h);
    note_reliable(p, &h);
    p->acked[h.seq % 256] = 0;
    fill(p, h.random, sizeof(h.random));
    fill(p, pad, sizeof(pad));
    n = old_build(&p->keys, &h, inner);
    memcpy(datagram, start, before);
    n = old_seal(&p->keys, envelope(p), inner, n, pad, datagram + before);
    if (p->swallow[type])
        p->swallow[type]--;
    else
        p->o.send(p->o.ctx, direct, datagram, n + before);
}

void old_peer_send(struct old_peer *p, uint8_t type, const uint8_t *payload,
                   size_t len)
{
    send_on(p, p->direct_used, type, payload, len);
}

static void put_codec(const struct old_peer *p, struct old_cursor *c)
{
    if (p->o.version < 5)
        old_put(c, 1, 1);
    else
        old_put(c, 4, OPUS);
}

static void send_init(struct old_peer *p)
{
    uint8_t body[32];
    struct old_cursor c = old_cursor(body, sizeof(body));
    bool two = p->o.version >= 5 && p->o.layer < 74;

    old_put(&c, 4, p->o.version);
    old_put(&c, 4, p->o.version < 3 ? 1 : 3);
    old_put(&c, 4, p->o.data_saving);
    old_put(&c, 1, two ? 2 : 1);
    if (two)
        old_put(&c, 4, 1);
    put_codec(p, &c);
    old_put(&c, p->o.version < 6 ? 1 : 2, 0);
    old_peer_send(p, INIT, body, (size_t)(c.at - body));
}

static void send_ack(struct old_peer *p)
{
    uint8_t body[32];
    struct old_cursor c = old_cursor(body, sizeof(body));

    if (p->o.version > 1) {
        old_put(&c, 4, p->o.version);
        old_put(&c, 4, p->o.version < 3 ? 1 : 3);
    }
    old_put(&c, 1, p->o.version == 7 ? 2 : 1);
    if (p->o.version == 7) /* a video that it never sends */
        old_put_bytes(&c, "\2\2CVEH\0\0\1", 9);
    old_put(&c, 2, 0x0101);
    put_codec(p, &c);
    if (p->o.version > 1)
        old_put(&c, 2, 60);
    old_put(&c, 1, 1);
    old_peer_send(p, INIT_ACK, body, (size_t)(c.at - body));
}

static void send_probe(struct old_peer *p)
{
    uint8_t ping[40];

    memcpy(ping, p->o.tag, 16);
    memset(ping + 16, 0xFF, 16);
    ping[28] = 0xFE;
    fill(p, ping + 32, 8);
    p->o.send(p->o.ctx, false, ping, sizeof(ping));
}

/* Once our INIT_ACK is in: our address, please; and a ping there. */
static void run_direct(struct old_peer *p)
{
    uint8_t ask[32];

    if (!p->o.p2p || !p->ack_seen || p->now < p->next_direct)
        return;
    p->next_direct = p->now + TGV_S(2);
    if (p->direct_known) {
        p->direct_ping = p->seq;
        send_on(p, true, PING, NULL, 0);
        return;
    }
    memcpy(ask, p->o.tag, 16);
    memset(ask + 16, 0xFF, 16);
    p->o.send(p->o.ctx, false, ask, sizeof(ask));
}

/* -- reliable packets and extras -------------------------------------------- */

static void transmit(struct old_peer *p, struct old_peer_reliable *r)
{
    r->next = p->now + r->interval;
    old_peer_send(p, r->type, r->payload, r->len);
}

static void send_reliable(struct old_peer *p, size_t slot,
                          struct old_peer_reliable r)
{
    r.until = p->now + TGV_S(20);
    p->reliable[slot] = r;
    transmit(p, &p->reliable[slot]);
}

static bool delivered(const struct old_peer *p, uint32_t seq)
{
    return after(p->last_ack, seq) && p->last_ack - seq < 32 &&
           p->acked[seq % 256];
}

static void run_reliable(struct old_peer *p)
{
    for (size_t i = 0; i < 3; i++) {
        struct old_peer_reliable *r = &p->reliable[i];
        for (unsigned k = 0; r->type && k < r->count && k < 16; k++)
            if (delivered(p, r->seqs[k]))
                r->type = 0;
        if (r->type && p->now >= r->until)
            r->type = 0;
        if (r->type && p->now >= r->next)
            transmit(p, r);
    }
}

static void set_extra(struct old_peer *p, uint8_t type, const uint8_t *data,
                      uint8_t len)
{
    p->extra_out[type].pending = true;
    p->extra_out[type].len = len;
    p->extra_out[type].first_seq = 0;
    memcpy(p->extra_out[type].data, data, len);
}

void old_peer_mute(struct old_peer *p, bool muted)
{
    uint8_t flags[5] = {1, !muted, 0, 0, 0};

    p->muted = muted;
    if (knows_extras(p))
        set_extra(p, EXTRA_STREAM_FLAGS, flags, 5);
    else
        send_reliable(p, 0,
                      (struct old_peer_reliable){.type = STREAM_STATE,
                                                 .payload = {1, !muted},
                                                 .len = 2,
                                                 .interval = TGV_MS(500)});
}

void old_peer_network(struct old_peer *p, bool saves_data)
{
    uint8_t flags[4] = {saves_data, 0, 0, 0};

    if (knows_extras(p))
        set_extra(p, EXTRA_NETWORK_CHANGED, flags, 4);
    else
        send_reliable(p, 1,
                      (struct old_peer_reliable){.type = NETWORK_CHANGED,
                                                 .payload = {saves_data},
                                                 .len = 4,
                                                 .interval = TGV_S(1)});
}

void old_peer_ping(struct old_peer *p)
{
    p->ping = p->seq; /* any of the newest three may be answered */
    old_peer_send(p, PING, NULL, 0);
}

static void tell_lan(struct old_peer *p)
{
    struct old_peer_reliable r = {
        .type = LAN_ENDPOINT, .len = 8, .interval = TGV_MS(500)};
    struct old_cursor c = old_cursor(r.payload, sizeof(r.payload));

    old_put_bytes(&c, p->o.lan_ip, 4);
    old_put(&c, 4, p->o.lan_port);
    if (knows_extras(p))
        set_extra(p, EXTRA_LAN_ENDPOINT, r.payload, 8);
    else
        send_reliable(p, 2, r);
}

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

static void send_frame(struct old_peer *p)
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
        breach(p, "a frame is not where its time stamp says", pts);
}

static void take_frame(struct old_peer *p, uint32_t pts, const uint8_t *data,
                       size_t len, uint8_t bit)
{
    int16_t pcm[FRAME_SAMPLES];

    if (pts % 60 != 0 || pts / 60 >= OLD_PEER_FRAMES) {
        breach(p, "a time stamp off the grid of 60 ms", pts);
        return;
    }
    if (len > 1024 || p->o.codec->duration(data, len) != FRAME_SAMPLES) {
        breach(p, "a frame that is not of 60 ms", (unsigned)len);
        return;
    }
    p->heard.inband += bit == 1 && p->o.codec->fec_samples(data, len) > 0;
    if (p->o.codec->decode(p->decoder, data, len, false, pcm, FRAME_SAMPLES) !=
        FRAME_SAMPLES) {
        breach(p, "a frame that cannot be decoded", (unsigned)len);
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
        breach(p, "a number of copies that no release writes", count);
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
            breach(p, "an empty copy", j);
        else if (len > 0 && back <= pts)
            take_frame(p, pts - back, data, len, 2);
    }
}

static void take_data(struct old_peer *p, struct old_cursor *c)
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
        breach(p, "STREAM_DATA that it does not understand", len);
        c->bad = true;
        return;
    }
    c->at += len;
    p->heard.frames++;
    take_frame(p, pts, data, len, 1);
    if (flags)
        take_copies(p, pts, c);
}

static void take_ec(struct old_peer *p, struct old_cursor *c)
{
    uint32_t id = old_get(c, 1), pts = old_get(c, 4);

    if (id != 1 || p->o.version != 6)
        breach(p, "STREAM_EC that is of no use to it", id);
    else
        take_copies(p, pts, c);
}

/* -- in --------------------------------------------------------------------- */

/* A number not seen before? The originals' table of 32. */
static bool fresh(struct old_peer *p, uint32_t seq)
{
    uint32_t back = p->last - seq;

    if (after(seq, p->last)) {
        uint32_t d = seq - p->last;
        bool jump = d > 31;

        p->received = jump && !p->o.mask_a ? 0
                      : d > 63             ? UINT64_C(1) << 63
                               : (p->received >> d) | UINT64_C(1) << 63;
        p->last = seq;
        return true;
    }
    if (back >= 32 || (p->received & (UINT64_C(1) << (63 - back))))
        return false;
    p->received |= UINT64_C(1) << (63 - back);
    return true;
}

static void take_acks(struct old_peer *p, const struct old_packet *h)
{
    if (after(h->ack, p->seq - 1)) {
        breach(p, "acknowledges what was never sent", h->ack);
        return;
    }
    if (!after(h->ack, p->last_ack))
        return;
    p->last_ack = h->ack;
    p->acked[h->ack % 256] = 1;
    for (uint32_t i = 0; i < 31; i++) {
        if (!(h->mask & (0x80000000u >> i)))
            continue;
        if (h->ack <= i + 1)
            breach(p, "the mask acknowledges what was never sent", h->mask);
        else
            p->acked[(h->ack - (i + 1)) % 256] = 1;
    }
    for (size_t t = 0; t < EXTRA_TYPES; t++)
        if (p->extra_out[t].first_seq &&
            !after(p->extra_out[t].first_seq, h->ack))
            p->extra_out[t].pending = false;
}

static void take_init(struct old_peer *p, const struct old_packet *h)
{
    static const uint8_t below_74[23] = "\x09\0\0\0\x03\0\0\0\0\0\0\0"
                                        "\2\1\0\0\0SUPO\0";
    static const uint8_t from_74[19] = "\x09\0\0\0\x03\0\0\0\0\0\0\0"
                                       "\1SUPO\0";
    size_t n = p->o.layer < 74 ? sizeof(below_74) : sizeof(from_74);
    uint8_t body[23] = {0};

    if (h->len == n) {
        memcpy(body, h->payload, n);
        if (!p->init_seen)
            p->heard.saves_data = body[8] & 1;
        body[8] &= 0xFE; /* data saving */
    }
    if (h->len != n || memcmp(body, n == 23 ? below_74 : from_74, n) != 0)
        breach(p, "an INIT that no release writes at this layer",
               (unsigned)h->len);
    if (!p->init_seen)
        p->pv = 9;
    p->init_seen = true;
    send_ack(p);
}

static void take_ack(struct old_peer *p, const struct old_packet *h)
{
    static const uint8_t narrow[15] = "\x09\0\0\0\x03\0\0\0\1\1\1\1\x3C\0\1";
    static const uint8_t wide[18] = "\x09\0\0\0\x03\0\0\0\1\1\1SUPO\x3C\0\1";
    size_t n = p->o.version < 5 ? sizeof(narrow) : sizeof(wide);

    if (h->len != n || memcmp(h->payload, n == 15 ? narrow : wide, n) != 0)
        breach(p, "an INIT_ACK in a form that it does not read",
               (unsigned)h->len);
    if (p->ack_seen)
        return;
    p->ack_seen = true;
    p->pv = 9;
    p->upgraded = p->o.version >= 5;
    p->establish_at = p->now + TGV_MS(1500);
    p->next_frame = p->now + FRAME_US;
}

static void take_media(struct old_peer *p, const struct old_packet *h,
                       unsigned frames)
{
    struct old_cursor c = {(uint8_t *)h->payload,
                           (uint8_t *)h->payload + h->len, false};

    if (frames > 1 && p->o.version < 6)
        breach(p, "several frames in a packet", frames);
    if (!p->ack_seen)
        return; /* it does not know the stream yet */
    if (!p->established && p->establish_at > p->now + TGV_MS(500))
        p->establish_at = p->now + TGV_MS(500);
    for (unsigned i = 0; i < frames && !c.bad; i++)
        take_data(p, &c);
    if (frames == 0)
        take_ec(p, &c);
    if (c.bad || old_left(&c) > 0)
        breach(p, "media that is too short, or too long", (unsigned)h->len);
}

static void take_stream_flags(struct old_peer *p, uint8_t id, uint32_t flags)
{
    if (!p->ack_seen)
        return; /* it does not know the stream yet */
    if (id != 1 || (flags & ~5u))
        breach(p, "flags of a stream that it does not know", flags);
    p->heard.tells_mute = true;
    p->heard.muted = !(flags & 1);
    p->heard.tells_copies = flags & 4;
}

static void take_network(struct old_peer *p, uint32_t flags)
{
    p->heard.network_changes++;
    p->heard.saves_data = flags & 1;
}

static void take_lan(struct old_peer *p, const uint8_t *bytes)
{
    memcpy(p->heard.lan, bytes, 8);
    p->heard.lan_told = true;
}

static void take_extra(struct old_peer *p, const struct old_extra *x)
{
    struct old_cursor c = {(uint8_t *)x->data, (uint8_t *)x->data + x->len,
                           false};
    bool known = p->extra_in[x->type].known &&
                 p->extra_in[x->type].len == x->len &&
                 memcmp(p->extra_in[x->type].data, x->data, x->len) == 0;

    if (!knows_extras(p)) {
        breach(p, "an extra", x->type);
        return;
    }
    if (known)
        return;
    p->extra_in[x->type].known = true;
    p->extra_in[x->type].len = x->len;
    memcpy(p->extra_in[x->type].data, x->data, x->len);
    if (x->type == EXTRA_STREAM_FLAGS) {
        uint8_t id = (uint8_t)old_get(&c, 1);
        take_stream_flags(p, id, old_get(&c, 4));
    } else if (x->type == EXTRA_NETWORK_CHANGED) {
        take_network(p, old_get(&c, 4));
    } else if (x->type == EXTRA_LAN_ENDPOINT && x->len >= 8) {
        take_lan(p, x->data);
    }
    if (c.bad)
        breach(p, "an extra that is too short", x->type);
}

/* Packets that extras have replaced. */
static void take_reliable(struct old_peer *p, const struct old_packet *h)
{
    static const uint8_t lens[] = {
        [STREAM_STATE] = 2, [LAN_ENDPOINT] = 8, [NETWORK_CHANGED] = 4};

    if (knows_extras(p) || h->len != lens[h->type]) {
        breach(p, "an old kind of packet", h->type);
        return;
    }
    if (h->type == STREAM_STATE)
        take_stream_flags(p, h->payload[0], h->payload[1]);
    if (h->type == NETWORK_CHANGED)
        take_network(p, h->payload[0]);
    if (h->type == LAN_ENDPOINT)
        take_lan(p, h->payload);
}

static void take_pong(struct old_peer *p, const struct old_packet *h)
{
    struct old_cursor c = {(uint8_t *)h->payload,
                           (uint8_t *)h->payload + h->len, false};

    uint32_t seq = old_get(&c, 4);

    if (c.bad)
        return;
    if (p->ping - seq < 3)
        p->heard.pongs++;
    if (p->came_direct && seq == p->direct_ping)
        p->direct_used = true;
}

static void take_body(struct old_peer *p, const struct old_packet *h)
{
    uint8_t body[4];
    struct old_cursor c = old_cursor(body, sizeof(body));

    switch (h->type) {
    case INIT:
        take_init(p, h);
        break;
    case INIT_ACK:
        take_ack(p, h);
        break;
    case STREAM_DATA:
        take_media(p, h, 1);
        break;
    case STREAM_DATA_X2:
    case STREAM_DATA_X3:
        take_media(p, h, h->type - 6u);
        break;
    case STREAM_EC:
        take_media(p, h, 0);
        break;
    case STREAM_STATE:
    case LAN_ENDPOINT:
    case NETWORK_CHANGED:
        take_reliable(p, h);
        break;
    case PING:
        old_put(&c, 4, h->seq);
        send_on(p, p->came_direct, PONG, body, 4);
        break;
    case PONG:
        take_pong(p, h);
        break;
    case NOP:
        break;
    default:
        breach(p, "an unknown packet", h->type);
    }
}

/* Once the simple form is in use, the full one does not come back. */
static void check_form(struct old_peer *p, const struct old_packet *h)
{
    p->heard.forms[h->form]++;
    if (h->form == OLD_SIMPLE &&
        (!p->simple_from || after(p->simple_from, h->seq)))
        p->simple_from = h->seq;
    if (h->form == OLD_FULL && p->simple_from && after(h->seq, p->simple_from))
        breach(p, "the header of the handshake after it", h->type);
    if (h->recv_ts)
        breach(p, "a receive time without video", h->type);
}

static void take_packet(struct old_peer *p, uint8_t *inner, size_t n)
{
    enum old_form named = old_named_form(inner, n);
    struct old_packet h = {.form = is_short(p) ? OLD_SHORT : named,
                           .flag_byte = knows_extras(p) && p->pv >= 6};
    const char *why;

    if (!is_short(p) && named == OLD_SHORT) {
        p->heard.unreadable++;
        return;
    }
    if (is_short(p) && named != OLD_SHORT) {
        breach(p, "a long header where it reads a short one", named);
        return;
    }
    why = old_parse(&p->keys, &h, inner, n);
    if (why) {
        breach(p, why, h.type);
        return;
    }
    if (p->ignore[h.type]) {
        p->ignore[h.type]--;
        return;
    }
    if (!fresh(p, h.seq)) {
        p->heard.duplicates++;
        return;
    }
    check_form(p, &h);
    p->heard.packets[h.type]++;
    take_acks(p, &h);
    for (unsigned i = 0; i < h.extra_count; i++)
        take_extra(p, &h.extras[i]);
    take_body(p, &h);
}

/* Of the relay's messages only peer info is of interest. */
static void take_control(struct old_peer *p, const uint8_t *datagram,
                         size_t len)
{
    static const uint8_t peer_info[4] = {0x1C, 0x37, 0xD9, 0x27};

    if (len < 48 || memcmp(datagram + 28, peer_info, 4) != 0)
        return;
    p->direct_known = true;
    p->next_direct = p->now;
    p->same_nat = memcmp(datagram + 32, datagram + 40, 4) == 0;
    if (p->same_nat)
        tell_lan(p);
}

static void take_envelope(struct old_peer *p, const uint8_t *body, size_t len)
{
    uint8_t inner[OLD_INNER_MAX + 100];
    enum old_envelope e = envelope(p);
    size_t n = old_open(&p->keys, e, body, len, inner);

    if (n == 0 && e == OLD_V1 && p->o.version >= 5 && !p->established) {
        e = v2_form(p);
        n = old_open(&p->keys, e, body, len, inner);
        p->upgraded = n > 0;
    }
    if (n == 0) {
        p->heard.unreadable++;
        return;
    }
    p->heard.envelopes[e]++;
    p->heard.direct += p->came_direct;
    take_packet(p, inner, n);
}

void old_peer_receive(struct old_peer *p, bool direct, const uint8_t *datagram,
                      size_t len, tgv_time now)
{
    static const uint8_t control[12] = {255, 255, 255, 255, 255, 255,
                                        255, 255, 255, 255, 255, 255};
    const uint8_t *start;
    size_t before = prefix(p, direct, &start);

    p->now = now;
    p->came_direct = direct;
    if (len < before + 12 || memcmp(datagram, start, before) != 0)
        breach(p, "a datagram with a wrong prefix", direct);
    else if (!direct && memcmp(datagram + 16, control, 12) == 0)
        take_control(p, datagram, len);
    else
        take_envelope(p, datagram + before, len - before);
}

/* -- time ------------------------------------------------------------------- */

static void run_handshake(struct old_peer *p)
{
    if (p->now >= p->next_probe && p->probes < 4) {
        p->probes++;
        p->next_probe = p->now + TGV_MS(500);
        send_probe(p);
    }
    if (!p->established && p->now >= p->next_init) {
        p->next_init = p->now + TGV_MS(500);
        send_init(p);
    }
    if (!p->established && p->ack_seen && p->now >= p->establish_at) {
        p->established = true;
        p->next_nop = p->now + TGV_MS(200);
    }
}

static void run_sound(struct old_peer *p)
{
    while (p->ack_seen && p->now >= p->next_frame) {
        p->next_frame += FRAME_US;
        if (p->init_seen && !p->muted && !p->quiet)
            send_frame(p);
    }
    if (p->established && (p->muted || p->quiet) && p->now >= p->next_nop) {
        p->next_nop = p->now + TGV_MS(200);
        old_peer_send(p, NOP, NULL, 0);
    }
}

void old_peer_run(struct old_peer *p, tgv_time now)
{
    p->now = now;
    run_handshake(p);
    run_direct(p);
    run_sound(p);
    run_reliable(p);
}

void old_peer_init(struct old_peer *p, const struct old_peer_options *o,
                   tgv_time now)
{
    memset(p, 0, sizeof(*p));
    p->o = *o;
    p->now = p->next_init = p->next_probe = now;
    p->seq = 1;
    tgv_prng_init(&p->prng, o->seed);
    old_keys_init(&p->keys, o->key, o->caller);
    p->encoder = o->codec->encoder_create();
    p->small_encoder = o->codec->encoder_create();
    p->decoder = o->codec->decoder_create();
    if (!p->encoder || !p->small_encoder || !p->decoder)
        abort();
}

void old_peer_fini(struct old_peer *p)
{
    p->o.codec->encoder_destroy(p->encoder);
    p->o.codec->encoder_destroy(p->small_encoder);
    p->o.codec->decoder_destroy(p->decoder);
    old_keys_fini(&p->keys);
}

void old_peer_count(const struct old_peer *p, unsigned *by_copy,
                    unsigned *missing)
{
    unsigned first = OLD_PEER_FRAMES, last = 0;

    *by_copy = *missing = 0;
    for (unsigned i = 0; i < OLD_PEER_FRAMES; i++) {
        if (!p->slots[i])
            continue;
        last = i;
        if (first > i)
            first = i;
    }
    for (unsigned i = first; i < last; i++) {
        *by_copy += p->slots[i] == 2;
        *missing += p->slots[i] == 0;
    }
}
