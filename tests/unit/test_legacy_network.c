/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* A changed network, IPv6 copies of relays, and NAT64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench_call.h"

#include <string.h>

static const struct tgv_addr me = {TGV_AF_IPV4, 4000, {192, 0, 2, 1}};
static const struct tgv_addr peer = {TGV_AF_IPV4, 30000, {203, 0, 113, 7}};
static const struct tgv_addr wifi = {TGV_AF_IPV4, 0, {192, 168, 1, 4}};
static const struct tgv_addr mobile = {TGV_AF_IPV4, 0, {10, 7, 7, 7}};
static const struct tgv_addr own6 = {
    TGV_AF_IPV6, 0, {0x20, 0x01, 0x0d, 0xb8, 2, [15] = 1}};
static const struct tgv_addr link6 = {TGV_AF_IPV6, 0, {0xfe, 0x80, [15] = 1}};
static const struct tgv_addr mapped[2] = {
    {TGV_AF_IPV6, 0, {0, 0x64, 0xff, 0x9b, [12] = 192, 0, 0, 171}},
    {TGV_AF_IPV6, 0, {0, 0x64, 0xff, 0x9b, [12] = 192, 0, 0, 170}}};

static int reset(void **state)
{
    reset_options(state);
    o.allow_p2p = true;
    return 0;
}

static void establish(unsigned version)
{
    o.layer = version < 8 ? 80 : TGV_LAYER_MAX;
    tgv_bench_init(&b, &o);
    tgv_bench_interfaces(&b, &wifi, 1);
    tgv_bench_establish_version(&b, version);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void direct_in_use(void)
{
    tgv_bench_peer_info(&b, 0, &me, &peer);
    tgv_bench_answer(&b, &peer, TGV_S(1));
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_P2P_INET);
}

static unsigned controls(enum tgv_control_kind kind, unsigned from)
{
    unsigned n = 0;

    for (unsigned i = from; i < b.count; i++)
        n += b.log[i].control == kind;
    return n;
}

/* -- 6.6 -------------------------------------------------------------------------- */

static void test_network_first_and_equal_addresses_are_no_change(void **state)
{
    (void)state;
    establish(9);
    tgv_bench_talk_promptly(&b, TGV_S(3));
    unsigned from = b.count;
    tgv_bench_interfaces(&b, &wifi, 1);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_int_equal(controls(TGV_CONTROL_PING, from), 0);
    assert_false(b.call->measures.handed_over);
}

static void test_network_change_starts_everything_anew(void **state)
{
    const struct tgv_extra *x = NULL;

    (void)state;
    establish(9);
    direct_in_use();
    tgv_call_set_network_type(b.call, 3, true, b.now); /* tells it, too */
    tgv_bench_talk_promptly(&b, TGV_S(3));
    unsigned from = b.count;
    tgv_bench_interfaces(&b, &mobile, 1);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
    assert_string_equal(b.routes[b.route_count - 1], "network");
    tgv_bench_talk_promptly(&b, TGV_S(3));
    assert_int_equal(controls(TGV_CONTROL_PING, from), 4);
    assert_true(controls(TGV_CONTROL_PEER_REQUEST, from) >= 2);
    for (unsigned i = from; i < b.count && !x; i++)
        x = tgv_bench_extra(&b.log[i], TGV_EXTRA_NETWORK_CHANGED);
    assert_non_null(x);
    assert_int_equal(x->data[0], TGV_NETWORK_DATA_SAVING);
    assert_true(b.call->measures.handed_over);
    /* the hole in the NAT is made again at once */
    assert_true(tgv_bench_sent_to(&b, &peer, TGV_PKT_PING, from) >= 3);
    assert_int_equal(b.requests, 1); /* the socket stays */
}

static void test_network_change_is_told_to_an_old_peer_by_packet(void **state)
{
    (void)state;
    establish(5);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    unsigned from = b.count;
    tgv_bench_interfaces(&b, &mobile, 1);
    tgv_bench_talk_promptly(&b, TGV_S(1));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_NETWORK_CHANGED, from), 1);
    assert_int_equal(
        tgv_bench_find(&b, TGV_PKT_NETWORK_CHANGED, from, 0)->payload_len, 4);
}

static void test_network_lan_road_ends_with_the_network(void **state)
{
    const struct tgv_addr near_me = {TGV_AF_IPV4, 31000, {192, 0, 2, 1}};
    uint8_t body[8];

    (void)state;
    establish(9);
    tgv_bench_peer_info(&b, 0, &me, &near_me);
    tgv_bench_send(&b, 0, TGV_PKT_LAN_ENDPOINT, body,
                   tgv_lan_endpoint_encode((const uint8_t[4]){192, 168, 1, 5},
                                           20001, body));
    assert_non_null(tgv_paths_direct(b.call, TGV_PATH_P2P_LAN, TGV_AF_IPV4));
    tgv_bench_interfaces(&b, &mobile, 1);
    assert_null(tgv_paths_direct(b.call, TGV_PATH_P2P_LAN, TGV_AF_IPV4));
}

