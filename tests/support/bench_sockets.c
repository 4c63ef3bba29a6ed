/* SPDX-License-Identifier: MIT */
/* Sockets of the call on the bench: what it sends by them is read, what it
 * requests is done. */
#include "support/bench_impl.h"

#include "base/seq.h"
#include "transport/socks5.h"

#include <stdlib.h>
#include <string.h>

/* -- what the call sends ---------------------------------------------------------- */

void tgv_bench_relay_says(struct tgv_bench *b, unsigned relay,
                          const uint8_t *data, size_t len)
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

    tgv_bench_tag_of(b, relay, m.tag);
    if (tgv_control_encode(&m, buf, sizeof(buf), &len) != 0)
        abort();
    if (ipv6)
        tgv_call_receive(b->call, b->sock, to, buf, len, b->now);
    else
        tgv_bench_relay_says(b, relay, buf, len);
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

void tgv_bench_stream_says(struct tgv_bench *b, unsigned stream,
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
