/* SPDX-License-Identifier: MIT */
#include "support/bench.h"

#include "base/seq.h"
#include "support/marker_codec.h"
#include "transport/socks5.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

void tgv_bench_options_init(struct tgv_bench_options *o)
{
    *o = (struct tgv_bench_options){.relays = 1,
                                    .layer = TGV_LAYER_MAX,
                                    .init_timeout = TGV_S(30),
                                    .receive_timeout = TGV_S(20)};
}

static int fill(void *ctx, uint8_t *buf, size_t len)
{
    struct tgv_bench *b = ctx;
    struct tgv_random source = tgv_prng_source(&b->call_prng);

    return b->random_fails ? TGVOIP_ERR_RANDOM
                           : source.fill(source.ctx, buf, len);
}

static void tag_of(const struct tgv_bench *b, unsigned relay,
                   uint8_t tag[TGV_TAG_BYTES])
{
    memcpy(tag, b->tag, TGV_TAG_BYTES);
    tag[0] = (uint8_t)relay;
}

static struct tgv_addr relay_ipv6(unsigned relay)
{
    uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, 1};

    ip[15] = (uint8_t)(relay + 1);
    return tgv_addr_ipv6(ip, 5000);
}

static void make_relays(struct tgv_bench *b, struct tgv_relay_entry *entries)
{
    for (unsigned i = 0; i < b->o.relays; i++) {
        uint8_t ip[4] = {198, 51, 100, (uint8_t)(i + 1)};
        memset(&entries[i], 0, sizeof(entries[i]));
        entries[i].id = 100 + i;
        entries[i].tcp = i + b->o.tcp_relays >= b->o.relays;
        entries[i].ipv4 = b->relay_addr[i] = tgv_addr_ipv4(ip, 5000);
        if (b->o.ipv6 || b->o.ipv6_only)
            entries[i].ipv6 = b->relay_ipv6[i] = relay_ipv6(i);
        if (b->o.ipv6_only)
            memset(&entries[i].ipv4, 0, sizeof(entries[i].ipv4));
        if (b->o.ipv6_only)
            b->relay_addr[i] = b->relay_ipv6[i];
        tag_of(b, i, entries[i].tag);
    }
}

static void speak(struct tgv_bench *b)
{
    b->version = TGV_PROTOCOL_VERSION;
    b->seq = 1;
    b->pts = 60; /* 0 is sent by tgv_bench_establish() */
    if (b->o.layer >= TGV_LAYER_SHORT) {
        b->envelope = TGV_ENVELOPE_V2_SHORT;
        b->form = TGV_HEADER_SHORT;
    } else {
        b->envelope =
            b->o.layer >= TGV_LAYER_V2 ? TGV_ENVELOPE_V2_LONG : TGV_ENVELOPE_V1;
        b->form = TGV_HEADER_FULL;
    }
}

void tgv_bench_init(struct tgv_bench *b, const struct tgv_bench_options *o)
{
    struct tgv_relay_entry relays[TGV_RELAYS_MAX];
    struct tgv_call_config config = {.outgoing = !o->incoming,
                                     .relays = relays,
                                     .relay_count = o->relays,
                                     .max_layer = o->layer,
                                     .allow_v1 = o->allow_v1,
                                     .init_timeout = o->init_timeout,
                                     .receive_timeout = o->receive_timeout,
                                     .data_saving = o->data_saving,
                                     .muted = o->muted,
                                     .allow_p2p = o->allow_p2p,
                                     .proxy = o->proxy,
                                     .persistent_state = o->persistent_state,
                                     .log = o->log,
                                     .complexity = 5,
                                     .server_config = o->config,
                                     .codec = tgv_codec_marker(),
                                     .random = {fill, b}};

    memset(b, 0, sizeof(*b));
    b->o = *o;
    b->now = TGV_BENCH_START;
    b->answer_probes = true;
    b->self = tgv_addr_ipv4((const uint8_t[4]){192, 0, 2, 1}, 4000);
    b->self_ipv6 = b->self;
    b->port = 20000;
    b->tcp = o->tcp;
    b->via = -1;
    b->random_fails = o->random_fails;
    b->log = calloc(TGV_BENCH_LOG_MAX, sizeof(*b->log));
    tgv_prng_init(&b->call_prng, 7);
    tgv_prng_init(&b->prng, 8);
    for (size_t i = 0; i < sizeof(config.key); i++)
        config.key[i] = (uint8_t)(i * 7 + 13);
    for (size_t i = 0; i < TGV_TAG_BYTES; i++)
        b->tag[i] = (uint8_t)(0x10 + i);
    make_relays(b, relays);
    if (!b->log || tgv_seal_create(&b->seal, config.key, o->incoming) ||
        tgv_call_create(&b->call, &config))
        abort();
    speak(b);
    if (tgv_call_start(b->call, b->now))
        abort();
    tgv_bench_settle(b);
    if (o->stay_closed)
        return;
    if (tgv_call_connect(b->call, b->now))
        abort();
    tgv_bench_settle(b);
    tgv_bench_run(b, 0);
}

