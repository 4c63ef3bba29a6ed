/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* Direct roads: how they are found, what is believed of a relay or a peer, and
 * who may move them. The peer is played by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench_call.h"

#include <stdlib.h>
#include <string.h>

static const struct tgv_addr me = {TGV_AF_IPV4, 4000, {192, 0, 2, 1}};
static const struct tgv_addr peer = {TGV_AF_IPV4, 30000, {203, 0, 113, 7}};
static const struct tgv_addr moved = {TGV_AF_IPV4, 30001, {203, 0, 113, 9}};
static const struct tgv_addr near_me = {TGV_AF_IPV4, 31000, {192, 0, 2, 1}};
static const struct tgv_addr lan = {TGV_AF_IPV4, 20001, {192, 168, 1, 5}};
static const struct tgv_addr own_lan = {TGV_AF_IPV4, 0, {192, 168, 1, 4}};
static const struct tgv_addr own6 = {
    TGV_AF_IPV6, 0, {0x20, 0x01, 0x0d, 0xb8, 2, [15] = 1}};
static const struct tgv_addr peer6 = {
    TGV_AF_IPV6, 9000, {0x20, 0x01, 0x0d, 0xb8, 3, [15] = 1}};

static int reset(void **state)
{
    reset_options(state);
    o.allow_p2p = true;
    return 0;
}

static void establish_version(unsigned version)
{
    o.layer = version < 5 ? 73 : version < 8 ? 80 : TGV_LAYER_MAX;
    o.allow_v1 = version < 5;
    tgv_bench_init(&b, &o);
    tgv_bench_establish_version(&b, version);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void establish(void)
{
    establish_version(9);
}

static unsigned requests(unsigned from)
{
    unsigned n = 0;

    for (unsigned i = from; i < b.count; i++)
        n += b.log[i].control == TGV_CONTROL_PEER_REQUEST;
    return n;
}

static unsigned pings(const struct tgv_addr *to, unsigned from)
{
    return tgv_bench_sent_to(&b, to, TGV_PKT_PING, from);
}

static void direct_in_use(void)
{
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_answer(&b, &peer, TGV_S(1));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_P2P_INET);
}

static bool has_road(enum tgv_path_type type, const struct tgv_addr *addr)
{
    const struct tgv_path *p = tgv_paths_direct(b.call, type, addr->family);

    return p && tgv_addr_equal(&p->addr, addr);
}

static bool log_says(const char *what)
{
    char *text = tgv_call_debug_log(b.call, b.now);
    bool found = text && strstr(text, what);

    free(text);
    return found;
}

/* -- peer info ------------------------------------------------------------------ */

static void test_direct_not_allowed_asks_nobody(void **state)
{
    (void)state;
    o.allow_p2p = false;
    establish();
    tgv_bench_talk_promptly(&b, TGV_S(6));
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_int_equal(requests(0), 0);
    assert_int_equal(pings(&peer, 0), 0);
    assert_int_equal(b.call->counters.unsolicited, 1);
}

static void test_eng_64_no_direct_road_beside_a_proxy(void **state)
{
    (void)state;
    strcpy(o.proxy.host, "192.0.2.99");
    o.proxy.port = 1080;
    tgv_bench_init(&b, &o);
    assert_false(b.call->allow_p2p);
    tgv_call_set_p2p(b.call, true, b.now);
    assert_false(b.call->allow_p2p);
}

static void test_direct_asks_soon_again_then_every_5_s(void **state)
{
    static const tgv_time at[] = {0,     500,   1500,  3500,  8500,
                                  13500, 18500, 23500, 28500, 33500};
    unsigned n = 0;

    (void)state;
    o.relays = 2;
    establish();
    tgv_bench_talk_promptly(&b, TGV_S(50));
    for (unsigned i = 0; i < b.count; i++) {
        if (b.log[i].control != TGV_CONTROL_PEER_REQUEST)
            continue;
        assert_int_equal(b.log[i].datagram_len, 32);
        assert_int_equal(b.log[i].relay, n % 2);
        assert_in_range(b.log[i].at, TGV_MS(at[n / 2]),
                        TGV_MS(at[n / 2]) + TGV_MS(900));
        n++;
    }
    assert_int_equal(n, 20);
    tgv_bench_peer_info(&b, 0, &me, &peer); /* too late */
    assert_int_equal(b.call->counters.unsolicited, 1);
}

