/* SPDX-License-Identifier: MIT */
/* Bytes that a call in the storm gets: from relays, the peer, the proxy, and
 * from those who are none of them. */
#include "support/storm.h"

#include "transport/socks5.h"

#include <stdlib.h>
#include <string.h>

static const char *const victim_text[] = {"198.18.0.1:53", "198.18.0.2:123",
                                          "[2001:db8:bad::1]:53"};

/* -- bytes in ------------------------------------------------------------------- */

/* Through the relay's datagrams, or its stream, whichever there is. */
static void from_relay(unsigned relay, const uint8_t *pkt, size_t len)
{
    uint8_t buf[TGV_OBF_FRAME_MAX];
    unsigned number = 1 + storm_below(storm.sock_count);
    struct storm_sock *k = &storm.socks[number];
    size_t n;

    if (k->obf && k->open && !k->closed) {
        if (tgv_obf_encode(k->obf, pkt, len, buf, sizeof(buf), &n) == 0)
            tgv_call_receive(storm.b.call, number, NULL, buf, n, storm.b.now);
    } else if (storm.proxy && len < 1400) {
        n = tgv_socks5_udp_header(&storm.b.relay_addr[relay], buf, sizeof(buf));
        memcpy(buf + n, pkt, len);
        tgv_call_receive(storm.b.call, storm.udp, &storm.assoc, buf, n + len,
                         storm.b.now);
    } else {
        tgv_call_receive(storm.b.call, storm.udp,
                         storm_coin() && storm.b.relay_ipv6[relay].family
                             ? &storm.b.relay_ipv6[relay]
                             : &storm.b.relay_addr[relay],
                         pkt, len, storm.b.now);
    }
}

static void from_anybody(const struct tgv_addr *from, const uint8_t *pkt,
                         size_t len)
{
    tgv_call_receive(storm.b.call, storm.udp, from, pkt, len, storm.b.now);
}

static struct tgv_control control_message(bool forged)
{
    struct tgv_control m = {.query_id = storm.query[storm_below(4)]};
    static const enum tgv_control_kind kinds[] = {
        TGV_CONTROL_SELF_INFO,      TGV_CONTROL_SELF_INFO,
        TGV_CONTROL_PEER_INFO,      TGV_CONTROL_PEER_INFO,
        TGV_CONTROL_PEER_INFO_IPV6, TGV_CONTROL_PING,
        TGV_CONTROL_PEER_REQUEST};

    m.kind = kinds[storm_below(COUNT(kinds))];
    if (storm_below(4) == 0)
        m.query_id ^= storm_below(256);
    m.peer = forged           ? PICK(victim_text)
             : storm_below(4) ? PICK(storm_peers)
                              : PICK(storm_bad);
    m.self = storm_coin() ? m.peer
                          : PICK(storm_peers); /* the same network, or not */
    m.self.port = (uint16_t)(4000 + storm_below(4));
    return m;
}

void storm_control(void)
{
    bool forged = storm_below(3) == 0;
    unsigned relay = storm_below(STORM_RELAYS);
    struct tgv_control m = control_message(forged);
    struct tgv_addr victim = PICK(victim_text);
    uint8_t buf[TGV_CONTROL_MAX];
    size_t len;

    memcpy(m.tag, storm.b.tag, sizeof(m.tag));
    m.tag[0] = (uint8_t)relay;
    if (tgv_control_encode(&m, buf, sizeof(buf), &len) != 0)
        return;
    if (forged && storm_coin())
        buf[1 + storm_below(15)] ^= 1; /* another call's */
    else if (forged)
        relay = STORM_RELAYS;
    if (forged && relay == STORM_RELAYS)
        from_anybody(&victim, buf, len);
    else
        from_relay(relay, buf, len);
}

static size_t body_of(uint8_t type, uint8_t *body)
{
    struct tgv_addr a =
        storm_addr((storm_coin() ? storm_peers : storm_bad)[storm_below(4)]);

    switch (type) {
    case TGV_PKT_INIT:
        return tgv_bench_init_body(&storm.b, body);
    case TGV_PKT_INIT_ACK:
        return tgv_bench_ack_body(&storm.b, body);
    case TGV_PKT_PONG:
        return tgv_pong_encode(storm.pings[storm_below(4)], body);
    case TGV_PKT_LAN_ENDPOINT:
        return tgv_lan_endpoint_encode(a.ip, a.port, body);
    case TGV_PKT_NETWORK_CHANGED:
        return tgv_network_changed_encode(storm_below(2), body);
    case TGV_PKT_PING:
    case TGV_PKT_NOP:
        return 0;
    default:
        storm_random_bytes(body, 40);
        return storm_below(40);
    }
}

/* Addresses of the peer, true and impossible ones. */
static void extras(uint8_t room[2][20])
{
    struct tgv_addr a = storm_below(3) ? PICK(storm_peers) : PICK(storm_bad);
    bool v4 = a.family == TGV_AF_IPV4;

    storm.b.extra_count = storm_below(3) == 0;
    storm.b.extras[0] = (struct tgv_extra){.type = v4 ? TGV_EXTRA_LAN_ENDPOINT
                                                      : TGV_EXTRA_IPV6_ENDPOINT,
                                           .data = room[0]};
    storm.b.extras[0].len =
        (uint8_t)(v4 ? tgv_lan_endpoint_encode(a.ip, a.port, room[0])
                     : tgv_ipv6_endpoint_encode(a.ip, a.port, room[0]));
    if (storm_coin()) { /* equal bytes would be a copy */
        room[0][storm.b.extras[0].len++] = (uint8_t)storm_below(256);
    }
}