void tgv_bench_fini(struct tgv_bench *b)
{
    tgv_call_destroy(b->call);
    tgv_seal_destroy(b->seal);
    for (unsigned i = 0; i < b->stream_count; i++)
        tgv_obf_destroy(b->streams[i].obf);
    free(b->log);
}

/* -- what the call sends ---------------------------------------------------------- */

/* A datagram of a relay, through the proxy if there is one. */
static void relay_says(struct tgv_bench *b, unsigned relay, const uint8_t *data,
                       size_t len)
{
    uint8_t buf[1600];
    size_t n = 0;

    if (b->assoc.family == TGV_AF_NONE) {
        tgv_call_receive(b->call, b->sock, &b->relay_addr[relay], data, len,
                         b->now);
        return;
    }
    n = tgv_socks5_udp_header(&b->relay_addr[relay], buf, sizeof(buf));
    memcpy(buf + n, data, len);
    tgv_call_receive(b->call, b->sock, &b->assoc, buf, n + len, b->now);
}

static void answer_probe(struct tgv_bench *b, unsigned relay,
                         const struct tgv_addr *to, uint64_t id)
{
    bool ipv6 = tgv_addr_equal(&b->relay_ipv6[relay], to);
    struct tgv_control m = {.kind = TGV_CONTROL_SELF_INFO,
                            .query_id = id,
                            .self = ipv6 ? b->self_ipv6 : b->self};
    uint8_t buf[TGV_CONTROL_MAX];
    size_t len;

    tag_of(b, relay, m.tag);
    if (tgv_control_encode(&m, buf, sizeof(buf), &len) != 0)
        abort();
    if (ipv6)
        tgv_call_receive(b->call, b->sock, to, buf, len, b->now);
    else
        relay_says(b, relay, buf, len);
}

static void hear(struct tgv_bench *b, uint32_t seq)
{
    if (b->hold_ack)
        return;
    if (tgv_seq_gt(seq, b->ack)) {
        uint32_t d = seq - b->ack;
        b->mask = d < 32 ? b->mask >> d : 0;
        if (d <= 32 && b->ack != 0)
            b->mask |= UINT32_C(1) << (32 - d);
        b->ack = seq;
    } else if (b->ack - seq - 1 < 32) {
        b->mask |= UINT32_C(1) << (31 - (b->ack - seq - 1));
    }
}

static void read_sealed(struct tgv_bench *b, struct tgv_bench_packet *p,
                        const uint8_t *body, size_t len)
{
    uint8_t clear[1500];
    struct tgv_opened o;

    if (tgv_seal_open(b->seal, true, body, len, clear, sizeof(clear), &o) ||
        o.len > sizeof(p->inner))
        return;
    memcpy(p->inner, o.inner, o.len);
    p->envelope = o.envelope;
    p->opened = tgv_header_decode(
                    &p->h,
                    tgv_header_form_of(o.envelope == TGV_ENVELOPE_V2_SHORT,
                                       p->inner, o.len),
                    b->version >= TGV_PV_EXTRAS, p->inner, o.len, &p->payload,
                    &p->payload_len) == 0;
    if (p->opened)
        hear(b, p->h.seq);
}

static unsigned relay_at(const struct tgv_bench *b, const struct tgv_addr *a)
{
    unsigned relay = 0;

    while (relay < b->o.relays && !tgv_addr_equal(&b->relay_addr[relay], a) &&
           !tgv_addr_equal(&b->relay_ipv6[relay], a))
        relay++;
    return relay;
}