static void test_direct_road_is_measured_before_use(void **state)
{
    (void)state;
    establish();
    unsigned from = b.count;
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_in_range(pings(&peer, from), 4, 8); /* close together */
    assert_int_equal(tgv_bench_sent_to(&b, &peer, TGV_PKT_STREAM_DATA, 0), 0);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
    assert_int_equal(requests(from), 0); /* answered */
    tgv_bench_answer(&b, &peer, TGV_S(1));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_P2P_INET);
    assert_string_equal(b.routes[b.route_count - 1], "p2p");
    b.audio = true;
    from = b.count;
    tgv_bench_run(&b, TGV_MS(200));
    assert_true(tgv_bench_sent_to(&b, &peer, TGV_PKT_STREAM_DATA, from) > 1);
    tgv_bench_send_direct(&b, &peer, TGV_PKT_PING, NULL, 0);
    assert_int_equal(tgv_bench_sent_to(&b, &peer, TGV_PKT_PONG, from), 1);
}

static void test_direct_pings_are_bounded_where_nobody_answers(void **state)
{
    (void)state;
    establish();
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_talk_promptly(&b, TGV_S(15));
    unsigned from = b.count;
    tgv_bench_talk_promptly(&b, TGV_S(30));
    assert_in_range(pings(&peer, from), 1, 4);
}

/* Pings are spread while nothing comes back, but start anew when the peer's
 * ping shows that it is there. */
static void test_direct_ping_of_the_peer_starts_a_burst(void **state)
{
    (void)state;
    establish();
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_talk_promptly(&b, TGV_S(15));
    unsigned from = b.count;
    tgv_bench_send_direct(&b, &peer, TGV_PKT_PING, NULL, 0);
    tgv_bench_talk_promptly(&b, TGV_MS(600));
    assert_true(pings(&peer, from) >= 3);
}

static void test_direct_forged_peer_info_is_not_believed(void **state)
{
    struct tgv_addr bad[] = {peer, peer, peer, peer, me, peer, peer};

    (void)state;
    establish();
    bad[0].port = 0;
    memset(bad[1].ip, 0, 4);
    bad[2].ip[0] = 224;
    memset(bad[3].ip, 255, 4);
    bad[5] = b.relay_addr[0];
    bad[6] = tgv_addr_ipv4((const uint8_t[4]){127, 0, 0, 1}, 30000);
    for (unsigned i = 0; i < 7; i++) {
        tgv_bench_peer_info(&b, 0, &me, &bad[i]);
        assert_int_equal(b.call->counters.ignored, i + 1);
        assert_null(tgv_paths_direct(b.call, TGV_PATH_P2P_INET, TGV_AF_IPV4));
    }
    bad[0] = me;
    bad[0].port = 0;
    tgv_bench_peer_info(&b, 0, &bad[0], &peer); /* my own is not plausible */
    assert_null(tgv_paths_direct(b.call, TGV_PATH_P2P_INET, TGV_AF_IPV4));
    tgv_bench_peer_info(&b, 0, &me, &peer); /* the true one still counts */
    assert_true(has_road(TGV_PATH_P2P_INET, &peer));
    tgv_bench_peer_info(&b, 0, &me, &moved); /* nobody asked any more */
    assert_true(has_road(TGV_PATH_P2P_INET, &peer));
    assert_int_equal(b.call->counters.unsolicited, 1);
}

static void test_direct_unsolicited_info_leaves_the_road_alone(void **state)
{
    (void)state;
    establish();
    direct_in_use();
    tgv_bench_peer_info(&b, 0, &me, &moved);
    tgv_bench_answer(&b, &peer, TGV_S(1));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_P2P_INET);
    assert_int_equal(pings(&moved, 0), 0);
}

/* Wire specification 1.1: old peers want the call's id in front. */
static void test_direct_prefix_follows_the_peers_version(void **state)
{
    static const unsigned versions[] = {3, 5, 7, 8, 9};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        const uint8_t *prefix;
        establish_version(versions[i]);
        direct_in_use(); /* reads and writes it, or nothing would open */
        assert_int_equal(
            tgv_path_prefix(b.call, b.call->paths.current, &prefix),
            versions[i] < 9 ? 16 : 0);
        if (i < 4)
            tgv_bench_fini(&b);
        reset(NULL);
    }
}

