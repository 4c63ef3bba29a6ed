/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* A network, relays, a proxy and a peer that have gone mad: events of sockets
 * that exist or do not, bytes good and bad, from anybody, in any order, while
 * the user changes his mind. Nothing breaks, nothing stalls, nothing goes
 * where nobody allowed it, and every socket is closed in the end. */
#include "support/bench.h"

#include "transport/socks5.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 7000u
#define RUNS 1200
#define STEPS 160
#define SOCKS_MAX 2048
#define RELAYS 3
#define QUEUE_MAX 1200 /* datagrams at one moment: queues of the core, twice */
#define PROXY_HOST "proxy.example"
#define RELAY_HOST "relay.example"
#define SOFTLY(what)                                                           \
    do {                                                                       \
        if (!(what))                                                           \
            fail_msg("seed %u, step %u: %s", s.seed, s.step, #what);           \
    } while (0)

struct sock {
    enum tgv_io_request_kind kind;
    bool closed; /* by either side */
    bool open, blocked;
    uint8_t said[2]; /* newest message to the proxy */
    struct tgv_obf *obf; /* the relay's end */
};

static struct storm {
    unsigned seed, step;
    struct tgv_bench b;
    struct tgv_prng g;
    struct sock socks[SOCKS_MAX]; /* by number */
    unsigned sock_count, udp;
    bool proxy, p2p, connected;
    struct tgv_addr assoc;
    uint64_t query[4]; /* newest pings of relays */
    uint32_t pings[4], seqs[8]; /* newest of the call */
    unsigned query_count, ping_count, seq_count;
    enum tgv_call_state state;
    uint8_t replay[1500];
    size_t replay_len;
} s;

/* How often the storm came so far. */
static struct {
    unsigned established, failed, tunnels, associated, direct, nat64;
} deep;

static const char *const peer_text[] = {
    "203.0.113.7:4444",  "203.0.113.8:5555",     "192.168.1.77:6666",
    "192.168.1.78:6667", "[2001:db8:7::1]:7777", "[2001:db8:7::2]:8888"};
static const char *const bad_text[] = {
    "127.0.0.1:9", "224.0.0.1:9",       "0.0.0.0:9",   "255.255.255.255:9",
    "[::1]:9",     "[ff02::1]:9",       "[fe80::1]:9", "[::]:9",
    "[fd00::1]:9", "[::ffff:1.2.3.4]:9"};
static const char *const victim_text[] = {"198.18.0.1:53", "198.18.0.2:123",
                                          "[2001:db8:bad::1]:53"};
static const uint8_t nat64_prefix[12] = {0, 0x64, 0xff, 0x9b};
#define COUNT(list) ((uint32_t)(sizeof(list) / sizeof(*(list))))
#define PICK(list) addr_of((list)[below(COUNT(list))])

static uint32_t below(uint32_t n)
{
    return tgv_prng_below(&s.g, n);
}

static bool coin(void)
{
    return below(2);
}

static struct tgv_addr addr_of(const char *text)
{
    struct tgv_addr a;

    if (!tgv_addr_parse(text, &a))
        abort();
    return a;
}

static void random_bytes(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)below(256);
}

/* -- what the call may do ------------------------------------------------------ */

static int relay_at(const struct tgv_addr *to)
{
    struct tgv_addr a = *to;

    if (a.family == TGV_AF_IPV6 && memcmp(a.ip, nat64_prefix, 12) == 0)
        a = tgv_addr_ipv4(a.ip + 12, a.port);
    for (int i = 0; i < RELAYS; i++)
        if (tgv_addr_equal(&a, &s.b.relay_addr[i]) ||
            tgv_addr_equal(&a, &s.b.relay_ipv6[i]))
            return i;
    return -1;
}

static bool is_peer(const struct tgv_addr *to)
{
    struct tgv_addr a = *to, peer;

    if (a.family == TGV_AF_IPV6 && memcmp(a.ip, nat64_prefix, 12) == 0)
        a = tgv_addr_ipv4(a.ip + 12, a.port);
    for (uint32_t i = 0; i < COUNT(peer_text); i++) {
        peer = addr_of(peer_text[i]);
        if (tgv_addr_equal(&a, &peer))
            return true;
    }
    return false;
}

