/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* TCP relays through a SOCKS5 proxy, and ENG-64: UDP or TCP through it, never
 * past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench_proxy.h"

#include <tgvoip/error.h>

static void test_proxy_connects_to_tcp_relays(void **state)
{
    (void)state;
    o.tcp_relays = 1;
    tgv_bench_init(&b, &o);
    assert_int_equal(b.stream_count, 1);
    b.piece = 1;
    connect_through(0);
    tgv_bench_run(&b, 0);
    b.via = 0;
    b.piece = 0;
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_true(state_says("\"tcp\":true"));
}

static void test_proxy_bytes_behind_its_reply_are_the_relay_s(void **state)
{
    uint8_t all[10 + TGV_OBF_FRAME_MAX], packet[64] = {0};
    size_t n;

    (void)state;
    o.tcp_relays = 1;
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    EXPECT_SAID(0, CONNECT_RELAY_0);
    tgv_bench_tunnel(&b, 0);
    memcpy(all, CONNECTED, 10);
    (void)packet;
    memset(all + 10, 0x55, 100); /* no client header yet: noise to it */
    n = 110;
    tgv_bench_tcp_bytes(&b, 0, all, n);
    assert_int_not_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_true(conn(0)->headers == TGV_OBF_HEADER || conn(0)->gone);
}

static void test_proxy_ipv6_relays_as_literals(void **state)
{
    static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 9};
    uint8_t want[22] = {5, 1, 0, 4};

    (void)state;
    o.tcp_relays = 1;
    o.tcp = TGV_BENCH_HOLD;
    tgv_bench_init(&b, &o);
    b.call->paths.list[0].addr = tgv_addr_ipv6(v6, 443);
    memcpy(want + 4, v6, 16);
    want[20] = 1;
    want[21] = 0xBB;
    tgv_bench_tcp_event(&b, 0, TGV_IO_OPENED);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    expect_said(0, want, sizeof(want));
}

static void test_eng_64_udp_refused_means_tcp_through_the_proxy(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    EXPECT_SAID(0, GREETING);
    SAYS(0, NO_AUTH);
    assert_true(is_associate(0));
    SAYS(0, REFUSED_BY_RULE);
    assert_true(conn(0)->gone);
    assert_int_equal(b.stream_count, 2);
    connect_through(1);
    tgv_bench_run(&b, TGV_S(1));
    b.via = 1;
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(10));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(b.stream_count, 2); /* no second association */
    assert_true(state_says("\"udp\":false"));
    assert_true(state_says("\"tcp\":true"));
}

static void test_eng_64_udp_that_does_not_pass_means_tcp(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    associate(0);
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(b.stream_count, 2);
    connect_through(1);
    tgv_bench_run(&b, TGV_MS(200));
    b.via = 1;
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(5));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(tgv_bench_stats(&b).path, TGV_PATH_TCP_RELAY);
    assert_true(state_says("\"udp\":false"));
}

static void test_eng_64_neither_udp_nor_tcp_is_proxy(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    for (int i = 0; i < 320; i++) {
        for (unsigned k = 0; k < b.stream_count; k++) {
            struct tgv_bench_stream *s = &b.streams[k];
            if (s->gone || s->raw_len == 0)
                continue;
            bool greeting = s->raw_len == 3;
            s->raw_len = 0;
            if (greeting)
                SAYS(k, NO_AUTH);
            else
                SAYS(k, REFUSED_BY_RULE);
        }
        tgv_bench_run(&b, TGV_MS(100));
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
    assert_non_null(strstr(log_text, "the SOCKS5 proxy refuses"));
    assert_int_equal(b.count, 0);
}

static void test_eng_64_no_udp_and_no_tcp_allowed_fails_early(void **state)
{
    (void)state;
    config.use_tcp = false;
    tgv_bench_init(&b, &o);
    SAYS(0, NO_AUTH);
    SAYS(0, REFUSED_BY_RULE);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_PROXY);
}

static void test_eng_64_a_peer_that_is_silent_is_no_fault_of_it(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, TGV_S(31));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
}