static void test_direct_can_be_forbidden_and_allowed(void **state)
{
    (void)state;
    establish();
    assert_true(log_says("\"p2p_type\":\"none\""));
    direct_in_use();
    assert_true(log_says("\"p2p_type\":\"inet\""));
    unsigned from = b.count;
    tgv_call_set_p2p(b.call, false, b.now);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_non_null(tgv_bench_extra(tgv_bench_find(&b, TGV_PKT_NOP, from, 0),
                                    TGV_EXTRA_NETWORK_CHANGED));
    uint64_t unknown = tgv_bench_stats(&b).packets_unknown_source;
    tgv_bench_send_direct(&b, &peer, TGV_PKT_PING, NULL, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_unknown_source, unknown + 1);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_PONG, from), 0);
    assert_int_equal(requests(from), 0);
    tgv_call_set_p2p(b.call, true, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(requests(from), 1);
    direct_in_use();
}

/* -- the same network -------------------------------------------------------------- */

static void send_lan(const struct tgv_addr *a)
{
    uint8_t body[8];

    tgv_bench_send(&b, 0, TGV_PKT_LAN_ENDPOINT, body,
                   tgv_lan_endpoint_encode(a->ip, a->port, body));
}

static void test_direct_lan_is_told_where_public_addresses_agree(void **state)
{
    struct tgv_addr ours[3] = {{TGV_AF_IPV4, 0, {10, 0, 0, 1}},
                               own_lan,
                               {TGV_AF_IPV4, 0, {169, 254, 3, 4}}};
    const struct tgv_extra *x;

    (void)state;
    establish();
    tgv_bench_interfaces(&b, ours, 3);
    unsigned from = b.count;
    tgv_bench_peer_info(&b, 0, &me, &near_me);
    tgv_bench_talk_promptly(&b, TGV_MS(400));
    assert_true(pings(&near_me, from) > 0);
    x = tgv_bench_extra(tgv_bench_find(&b, TGV_PKT_PING, from, 0),
                        TGV_EXTRA_LAN_ENDPOINT);
    assert_non_null(x); /* the last address that fits, our port */
    assert_memory_equal(x->data, own_lan.ip, 4);
    assert_int_equal(x->data[4] | x->data[5] << 8, b.port);
}

static void test_direct_lan_is_not_told_elsewhere(void **state)
{
    (void)state;
    establish();
    tgv_bench_interfaces(&b, &own_lan, 1);
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    for (unsigned i = 0; i < b.count; i++)
        assert_null(tgv_bench_extra(&b.log[i], TGV_EXTRA_LAN_ENDPOINT));
}

static void test_direct_old_peer_gets_a_lan_packet_until_acked(void **state)
{
    (void)state;
    establish_version(5);
    tgv_bench_interfaces(&b, &own_lan, 1);
    b.hold_ack = true;
    tgv_bench_peer_info(&b, 0, &me, &near_me);
    tgv_bench_talk_promptly(&b, TGV_S(2));
    unsigned n = tgv_bench_sent(&b, TGV_PKT_LAN_ENDPOINT, 0);
    assert_in_range(n, 3, 5);
    assert_int_equal(
        tgv_bench_find(&b, TGV_PKT_LAN_ENDPOINT, 0, 0)->payload_len, 8);
    b.ack = tgv_bench_find(&b, TGV_PKT_LAN_ENDPOINT, 0, n - 1)->h.seq;
    b.mask = 0;
    tgv_bench_talk_promptly(&b, TGV_MS(200));
    n = tgv_bench_sent(&b, TGV_PKT_LAN_ENDPOINT, 0);
    tgv_bench_talk_promptly(&b, TGV_S(2));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_LAN_ENDPOINT, 0), n);
}

/* The peer's word may come before the relay's; only both make the road. */
static void test_direct_lan_waits_for_equal_public_addresses(void **state)
{
    (void)state;
    establish();
    send_lan(&lan);
    tgv_bench_talk_promptly(&b, TGV_MS(200));
    assert_int_equal(pings(&lan, 0), 0);
    tgv_bench_peer_info(&b, 0, &me, &near_me);
    tgv_bench_answer(&b, &lan, TGV_S(1));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_P2P_LAN);
    assert_string_equal(b.routes[b.route_count - 1], "lan");
    assert_true(log_says("\"p2p_type\":\"lan\""));
}

static void test_direct_lan_stays_inactive_elsewhere(void **state)
{
    (void)state;
    establish();
    send_lan(&lan);
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_talk_promptly(&b, TGV_S(2));
    assert_int_equal(pings(&lan, 0), 0);
}

