/* SPDX-License-Identifier: MIT */
/*
 * Two whole calls with a common key and a network that the input controls.
 * Input: u8 mode, u8 layer and options, then operations (see operate()):
 * packets between the two are delivered, lost, repeated, damaged, or sent by
 * the input itself under the valid key; time passes; sockets fail; the random
 * source fails. With mode 4 the second relay, or the only one, is a TCP relay;
 * with option 128 there is a proxy. The far end of a connection is the input,
 * or, once it is a tunnel, the network.
 * Invariants: after FAILED or stop nothing is sent and nothing told; output
 * is bounded for each input; time-outs move on; statistics are sane.
 */
#include "fuzz.h"

#include "crypto/seal.h"
#include "legacy/call.h"
#include "legacy/server_config.h"
#include "support/marker_codec.h"
#include "transport/obfuscated.h"
#include "transport/socks5.h"
#include "wire/packet.h"

#include <tgvoip/error.h>

#include <math.h>
#include <string.h>

#define SIDES 2
#define RELAYS 2
#define MTU TGV_CALL_TRANSMIT_MAX
#define WIRE 32 /* datagrams under way */
#define CONNS 8 /* connections of a side; more are never answered */
#define BURST_MAX 600 /* datagrams that one input may cause */
#define EXPIRES_MAX 200 /* time-outs in a row at one time */
#define AUDIO_TIME TGV_S(20) /* of each input: Opus costs */

struct datagram {
    uint8_t to; /* side */
    uint8_t relay;
    size_t len;
    uint8_t data[MTU];
};

struct conn {
    unsigned sock; /* 0: free */
    bool open, tunnel;
    unsigned relay; /* + 1, that it spoke to; 0 none */
    struct tgv_obf *obf;
};

struct side {
    struct tgv_call *call;
    struct tgv_seal *seal;
    struct tgv_prng prng;
    bool random_fails, final, stopped;
    unsigned sock;
    struct conn conns[CONNS];
    unsigned turn; /* the place of the next connection */
    unsigned name; /* look-up not answered yet */
    uint32_t seq; /* of packets made by the input in its name */
};

static struct world {
    struct side side[SIDES];
    struct tgv_addr relay[RELAYS];
    struct datagram wire[WIRE];
    unsigned wire_count;
    bool ideal; /* the network delivers at once */
    bool proxy;
    tgv_time now, audio_left;
} w;

static int fill(void *ctx, uint8_t *buf, size_t len)
{
    struct side *s = ctx;
    struct tgv_random random = tgv_prng_source(&s->prng);

    return s->random_fails ? TGVOIP_ERR_RANDOM
                           : random.fill(random.ctx, buf, len);
}

static void tag_of(unsigned side, unsigned relay, uint8_t *tag)
{
    memset(tag, (int)(0x40 + relay), TGV_TAG_BYTES);
    tag[15] = (uint8_t)side;
}

/* -- after each input --------------------------------------------------------- */

static void put_wire(unsigned from, const struct tgv_addr *to,
                     const uint8_t *data, size_t len)
{
    struct datagram *d = &w.wire[w.wire_count];
    unsigned relay = 0;

    while (relay < RELAYS && !tgv_addr_equal(&w.relay[relay], to))
        relay++;
    if (relay == RELAYS) { /* no relay's: only a proxy sends elsewhere */
        FUZZ_CHECK(w.proxy);
        return;
    }
    FUZZ_CHECK(len >= TGV_TAG_BYTES && len <= MTU);
    if (w.wire_count == WIRE) { /* the oldest is lost */
        memmove(w.wire, w.wire + 1, sizeof(w.wire) - sizeof(*w.wire));
        d--;
        w.wire_count--;
    }
    d->to = (uint8_t)(1 - from);
    d->relay = (uint8_t)relay;
    d->len = len;
    memcpy(d->data, data, len);
    d->data[15] ^= 1; /* as a relay does */
    w.wire_count++;
}

static void take_events(struct side *s)
{
    struct tgv_call_event ev;
    unsigned n = 0;

    while (tgv_call_next_event(s->call, &ev)) {
        FUZZ_CHECK(!s->final && !s->stopped && ++n <= BURST_MAX);
        if (ev.kind == TGV_EVENT_STATE)
            s->final = ev.state == TGV_STATE_FAILED;
        else if (ev.kind == TGV_EVENT_SIGNAL_BARS)
            FUZZ_CHECK(ev.bars >= 1 && ev.bars <= 4);
        else if (ev.kind == TGV_EVENT_ROUTE)
            FUZZ_CHECK(ev.reason && (ev.relay_id == 7 || ev.relay_id == 8));
    }
}

