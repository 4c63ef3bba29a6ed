/* SPDX-License-Identifier: MIT */
/* Sockets in the storm: what the call may do with them, what happens to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "support/storm.h"

#include "transport/socks5.h"

#include <stdlib.h>
#include <string.h>

/* datagrams at one moment: queues of the core, twice */
#define QUEUE_MAX 1200

struct storm storm;
struct storm_depth storm_depth;
const char *const storm_peers[STORM_PEERS] = {
    "203.0.113.7:4444",  "203.0.113.8:5555",     "192.168.1.77:6666",
    "192.168.1.78:6667", "[2001:db8:7::1]:7777", "[2001:db8:7::2]:8888"};
const char *const storm_bad[STORM_BAD] = {
    "127.0.0.1:9", "224.0.0.1:9",       "0.0.0.0:9",   "255.255.255.255:9",
    "[::1]:9",     "[ff02::1]:9",       "[fe80::1]:9", "[::]:9",
    "[fd00::1]:9", "[::ffff:1.2.3.4]:9"};
static const uint8_t nat64_prefix[12] = {0, 0x64, 0xff, 0x9b};

uint32_t storm_below(uint32_t n)
{
    return tgv_prng_below(&storm.g, n);
}

bool storm_coin(void)
{
    return storm_below(2);
}

struct tgv_addr storm_addr(const char *text)
{
    struct tgv_addr a;

    if (!tgv_addr_parse(text, &a))
        abort();
    return a;
}

void storm_random_bytes(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)storm_below(256);
}

/* -- what the call may do ------------------------------------------------------ */

static int relay_at(const struct tgv_addr *to)
{
    struct tgv_addr a = *to;

    if (a.family == TGV_AF_IPV6 && memcmp(a.ip, nat64_prefix, 12) == 0)
        a = tgv_addr_ipv4(a.ip + 12, a.port);
    for (int i = 0; i < STORM_RELAYS; i++)
        if (tgv_addr_equal(&a, &storm.b.relay_addr[i]) ||
            tgv_addr_equal(&a, &storm.b.relay_ipv6[i]))
            return i;
    return -1;
}

static bool is_peer(const struct tgv_addr *to)
{
    struct tgv_addr a = *to, peer;

    if (a.family == TGV_AF_IPV6 && memcmp(a.ip, nat64_prefix, 12) == 0)
        a = tgv_addr_ipv4(a.ip + 12, a.port);
    for (uint32_t i = 0; i < COUNT(storm_peers); i++) {
        peer = storm_addr(storm_peers[i]);
        if (tgv_addr_equal(&a, &peer))
            return true;
    }
    return false;
}

struct tgv_addr storm_proxy_addr(void)
{
    return storm_addr("198.51.100.200:1080");
}

static struct storm_sock *sock_at(unsigned number)
{
    SOFTLY(number > 0 && number <= storm.sock_count);
    return &storm.socks[number];
}

static void note_open(const struct tgv_io_request *req)
{
    struct tgv_addr proxy = storm_proxy_addr();

    SOFTLY(req->sock == storm.sock_count + 1); /* each number once */
    SOFTLY(req->sock < STORM_SOCKS);
    storm.sock_count = req->sock;
    storm.socks[req->sock] = (struct storm_sock){.kind = req->kind};
    if (req->kind == TGV_IO_UDP_OPEN)
        storm.udp = req->sock;
    if (req->kind == TGV_IO_TCP_OPEN)
        SOFTLY(storm.proxy ? tgv_addr_equal(&req->to, &proxy)
                           : relay_at(&req->to) >= 0);
    if (req->kind == TGV_IO_RESOLVE)
        SOFTLY(storm.proxy ? !strcmp(req->name, STORM_PROXY_HOST) ||
                                 !strcmp(req->name, STORM_RELAY_HOST)
                           : !strcmp(req->name, "ipv4only.arpa"));
}