/* What is neither a stream, a relay nor behind NAT64 is a direct road. */
static size_t prefix_of(const struct tgv_bench *b, unsigned relay, int stream,
                        const struct tgv_addr *to)
{
    bool nat64 = to->family == TGV_AF_IPV6 && to->ip[0] == 0;

    if (stream >= 0 || relay < b->o.relays || nat64)
        return TGV_TAG_BYTES;
    return b->version < 9 ? TGV_CALL_ID_BYTES : 0;
}

static void take(struct tgv_bench *b, unsigned relay, int stream,
                 const struct tgv_addr *to, const uint8_t *buf, size_t len)
{
    struct tgv_bench_packet *p = &b->log[b->count];
    struct tgv_control m;

    if (b->count == TGV_BENCH_LOG_MAX)
        abort();
    b->count++;
    memset(p, 0, sizeof(*p));
    p->at = b->now - TGV_BENCH_START;
    p->datagram_len = len;
    p->relay = relay;
    p->stream = stream;
    p->to = *to;
    tgv_control_decode(&m, buf, len);
    p->control = m.kind;
    p->query_id = m.query_id;
    size_t prefix = prefix_of(b, relay, stream, to);
    if (m.kind == TGV_CONTROL_PING && b->answer_probes && stream < 0 &&
        relay < b->o.relays)
        answer_probe(b, p->relay, to, m.query_id);
    else if (m.kind == TGV_CONTROL_NONE)
        read_sealed(b, p, buf + prefix, len - prefix);
}

static void take_datagram(struct tgv_bench *b, const struct tgv_addr *to,
                          const uint8_t *buf, size_t len)
{
    struct tgv_addr relay = *to;

    if (b->assoc.family != TGV_AF_NONE &&
        tgv_socks5_udp_parse(buf, len, &relay, &buf, &len) != 0)
        abort();
    take(b, relay_at(b, &relay), -1, to, buf, len);
}

static void take_stream(struct tgv_bench *b, struct tgv_bench_stream *s,
                        const uint8_t *buf, size_t len)
{
    const uint8_t *packet;
    size_t used, n;

    if (!s->open || s->gone)
        abort();
    if (!s->tunnel) {
        if (s->raw_len + len > sizeof(s->raw))
            abort();
        memcpy(s->raw + s->raw_len, buf, len);
        s->raw_len += len;
        return;
    }
    if (!tgv_obf_ready(s->obf))
        s->headers += len;
    for (; len > 0; buf += used, len -= used) {
        if (tgv_obf_decode(s->obf, buf, len, &used, &packet, &n))
            abort();
        if (packet) /* the tag names the relay, behind a proxy too */
            take(b, packet[0], (int)(s - b->streams), &s->to, packet, n);
    }
}

static struct tgv_bench_stream *stream_of(struct tgv_bench *b, unsigned sock)
{
    for (unsigned i = 0; i < b->stream_count; i++)
        if (b->streams[i].sock == sock)
            return &b->streams[i];
    return NULL;
}

static void take_events(struct tgv_bench *b)
{
    struct tgv_call_event ev;

    while (tgv_call_next_event(b->call, &ev)) {
        if (ev.kind == TGV_EVENT_STATE) {
            b->states[b->state_count++ % 64] = ev.state;
            b->last_error = ev.error;
        } else if (ev.kind == TGV_EVENT_ROUTE) {
            b->route_ids[b->route_count % 64] = ev.relay_id;
            b->routes[b->route_count++ % 64] = ev.reason;
        } else {
            b->bars = ev.bars;
        }
    }
}

static void open_udp(struct tgv_bench *b, unsigned sock)
{
    b->sock = sock;
    if (!b->o.stay_closed)
        tgv_call_io_event(b->call,
                          &(struct tgv_io_event){
                              .kind = TGV_IO_OPENED,
                              .sock = sock,
                              .addr = {.family = TGV_AF_IPV6, .port = b->port}},
                          b->now);
}

static void open_tcp(struct tgv_bench *b, const struct tgv_io_request *req)
{
    struct tgv_bench_stream *s = &b->streams[b->stream_count];

    if (b->stream_count++ == TGV_BENCH_STREAMS)
        abort();
    *s = (struct tgv_bench_stream){
        .sock = req->sock, .to = req->to, .at = b->now - TGV_BENCH_START};
    if (b->tcp == TGV_BENCH_HOLD)
        return;
    s->open = true;
    if (!b->o.proxy.host[0])
        tgv_bench_tunnel(b, b->stream_count - 1);
    tgv_call_io_event(
        b->call,
        &(struct tgv_io_event){.kind = TGV_IO_OPENED, .sock = req->sock},
        b->now);
}

