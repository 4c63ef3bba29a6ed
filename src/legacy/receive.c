/* SPDX-License-Identifier: MIT */
/*
 * A datagram on its way in: endpoint, tag, envelope, header, body, replay
 * window; only then effects. Each step that fails counts and drops.
 * Source: wire specification 1.2, 1.4, 9.1; behaviour notes 10.4
 */
#include "legacy/internal.h"

#include "wire/control.h"

#include <string.h>

#define FRAMES_MAX 3 /* STREAM_DATA_X3 */

/* A packet, parsed completely before anything of it is applied. */
struct parsed {
    struct tgv_header h;
    size_t payload_len;
    unsigned frames;
    union {
        struct tgv_init init;
        struct tgv_init_ack ack;
        struct tgv_stream_data data[FRAMES_MAX];
        struct tgv_stream_ec ec;
        uint32_t pong;
        uint32_t network_flags;
        struct {
            uint8_t stream;
            bool enabled;
        } state;
        struct {
            uint8_t ip[4];
            uint16_t port;
        } lan;
    } u;
};

static int parse_frames(struct parsed *p, unsigned frames,
                        const uint8_t *payload, size_t len)
{
    size_t at = 0, used;

    for (unsigned i = 0; i < frames; i++) {
        int err = tgv_stream_data_decode(&p->u.data[i], payload + at, len - at,
                                         &used);
        if (err)
            return err;
        at += used;
    }
    p->frames = frames;
    return 0;
}

static int parse_body(struct parsed *p, const uint8_t *payload, size_t len)
{
    p->payload_len = len;
    p->frames = 0;
    switch (p->h.type) {
    case TGV_PKT_INIT:
        return tgv_init_decode(&p->u.init, payload, len);
    case TGV_PKT_INIT_ACK:
        return tgv_init_ack_decode(&p->u.ack, payload, len);
    case TGV_PKT_STREAM_STATE:
        return tgv_stream_state_decode(&p->u.state.stream, &p->u.state.enabled,
                                       payload, len);
    case TGV_PKT_STREAM_DATA:
        return parse_frames(p, 1, payload, len);
    case TGV_PKT_STREAM_DATA_X2:
        return parse_frames(p, 2, payload, len);
    case TGV_PKT_STREAM_DATA_X3:
        return parse_frames(p, 3, payload, len);
    case TGV_PKT_PONG:
        return tgv_pong_decode(&p->u.pong, payload, len);
    case TGV_PKT_LAN_ENDPOINT:
        return tgv_lan_endpoint_decode(p->u.lan.ip, &p->u.lan.port, payload,
                                       len);
    case TGV_PKT_NETWORK_CHANGED:
        return tgv_network_changed_decode(&p->u.network_flags, payload, len);
    case TGV_PKT_STREAM_EC:
        return tgv_stream_ec_decode(&p->u.ec, payload, len);
    default: /* PING, NOP, and what we do not know: acknowledged only */
        return 0;
    }
}

/* Known extras must parse, or the packet is malformed (C11). */
static int check_extra(const struct tgv_extra *x)
{
    uint8_t id, ip[16];
    uint16_t port;
    uint32_t flags;
    struct tgv_stream_csd csd;

    switch (x->type) {
    case TGV_EXTRA_STREAM_FLAGS:
        return tgv_stream_flags_decode(&id, &flags, x->data, x->len);
    case TGV_EXTRA_STREAM_CSD:
        return tgv_stream_csd_decode(&csd, x->data, x->len);
    case TGV_EXTRA_LAN_ENDPOINT:
        return tgv_lan_endpoint_decode(ip, &port, x->data, x->len);
    case TGV_EXTRA_NETWORK_CHANGED:
        return tgv_network_changed_decode(&flags, x->data, x->len);
    case TGV_EXTRA_IPV6_ENDPOINT:
        return tgv_ipv6_endpoint_decode(ip, &port, x->data, x->len);
    default:
        return 0;
    }
}