static struct conn *conn_of(struct side *s, unsigned sock)
{
    for (unsigned i = 0; i < CONNS; i++)
        if (s->conns[i].sock == sock && sock)
            return &s->conns[i];
    return NULL;
}

static void forget(struct conn *k)
{
    tgv_obf_destroy(k->obf);
    *k = (struct conn){0};
}

static void connect_to(struct side *s, const struct tgv_io_request *req)
{
    struct conn *k = &s->conns[s->turn++ % CONNS];

    FUZZ_CHECK(!w.proxy || req->to.port == 1080); /* ENG-64 */
    forget(k);
    k->sock = req->sock;
}

static void request(struct side *s, const struct tgv_io_request *req)
{
    struct conn *k = conn_of(s, req->sock);

    if (req->kind == TGV_IO_CLOSE) {
        if (k)
            forget(k);
        return;
    }
    FUZZ_CHECK(!s->final && !s->stopped);
    if (req->kind == TGV_IO_TCP_OPEN)
        connect_to(s, req);
    if (req->kind == TGV_IO_RESOLVE)
        s->name = req->sock;
    if (req->kind != TGV_IO_UDP_OPEN)
        return;
    s->sock = req->sock;
    if (w.ideal)
        tgv_call_io_event(
            s->call,
            &(struct tgv_io_event){.kind = TGV_IO_OPENED, .sock = req->sock},
            w.now);
}

/* Whole frames go on as datagrams of the relay that their tag names. */
static void put_stream(unsigned i, struct conn *k, const uint8_t *data,
                       size_t len)
{
    const uint8_t *packet;
    size_t used, n;

    FUZZ_CHECK(k->open);
    for (; k->tunnel && len > 0; data += used, len -= used) {
        FUZZ_CHECK(tgv_obf_decode(k->obf, data, len, &used, &packet, &n) == 0);
        if (!packet || packet[0] - 0x40u >= RELAYS)
            continue;
        k->relay = packet[0] - 0x40u + 1;
        put_wire(i, &w.relay[packet[0] - 0x40u], packet, n);
    }
}

static void settle(unsigned i)
{
    struct side *s = &w.side[i];
    struct tgv_io_request req;
    uint8_t buf[MTU];
    struct tgv_addr to;
    unsigned sock, n = 0;
    size_t len;

    while (tgv_call_next_request(s->call, &req)) {
        FUZZ_CHECK(++n <= BURST_MAX);
        request(s, &req);
    }
    for (n = 0;; n++) {
        tgv_call_transmit(s->call, &sock, &to, buf, sizeof(buf), &len, w.now);
        if (len == 0)
            break;
        struct conn *k = conn_of(s, sock);
        FUZZ_CHECK(!s->final && !s->stopped && n < BURST_MAX);
        FUZZ_CHECK((k || sock == s->sock) && len <= sizeof(buf));
        if (k)
            put_stream(i, k, buf, len);
        else
            put_wire(i, &to, buf, len);
    }
    while (tgv_call_next_request(s->call, &req))
        request(s, &req);
    take_events(s);
}

/* A relay answers on the connection that the side spoke on. */
static bool by_stream(struct side *s, const struct datagram *d)
{
    uint8_t frame[TGV_OBF_FRAME_MAX];
    size_t n;

    for (unsigned i = 0; i < CONNS; i++) {
        struct conn *k = &s->conns[i];
        if (k->relay != d->relay + 1u || !k->tunnel ||
            tgv_obf_encode(k->obf, d->data, d->len, frame, sizeof(frame), &n))
            continue;
        tgv_call_receive(s->call, k->sock, NULL, frame, n, w.now);
        return true;
    }
    return false;
}

static void hand_over(const struct datagram *d)
{
    struct side *s = &w.side[d->to];

    if (!by_stream(s, d))
        tgv_call_receive(s->call, s->sock, &w.relay[d->relay], d->data, d->len,
                         w.now);
    settle(d->to);
}

static void deliver(unsigned n)
{
    struct datagram d;

    if (w.wire_count == 0)
        return;
    n %= w.wire_count;
    d = w.wire[n];
    w.wire_count--;
    memmove(w.wire + n, w.wire + n + 1, (w.wire_count - n) * sizeof(*w.wire));
    hand_over(&d);
}

static void deliver_all(void)
{
    for (unsigned n = 0; w.wire_count > 0 && n < BURST_MAX; n++)
        deliver(0);
}