static void take_requests(struct tgv_bench *b)
{
    struct tgv_io_request *req = &b->last_request;
    struct tgv_bench_stream *s;

    while (tgv_call_next_request(b->call, req)) {
        b->requests++;
        switch (req->kind) {
        case TGV_IO_UDP_OPEN:
            open_udp(b, req->sock);
            break;
        case TGV_IO_TCP_OPEN:
            open_tcp(b, req);
            break;
        case TGV_IO_CLOSE:
            s = stream_of(b, req->sock);
            if (s)
                s->gone = true;
            break;
        case TGV_IO_RESOLVE:
            b->name_sock = req->sock;
            strcpy(b->names[b->name_count++ % TGV_BENCH_NAMES], req->name);
            break;
        }
    }
}

void tgv_bench_settle(struct tgv_bench *b)
{
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to;
    unsigned sock;
    size_t len;

    for (;;) {
        take_requests(b);
        tgv_call_transmit(b->call, &sock, &to, buf, sizeof(buf), &len, b->now);
        if (len == 0)
            break;
        struct tgv_bench_stream *s = stream_of(b, sock);
        if (s)
            take_stream(b, s, buf, len);
        else if (sock == b->sock)
            take_datagram(b, &to, buf, len);
        else
            abort();
    }
    take_events(b);
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

    tag_of(b, relay, m.tag);
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

unsigned tgv_bench_sent_to(const struct tgv_bench *b, const struct tgv_addr *to,
                           uint8_t type, unsigned from)
{
    unsigned n = 0;

    for (unsigned i = from; i < b->count; i++)
        n += b->log[i].opened && b->log[i].h.type == type &&
             tgv_addr_equal(&b->log[i].to, to);
    return n;
}

/* -- connections ------------------------------------------------------------------- */

void tgv_bench_tunnel(struct tgv_bench *b, unsigned stream)
{
    struct tgv_bench_stream *s = &b->streams[stream];

    if (s->tunnel || tgv_obf_create_relay(&s->obf))
        abort();
    s->tunnel = true;
}

void tgv_bench_tcp_event(struct tgv_bench *b, unsigned stream,
                         enum tgv_io_event_kind kind)
{
    struct tgv_bench_stream *s = &b->streams[stream];

    if (kind == TGV_IO_OPENED) {
        s->open = true;
        if (!b->o.proxy.host[0])
            tgv_bench_tunnel(b, stream);
    } else if (kind == TGV_IO_FAILED || kind == TGV_IO_CLOSED) {
        s->gone = true;
    }
    tgv_call_io_event(
        b->call, &(struct tgv_io_event){.kind = kind, .sock = s->sock}, b->now);
    tgv_bench_settle(b);
}

void tgv_bench_tcp_bytes(struct tgv_bench *b, unsigned stream,
                         const uint8_t *data, size_t len)
{
    struct tgv_bench_stream *s = &b->streams[stream];
    size_t piece = b->piece ? b->piece : len;

    for (size_t at = 0; at < len && !s->gone; at += piece) {
        size_t n = len - at < piece ? len - at : piece;
        tgv_call_receive(b->call, s->sock, NULL, data + at, n, b->now);
        tgv_bench_settle(b);
    }
}

static void stream_says(struct tgv_bench *b, unsigned stream,
                        const uint8_t *data, size_t len)
{
    uint8_t frame[TGV_OBF_FRAME_MAX];
    size_t n;

    if (tgv_obf_encode(b->streams[stream].obf, data, len, frame, sizeof(frame),
                       &n))
        abort();
    tgv_bench_tcp_bytes(b, stream, frame, n);
}

unsigned tgv_bench_live_streams(const struct tgv_bench *b)
{
    unsigned n = 0;

    for (unsigned i = 0; i < b->stream_count; i++)
        n += !b->streams[i].gone;
    return n;
}

void tgv_bench_resolved(struct tgv_bench *b, const struct tgv_addr *addrs,
                        unsigned count)
{
    struct tgv_io_event ev = {
        .kind = TGV_IO_RESOLVED, .sock = b->name_sock, .addr_count = count};

    if (count)
        memcpy(ev.addrs, addrs, count * sizeof(*addrs));
    tgv_call_io_event(b->call, &ev, b->now);
    tgv_bench_settle(b);
}

void tgv_bench_event(struct tgv_bench *b, enum tgv_io_event_kind kind)
{
    tgv_call_io_event(
        b->call, &(struct tgv_io_event){.kind = kind, .sock = b->sock}, b->now);
    tgv_bench_settle(b);
}

static void tick_audio(struct tgv_bench *b)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    b->next_audio += TGV_BLOCK_US;
    tgv_marker_write(pcm, (uint32_t)(b->next_audio / TGV_BLOCK_US));
    if (tgv_call_wants_capture(b->call))
        tgv_call_capture(b->call, tgv_call_sends_audio(b->call) ? pcm : NULL,
                         b->now);
    if (tgv_call_wants_playout(b->call))
        tgv_call_playout(b->call, pcm, b->now, &played);
    tgv_bench_settle(b);
}