static int check_extras(const struct tgv_header *h)
{
    int err = 0;

    for (unsigned i = 0; i < h->extra_count && !err; i++)
        err = check_extra(&h->extras[i]);
    return err;
}

static bool names_us(const struct tgv_call *c, const struct tgv_header *h)
{
    if (h->form != TGV_HEADER_FULL)
        return true;
    if (h->has_proto && h->proto != TGV_PROTO_WORD)
        return false;
    return !h->has_call_id || memcmp(h->call_id, tgv_seal_call_id(c->seal),
                                     TGV_CALL_ID_BYTES) == 0;
}

static bool parse(struct tgv_call *c, const struct tgv_opened *o,
                  struct parsed *p)
{
    bool is_short = o->envelope == TGV_ENVELOPE_V2_SHORT;
    enum tgv_header_form form = tgv_header_form_of(is_short, o->inner, o->len);
    const uint8_t *payload;
    size_t len;

    if (form == TGV_HEADER_SIMPLE && c->hs.peer_version == 0) {
        c->counters.simple_before_version++; /* ENG-69 */
        return false;
    }
    if (tgv_header_decode(&p->h, form, c->hs.peer_version >= TGV_PV_EXTRAS,
                          o->inner, o->len, &payload, &len) != 0)
        return false;
    return names_us(c, &p->h) && check_extras(&p->h) == 0 &&
           parse_body(p, payload, len) == 0;
}

/* -- effects ------------------------------------------------------------------ */

static void apply_acks(struct tgv_call *c, unsigned path,
                       const struct tgv_header *h, tgv_time now)
{
    struct tgv_acked acked;
    bool old = c->hs.peer_version != 0 && c->hs.peer_version < TGV_PV_EXTRAS;

    if (!tgv_ack_receive(&c->ack, h->ack, h->mask, old, &acked))
        return;
    tgv_choice_acked(c, &acked, path);
    if (acked.newest)
        tgv_rtt_add(&c->ack_rtt, now - acked.packets[0].at, now);
    tgv_rate_acked(c, &acked, now);
    if (acked.delivered > 0)
        tgv_loss_add(&c->measures.loss_out, acked.delivered - acked.taken_back,
                     -acked.taken_back, now);
    tgv_extras_acked(&c->extras, h->ack);
}

static void network_changed(struct tgv_call *c, uint32_t flags, tgv_time now)
{
    c->measures.handed_over = true;
    c->hs.peer_saves_data = flags & TGV_NETWORK_DATA_SAVING;
    tgv_rate_limits(c);
    tgv_direct_network_changed(c, now);
}

static void apply_extra(struct tgv_call *c, const struct tgv_extra *x,
                        tgv_time now)
{
    uint8_t id, version, frame_ms, ip[16];
    uint16_t port;
    uint32_t flags;

    switch (x->type) {
    case TGV_EXTRA_STREAM_FLAGS:
        tgv_stream_flags_decode(&id, &flags, x->data, x->len);
        tgv_audio_peer_stream(c, id, flags & TGV_STREAM_ENABLED);
        break;
    case TGV_EXTRA_NETWORK_CHANGED:
        tgv_network_changed_decode(&flags, x->data, x->len);
        network_changed(c, flags, now);
        break;
    case TGV_EXTRA_LAN_ENDPOINT:
        tgv_lan_endpoint_decode(ip, &port, x->data, x->len);
        tgv_direct_lan(c, ip, port, now);
        break;
    case TGV_EXTRA_IPV6_ENDPOINT:
        tgv_ipv6_endpoint_decode(ip, &port, x->data, x->len);
        tgv_direct_ipv6(c, ip, port, now);
        break;
    case TGV_EXTRA_TGVX:
        if (tgv_tgvx_decode(&version, &frame_ms, x->data, x->len) != 0)
            break;
        c->hs.peer_is_ours = true;
        c->hs.peer_min_frame_ms = frame_ms;
        tgv_audio_delay_bounds(c);
        break;
    default:
        c->counters.ignored++;
        break;
    }
}