static struct tgv_addr proxy_addr(void)
{
    return addr_of("198.51.100.200:1080");
}

static struct sock *sock_at(unsigned number)
{
    SOFTLY(number > 0 && number <= s.sock_count);
    return &s.socks[number];
}

static void note_open(const struct tgv_io_request *req)
{
    struct tgv_addr proxy = proxy_addr();

    SOFTLY(req->sock == s.sock_count + 1); /* each number once */
    SOFTLY(req->sock < SOCKS_MAX);
    s.sock_count = req->sock;
    s.socks[req->sock] = (struct sock){.kind = req->kind};
    if (req->kind == TGV_IO_UDP_OPEN)
        s.udp = req->sock;
    if (req->kind == TGV_IO_TCP_OPEN)
        SOFTLY(s.proxy ? tgv_addr_equal(&req->to, &proxy)
                       : relay_at(&req->to) >= 0);
    if (req->kind == TGV_IO_RESOLVE)
        SOFTLY(s.proxy ? !strcmp(req->name, PROXY_HOST) ||
                             !strcmp(req->name, RELAY_HOST)
                       : !strcmp(req->name, "ipv4only.arpa"));
}

static void take_requests(void)
{
    struct tgv_io_request req;

    while (tgv_call_next_request(s.b.call, &req)) {
        if (req.kind != TGV_IO_CLOSE)
            note_open(&req);
        else if (req.sock <= s.sock_count) /* or its request was withdrawn */
            sock_at(req.sock)->closed = true;
    }
}

static void read_packet(const uint8_t *pkt, size_t len, size_t prefix)
{
    const uint8_t *payload;
    uint8_t clear[1600];
    struct tgv_opened o;
    struct tgv_control m;
    struct tgv_header h;
    size_t n;

    tgv_control_decode(&m, pkt, len);
    if (prefix && m.kind == TGV_CONTROL_PING)
        s.query[s.query_count++ % 4] = m.query_id;
    if (prefix && m.kind != TGV_CONTROL_NONE)
        return;
    /* in step, and of this call: opened by the peer's key */
    SOFTLY(len > prefix &&
           tgv_seal_open(s.b.seal, true, pkt + prefix, len - prefix, clear,
                         sizeof(clear), &o) == 0);
    if (tgv_header_decode(
            &h,
            tgv_header_form_of(o.envelope == TGV_ENVELOPE_V2_SHORT, o.inner,
                               o.len),
            true, o.inner, o.len, &payload, &n) != 0)
        return;
    s.seqs[s.seq_count++ % 8] = h.seq;
    if (h.type == TGV_PKT_PING)
        s.pings[s.ping_count++ % 4] = h.seq;
}

static void sent_datagram(const struct tgv_addr *to, const uint8_t *pkt,
                          size_t len)
{
    struct tgv_addr dest = *to;
    char text[64];
    int relay;

    if (s.proxy) {
        SOFTLY(tgv_addr_equal(to, &s.assoc));
        SOFTLY(tgv_socks5_udp_parse(pkt, len, &dest, &pkt, &len) == 0);
    }
    relay = relay_at(&dest);
    if (relay < 0 && (s.proxy || !s.p2p || !is_peer(&dest)))
        fail_msg("seed %u, step %u: a datagram to %s, proxy %d, p2p %d", s.seed,
                 s.step, tgv_addr_format(&dest, text, sizeof(text)), s.proxy,
                 s.p2p);
    deep.direct += relay < 0;
    deep.nat64 += dest.family == TGV_AF_IPV6 && dest.ip[1] == 0x64;
    if (relay >= 0)
        SOFTLY(len >= TGV_TAG_BYTES && pkt[0] == relay &&
               !memcmp(pkt + 1, s.b.tag + 1, TGV_TAG_BYTES - 1));
    read_packet(pkt, len, relay >= 0 ? TGV_TAG_BYTES : 0);
}