static void test_direct_lan_address_must_be_one(void **state)
{
    static const uint8_t bad[][4] = {
        {127, 0, 0, 1}, {0, 0, 0, 0}, {224, 0, 0, 1}, {169, 254, 1, 1}};
    struct tgv_addr a;

    (void)state;
    establish();
    tgv_bench_interfaces(&b, &own_lan, 1);
    tgv_bench_peer_info(&b, 0, &me, &near_me);
    for (unsigned i = 0; i < 4; i++) {
        a = tgv_addr_ipv4(bad[i], 20001);
        send_lan(&a);
    }
    a = own_lan; /* ourselves */
    a.port = b.port;
    send_lan(&a);
    a = lan;
    a.port = 0;
    send_lan(&a);
    assert_null(tgv_paths_direct(b.call, TGV_PATH_P2P_LAN, TGV_AF_IPV4));
    assert_int_equal(b.call->counters.ignored, 6);
    send_lan(&lan);
    assert_true(has_road(TGV_PATH_P2P_LAN, &lan));
}

static void test_direct_lan_not_allowed_is_ignored(void **state)
{
    (void)state;
    o.allow_p2p = false;
    establish();
    send_lan(&lan);
    assert_int_equal(b.call->direct.lan.family, TGV_AF_NONE);
    assert_int_equal(b.call->counters.ignored, 1);
}

/* -- IPv6 ------------------------------------------------------------------------ */

static void send_ipv6(const struct tgv_addr *a)
{
    uint8_t body[18];

    b.extras[0] = (struct tgv_extra){
        .type = TGV_EXTRA_IPV6_ENDPOINT,
        .len = (uint8_t)tgv_ipv6_endpoint_encode(a->ip, a->port, body),
        .data = body};
    b.extra_count = 1;
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    b.extra_count = 0;
}

static unsigned announced(unsigned from)
{
    unsigned n = 0;

    for (unsigned i = from; i < b.count; i++)
        n += tgv_bench_extra(&b.log[i], TGV_EXTRA_IPV6_ENDPOINT) != NULL;
    return n;
}

static void open_with_ipv6(const struct tgv_addr *seen)
{
    o.ipv6 = true;
    o.stay_closed = true;
    tgv_bench_init(&b, &o);
    b.o.stay_closed = false;
    b.self_ipv6 = *seen;
    tgv_bench_interfaces(&b, (struct tgv_addr[]){own_lan, own6}, 2);
    tgv_call_io_event(
        b.call,
        &(struct tgv_io_event){.kind = TGV_IO_OPENED,
                               .sock = b.sock,
                               .addr = {TGV_AF_IPV6, b.port, {0}}},
        b.now);
    tgv_call_connect(b.call, b.now);
    tgv_bench_settle(&b);
    tgv_bench_run(&b, 0);
    tgv_bench_establish(&b);
}

static void test_direct_ipv6_is_announced_once_in_a_network(void **state)
{
    (void)state;
    open_with_ipv6(&own6);
    unsigned from = b.count;
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_true(announced(from) > 0);
    const struct tgv_extra *x = NULL;
    for (unsigned i = from; !x; i++)
        x = tgv_bench_extra(&b.log[i], TGV_EXTRA_IPV6_ENDPOINT);
    assert_memory_equal(x->data, own6.ip, 16);
    assert_int_equal(x->data[16] | x->data[17] << 8, b.port);
    from = b.count;
    tgv_bench_talk_promptly(&b, TGV_S(3));
    assert_int_equal(announced(from), 0);
}

static void test_direct_forbidden_takes_back_what_is_not_told_yet(void **state)
{
    (void)state;
    open_with_ipv6(&own6);
    b.hold_ack = true;
    tgv_bench_talk_promptly(&b, TGV_MS(300));
    assert_true(announced(b.count - 1) > 0);
    tgv_call_set_p2p(b.call, false, b.now);
    unsigned from = b.count;
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_true(b.count > from);
    assert_int_equal(announced(from), 0);
}

/* The peer may name whom it likes; that is no means to flood others. */
static void test_direct_pings_to_named_addresses_are_limited(void **state)
{
    struct tgv_addr victim = peer6;
    unsigned from, n = 0;

    (void)state;
    open_with_ipv6(&own6);
    from = b.count;
    for (unsigned i = 0; i < 500; i++) {
        victim.port = (uint16_t)(1 + i);
        send_ipv6(&victim);
        n += pings(&victim, b.count - 1);
        if (i % 5 == 4)
            tgv_bench_run(&b, TGV_MS(10)); /* a second in all */
    }
    assert_true(n > 0);
    n = 0;
    for (unsigned i = from; i < b.count; i++)
        n += b.log[i].opened && tgv_addr_same_ip(&b.log[i].to, &peer6);
    assert_in_range(n, 1, 60);
}