static void peer_changed(unsigned version)
{
    uint8_t body[4];

    b.extra_count = 0;
    size_t len = tgv_network_changed_encode(TGV_NETWORK_DATA_SAVING, body);
    if (version < 6) {
        tgv_bench_send(&b, 0, TGV_PKT_NETWORK_CHANGED, body, len);
        return;
    }
    b.extras[0] = (struct tgv_extra){
        .type = TGV_EXTRA_NETWORK_CHANGED, .len = (uint8_t)len, .data = body};
    b.extra_count = 1;
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    b.extra_count = 0;
}

static void test_network_of_the_peer_changed(void **state)
{
    static const unsigned versions[] = {5, 9};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        reset(NULL);
        establish(versions[i]);
        direct_in_use();
        tgv_bench_talk_promptly(&b, TGV_S(1));
        unsigned from = b.count;
        peer_changed(versions[i]);
        assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_UDP_RELAY);
        assert_string_equal(b.routes[b.route_count - 1], "network");
        assert_int_equal(controls(TGV_CONTROL_PEER_REQUEST, from), 1);
        assert_true(b.call->hs.peer_saves_data);
        assert_true(tgv_bench_sent_to(&b, &peer, TGV_PKT_PING, from) >= 1);
        if (i == 0)
            tgv_bench_fini(&b);
    }
}

/* -- IPv6 copies of relays ---------------------------------------------------------- */

static void start_with(const struct tgv_addr *addrs, unsigned count)
{
    o.stay_closed = true;
    tgv_bench_init(&b, &o);
    b.o.stay_closed = false;
    b.self_ipv6 = own6;
    tgv_bench_interfaces(&b, addrs, count);
    tgv_call_io_event(
        b.call, &(struct tgv_io_event){.kind = TGV_IO_OPENED, .sock = b.sock},
        b.now);
    tgv_call_connect(b.call, b.now);
    tgv_bench_settle(&b);
    tgv_bench_run(&b, 0);
}

static void test_network_without_ipv4_uses_copies_from_the_first_init(void **s)
{
    (void)s;
    o.ipv6 = true;
    start_with((struct tgv_addr[]){link6, own6}, 2);
    assert_true(tgv_bench_sent_to(&b, &b.relay_ipv6[0], TGV_PKT_INIT, 0) >= 1);
    for (unsigned i = 0; i < b.count; i++)
        assert_int_equal(b.log[i].to.family, TGV_AF_IPV6);
}

static void test_network_with_both_families_uses_both(void **state)
{
    (void)state;
    o.ipv6 = true;
    start_with((struct tgv_addr[]){wifi, own6}, 2);
    assert_true(tgv_bench_sent_to(&b, &b.relay_ipv6[0], TGV_PKT_INIT, 0) >= 1);
    assert_true(tgv_bench_sent_to(&b, &b.relay_addr[0], TGV_PKT_INIT, 0) >= 1);
    assert_int_equal(b.call->paths.list[1].id, b.call->paths.list[0].id);
}

static void test_network_without_global_ipv6_has_no_copies(void **state)
{
    (void)state;
    o.ipv6 = true;
    start_with((struct tgv_addr[]){wifi, link6}, 2);
    assert_int_equal(b.call->paths.count, 1);
    tgv_bench_interfaces(&b, (struct tgv_addr[]){wifi, own6}, 2);
    assert_int_equal(b.call->paths.count, 2);
    tgv_bench_interfaces(&b, &wifi, 1); /* and they go again */
    assert_true(b.call->paths.list[1].gone);
}

static void test_network_unknown_addresses_are_taken_for_ipv4(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_true(tgv_bench_sent_to(&b, &b.relay_addr[0], TGV_PKT_INIT, 0) >= 1);
}

static unsigned first_copy(void)
{
    unsigned i = 0;

    while (b.call->paths.list[i].origin != TGV_ORIGIN_IPV6_CLONE)
        i++;
    return i;
}