static void sent_bytes(struct sock *k, const uint8_t *data, size_t len)
{
    const uint8_t *packet;
    size_t used, n;

    if (!k->obf) {
        SOFTLY(s.proxy && len >= 2);
        memcpy(k->said, data, 2);
        return;
    }
    for (; len > 0; data += used, len -= used) {
        SOFTLY(tgv_obf_decode(k->obf, data, len, &used, &packet, &n) == 0);
        if (packet)
            SOFTLY(n > TGV_TAG_BYTES && packet[0] < RELAYS);
        if (packet)
            read_packet(packet, n, TGV_TAG_BYTES);
    }
}

static void tell_about(unsigned number, enum tgv_io_event_kind kind)
{
    struct tgv_io_event ev = {.kind = kind, .sock = number};

    ev.addr.port = 20000;
    tgv_call_io_event(s.b.call, &ev, s.b.now);
}

static bool legal(enum tgv_call_state from, enum tgv_call_state to)
{
    if (from == TGV_STATE_FAILED)
        return false;
    switch (to) {
    case TGV_STATE_WAIT_INIT:
        return false;
    case TGV_STATE_WAIT_INIT_ACK:
        return from == TGV_STATE_WAIT_INIT;
    case TGV_STATE_ESTABLISHED:
        return from != TGV_STATE_ESTABLISHED;
    case TGV_STATE_RECONNECTING:
        return from == TGV_STATE_ESTABLISHED;
    case TGV_STATE_FAILED:
        return true;
    }
    return false;
}

static void take_events(void)
{
    struct tgv_call_event ev;

    while (tgv_call_next_event(s.b.call, &ev)) {
        if (ev.kind != TGV_EVENT_STATE)
            continue;
        SOFTLY(legal(s.state, ev.state));
        s.state = ev.state;
        deep.established += ev.state == TGV_STATE_ESTABLISHED;
        deep.failed += ev.state == TGV_STATE_FAILED;
    }
}

static void all_closed(void)
{
    for (unsigned i = 1; i <= s.sock_count; i++)
        SOFTLY(s.socks[i].closed);
    SOFTLY(tgv_call_deadline(s.b.call) == TGV_NEVER);
}

static void transmit(void)
{
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to;
    unsigned number, n = 0;
    size_t len;

    for (;; n++) {
        take_requests();
        tgv_call_transmit(s.b.call, &number, &to, buf, sizeof(buf), &len,
                          s.b.now);
        if (len == 0)
            break;
        struct sock *k = sock_at(number);
        SOFTLY(k->open && !k->closed && !k->blocked);
        k->blocked = below(50) == 0;
        if (k->kind == TGV_IO_TCP_OPEN)
            sent_bytes(k, buf, len);
        else if (!k->blocked)
            sent_datagram(&to, buf, len);
        if (k->blocked)
            tell_about(number, TGV_IO_BLOCKED);
        SOFTLY(n < QUEUE_MAX);
    }
    take_requests();
    take_events();
    if (s.state == TGV_STATE_FAILED)
        all_closed();
}

/* -- sockets ------------------------------------------------------------------- */

static void end_sock(unsigned number, enum tgv_io_event_kind kind)
{
    s.socks[number].closed = true;
    tell_about(number, kind);
}

static void open_sock(unsigned number)
{
    struct sock *k = &s.socks[number];

    k->open = true;
    if (k->kind == TGV_IO_TCP_OPEN && !s.proxy &&
        tgv_obf_create_relay(&k->obf) != 0)
        abort();
    tell_about(number, TGV_IO_OPENED);
}

static void resolved(unsigned number)
{
    struct tgv_io_event ev = {.kind = TGV_IO_RESOLVED, .sock = number};
    struct tgv_addr to[] = {addr_of("[64:ff9b::c000:aa]:1"),
                            addr_of("[64:ff9b::c000:ab]:1"), PICK(bad_text)};

    s.socks[number].closed = true;
    if (s.proxy) /* its own, or of its datagrams */
        to[0] = to[1] = to[2] = proxy_addr();
    ev.addr_count = below(4) ? 2 : below(4);
    memcpy(ev.addrs, to, sizeof(to));
    if (s.proxy && below(4)) {
        s.assoc = proxy_addr();
        s.assoc.port = 4321;
    }
    tgv_call_io_event(s.b.call, &ev, s.b.now);
}