static void test_eng_64_no_direct_roads(void **state)
{
    static const uint8_t lan_ip[4] = {192, 168, 1, 5};
    struct tgv_io_event ev = {.kind = TGV_IO_INTERFACES, .addr_count = 1};

    (void)state;
    tgv_bench_init(&b, &o);
    ev.addrs[0] = tgv_addr_ipv4(lan_ip, 0);
    tgv_call_io_event(b.call, &ev, b.now);
    associate(0);
    tgv_bench_run(&b, 0);
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(8));
    for (unsigned i = 0; i < b.count; i++)
        assert_int_not_equal(b.log[i].control, TGV_CONTROL_PEER_REQUEST);
    assert_int_equal(b.name_count, 0);
}

static void test_proxy_known_without_udp_is_not_asked_for_it(void **state)
{
    (void)state;
    o.persistent_state =
        "{\"ver\":1,\"proxy\":{\"server\":\"203.0.113.7:1080\","
        "\"udp\":false,\"tcp\":true}}";
    tgv_bench_init(&b, &o);
    assert_int_equal(b.stream_count, 1);
    connect_through(0);
    tgv_bench_run(&b, TGV_S(3));
    assert_int_equal(b.stream_count, 1);
    assert_true(tgv_bench_sent(&b, TGV_PKT_INIT, 0) > 0);
}

static void test_proxy_what_is_known_of_another_does_not_count(void **state)
{
    (void)state;
    o.persistent_state =
        "{\"ver\":1,\"proxy\":{\"server\":\"203.0.113.9:1080\","
        "\"udp\":false,\"tcp\":true}}";
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, 0);
    assert_true(b.count > 0);
    assert_true(state_says("203.0.113.7:1080"));
}

static void test_proxy_a_new_network_means_a_new_association(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_bench_run(&b, TGV_S(1));
    tgv_reach_moved(b.call, b.now);
    tgv_bench_settle(&b);
    assert_true(conn(0)->gone);
    assert_int_equal(b.stream_count, 2);
    associate(1);
    tgv_bench_run(&b, TGV_S(1));
}

static void test_proxy_stop_closes_its_connections(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    associate(0);
    tgv_call_stop(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(tgv_bench_live_streams(&b), 0);
}

static void test_proxy_without_a_port_is_refused(void **state)
{
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct tgv_relay_entry relay = {.id = 1, .ipv4 = tgv_addr_ipv4(ip, 500)};
    struct tgv_prng g;
    struct tgv_call_config c = {.relays = &relay,
                                .relay_count = 1,
                                .max_layer = 92,
                                .key = {1},
                                .init_timeout = 1,
                                .receive_timeout = 1,
                                .codec = tgv_codec_opus(),
                                .random = tgv_prng_source(&g),
                                .proxy = {.host = "a"}};
    struct tgv_call *call;

    (void)state;
    tgv_prng_init(&g, 1);
    assert_int_equal(tgv_call_create(&call, &c), TGVOIP_ERR_INVALID);
    c.proxy.port = 1;
    memset(c.proxy.user, 'x', sizeof(c.proxy.user)); /* without end */
    assert_int_equal(tgv_call_create(&call, &c), TGVOIP_ERR_INVALID);
    c.proxy.user[255] = '\0';
    assert_int_equal(tgv_call_create(&call, &c), 0);
    tgv_call_destroy(call);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_proxy, done_by_proxy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_proxy_connects_to_tcp_relays),
        T(test_proxy_bytes_behind_its_reply_are_the_relay_s),
        T(test_proxy_ipv6_relays_as_literals),
        T(test_eng_64_udp_refused_means_tcp_through_the_proxy),
        T(test_eng_64_udp_that_does_not_pass_means_tcp),
        T(test_eng_64_neither_udp_nor_tcp_is_proxy),
        T(test_eng_64_no_udp_and_no_tcp_allowed_fails_early),
        T(test_eng_64_a_peer_that_is_silent_is_no_fault_of_it),
        T(test_eng_64_no_direct_roads),
        T(test_proxy_known_without_udp_is_not_asked_for_it),
        T(test_proxy_what_is_known_of_another_does_not_count),
        T(test_proxy_a_new_network_means_a_new_association),
        T(test_proxy_stop_closes_its_connections),
        cmocka_unit_test(test_proxy_without_a_port_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
