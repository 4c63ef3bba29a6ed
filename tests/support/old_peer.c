/* SPDX-License-Identifier: MIT */
/* An old peer: its rules, what it sends besides sound, and its clock. */
#include "support/old_peer_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void old_peer_breach(struct old_peer *p, const char *what, unsigned value)
{
    if (p->heard.breaches++ == 0)
        snprintf(p->heard.why, sizeof(p->heard.why), "%s (%u)", what, value);
}

bool old_peer_after(uint32_t a, uint32_t b)
{
    return a != b && a - b < 0x80000000u;
}

/* -- forms ------------------------------------------------------------------ */

bool old_peer_is_short(const struct old_peer *p)
{
    return p->o.version >= 8 &&
           (p->pv >= 8 || (p->pv == 0 && p->o.layer >= 92));
}

enum old_envelope old_peer_v2_form(const struct old_peer *p)
{
    return old_peer_is_short(p) ? OLD_V2_SHORT : OLD_V2_LONG;
}

enum old_envelope old_peer_envelope(const struct old_peer *p)
{
    bool v2 = p->o.version >= 5 && (p->o.layer >= 74 || p->upgraded);

    return v2 ? old_peer_v2_form(p) : OLD_V1;
}

bool old_peer_knows_extras(const struct old_peer *p)
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

size_t old_peer_prefix(const struct old_peer *p, bool direct,
                       const uint8_t **bytes)
{
    *bytes = direct ? p->keys.call_id : p->o.tag;
    return direct && p->o.version >= 9 ? 0 : 16;
}

void old_peer_send_on(struct old_peer *p, bool direct, uint8_t type,
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
    size_t before = old_peer_prefix(p, direct, &start), n;

    h.form = old_peer_is_short(p) ? OLD_SHORT
             : p->established     ? OLD_SIMPLE
                                  : OLD_FULL;
    h.flag_byte = old_peer_knows_extras(p) && p->pv >= 6;
    if (h.form == OLD_SHORT || (h.form == OLD_SIMPLE && h.flag_byte))
        add_extras(p, &h);
    note_reliable(p, &h);
    p->acked[h.seq % 256] = 0;
    fill(p, h.random, sizeof(h.random));
    fill(p, pad, sizeof(pad));
    n = old_build(&p->keys, &h, inner);
    memcpy(datagram, start, before);
    n = old_seal(&p->keys, old_peer_envelope(p), inner, n, pad,
                 datagram + before);
    if (p->swallow[type])
        p->swallow[type]--;
    else
        p->o.send(p->o.ctx, direct, datagram, n + before);
}

void old_peer_send(struct old_peer *p, uint8_t type, const uint8_t *payload,
                   size_t len)
{
    old_peer_send_on(p, p->direct_used, type, payload, len);
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

void old_peer_send_ack(struct old_peer *p)
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
        old_peer_send_on(p, true, PING, NULL, 0);
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
    return old_peer_after(p->last_ack, seq) && p->last_ack - seq < 32 &&
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
    if (old_peer_knows_extras(p))
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

    if (old_peer_knows_extras(p))
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

void old_peer_tell_lan(struct old_peer *p)
{
    struct old_peer_reliable r = {
        .type = LAN_ENDPOINT, .len = 8, .interval = TGV_MS(500)};
    struct old_cursor c = old_cursor(r.payload, sizeof(r.payload));

    old_put_bytes(&c, p->o.lan_ip, 4);
    old_put(&c, 4, p->o.lan_port);
    if (old_peer_knows_extras(p))
        set_extra(p, EXTRA_LAN_ENDPOINT, r.payload, 8);
    else
        send_reliable(p, 2, r);
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
            old_peer_send_frame(p);
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