static void apply_extras(struct tgv_call *c, const struct tgv_header *h,
                         tgv_time now)
{
    unsigned fresh[TGV_EXTRAS_MAX];
    unsigned n = tgv_extras_receive(&c->extras, h->seq, h, fresh);

    for (unsigned i = 0; i < n; i++)
        apply_extra(c, &h->extras[fresh[i]], now);
}

static void answer_ping(struct tgv_call *c, unsigned path, uint32_t seq,
                        tgv_time now)
{
    uint8_t body[4];

    if (!tgv_send_may_answer(c, TGV_ANSWER_PONG, now))
        return;
    tgv_send_packet(c, path, TGV_PKT_PONG, body, tgv_pong_encode(seq, body));
}

static void apply_body(struct tgv_call *c, unsigned path,
                       const struct parsed *p, tgv_time now)
{
    switch (p->h.type) {
    case TGV_PKT_INIT:
        tgv_handshake_init(c, path, &p->u.init, now);
        break;
    case TGV_PKT_INIT_ACK:
        tgv_handshake_ack(c, path, &p->u.ack, now);
        break;
    case TGV_PKT_STREAM_STATE:
        tgv_audio_stream_state(c, p->h.seq, p->u.state.stream,
                               p->u.state.enabled);
        break;
    case TGV_PKT_STREAM_DATA:
    case TGV_PKT_STREAM_DATA_X2:
    case TGV_PKT_STREAM_DATA_X3:
        tgv_rate_packet_of(c, p->frames);
        for (unsigned i = 0; i < p->frames; i++)
            tgv_audio_stream_data(c, &p->u.data[i], now);
        break;
    case TGV_PKT_STREAM_EC:
        tgv_audio_stream_ec(c, &p->u.ec, now);
        break;
    case TGV_PKT_PING:
        answer_ping(c, path, p->h.seq, now);
        break;
    case TGV_PKT_PONG:
        tgv_choice_pong(c, path, p->u.pong, now);
        break;
    case TGV_PKT_NETWORK_CHANGED:
        network_changed(c, p->u.network_flags, now);
        break;
    case TGV_PKT_LAN_ENDPOINT:
        tgv_direct_lan(c, p->u.lan.ip, p->u.lan.port, now);
        break;
    case TGV_PKT_NOP:
        break;
    default:
        c->counters.ignored++;
        break;
    }
}

static void mark(struct tgv_call *c, uint32_t seq, tgv_time now)
{
    bool first = !c->window.any;
    uint32_t advance = tgv_window_mark(&c->window, seq);

    if (first || advance > TGV_WINDOW_NUMBERS)
        tgv_loss_add(&c->measures.loss_in, 1, 0, now);
    else if (advance > 0)
        tgv_loss_add(&c->measures.loss_in, (int)advance, (int)advance - 1, now);
    else /* had been counted as missing */
        tgv_loss_add(&c->measures.loss_in, 0, -1, now);
}

static void apply(struct tgv_call *c, unsigned path, const struct parsed *p,
                  tgv_time now)
{
    mark(c, p->h.seq, now);
    c->counters.packets_in++;
    if (c->state == TGV_STATE_RECONNECTING)
        tgv_state_set(c, TGV_STATE_ESTABLISHED, TGV_CALL_ERROR_UNKNOWN, now);
    tgv_timers_accepted(c, now);
    tgv_rate_heard(c, now);
    apply_acks(c, path, &p->h, now);
    tgv_reach_heard(c, path, now);
    tgv_choice_accepted(c, path, p->h.type, now);
    apply_extras(c, &p->h, now);
    apply_body(c, path, p, now);
    tgv_rate_received(c, now);
}

static bool open_envelope(struct tgv_call *c, const uint8_t *body, size_t len,
                          uint8_t *clear, size_t cap, struct tgv_opened *o)
{
    bool v1 = c->layer < TGV_LAYER_V2 && c->allow_v1;

    if (len < TGV_BODY_MIN || len > TGV_DATAGRAM_MAX)
        return false;
    if (tgv_seal_open(c->seal, v1, body, len, clear, cap, o) != 0)
        return false;
    if (o->envelope != TGV_ENVELOPE_V1 && !c->hs.reached_established)
        c->hs.upgraded = true; /* wire specification 3.5 */
    return true;
}