/* Its place may become a direct road's, to which nothing may go unproven. */
static void test_network_copy_that_is_gone_is_not_the_road_in_use(void **state)
{
    (void)state;
    o.ipv6 = true;
    establish(9);
    tgv_bench_interfaces(&b, (struct tgv_addr[]){wifi, own6}, 2);
    tgv_paths_move(b.call, first_copy(), "rtt", b.now);
    tgv_bench_event(&b, TGV_IO_BLOCKED); /* no road is open now */
    tgv_bench_interfaces(&b, &wifi, 1);
    assert_int_equal(b.call->paths.list[b.call->paths.current].origin,
                     TGV_ORIGIN_SERVER);
    assert_int_equal(b.call->paths.preferred, b.call->paths.current);
    tgv_bench_event(&b, TGV_IO_WRITABLE);
    tgv_bench_talk_promptly(&b, TGV_S(3));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

/* -- NAT64 --------------------------------------------------------------------------- */

static struct tgv_addr relay_mapped(void)
{
    struct tgv_addr a = mapped[0];

    memcpy(a.ip + 12, b.relay_addr[0].ip, 4);
    a.port = b.relay_addr[0].port;
    return a;
}

static void test_nat64_relay_is_reached_under_the_prefix(void **state)
{
    struct tgv_addr via;
    uint8_t out[1500];

    (void)state;
    start_with(&own6, 1);
    assert_int_equal(b.count, 0); /* nothing can be sent yet */
    assert_string_equal(b.names[0], "ipv4only.arpa");
    tgv_bench_resolved(&b, mapped, 2);
    tgv_bench_run(&b, TGV_S(1));
    via = relay_mapped();
    assert_true(tgv_bench_sent_to(&b, &via, TGV_PKT_INIT, 0) >= 1);
    size_t n = tgv_bench_seal(&b, 0, TGV_PKT_NOP, NULL, 0, out);
    tgv_bench_from(&b, &via, out, n); /* known as the relay's */
    assert_int_equal(tgv_bench_stats(&b).packets_unknown_source, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_in, 1);
}

static void test_nat64_is_looked_for_when_no_ipv4_comes(void **state)
{
    const struct tgv_addr both[2] = {wifi, own6};

    (void)state;
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    tgv_bench_interfaces(&b, both, 2);
    tgv_bench_run(&b, TGV_MS(2900));
    assert_int_equal(b.name_count, 0);
    tgv_bench_run(&b, TGV_MS(200));
    assert_int_equal(b.name_count, 1);
    tgv_bench_resolved(&b, NULL, 0);
    assert_false(b.call->nat64.on);
}

static void test_nat64_is_not_looked_for_without_ipv6(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    tgv_bench_interfaces(&b, &wifi, 1);
    tgv_bench_run(&b, TGV_S(10));
    assert_int_equal(b.name_count, 0);
}

static void test_nat64_is_not_looked_for_where_ipv4_works(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_interfaces(&b, &wifi, 1);
    tgv_bench_run(&b, TGV_S(10));
    assert_int_equal(b.name_count, 0);
}

static void test_nat64_needs_both_addresses_of_one_prefix(void **state)
{
    struct tgv_addr two[2] = {mapped[0], mapped[1]};

    (void)state;
    start_with(&own6, 1);
    tgv_bench_resolved(&b, mapped, 1);
    assert_false(b.call->nat64.on);
    tgv_nat64_network(b.call, b.now);
    tgv_bench_settle(&b);
    two[0].ip[5] = 1;
    tgv_bench_resolved(&b, two, 2);
    assert_false(b.call->nat64.on);
    assert_int_equal(b.name_count, 2);
}

static void test_nat64_ends_when_ipv4_itself_comes(void **state)
{
    (void)state;
    start_with(&own6, 1);
    tgv_bench_resolved(&b, mapped, 2);
    assert_true(b.call->nat64.on);
    tgv_bench_from(&b, &peer, (const uint8_t *)"anybody", 7);
    assert_true(b.call->nat64.on); /* in the same network, perhaps */
    tgv_bench_init_packet(&b, 0);
    assert_false(b.call->nat64.on);
}

static void test_eng_64_nat64_is_not_asked_for_beside_a_proxy(void **state)
{
    (void)state;
    strcpy(o.proxy.host, "192.0.2.99");
    o.proxy.port = 1080;
    o.tcp = TGV_BENCH_HOLD;
    tgv_bench_init(&b, &o);
    tgv_bench_interfaces(&b, &own6, 1);
    tgv_bench_run(&b, TGV_S(8));
    assert_int_equal(b.name_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, reset, done)
        T(test_network_first_and_equal_addresses_are_no_change),
        T(test_network_change_starts_everything_anew),
        T(test_network_change_is_told_to_an_old_peer_by_packet),
        T(test_network_lan_road_ends_with_the_network),
        T(test_network_of_the_peer_changed),
        T(test_network_without_ipv4_uses_copies_from_the_first_init),
        T(test_network_with_both_families_uses_both),
        T(test_network_without_global_ipv6_has_no_copies),
        T(test_network_copy_that_is_gone_is_not_the_road_in_use),
        T(test_network_unknown_addresses_are_taken_for_ipv4),
        T(test_nat64_relay_is_reached_under_the_prefix),
        T(test_nat64_is_looked_for_when_no_ipv4_comes),
        T(test_nat64_is_not_looked_for_without_ipv6),
        T(test_nat64_is_not_looked_for_where_ipv4_works),
        T(test_nat64_needs_both_addresses_of_one_prefix),
        T(test_nat64_ends_when_ipv4_itself_comes),
        T(test_eng_64_nat64_is_not_asked_for_beside_a_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