static void take_requests(void)
{
    struct tgv_io_request req;

    while (tgv_call_next_request(storm.b.call, &req)) {
        if (req.kind != TGV_IO_CLOSE)
            note_open(&req);
        else if (req.sock <=
                 storm.sock_count) /* or its request was withdrawn */
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
        storm.query[storm.query_count++ % 4] = m.query_id;
    if (prefix && m.kind != TGV_CONTROL_NONE)
        return;
    /* in step, and of this call: opened by the peer's key */
    SOFTLY(len > prefix &&
           tgv_seal_open(storm.b.seal, true, pkt + prefix, len - prefix, clear,
                         sizeof(clear), &o) == 0);
    if (tgv_header_decode(
            &h,
            tgv_header_form_of(o.envelope == TGV_ENVELOPE_V2_SHORT, o.inner,
                               o.len),
            true, o.inner, o.len, &payload, &n) != 0)
        return;
    storm.seqs[storm.seq_count++ % 8] = h.seq;
    if (h.type == TGV_PKT_PING)
        storm.pings[storm.ping_count++ % 4] = h.seq;
}

static void sent_datagram(const struct tgv_addr *to, const uint8_t *pkt,
                          size_t len)
{
    struct tgv_addr dest = *to;
    char text[64];
    int relay;

    if (storm.proxy) {
        SOFTLY(tgv_addr_equal(to, &storm.assoc));
        SOFTLY(tgv_socks5_udp_parse(pkt, len, &dest, &pkt, &len) == 0);
    }
    relay = relay_at(&dest);
    if (relay < 0 && (storm.proxy || !storm.p2p || !is_peer(&dest)))
        fail_msg("seed %u, step %u: a datagram to %s, proxy %d, p2p %d",
                 storm.seed, storm.step,
                 tgv_addr_format(&dest, text, sizeof(text)), storm.proxy,
                 storm.p2p);
    storm_depth.direct += relay < 0;
    storm_depth.nat64 += dest.family == TGV_AF_IPV6 && dest.ip[1] == 0x64;
    if (relay >= 0)
        SOFTLY(len >= TGV_TAG_BYTES && pkt[0] == relay &&
               !memcmp(pkt + 1, storm.b.tag + 1, TGV_TAG_BYTES - 1));
    read_packet(pkt, len, relay >= 0 ? TGV_TAG_BYTES : 0);
}

static void sent_bytes(struct storm_sock *k, const uint8_t *data, size_t len)
{
    const uint8_t *packet;
    size_t used, n;

    if (!k->obf) {
        SOFTLY(storm.proxy && len >= 2);
        memcpy(k->said, data, 2);
        return;
    }
    for (; len > 0; data += used, len -= used) {
        SOFTLY(tgv_obf_decode(k->obf, data, len, &used, &packet, &n) == 0);
        if (packet)
            SOFTLY(n > TGV_TAG_BYTES && packet[0] < STORM_RELAYS);
        if (packet)
            read_packet(packet, n, TGV_TAG_BYTES);
    }
}

void storm_tell_about(unsigned number, enum tgv_io_event_kind kind)
{
    struct tgv_io_event ev = {.kind = kind, .sock = number};

    ev.addr.port = 20000;
    tgv_call_io_event(storm.b.call, &ev, storm.b.now);
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

    while (tgv_call_next_event(storm.b.call, &ev)) {
        if (ev.kind != TGV_EVENT_STATE)
            continue;
        SOFTLY(legal(storm.state, ev.state));
        storm.state = ev.state;
        storm_depth.established += ev.state == TGV_STATE_ESTABLISHED;
        storm_depth.failed += ev.state == TGV_STATE_FAILED;
    }
}

void storm_all_closed(void)
{
    for (unsigned i = 1; i <= storm.sock_count; i++)
        SOFTLY(storm.socks[i].closed);
    SOFTLY(tgv_call_deadline(storm.b.call) == TGV_NEVER);
}

void storm_transmit(void)
{
    uint8_t buf[TGV_CALL_TRANSMIT_MAX];
    struct tgv_addr to;
    unsigned number, n = 0;
    size_t len;

    for (;; n++) {
        take_requests();
        tgv_call_transmit(storm.b.call, &number, &to, buf, sizeof(buf), &len,
                          storm.b.now);
        if (len == 0)
            break;
        struct storm_sock *k = sock_at(number);
        SOFTLY(k->open && !k->closed && !k->blocked);
        k->blocked = storm_below(50) == 0;
        if (k->kind == TGV_IO_TCP_OPEN)
            sent_bytes(k, buf, len);
        else if (!k->blocked)
            sent_datagram(&to, buf, len);
        if (k->blocked)
            storm_tell_about(number, TGV_IO_BLOCKED);
        SOFTLY(n < QUEUE_MAX);
    }
    take_requests();
    take_events();
    if (storm.state == TGV_STATE_FAILED)
        storm_all_closed();
}

/* -- sockets ------------------------------------------------------------------- */

static void end_sock(unsigned number, enum tgv_io_event_kind kind)
{
    storm.socks[number].closed = true;
    storm_tell_about(number, kind);
}

static void open_sock(unsigned number)
{
    struct storm_sock *k = &storm.socks[number];

    k->open = true;
    if (k->kind == TGV_IO_TCP_OPEN && !storm.proxy &&
        tgv_obf_create_relay(&k->obf) != 0)
        abort();
    storm_tell_about(number, TGV_IO_OPENED);
}

static void resolved(unsigned number)
{
    struct tgv_io_event ev = {.kind = TGV_IO_RESOLVED, .sock = number};
    struct tgv_addr to[] = {storm_addr("[64:ff9b::c000:aa]:1"),
                            storm_addr("[64:ff9b::c000:ab]:1"),
                            PICK(storm_bad)};

    storm.socks[number].closed = true;
    if (storm.proxy) /* its own, or of its datagrams */
        to[0] = to[1] = to[2] = storm_proxy_addr();
    ev.addr_count = storm_below(4) ? 2 : storm_below(4);
    memcpy(ev.addrs, to, sizeof(to));
    if (storm.proxy && storm_below(4)) {
        storm.assoc = storm_proxy_addr();
        storm.assoc.port = 4321;
    }
    tgv_call_io_event(storm.b.call, &ev, storm.b.now);
}

void storm_sock_event(void)
{
    static const enum tgv_io_event_kind kinds[] = {
        TGV_IO_OPENED,   TGV_IO_FAILED,  TGV_IO_CLOSED,
        TGV_IO_WRITABLE, TGV_IO_BLOCKED, TGV_IO_RESOLVED};
    unsigned number = 1 + storm_below(storm.sock_count + 2);
    struct storm_sock *k =
        number <= storm.sock_count ? &storm.socks[number] : NULL;

    if (!k || k->closed) { /* nobody's, or nobody's any more */
        number = storm_below(8) ? number : 0;
        storm_tell_about(number, kinds[storm_below(COUNT(kinds))]);
    } else if (k->kind == TGV_IO_RESOLVE) {
        if (storm_below(8))
            resolved(number);
        else
            end_sock(number, TGV_IO_FAILED);
    } else if (storm_below(16) == 0) {
        end_sock(number, storm_coin() ? TGV_IO_FAILED : TGV_IO_CLOSED);
    } else if (!k->open) {
        open_sock(number);
    } else {
        k->blocked = !k->blocked && storm_below(6) == 0;
        storm_tell_about(number, k->blocked ? TGV_IO_BLOCKED : TGV_IO_WRITABLE);
    }
}

void storm_serve_socks(void)
{
    for (unsigned i = 1; i <= storm.sock_count; i++) {
        if (storm.socks[i].closed || storm_below(3) == 0)
            continue;
        if (storm.socks[i].kind == TGV_IO_RESOLVE)
            resolved(i);
        else if (!storm.socks[i].open)
            open_sock(i);
        else if (storm.socks[i].blocked) {
            storm.socks[i].blocked = false;
            storm_tell_about(i, TGV_IO_WRITABLE);
        }
    }
}

void storm_interfaces(void)
{
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES};
    static const char *const local[] = {"192.168.1.2:1", "[2001:db8:9::9]:1",
                                        "169.254.3.4:1", "[fe80::5]:1"};

    for (uint32_t i = 0; i < COUNT(local); i++)
        if (storm_coin())
            ev.addrs[ev.addr_count++] = storm_addr(local[i]);
    tgv_call_io_event(storm.b.call, &ev, storm.b.now);
}