static void sock_event(void)
{
    static const enum tgv_io_event_kind kinds[] = {
        TGV_IO_OPENED,   TGV_IO_FAILED,  TGV_IO_CLOSED,
        TGV_IO_WRITABLE, TGV_IO_BLOCKED, TGV_IO_RESOLVED};
    unsigned number = 1 + below(s.sock_count + 2);
    struct sock *k = number <= s.sock_count ? &s.socks[number] : NULL;

    if (!k || k->closed) { /* nobody's, or nobody's any more */
        number = below(8) ? number : 0;
        tell_about(number, kinds[below(COUNT(kinds))]);
    } else if (k->kind == TGV_IO_RESOLVE) {
        if (below(8))
            resolved(number);
        else
            end_sock(number, TGV_IO_FAILED);
    } else if (below(16) == 0) {
        end_sock(number, coin() ? TGV_IO_FAILED : TGV_IO_CLOSED);
    } else if (!k->open) {
        open_sock(number);
    } else {
        k->blocked = !k->blocked && below(6) == 0;
        tell_about(number, k->blocked ? TGV_IO_BLOCKED : TGV_IO_WRITABLE);
    }
}

/* What waits is served sooner than chance would do it. */
static void serve_socks(void)
{
    for (unsigned i = 1; i <= s.sock_count; i++) {
        if (s.socks[i].closed || below(3) == 0)
            continue;
        if (s.socks[i].kind == TGV_IO_RESOLVE)
            resolved(i);
        else if (!s.socks[i].open)
            open_sock(i);
        else if (s.socks[i].blocked) {
            s.socks[i].blocked = false;
            tell_about(i, TGV_IO_WRITABLE);
        }
    }
}

static void interfaces(void)
{
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES};
    static const char *const local[] = {"192.168.1.2:1", "[2001:db8:9::9]:1",
                                        "169.254.3.4:1", "[fe80::5]:1"};

    for (uint32_t i = 0; i < COUNT(local); i++)
        if (coin())
            ev.addrs[ev.addr_count++] = addr_of(local[i]);
    tgv_call_io_event(s.b.call, &ev, s.b.now);
}

/* -- bytes in ------------------------------------------------------------------- */

/* Through the relay's datagrams, or its stream, whichever there is. */
static void from_relay(unsigned relay, const uint8_t *pkt, size_t len)
{
    uint8_t buf[TGV_OBF_FRAME_MAX];
    unsigned number = 1 + below(s.sock_count);
    struct sock *k = &s.socks[number];
    size_t n;

    if (k->obf && k->open && !k->closed) {
        if (tgv_obf_encode(k->obf, pkt, len, buf, sizeof(buf), &n) == 0)
            tgv_call_receive(s.b.call, number, NULL, buf, n, s.b.now);
    } else if (s.proxy && len < 1400) {
        n = tgv_socks5_udp_header(&s.b.relay_addr[relay], buf, sizeof(buf));
        memcpy(buf + n, pkt, len);
        tgv_call_receive(s.b.call, s.udp, &s.assoc, buf, n + len, s.b.now);
    } else {
        tgv_call_receive(s.b.call, s.udp,
                         coin() && s.b.relay_ipv6[relay].family
                             ? &s.b.relay_ipv6[relay]
                             : &s.b.relay_addr[relay],
                         pkt, len, s.b.now);
    }
}

static void from_anybody(const struct tgv_addr *from, const uint8_t *pkt,
                         size_t len)
{
    tgv_call_receive(s.b.call, s.udp, from, pkt, len, s.b.now);
}

static struct tgv_control control_message(bool forged)
{
    struct tgv_control m = {.query_id = s.query[below(4)]};
    static const enum tgv_control_kind kinds[] = {
        TGV_CONTROL_SELF_INFO,      TGV_CONTROL_SELF_INFO,
        TGV_CONTROL_PEER_INFO,      TGV_CONTROL_PEER_INFO,
        TGV_CONTROL_PEER_INFO_IPV6, TGV_CONTROL_PING,
        TGV_CONTROL_PEER_REQUEST};