/* -- time ------------------------------------------------------------------------ */

static void expire(unsigned i)
{
    struct tgv_call *c = w.side[i].call;

    for (unsigned n = 0; tgv_call_deadline(c) <= w.now; n++) {
        FUZZ_CHECK(n < EXPIRES_MAX);
        tgv_call_expire(c, w.now);
        settle(i);
    }
}

static void tick_audio(unsigned i)
{
    struct tgv_call *c = w.side[i].call;
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    tgv_marker_write(pcm, (uint32_t)(w.now / TGV_BLOCK_US) & 0xFFFFFFF);
    if (tgv_call_wants_capture(c))
        tgv_call_capture(c, tgv_call_sends_audio(c) ? pcm : NULL, w.now);
    if (tgv_call_wants_playout(c)) {
        tgv_call_playout(c, pcm, w.now, &played);
        FUZZ_CHECK(played.kind <= TGV_PLAYED_CONCEALED);
    }
    settle(i);
}

static void pass(tgv_time length)
{
    tgv_time end = w.now + length;

    while (w.now < end) {
        w.now = tgv_time_min(end, w.now + TGV_BLOCK_US);
        if (w.audio_left <= 0) /* in one step from here on */
            w.now = end;
        w.audio_left -= TGV_BLOCK_US;
        for (unsigned i = 0; i < SIDES; i++) {
            expire(i);
            if (w.audio_left > 0)
                tick_audio(i);
        }
        if (w.ideal)
            deliver_all();
    }
}

/* -- the input's own packets --------------------------------------------------- */

/* Seal `inner` in the name of side `from` and hand it to the other. */
static void inject(unsigned from, unsigned how, const uint8_t *inner,
                   size_t len)
{
    static const enum tgv_envelope envelopes[] = {
        TGV_ENVELOPE_V2_SHORT, TGV_ENVELOPE_V2_LONG, TGV_ENVELOPE_V1,
        TGV_ENVELOPE_V2_SHORT};
    struct tgv_random random = tgv_prng_source(&w.side[from].prng);
    struct datagram d = {.to = (uint8_t)(1 - from),
                         .relay = (uint8_t)(how >> 2 & 1)};
    size_t n;

    tag_of(1 - from, d.relay, d.data);
    if (tgv_seal_encode(w.side[from].seal, envelopes[how & 3], inner, len,
                        &random, d.data + TGV_TAG_BYTES, MTU - TGV_TAG_BYTES,
                        &n))
        return;
    d.len = n + TGV_TAG_BYTES;
    hand_over(&d);
}

/* A packet with a sound header: the input chooses type, acknowledgements and
 * the rest; extras follow if flagged, then the body. */
static void inject_packet(unsigned from, struct fuzz_input *in)
{
    unsigned how = fuzz_u8(in), len = fuzz_u8(in);
    struct tgv_header h = {.form = (enum tgv_header_form)((how >> 3) % 3),
                           .type = fuzz_u8(in),
                           .has_flags = true};
    uint8_t inner[MTU];
    const uint8_t *body, *extra;
    size_t n, got;

    w.side[from].seq += how & 64 ? fuzz_u32(in) : 1;
    h.seq = w.side[from].seq;
    h.ack = fuzz_u8(in);
    h.mask = (how & 128) ? fuzz_u32(in) : 0xFFFFFFFF;
    if (h.form == TGV_HEADER_FULL) {
        h.has_proto = true;
        h.proto = TGV_PROTO_WORD;
    } else if (how & 32) {
        h.extras[0].type = fuzz_u8(in);
        extra = fuzz_bytes(in, fuzz_u8(in) & 31, &got);
        h.extras[0].data = extra;
        h.extras[0].len = (uint8_t)got;
        h.extra_count = 1;
    }
    body = fuzz_bytes(in, len, &got);
    if (tgv_packet_encode(&h, body, got, inner, sizeof(inner), &n) == 0)
        inject(from, how, inner, n);
}

static void inject_bytes(unsigned from, struct fuzz_input *in)
{
    unsigned how = fuzz_u8(in);
    size_t got, want = fuzz_u8(in) * 4u;
    const uint8_t *p = fuzz_bytes(in, want, &got);

    inject(from, how, p, got);
}