void tgv_bench_run(struct tgv_bench *b, tgv_time length)
{
    tgv_time end = b->now + length;

    if (b->audio && b->next_audio < b->now)
        b->next_audio = b->now;
    for (;;) {
        tgv_time due = tgv_call_deadline(b->call);
        tgv_time next = b->audio ? tgv_time_min(due, b->next_audio) : due;
        if (next > end)
            break;
        if (next > b->now)
            b->now = next;
        if (due <= b->now) {
            tgv_call_expire(b->call, b->now);
            tgv_bench_settle(b);
        }
        if (b->audio && b->next_audio <= b->now)
            tick_audio(b);
    }
    b->now = end;
}

/* -- what the peer sends ---------------------------------------------------------- */

static size_t seal_inner(struct tgv_bench *b, unsigned relay,
                         const uint8_t *inner, size_t len, uint8_t *out)
{
    struct tgv_random random = tgv_prng_source(&b->prng);
    size_t n;

    tag_of(b, relay, out);
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
        stream_says(b, (unsigned)b->via, data, len);
    else
        relay_says(b, relay, data, len);
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

void tgv_bench_init_packet(struct tgv_bench *b, unsigned relay)
{
    struct tgv_init m = {.version = b->version,
                         .min_version = 3,
                         .codec_count = 1,
                         .codecs = {TGV_CODEC_OPUS}};
    uint8_t body[64];
    size_t len;

    if (tgv_init_encode(&m, b->o.layer, body, sizeof(body), &len))
        abort();
    tgv_bench_send(b, relay, TGV_PKT_INIT, body, len);
}

void tgv_bench_ack_packet(struct tgv_bench *b, unsigned relay)
{
    struct tgv_init_ack m = {.version = b->version,
                             .min_version = 3,
                             .stream_count = 1,
                             .streams = {{.id = 1,
                                          .type = TGV_STREAM_TYPE_AUDIO,
                                          .codec = TGV_CODEC_OPUS,
                                          .frame_ms = 60,
                                          .enabled = true}}};
    uint8_t body[64];
    size_t len;

    if (tgv_init_ack_encode(&m, b->version < 5 ? b->version : 9, body,
                            sizeof(body), &len))
        abort();
    tgv_bench_send(b, relay, TGV_PKT_INIT_ACK, body, len);
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

/* -- looking ------------------------------------------------------------------------ */

const struct tgv_bench_packet *tgv_bench_find(const struct tgv_bench *b,
                                              uint8_t type, unsigned from,
                                              unsigned n)
{
    for (unsigned i = from; i < b->count; i++)
        if (b->log[i].opened && b->log[i].h.type == type && n-- == 0)
            return &b->log[i];
    return NULL;
}

unsigned tgv_bench_sent(const struct tgv_bench *b, uint8_t type, unsigned from)
{
    unsigned n = 0;

    while (tgv_bench_find(b, type, from, n))
        n++;
    return n;
}

const struct tgv_extra *tgv_bench_extra(const struct tgv_bench_packet *p,
                                        uint8_t type)
{
    for (unsigned i = 0; p && i < p->h.extra_count; i++)
        if (p->h.extras[i].type == type)
            return &p->h.extras[i];
    return NULL;
}

struct tgv_call_stats tgv_bench_stats(struct tgv_bench *b)
{
    struct tgv_call_stats s;

    tgv_call_stats(b->call, &s, b->now);
    return s;
}

enum tgv_call_state tgv_bench_state(struct tgv_bench *b)
{
    return tgv_bench_stats(b).state;
}