    m.kind = kinds[below(COUNT(kinds))];
    if (below(4) == 0)
        m.query_id ^= below(256);
    m.peer = forged     ? PICK(victim_text)
             : below(4) ? PICK(peer_text)
                        : PICK(bad_text);
    m.self = coin() ? m.peer : PICK(peer_text); /* the same network, or not */
    m.self.port = (uint16_t)(4000 + below(4));
    return m;
}

static void control(void)
{
    bool forged = below(3) == 0;
    unsigned relay = below(RELAYS);
    struct tgv_control m = control_message(forged);
    struct tgv_addr victim = PICK(victim_text);
    uint8_t buf[TGV_CONTROL_MAX];
    size_t len;

    memcpy(m.tag, s.b.tag, sizeof(m.tag));
    m.tag[0] = (uint8_t)relay;
    if (tgv_control_encode(&m, buf, sizeof(buf), &len) != 0)
        return;
    if (forged && coin())
        buf[1 + below(15)] ^= 1; /* another call's */
    else if (forged)
        relay = RELAYS;
    if (forged && relay == RELAYS)
        from_anybody(&victim, buf, len);
    else
        from_relay(relay, buf, len);
}

static size_t init_body(uint8_t type, uint8_t *body, size_t cap)
{
    struct tgv_init init = {.version = 9,
                            .min_version = 3,
                            .codec_count = 1,
                            .codecs = {TGV_CODEC_OPUS}};
    struct tgv_init_ack ack = {.version = 9,
                               .min_version = 3,
                               .stream_count = 1,
                               .streams = {{.id = 1,
                                            .type = TGV_STREAM_TYPE_AUDIO,
                                            .codec = TGV_CODEC_OPUS,
                                            .frame_ms = 60,
                                            .enabled = true}}};
    size_t len = 0;

    if (type == TGV_PKT_INIT
            ? tgv_init_encode(&init, s.b.o.layer, body, cap, &len)
            : tgv_init_ack_encode(&ack, 9, body, cap, &len))
        abort();
    return len;
}

static size_t body_of(uint8_t type, uint8_t *body, size_t cap)
{
    struct tgv_addr a = addr_of((coin() ? peer_text : bad_text)[below(4)]);

    switch (type) {
    case TGV_PKT_INIT:
    case TGV_PKT_INIT_ACK:
        return init_body(type, body, cap);
    case TGV_PKT_PONG:
        return tgv_pong_encode(s.pings[below(4)], body);
    case TGV_PKT_LAN_ENDPOINT:
        return tgv_lan_endpoint_encode(a.ip, a.port, body);
    case TGV_PKT_NETWORK_CHANGED:
        return tgv_network_changed_encode(below(2), body);
    case TGV_PKT_PING:
    case TGV_PKT_NOP:
        return 0;
    default:
        random_bytes(body, 40);
        return below(40);
    }
}

/* Addresses of the peer, true and impossible ones. */
static void extras(uint8_t room[2][20])
{
    struct tgv_addr a = below(3) ? PICK(peer_text) : PICK(bad_text);
    bool v4 = a.family == TGV_AF_IPV4;

    s.b.extra_count = below(3) == 0;
    s.b.extras[0] = (struct tgv_extra){.type = v4 ? TGV_EXTRA_LAN_ENDPOINT
                                                  : TGV_EXTRA_IPV6_ENDPOINT,
                                       .data = room[0]};
    s.b.extras[0].len =
        (uint8_t)(v4 ? tgv_lan_endpoint_encode(a.ip, a.port, room[0])
                     : tgv_ipv6_endpoint_encode(a.ip, a.port, room[0]));
    if (coin()) { /* equal bytes would be a copy */
        room[0][s.b.extras[0].len++] = (uint8_t)below(256);
    }
}