/* Not sealed: what anyone could send who knows the relay's address. */
static void inject_clear(unsigned to, struct fuzz_input *in)
{
    unsigned how = fuzz_u8(in);
    struct datagram d = {.to = (uint8_t)to, .relay = (uint8_t)(how & 1)};
    size_t got;
    const uint8_t *p;

    tag_of(to, d.relay, d.data);
    d.len = how & 2 ? 0 : TGV_TAG_BYTES;
    if (how & 4) {
        memset(d.data + d.len, 0xFF, 12);
        d.len += 12;
    }
    p = fuzz_bytes(in, fuzz_u8(in), &got);
    memcpy(d.data + d.len, p, got);
    d.len += got;
    hand_over(&d);
}

static void damage(struct fuzz_input *in)
{
    struct datagram *d;
    unsigned at = fuzz_u16(in);

    if (w.wire_count == 0)
        return;
    d = &w.wire[at % w.wire_count];
    d->data[at % d->len] ^= (uint8_t)(1u << (at >> 13));
}

static void conn_opened(struct conn *k)
{
    k->open = true;
    if (w.proxy || k->tunnel)
        return;
    k->tunnel = true;
    if (tgv_obf_create_relay(&k->obf))
        abort();
}

static void io_event(unsigned i, unsigned code)
{
    struct side *s = &w.side[i];
    struct tgv_io_event ev = {.kind = (enum tgv_io_event_kind)(code % 7),
                              .sock = code & 64 ? s->sock - 1 : s->sock,
                              .error = TGVOIP_ERR_IO,
                              .addr_count = code >> 3 & 1,
                              .addrs = {w.relay[0]}};
    struct conn *k = NULL;

    if (code & 128)
        k = &s->conns[code >> 3 & 7];
    if (k)
        ev.sock = k->sock;
    if (ev.kind == TGV_IO_RESOLVED)
        ev.sock = s->name;
    if (k && k->sock && ev.kind == TGV_IO_OPENED)
        conn_opened(k);
    tgv_call_io_event(s->call, &ev, w.now);
    if (k && k->sock && (ev.kind == TGV_IO_FAILED || ev.kind == TGV_IO_CLOSED))
        forget(k);
    settle(i);
}

/* Bytes of the input on a connection: from a proxy, or in a tunnel; with 64 a
 * whole frame of them. */
static void io_bytes(unsigned i, struct fuzz_input *in)
{
    struct side *s = &w.side[i];
    unsigned how = fuzz_u8(in);
    struct conn *k = &s->conns[how & 7];
    uint8_t frame[TGV_OBF_FRAME_MAX];
    size_t got;
    const uint8_t *p = fuzz_bytes(in, fuzz_u8(in), &got);

    if (!k->open)
        return;
    if (how & 16 && !k->tunnel) {
        k->tunnel = true;
        if (tgv_obf_create_relay(&k->obf))
            abort();
    }
    if (how & 64 && k->tunnel &&
        tgv_obf_encode(k->obf, p, got & ~(size_t)3, frame, sizeof(frame),
                       &got) == 0)
        p = frame;
    tgv_call_receive(s->call, k->sock, NULL, p, got, w.now);
    settle(i);
}

static void check_side(unsigned i)
{
    struct side *s = &w.side[i];
    struct tgv_call_stats st;

    tgv_call_stats(s->call, &st, w.now);
    FUZZ_CHECK(st.state >= TGV_STATE_WAIT_INIT &&
               st.state <= TGV_STATE_RECONNECTING);
    FUZZ_CHECK(!s->final || st.state == TGV_STATE_FAILED);
    FUZZ_CHECK(st.loss_out >= 0.0 && st.loss_out <= 1.0);
    FUZZ_CHECK(st.loss_in >= 0.0 && st.loss_in <= 1.0);
    FUZZ_CHECK(isfinite(st.rtt_ms) && st.rtt_ms >= 0.0);
    FUZZ_CHECK(isfinite(st.level_out) && isfinite(st.playout.jitter_ms));
    FUZZ_CHECK(st.bitrate_bps <= 510000);
}

static void ask(unsigned i)
{
    char *text = tgv_call_debug_log(w.side[i].call, w.now);

    FUZZ_CHECK(text);
    free(text);
    (void)tgv_call_need_rate(w.side[i].call);
    (void)tgv_call_preferred_relay(w.side[i].call);
}