void storm_authentic(void)
{
    static const uint8_t types[] = {
        TGV_PKT_INIT, TGV_PKT_INIT_ACK,     TGV_PKT_NOP,
        TGV_PKT_NOP,  TGV_PKT_PING,         TGV_PKT_PONG,
        TGV_PKT_PONG, TGV_PKT_LAN_ENDPOINT, TGV_PKT_NETWORK_CHANGED,
        99,           TGV_PKT_STREAM_DATA};
    uint8_t room[2][20], body[TGV_BENCH_BODY], pkt[1500];
    uint8_t type = types[storm_below(COUNT(types))];
    size_t n, len = body_of(type, body);
    struct tgv_addr peer = PICK(storm_peers);
    uint64_t before = tgv_bench_stats(&storm.b).packets_in;

    extras(room);
    storm.b.ack = storm.seqs[storm_below(8)];
    storm.b.mask = storm_below(2) ? UINT32_MAX : storm_below(UINT32_MAX);
    if (!storm.proxy && storm_below(3) == 0) {
        n = tgv_bench_seal_direct(&storm.b, type, body, len, pkt);
        from_anybody(&peer, pkt, n);
    } else {
        unsigned relay = storm_below(STORM_RELAYS);
        n = tgv_bench_seal(&storm.b, relay, type, body, len, pkt);
        from_relay(relay, pkt, n);
    }
    if (tgv_bench_stats(&storm.b).packets_in == before)
        return; /* sent again by others it would be the first */
    memcpy(storm.replay, pkt, n);
    storm.replay_len = n;
}

void storm_rubbish(void)
{
    struct tgv_addr victim = PICK(victim_text);
    uint8_t pkt[1500];
    size_t len = storm_below(8) ? storm_below(200) : storm_below(sizeof(pkt));

    storm_random_bytes(pkt, sizeof(pkt));
    if (storm_coin())
        memcpy(pkt, storm.b.tag, TGV_TAG_BYTES);
    pkt[0] = storm_coin() ? (uint8_t)storm_below(STORM_RELAYS) : pkt[0];
    if (storm_coin() &&
        storm.replay_len) { /* once more, or changed on its way */
        len = storm.replay_len;
        memcpy(pkt, storm.replay, len);
        if (storm_coin())
            pkt[storm_below((uint32_t)len)] ^= 1;
    }
    if (storm_coin())
        from_anybody(&victim, pkt, len);
    else
        from_relay(storm_below(STORM_RELAYS), pkt, len);
}

/* -- the proxy ------------------------------------------------------------------ */

static void say(unsigned number, const void *bytes, size_t len)
{
    tgv_call_receive(storm.b.call, number, NULL, bytes, len, storm.b.now);
}

static void tunnel(unsigned number)
{
    if (tgv_obf_create_relay(&storm.socks[number].obf) != 0)
        abort();
    storm_depth.tunnels++;
    say(number, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10);
}

static void associate(unsigned number)
{
    storm.assoc = storm_proxy_addr();
    storm.assoc.port = 4321; /* 0x10e1 */
    storm_depth.associated++;
    switch (storm_below(5)) {
    case 0:
        say(number, "\x05\x00\x00\x03\x0drelay.example\x10\xe1", 20);
        break;
    case 1: /* of its own side, not ours */
        say(number, "\x05\x00\x00\x01\x7f\x00\x00\x01\x10\xe1", 10);
        break;
    case 2:
        say(number, "\x05\x00\x00\x01\xe0\x00\x00\x01\x10\xe1", 10);
        storm.assoc.family = TGV_AF_NONE; /* multicast: nothing may leave */
        break;
    default:
        say(number, "\x05\x00\x00\x01\x00\x00\x00\x00\x10\xe1", 10);
    }
}

/* The answer to what was said, mostly; or nothing, or anything. */
static void proxy_answers(unsigned number)
{
    struct storm_sock *k = &storm.socks[number];
    uint8_t junk[400];

    if (storm_below(12) == 0) {
        storm_random_bytes(junk, sizeof(junk));
        junk[0] = storm_coin() ? 5 : junk[0];
        say(number, junk, storm_below(sizeof(junk)));
    } else if (k->said[0] == 1) {
        say(number, storm_below(20) ? "\x01\x00" : "\x01\x01", 2);
    } else if (k->said[0] == 5 && k->said[1] == 2) {
        say(number, storm_below(30) ? "\x05\x02" : "\x05\xff", 2);
    } else if (k->said[0] == 5 && k->said[1] == 3) {
        associate(number);
    } else if (k->said[0] == 5 && k->said[1] == 1) {
        tunnel(number);
    }
    memset(k->said, 0, sizeof(k->said));
}

void storm_streams(void)
{
    uint8_t junk[100];

    for (unsigned i = 1; i <= storm.sock_count; i++) {
        struct storm_sock *k = &storm.socks[i];
        if (k->kind != TGV_IO_TCP_OPEN || !k->open || k->closed)
            continue;
        if (!k->obf && k->said[0] && storm_below(3)) {
            proxy_answers(i);
        } else if (k->obf && storm_below(60) == 0) {
            storm_random_bytes(junk, sizeof(junk));
            say(i, junk,
                storm_below(sizeof(junk))); /* out of step from here on */
            k->closed = k->closed || storm_below(2);
            if (k->closed)
                storm_tell_about(i, TGV_IO_CLOSED);
        }
        storm_transmit();
    }
}