static void authentic(void)
{
    static const uint8_t types[] = {
        TGV_PKT_INIT, TGV_PKT_INIT_ACK,     TGV_PKT_NOP,
        TGV_PKT_NOP,  TGV_PKT_PING,         TGV_PKT_PONG,
        TGV_PKT_PONG, TGV_PKT_LAN_ENDPOINT, TGV_PKT_NETWORK_CHANGED,
        99,           TGV_PKT_STREAM_DATA};
    uint8_t room[2][20], body[64], pkt[1500];
    uint8_t type = types[below(COUNT(types))];
    size_t n, len = body_of(type, body, sizeof(body));
    struct tgv_addr peer = PICK(peer_text);
    uint64_t before = tgv_bench_stats(&s.b).packets_in;

    extras(room);
    s.b.ack = s.seqs[below(8)];
    s.b.mask = below(2) ? UINT32_MAX : below(UINT32_MAX);
    if (!s.proxy && below(3) == 0) {
        n = tgv_bench_seal_direct(&s.b, type, body, len, pkt);
        from_anybody(&peer, pkt, n);
    } else {
        unsigned relay = below(RELAYS);
        n = tgv_bench_seal(&s.b, relay, type, body, len, pkt);
        from_relay(relay, pkt, n);
    }
    if (tgv_bench_stats(&s.b).packets_in == before)
        return; /* sent again by others it would be the first */
    memcpy(s.replay, pkt, n);
    s.replay_len = n;
}

static void rubbish(void)
{
    struct tgv_addr victim = PICK(victim_text);
    uint8_t pkt[1500];
    size_t len = below(8) ? below(200) : below(sizeof(pkt));

    random_bytes(pkt, sizeof(pkt));
    if (coin())
        memcpy(pkt, s.b.tag, TGV_TAG_BYTES);
    pkt[0] = coin() ? (uint8_t)below(RELAYS) : pkt[0];
    if (coin() && s.replay_len) { /* once more, or changed on its way */
        len = s.replay_len;
        memcpy(pkt, s.replay, len);
        if (coin())
            pkt[below((uint32_t)len)] ^= 1;
    }
    if (coin())
        from_anybody(&victim, pkt, len);
    else
        from_relay(below(RELAYS), pkt, len);
}

/* -- the proxy ------------------------------------------------------------------ */

static void say(unsigned number, const void *bytes, size_t len)
{
    tgv_call_receive(s.b.call, number, NULL, bytes, len, s.b.now);
}

static void tunnel(unsigned number)
{
    if (tgv_obf_create_relay(&s.socks[number].obf) != 0)
        abort();
    deep.tunnels++;
    say(number, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10);
}

static void associate(unsigned number)
{
    s.assoc = proxy_addr();
    s.assoc.port = 4321; /* 0x10e1 */
    deep.associated++;
    switch (below(5)) {
    case 0:
        say(number, "\x05\x00\x00\x03\x0drelay.example\x10\xe1", 20);
        break;
    case 1: /* of its own side, not ours */
        say(number, "\x05\x00\x00\x01\x7f\x00\x00\x01\x10\xe1", 10);
        break;
    case 2:
        say(number, "\x05\x00\x00\x01\xe0\x00\x00\x01\x10\xe1", 10);
        s.assoc.family = TGV_AF_NONE; /* multicast: nothing may leave */
        break;
    default:
        say(number, "\x05\x00\x00\x01\x00\x00\x00\x00\x10\xe1", 10);
    }
}

/* The answer to what was said, mostly; or nothing, or anything. */
static void proxy_answers(unsigned number)
{
    struct sock *k = &s.socks[number];
    uint8_t junk[400];

    if (below(12) == 0) {
        random_bytes(junk, sizeof(junk));
        junk[0] = coin() ? 5 : junk[0];
        say(number, junk, below(sizeof(junk)));
    } else if (k->said[0] == 1) {
        say(number, below(20) ? "\x01\x00" : "\x01\x01", 2);
    } else if (k->said[0] == 5 && k->said[1] == 2) {
        say(number, below(30) ? "\x05\x02" : "\x05\xff", 2);
    } else if (k->said[0] == 5 && k->said[1] == 3) {
        associate(number);
    } else if (k->said[0] == 5 && k->said[1] == 1) {
        tunnel(number);
    }
    memset(k->said, 0, sizeof(k->said));
}