static void test_direct_relay_is_nobodys_ipv6_address(void **state)
{
    (void)state;
    o.ipv6 = true; /* it has one, and we have none yet */
    establish();
    send_ipv6(&b.relay_ipv6[0]);
    assert_int_equal(b.call->direct.ipv6.family, TGV_AF_NONE);
    assert_int_equal(b.call->counters.ignored, 1);
}

static void test_direct_what_waits_for_a_road_dies_with_it(void **state)
{
    struct tgv_addr other = peer6;

    (void)state;
    open_with_ipv6(&own6);
    send_ipv6(&peer6);
    struct tgv_path *p =
        tgv_paths_direct(b.call, TGV_PATH_P2P_INET, TGV_AF_IPV6);
    unsigned path = tgv_paths_index(b.call, p), from = b.count;
    tgv_bench_event(&b, TGV_IO_BLOCKED);
    for (unsigned i = 0; i < 3; i++)
        tgv_send_packet(b.call, path, TGV_PKT_PONG, (const uint8_t[4]){0}, 4);
    tgv_send_packet(b.call, 0, TGV_PKT_PONG, (const uint8_t[4]){0}, 4);
    other.port = 9001;
    send_ipv6(&other);
    p = tgv_paths_direct(b.call, TGV_PATH_P2P_INET, TGV_AF_IPV6);
    assert_int_equal(tgv_paths_index(b.call, p), path); /* its place */
    tgv_bench_event(&b, TGV_IO_WRITABLE);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_PONG, from), 1);
    assert_int_equal(tgv_bench_sent_to(&b, &other, TGV_PKT_PONG, from), 0);
}

static void test_direct_translated_ipv6_is_not_announced(void **state)
{
    (void)state;
    open_with_ipv6(&peer6); /* not an address of this device */
    tgv_bench_talk_promptly(&b, TGV_S(3));
    assert_int_equal(announced(0), 0);
}

static void test_eng_24_ipv6_road_is_measured_before_use(void **state)
{
    (void)state;
    establish();
    send_ipv6(&peer6);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_true(pings(&peer6, 0) >= 3);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
    tgv_bench_answer(&b, &peer6, TGV_S(1));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_P2P_INET);
    assert_int_equal(tgv_bench_stats(&b).path_id >> 32, 0x50325036);
    assert_true(log_says("\"p2p_type\":\"inet6\""));
}

static void test_direct_ipv6_address_must_be_global(void **state)
{
    static const uint8_t first[][2] = {
        {0xfe, 0x80}, {0xfd, 0}, {0xff, 2}, {0, 0}};
    struct tgv_addr a;

    (void)state;
    establish();
    for (unsigned i = 0; i < 4; i++) {
        a = peer6;
        memcpy(a.ip, first[i], 2);
        send_ipv6(&a);
    }
    a = peer6;
    a.port = 0;
    send_ipv6(&a);
    assert_null(tgv_paths_direct(b.call, TGV_PATH_P2P_INET, TGV_AF_IPV6));
    assert_int_equal(b.call->counters.ignored, 5);
}

/* -- ENG-23: strangers and roaming ------------------------------------------------- */

static void test_eng_23_newer_packet_moves_the_road(void **state)
{
    (void)state;
    establish();
    direct_in_use();
    tgv_bench_send_direct(&b, &moved, TGV_PKT_NOP, NULL, 0);
    assert_true(has_road(TGV_PATH_P2P_INET, &moved));
    assert_int_equal(
        tgv_paths_direct(b.call, TGV_PATH_P2P_INET, TGV_AF_IPV4)->rtt.len, 0);
    assert_string_equal(b.routes[b.route_count - 1], "roam");
    tgv_bench_answer(&b, &moved, TGV_S(1));
    assert_true(tgv_bench_stats(&b).rtt_ms > 0);
}

static void test_eng_23_replay_and_old_packet_move_nothing(void **state)
{
    uint8_t old[1500], fresh[1500];
    size_t old_len, fresh_len;

    (void)state;
    establish();
    direct_in_use();
    old_len = tgv_bench_seal_direct(&b, TGV_PKT_NOP, NULL, 0, old);
    fresh_len = tgv_bench_seal_direct(&b, TGV_PKT_NOP, NULL, 0, fresh);
    tgv_bench_from(&b, &peer, fresh, fresh_len);
    tgv_bench_from(&b, &moved, fresh, fresh_len); /* replayed */
    assert_int_equal(tgv_bench_stats(&b).packets_duplicate, 1);
    assert_true(has_road(TGV_PATH_P2P_INET, &peer));
    tgv_bench_from(&b, &moved, old, old_len); /* true, but older */
    assert_true(has_road(TGV_PATH_P2P_INET, &peer));
}