/* @return it was a packet of the call */
static bool receive_sealed(struct tgv_call *c, unsigned path,
                           const uint8_t *body, size_t len, size_t prefix_len,
                           const struct tgv_addr *from, tgv_time now)
{
    uint8_t clear[TGV_DATAGRAM_MAX];
    struct tgv_opened o;
    struct parsed p;

    if (!open_envelope(c, body, len, clear, sizeof(clear), &o) ||
        !parse(c, &o, &p))
        return false;
    if (!tgv_window_check(&c->window, p.h.seq)) { /* C13 */
        c->counters.duplicate++;
        return true;
    }
    if (from && (!c->window.any || tgv_seq_gt(p.h.seq, c->window.last)))
        tgv_direct_roam(c, path, from, now);
    tgv_stats_received(c, path, &p.h, prefix_len + len, now);
    apply(c, path, &p, now);
    return true;
}

void tgv_receive_packet(struct tgv_call *c, unsigned path,
                        const struct tgv_addr *from, const uint8_t *pkt,
                        size_t len, tgv_time now)
{
    const uint8_t *prefix;
    size_t prefix_len = tgv_path_prefix(c, path, &prefix);

    c->counters.bytes_in += len;
    if (len < prefix_len || memcmp(pkt, prefix, prefix_len) != 0)
        c->counters.bad++;
    else if (tgv_path_is_relay(&c->paths.list[path]) &&
             tgv_control_is(pkt, len))
        tgv_paths_control(c, path, pkt, len, now);
    else if (!receive_sealed(c, path, pkt + prefix_len, len - prefix_len,
                             prefix_len, from, now))
        c->counters.bad++;
}

/* Of a source that belongs to no road: the peer's new address, or anybody's. */
static void receive_stranger(struct tgv_call *c, const struct tgv_addr *from,
                             const uint8_t *pkt, size_t len, tgv_time now)
{
    int path = tgv_direct_stranger(c, from, now);
    const uint8_t *prefix;
    size_t prefix_len =
        path >= 0 ? tgv_path_prefix(c, (unsigned)path, &prefix) : 0;

    c->counters.bytes_in += path >= 0 ? len : 0;
    if (path < 0 || len < prefix_len || memcmp(pkt, prefix, prefix_len) != 0 ||
        !receive_sealed(c, (unsigned)path, pkt + prefix_len, len - prefix_len,
                        prefix_len, from, now))
        c->counters.unknown_source++; /* ENG-23 */
}

static void receive_datagram(struct tgv_call *c, const struct tgv_addr *from,
                             const uint8_t *pkt, size_t len, tgv_time now)
{
    const struct tgv_addr arrived = *from;
    struct tgv_addr source = tgv_nat64_in(c, from);
    bool tag_wrong;
    int path;

    if (tgv_proxy_on(c) && !tgv_proxy_unwrap(c, &source, &pkt, &len))
        return;
    from = &source;
    path = tgv_paths_find(c, from, pkt, len, &tag_wrong);
    if (path >= 0 && !tgv_proxy_on(c))
        tgv_nat64_heard(c, &arrived);
    if (path >= 0)
        tgv_receive_packet(c, (unsigned)path, from, pkt, len, now);
    else if (tag_wrong)
        c->counters.bad++;
    else
        receive_stranger(c, from, pkt, len, now);
}

void tgv_call_receive(struct tgv_call *c, unsigned sock,
                      const struct tgv_addr *from, const uint8_t *pkt,
                      size_t len, tgv_time now)
{
    if (!tgv_call_live(c))
        return;
    if (sock == c->udp.sock)
        receive_datagram(c, from, pkt, len, now);
    else if (!tgv_proxy_receive(c, sock, pkt, len, now))
        tgv_tcp_receive(c, sock, pkt, len, now);
}