static void streams(void)
{
    uint8_t junk[100];

    for (unsigned i = 1; i <= s.sock_count; i++) {
        struct sock *k = &s.socks[i];
        if (k->kind != TGV_IO_TCP_OPEN || !k->open || k->closed)
            continue;
        if (!k->obf && k->said[0] && below(3)) {
            proxy_answers(i);
        } else if (k->obf && below(60) == 0) {
            random_bytes(junk, sizeof(junk));
            say(i, junk, below(sizeof(junk))); /* out of step from here on */
            k->closed = k->closed || below(2);
            if (k->closed)
                tell_about(i, TGV_IO_CLOSED);
        }
        transmit();
    }
}

/* -- the user ------------------------------------------------------------------- */

static void user(void)
{
    uint32_t what = below(6), a = below(40), b = below(40);

    switch (what) {
    case 0:
        s.p2p = a & 1;
        tgv_call_set_p2p(s.b.call, s.p2p, s.b.now);
        s.p2p = s.p2p && !s.proxy;
        break;
    case 1:
        tgv_call_set_network_type(s.b.call, (int)a % 12, b & 1, s.b.now);
        break;
    case 2:
        tgv_call_set_timeouts(s.b.call, TGV_S(20 + a), TGV_S(10 + b), s.b.now);
        break;
    case 3:
        tgv_call_set_mute(s.b.call, a & 1, s.b.now);
        break;
    default:
        for (int i = 0; i < 12 && tgv_call_wants_capture(s.b.call); i++)
            tgv_call_capture(s.b.call, NULL, s.b.now);
    }
}

/* Time goes on, and every deadline with it. */
static void wait(tgv_time length)
{
    tgv_time end = s.b.now + length, due;
    unsigned n = 0;

    while ((due = tgv_call_deadline(s.b.call)) <= end) {
        SOFTLY(++n < 4000);
        if (due > s.b.now)
            s.b.now = due;
        tgv_call_expire(s.b.call, s.b.now);
        SOFTLY(tgv_call_deadline(s.b.call) > s.b.now);
        transmit();
    }
    s.b.now = end;
}

static void step(void)
{
    static void (*const acts[])(void) = {
        serve_socks, serve_socks, sock_event, interfaces, control,
        control,     authentic,   authentic,  authentic,  authentic,
        rubbish,     streams,     streams,    user};

    if (!s.connected && below(4) == 0) {
        s.connected = true;
        tgv_call_connect(s.b.call, s.b.now);
    }
    acts[below(COUNT(acts))]();
    transmit();
    wait(below(40) == 0 ? TGV_S(5) : (tgv_time)below(TGV_MS(200)));
}

/* -- a run ---------------------------------------------------------------------- */

static void begin(unsigned seed)
{
    static struct tgv_server_config config;
    struct tgv_bench_options o;

    memset(&s, 0, sizeof(s));
    s.seed = seed;
    s.state = TGV_STATE_WAIT_INIT;
    tgv_prng_init(&s.g, seed);
    tgv_bench_options_init(&o);
    tgv_server_config_init(&config);
    config.use_tcp = below(4) > 0;
    o.config = &config;
    o.relays = RELAYS;
    o.tcp_relays = below(3) ? 0 : below(RELAYS + 1);
    o.ipv6 = coin();
    o.allow_p2p = s.p2p = coin();
    o.stay_closed = true;
    s.proxy = below(3) == 0;
    if (s.proxy) {
        strcpy(o.proxy.host, PROXY_HOST);
        o.proxy.port = 1080;
        strcpy(o.proxy.user, "u");
        s.p2p = o.allow_p2p = false;
    }
    tgv_bench_init(&s.b, &o);
}

/* The bench has taken the first requests. */
static void take_over(void)
{
    s.sock_count = s.udp = s.b.sock;
    s.socks[s.udp].kind = TGV_IO_UDP_OPEN;
    for (unsigned i = 0; i < s.b.stream_count; i++) {
        s.sock_count = s.b.streams[i].sock;
        s.socks[s.sock_count].kind = TGV_IO_TCP_OPEN;
    }
    if (s.b.name_count) {
        s.sock_count = s.b.name_sock;
        s.socks[s.sock_count].kind = TGV_IO_RESOLVE;
    }
}