static void operate(unsigned op, struct fuzz_input *in)
{
    unsigned i = op >> 7, n;

    switch (op & 15) {
    case 0:
        n = fuzz_u8(in);
        pass(n < 128 ? TGV_MS(n * 2) : TGV_MS((n - 127) * 100));
        break;
    case 1:
        deliver(op >> 4 & 7);
        break;
    case 2:
        deliver_all();
        break;
    case 3: /* lost */
        if (w.wire_count > 0)
            w.wire_count--;
        break;
    case 4: /* twice */
        if (w.wire_count > 0)
            hand_over(&w.wire[(op >> 4 & 7) % w.wire_count]);
        break;
    case 5:
        damage(in);
        break;
    case 6:
    case 7:
    case 8:
        inject_packet(i, in);
        break;
    case 9:
        inject_bytes(i, in);
        break;
    case 10:
        inject_clear(i, in);
        break;
    case 11:
        io_event(i, fuzz_u8(in));
        break;
    case 12:
        tgv_call_set_mute(w.side[i].call, op & 16, w.now);
        settle(i);
        break;
    case 13:
        n = fuzz_u8(in);
        tgv_call_set_network_type(w.side[i].call, (int)(n % 12), n & 128,
                                  w.now);
        settle(i);
        break;
    case 14:
        if (op & 32)
            io_bytes(i, in);
        else
            w.side[i].random_fails = op & 16;
        break;
    default:
        w.ideal = op & 16;
        if ((op & 0x60) == 0x60) {
            tgv_call_stop(w.side[i].call, w.now);
            w.side[i].stopped = true;
            settle(i);
        }
        break;
    }
}

/* -- set-up ---------------------------------------------------------------------- */

static void create(unsigned i, unsigned mode, unsigned options)
{
    static const int layers[] = {65, 73, 74, 91, 92, 92, 92, 92};
    struct side *s = &w.side[i];
    struct tgv_relay_entry relays[RELAYS];
    struct tgv_server_config server;
    struct tgv_call_config config = {.outgoing = i == 0,
                                     .relays = relays,
                                     .relay_count = 1 + (mode >> 1 & 1),
                                     .max_layer = layers[options & 7],
                                     .allow_v1 = options & 8,
                                     .init_timeout = TGV_S(8),
                                     .receive_timeout = TGV_S(5),
                                     .network_type = mode >> 4 & 7,
                                     .muted = options & 16,
                                     .data_saving = options & 32,
                                     .server_config = &server,
                                     .codec = mode & 1 ? tgv_codec_opus()
                                                       : tgv_codec_marker(),
                                     .random = {.fill = fill, .ctx = s}};

    tgv_server_config_init(&server);
    if (options & 64)
        server.packet_loss_for_extra_ec = 0.0;
    memset(config.key, 0x5A, sizeof(config.key));
    memset(relays, 0, sizeof(relays));
    for (unsigned r = 0; r < RELAYS; r++) {
        relays[r].id = 7 + r;
        relays[r].tcp = mode & 4 && r + 1 == config.relay_count;
        relays[r].ipv4 = w.relay[r];
        tag_of(i, r, relays[r].tag);
    }
    if (options & 128) {
        strcpy(config.proxy.host, mode & 2 ? "203.0.113.1" : "proxy");
        strcpy(config.proxy.user, mode & 8 ? "user" : "");
        config.proxy.port = 1080;
    }
    tgv_prng_init(&s->prng, i + 1);
    s->seq = 1000000;
    if (tgv_call_create(&s->call, &config) ||
        tgv_seal_create(&s->seal, config.key, i == 0))
        abort();
    if (tgv_call_start(s->call, w.now))
        abort();
    settle(i);
    if (tgv_call_connect(s->call, w.now))
        abort();
    settle(i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    unsigned mode = fuzz_u8(&in), options = fuzz_u8(&in);

    if (size > 4096)
        return 0;
    memset(&w, 0, sizeof(w));
    w.now = TGV_S(100);
    w.audio_left = mode & 1 ? AUDIO_TIME / 4 : AUDIO_TIME;
    w.ideal = mode & 8;
    w.proxy = options & 128;
    for (unsigned r = 0; r < RELAYS; r++)
        w.relay[r] = tgv_addr_ipv4((uint8_t[4]){198, 51, 100, (uint8_t)r}, 500);
    for (unsigned i = 0; i < SIDES; i++)
        create(i, mode, options);
    if (w.ideal) {
        pass(TGV_S(1));
        w.ideal = mode & 128;
    }
    while (in.len > 0) {
        operate(fuzz_u8(&in), &in);
        for (unsigned i = 0; i < SIDES; i++)
            check_side(i);
    }
    pass(TGV_S(1));
    for (unsigned i = 0; i < SIDES; i++) {
        check_side(i);
        ask(i);
        for (unsigned k = 0; k < CONNS; k++)
            forget(&w.side[i].conns[k]);
        tgv_call_destroy(w.side[i].call);
        tgv_seal_destroy(w.side[i].seal);
    }
    return 0;
}
