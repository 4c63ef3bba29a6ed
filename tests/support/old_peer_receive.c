/* SPDX-License-Identifier: MIT */
/* What an old peer reads, from the datagram to the packet. */
#include "support/old_peer_impl.h"

#include <string.h>

/* A number not seen before? The originals' table of 32. */
static bool fresh(struct old_peer *p, uint32_t seq)
{
    uint32_t back = p->last - seq;

    if (old_peer_after(seq, p->last)) {
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
    if (old_peer_after(h->ack, p->seq - 1)) {
        old_peer_breach(p, "acknowledges what was never sent", h->ack);
        return;
    }
    if (!old_peer_after(h->ack, p->last_ack))
        return;
    p->last_ack = h->ack;
    p->acked[h->ack % 256] = 1;
    for (uint32_t i = 0; i < 31; i++) {
        if (!(h->mask & (0x80000000u >> i)))
            continue;
        if (h->ack <= i + 1)
            old_peer_breach(p, "the mask acknowledges what was never sent",
                            h->mask);
        else
            p->acked[(h->ack - (i + 1)) % 256] = 1;
    }
    for (size_t t = 0; t < EXTRA_TYPES; t++)
        if (p->extra_out[t].first_seq &&
            !old_peer_after(p->extra_out[t].first_seq, h->ack))
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
        old_peer_breach(p, "an INIT that no release writes at this layer",
                        (unsigned)h->len);
    if (!p->init_seen)
        p->pv = 9;
    p->init_seen = true;
    old_peer_send_ack(p);
}

static void take_ack(struct old_peer *p, const struct old_packet *h)
{
    static const uint8_t narrow[15] = "\x09\0\0\0\x03\0\0\0\1\1\1\1\x3C\0\1";
    static const uint8_t wide[18] = "\x09\0\0\0\x03\0\0\0\1\1\1SUPO\x3C\0\1";
    size_t n = p->o.version < 5 ? sizeof(narrow) : sizeof(wide);

    if (h->len != n || memcmp(h->payload, n == 15 ? narrow : wide, n) != 0)
        old_peer_breach(p, "an INIT_ACK in a form that it does not read",
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
        old_peer_breach(p, "several frames in a packet", frames);
    if (!p->ack_seen)
        return; /* it does not know the stream yet */
    if (!p->established && p->establish_at > p->now + TGV_MS(500))
        p->establish_at = p->now + TGV_MS(500);
    for (unsigned i = 0; i < frames && !c.bad; i++)
        old_peer_take_data(p, &c);
    if (frames == 0)
        old_peer_take_ec(p, &c);
    if (c.bad || old_left(&c) > 0)
        old_peer_breach(p, "media that is too short, or too long",
                        (unsigned)h->len);
}

static void take_stream_flags(struct old_peer *p, uint8_t id, uint32_t flags)
{
    if (!p->ack_seen)
        return; /* it does not know the stream yet */
    if (id != 1 || (flags & ~5u))
        old_peer_breach(p, "flags of a stream that it does not know", flags);
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

    if (!old_peer_knows_extras(p)) {
        old_peer_breach(p, "an extra", x->type);
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
        old_peer_breach(p, "an extra that is too short", x->type);
}

/* Packets that extras have replaced. */
static void take_reliable(struct old_peer *p, const struct old_packet *h)
{
    static const uint8_t lens[] = {
        [STREAM_STATE] = 2, [LAN_ENDPOINT] = 8, [NETWORK_CHANGED] = 4};

    if (old_peer_knows_extras(p) || h->len != lens[h->type]) {
        old_peer_breach(p, "an old kind of packet", h->type);
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
        old_peer_send_on(p, p->came_direct, PONG, body, 4);
        break;
    case PONG:
        take_pong(p, h);
        break;
    case NOP:
        break;
    default:
        old_peer_breach(p, "an unknown packet", h->type);
    }
}

/* Once the simple form is in use, the full one does not come back. */
static void check_form(struct old_peer *p, const struct old_packet *h)
{
    p->heard.forms[h->form]++;
    if (h->form == OLD_SIMPLE &&
        (!p->simple_from || old_peer_after(p->simple_from, h->seq)))
        p->simple_from = h->seq;
    if (h->form == OLD_FULL && p->simple_from &&
        old_peer_after(h->seq, p->simple_from))
        old_peer_breach(p, "the header of the handshake after it", h->type);
    if (h->recv_ts)
        old_peer_breach(p, "a receive time without video", h->type);
}

static void take_packet(struct old_peer *p, uint8_t *inner, size_t n)
{
    enum old_form named = old_named_form(inner, n);
    struct old_packet h = {.form = old_peer_is_short(p) ? OLD_SHORT : named,
                           .flag_byte = old_peer_knows_extras(p) && p->pv >= 6};
    const char *why;

    if (!old_peer_is_short(p) && named == OLD_SHORT) {
        p->heard.unreadable++;
        return;
    }
    if (old_peer_is_short(p) && named != OLD_SHORT) {
        old_peer_breach(p, "a long header where it reads a short one", named);
        return;
    }
    why = old_parse(&p->keys, &h, inner, n);
    if (why) {
        old_peer_breach(p, why, h.type);
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
        old_peer_tell_lan(p);
}

static void take_envelope(struct old_peer *p, const uint8_t *body, size_t len)
{
    uint8_t inner[OLD_INNER_MAX + 100];
    enum old_envelope e = old_peer_envelope(p);
    size_t n = old_open(&p->keys, e, body, len, inner);

    if (n == 0 && e == OLD_V1 && p->o.version >= 5 && !p->established) {
        e = old_peer_v2_form(p);
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
    size_t before = old_peer_prefix(p, direct, &start);

    p->now = now;
    p->came_direct = direct;
    if (len < before + 12 || memcmp(datagram, start, before) != 0)
        old_peer_breach(p, "a datagram with a wrong prefix", direct);
    else if (!direct && memcmp(datagram + 16, control, 12) == 0)
        take_control(p, datagram, len);
    else
        take_envelope(p, datagram + before, len - before);
}