static void end(void)
{
    tgv_call_stop(s.b.call, s.b.now);
    transmit();
    all_closed();
    sock_event(); /* too late */
    SOFTLY(!tgv_call_next_request(s.b.call, &s.b.last_request));
    for (unsigned i = 1; i <= s.sock_count; i++)
        tgv_obf_destroy(s.socks[i].obf);
    tgv_bench_fini(&s.b);
}

static void test_storm_nothing_breaks_stalls_or_strays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RUNS; i++) {
        begin(SEED + i);
        take_over();
        for (s.step = 0; s.step < STEPS; s.step++)
            step();
        end();
    }
    /* it was no storm in front of a closed door */
    print_message("%u established, %u failed, %u tunnels, %u associations, "
                  "%u packets on direct roads, %u by NAT64\n",
                  deep.established, deep.failed, deep.tunnels, deep.associated,
                  deep.direct, deep.nat64);
    assert_true(deep.established > RUNS / 4 && deep.failed > RUNS / 50);
    assert_true(deep.tunnels > RUNS / 20 && deep.associated > RUNS / 20);
    assert_true(deep.direct > RUNS && deep.nat64 > RUNS / 50);
}

/* -- every way to stall ---------------------------------------------------------- */

enum look_up { NOT_ANSWERED, UNKNOWN, FOUND, LOOK_UPS };
enum far_end { HOLDS, REFUSES, HANGS_UP, SILENT, BABBLES, BEGINS, FAR_ENDS };

static void answer_stream(struct tgv_bench *b, unsigned i, enum far_end how)
{
    static const uint8_t babble[100] = {7, 7, 7}, begin[2] = {5, 0};

    if (how == HOLDS || b->streams[i].gone || b->streams[i].open)
        return;
    tgv_bench_tcp_event(b, i, how == REFUSES ? TGV_IO_FAILED : TGV_IO_OPENED);
    if (how == HANGS_UP)
        tgv_bench_tcp_event(b, i, TGV_IO_CLOSED);
    else if (how == BABBLES)
        tgv_bench_tcp_bytes(b, i, babble, sizeof(babble));
    else if (how == BEGINS && b->o.proxy.host[0])
        tgv_bench_tcp_bytes(b, i, begin, sizeof(begin));
}

static void answer_name(struct tgv_bench *b, enum look_up how)
{
    struct tgv_addr proxy = proxy_addr();

    if (how != NOT_ANSWERED)
        tgv_bench_resolved(b, &proxy, how == FOUND);
}

static void expect_end(const struct tgv_bench_options *o, enum look_up name,
                       enum far_end how)
{
    static struct tgv_bench b;
    unsigned names = 0;

    tgv_bench_init(&b, o);
    b.answer_probes = false;
    while (b.now - TGV_BENCH_START < o->init_timeout) {
        assert_int_not_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
        for (unsigned i = 0; i < b.stream_count; i++)
            answer_stream(&b, i, how);
        for (; names < b.name_count; names++)
            answer_name(&b, name);
        tgv_bench_run(&b, TGV_MS(100));
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, o->proxy.host[0] ? TGV_CALL_ERROR_PROXY
                                                    : TGV_CALL_ERROR_TIMEOUT);
    assert_int_equal(tgv_bench_live_streams(&b), 0);
    assert_int_equal(tgv_call_deadline(b.call), TGV_NEVER);
    tgv_bench_fini(&b);
}

static void test_storm_every_stall_ends_with_the_init_timeout(void **state)
{
    static const char *const proxies[] = {"", "198.51.100.200", PROXY_HOST};
    struct tgv_bench_options o;

    (void)state;
    tgv_bench_options_init(&o);
    o.relays = 2;
    for (unsigned i = 0; i < 3 * 2 * LOOK_UPS * FAR_ENDS; i++) {
        enum look_up name = (enum look_up)(i / 6 % LOOK_UPS);
        enum far_end how = (enum far_end)(i / 6 / LOOK_UPS);
        strcpy(o.proxy.host, proxies[i % 3]);
        o.proxy.port = 1080;
        o.tcp_relays = i / 3 % 2 ? o.relays : 0;
        expect_end(&o, name, how);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_storm_every_stall_ends_with_the_init_timeout),
        cmocka_unit_test(test_storm_nothing_breaks_stalls_or_strays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
