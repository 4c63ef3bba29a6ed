/* SPDX-License-Identifier: MIT */
/*
 * The oracle of test_roads.c by itself: plans whose roads are known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "support/reachable.h"

#include <string.h>

/* Two hosts with IPv4 behind open NAT boxes, P2P allowed; one relay, alive. */
static struct tgv_plan plain(void)
{
    struct tgv_plan p;

    memset(&p, 0, sizeof(p));
    for (int n = 0; n < 2; n++)
        p.host[n] = (struct tgv_host_plan){
            .ipv4 = true, .tcp = true, .allow_p2p = true, .nat = TGV_NAT_CONE};
    p.relay_count = 1;
    p.relay[0] = (struct tgv_relay_plan){
        .udp = true, .tcp = true, .delay = {TGV_MS(10), TGV_MS(20)}};
    p.direct_delay = TGV_MS(15);
    return p;
}

static struct tgv_roads before(const struct tgv_plan *p)
{
    struct tgv_roads roads;

    tgv_roads_before(p, &roads);
    return roads;
}

static struct tgv_roads after(const struct tgv_plan *p,
                              const struct tgv_cut *cut)
{
    struct tgv_roads roads;

    tgv_roads_after(p, cut, &roads);
    return roads;
}

static void test_reachable_pairs_of_nat_boxes(void **state)
{
    static const bool p2p[4][4] = {
        {true, true, true, true}, /* public */
        {true, true, true, true}, /* cone */
        {true, true, true, false}, /* restricted */
        {true, true, false, false} /* symmetric */
    };

    (void)state;
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            struct tgv_plan p = plain();
            p.host[0].nat = (enum tgv_nat_kind)a;
            p.host[1].nat = (enum tgv_nat_kind)b;
            assert_int_equal(before(&p).direct,
                             p2p[a][b] ? TGV_DIRECT_P2P4 : 0);
        }
}

static void test_reachable_direct_needs_more_than_a_hole(void **state)
{
    struct tgv_plan p = plain();

    (void)state;
    p.host[0].allow_p2p = false;
    assert_int_equal(before(&p).direct, 0);
    p = plain();
    p.host[1].proxy = TGV_PROXY_FULL;
    assert_int_equal(before(&p).direct, 0);
    p = plain();
    p.relay[0].udp = false; /* nobody tells the addresses */
    assert_int_equal(before(&p).direct, 0);
    p = plain();
    p.same_lan = true; /* no hairpin */
    assert_int_equal(before(&p).direct, TGV_DIRECT_LAN);
    p = plain();
    p.host[0].ipv6 = p.host[1].ipv6 = true;
    assert_int_equal(before(&p).direct, TGV_DIRECT_P2P4);
    p.relay[0].ipv6 = true;
    assert_int_equal(before(&p).direct, TGV_DIRECT_P2P4 | TGV_DIRECT_P2P6);
}

static void test_reachable_legs(void **state)
{
    struct tgv_plan p = plain();

    (void)state;
    assert_int_equal(before(&p).leg[0][0], TGV_LEG_UDP4 | TGV_LEG_TCP4);
    p.host[0].udp = TGV_UDP_BLOCKED;
    assert_int_equal(before(&p).leg[0][0], TGV_LEG_TCP4);
    p.host[0].tcp = false;
    struct tgv_roads roads = before(&p);
    assert_false(tgv_roads_any(&roads));
    p = plain();
    p.host[1].ipv4 = false;
    p.host[1].ipv6 = true; /* the relay has none */
    roads = before(&p);
    assert_false(tgv_roads_meet(&roads));
    p.relay[0].ipv6 = true; /* it stands between both families */
    roads = before(&p);
    assert_true(tgv_roads_meet(&roads));
    assert_true(tgv_roads_udp(&roads));
}

static void test_reachable_proxies(void **state)
{
    static const unsigned legs[] = {TGV_LEG_UDP4 | TGV_LEG_TCP4,
                                    TGV_LEG_UDP4 | TGV_LEG_TCP4,
                                    TGV_LEG_TCP4,
                                    TGV_LEG_TCP4,
                                    0,
                                    0};

    (void)state;
    for (int kind = 0; kind <= TGV_PROXY_DEAD; kind++) {
        struct tgv_plan p = plain();
        p.host[0].proxy = (enum tgv_proxy_kind)kind;
        assert_int_equal(before(&p).leg[0][0], legs[kind]);
    }
}

static void test_reachable_what_a_mishap_leaves(void **state)
{
    struct tgv_plan p = plain();
    struct tgv_cut cut = {.leg = TGV_LEG_UDP4};
    struct tgv_roads roads;

    (void)state;
    p.mishap = TGV_MISHAP_RELAY; /* the direct road lives without it */
    roads = after(&p, &cut);
    assert_false(tgv_roads_meet(&roads));
    assert_int_equal(roads.direct, TGV_DIRECT_P2P4);
    assert_int_equal(tgv_roads_rtt(&p, &roads, false), TGV_MS(30));
    p.mishap = TGV_MISHAP_UDP_BLOCKED;
    roads = after(&p, &cut);
    assert_int_equal(roads.direct, 0);
    assert_int_equal(roads.leg[0][0], TGV_LEG_TCP4);
    assert_int_equal(tgv_roads_rtt(&p, &roads, false), TGV_MS(60));
    p.mishap = TGV_MISHAP_ROAD_DIES;
    roads = after(&p, &cut);
    assert_int_equal(roads.leg[0][0], TGV_LEG_TCP4);
    assert_int_equal(roads.leg[1][0], TGV_LEG_UDP4 | TGV_LEG_TCP4);
    p.same_lan = true;
    p.mishap = TGV_MISHAP_ADDRESS;
    p.change = TGV_CHANGE_INTERFACE; /* out of the LAN */
    roads = after(&p, &cut);
    assert_int_equal(roads.direct, TGV_DIRECT_P2P4);
}

static void test_reachable_counts_pairs_of_legs(void **state)
{
    struct tgv_plan p = plain();
    struct tgv_roads roads = before(&p);

    (void)state;
    assert_int_equal(tgv_roads_count(&roads), 2 * 2 + 1);
    p.host[0].allow_p2p = false;
    p.host[0].udp = TGV_UDP_BLOCKED;
    p.host[1].tcp = false;
    roads = before(&p);
    assert_int_equal(tgv_roads_count(&roads), 1);
    assert_false(tgv_roads_udp(&roads));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reachable_pairs_of_nat_boxes),
        cmocka_unit_test(test_reachable_direct_needs_more_than_a_hole),
        cmocka_unit_test(test_reachable_legs),
        cmocka_unit_test(test_reachable_proxies),
        cmocka_unit_test(test_reachable_what_a_mishap_leaves),
        cmocka_unit_test(test_reachable_counts_pairs_of_legs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