static void test_eng_23_other_roads_stay_where_they_are(void **state)
{
    (void)state;
    establish();
    tgv_bench_peer_info(&b, 0, &me, &near_me);
    send_lan(&lan);
    send_ipv6(&peer6);
    struct tgv_addr elsewhere = peer6;
    elsewhere.ip[15]++;
    tgv_bench_send_direct(&b, &elsewhere, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_unknown_source, 1);
    assert_true(has_road(TGV_PATH_P2P_INET, &peer6));
    assert_true(has_road(TGV_PATH_P2P_LAN, &lan));
}

static void test_eng_23_trials_are_limited(void **state)
{
    uint8_t junk[64] = {1};
    struct tgv_addr from = moved;

    (void)state;
    establish();
    direct_in_use();
    uint64_t unknown = tgv_bench_stats(&b).packets_unknown_source;
    uint64_t bad = tgv_bench_stats(&b).packets_bad;
    for (unsigned i = 0; i < 50; i++)
        tgv_bench_from(&b, &moved, junk, sizeof(junk));
    /* a valid packet from there is not even tried any more in this second */
    tgv_bench_send_direct(&b, &moved, TGV_PKT_NOP, NULL, 0);
    assert_true(has_road(TGV_PATH_P2P_INET, &peer));
    assert_int_equal(tgv_bench_stats(&b).packets_unknown_source, unknown + 51);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, bad);
    for (unsigned i = 0; i < 450; i++) {
        from.ip[3] = (uint8_t)(100 + i / 45);
        tgv_bench_from(&b, &from, junk, sizeof(junk));
    }
    from.ip[3] = 99; /* 500 in all */
    tgv_bench_send_direct(&b, &from, TGV_PKT_NOP, NULL, 0);
    assert_true(has_road(TGV_PATH_P2P_INET, &peer));
    tgv_bench_talk_promptly(&b, TGV_S(1));
    tgv_bench_send_direct(&b, &moved, TGV_PKT_NOP, NULL, 0);
    assert_true(has_road(TGV_PATH_P2P_INET, &moved));
}

static void test_eng_23_without_direct_road_nothing_is_tried(void **state)
{
    (void)state;
    establish();
    tgv_bench_send_direct(&b, &moved, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_unknown_source, 1);
    assert_int_equal(b.call->direct.all_strangers.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, reset, done)
        T(test_direct_not_allowed_asks_nobody),
        T(test_eng_64_no_direct_road_beside_a_proxy),
        T(test_direct_asks_soon_again_then_every_5_s),
        T(test_direct_road_is_measured_before_use),
        T(test_direct_pings_are_bounded_where_nobody_answers),
        T(test_direct_ping_of_the_peer_starts_a_burst),
        T(test_direct_forged_peer_info_is_not_believed),
        T(test_direct_unsolicited_info_leaves_the_road_alone),
        T(test_direct_prefix_follows_the_peers_version),
        T(test_direct_can_be_forbidden_and_allowed),
        T(test_direct_lan_is_told_where_public_addresses_agree),
        T(test_direct_lan_is_not_told_elsewhere),
        T(test_direct_old_peer_gets_a_lan_packet_until_acked),
        T(test_direct_lan_waits_for_equal_public_addresses),
        T(test_direct_lan_stays_inactive_elsewhere),
        T(test_direct_lan_address_must_be_one),
        T(test_direct_lan_not_allowed_is_ignored),
        T(test_direct_ipv6_is_announced_once_in_a_network),
        T(test_direct_forbidden_takes_back_what_is_not_told_yet),
        T(test_direct_pings_to_named_addresses_are_limited),
        T(test_direct_relay_is_nobodys_ipv6_address),
        T(test_direct_what_waits_for_a_road_dies_with_it),
        T(test_direct_translated_ipv6_is_not_announced),
        T(test_eng_24_ipv6_road_is_measured_before_use),
        T(test_direct_ipv6_address_must_be_global),
        T(test_eng_23_newer_packet_moves_the_road),
        T(test_eng_23_replay_and_old_packet_move_nothing),
        T(test_eng_23_other_roads_stay_where_they_are),
        T(test_eng_23_trials_are_limited),
        T(test_eng_23_without_direct_road_nothing_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
