/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* A call and its relays: probes, pings, round-trip times, and which of them is
 * taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/bench_call.h"

#include <stdlib.h>
#include <string.h>

static void test_eng_22_probe_series_and_verdict(void **state)
{
    struct tgv_server_config config;
    unsigned n = 0;

    (void)state;
    tgv_server_config_init(&config);
    config.use_tcp = false; /* must not matter */
    o.config = &config;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_S(3));
    for (unsigned i = 0; i < b.count; i++) {
        if (b.log[i].control != TGV_CONTROL_PING)
            continue;
        assert_int_equal(b.log[i].at, TGV_MS(500) * n);
        n++;
    }
    assert_int_equal(n, 4);
    char *text = tgv_call_debug_log(b.call, b.now);
    assert_non_null(strstr(text, "\"udp_avail\":true"));
    free(text);
}

static void test_eng_22_no_answers_no_udp(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    tgv_bench_run(&b, TGV_S(3));
    char *text = tgv_call_debug_log(b.call, b.now);
    /* the first ping was answered: bad at first, then not available */
    assert_non_null(strstr(text, "\"udp_avail\":false"));
    free(text);
    tgv_bench_run(&b, TGV_S(5));
    unsigned n = 0;
    for (unsigned i = 0; i < b.count; i++)
        n += b.log[i].control == TGV_CONTROL_PING;
    assert_in_range(n, 10, 12); /* ten, and then a few to see whether it comes
                                   back */
}

static void test_call_forged_self_info_does_not_count(void **state)
{
    struct tgv_control m = {.kind = TGV_CONTROL_SELF_INFO, .query_id = 77};
    uint8_t buf[TGV_CONTROL_MAX], ip[4] = {9, 9, 9, 9};
    size_t len;

    (void)state;
    tgv_bench_init(&b, &o);
    b.answer_probes = false;
    memcpy(m.tag, b.tag, sizeof(m.tag));
    m.tag[0] = 0;
    m.self = tgv_addr_ipv4(ip, 1);
    assert_int_equal(tgv_control_encode(&m, buf, sizeof(buf), &len), 0);
    for (int i = 0; i < 20; i++)
        tgv_bench_datagram(&b, 0, buf, len);
    tgv_bench_run(&b, TGV_S(8));
    char *text = tgv_call_debug_log(b.call, b.now);
    assert_non_null(strstr(text, "\"udp_avail\":false"));
    free(text);
}

static void test_call_unsolicited_peer_info_is_ignored(void **state)
{
    struct tgv_control m = {.kind = TGV_CONTROL_PEER_INFO};
    uint8_t buf[TGV_CONTROL_MAX], ip[4] = {9, 9, 9, 9};
    size_t len;
    unsigned before;

    (void)state;
    establish_by_udp();
    memcpy(m.tag, b.tag, sizeof(m.tag));
    m.tag[0] = 0;
    m.self = m.peer = tgv_addr_ipv4(ip, 1);
    assert_int_equal(tgv_control_encode(&m, buf, sizeof(buf), &len), 0);
    before = b.count;
    tgv_bench_datagram(&b, 0, buf, len);
    assert_int_equal(b.count, before);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
}

static void pong_to(const struct tgv_bench_packet *p)
{
    uint8_t body[4];

    tgv_bench_send(&b, p->relay, TGV_PKT_PONG, body,
                   tgv_pong_encode(p->h.seq, body));
}

static void test_call_pong_goes_back_where_the_ping_came_from(void **state)
{
    const struct tgv_bench_packet *p;
    uint32_t seq, answered;

    (void)state;
    o.relays = 3;
    establish_by_udp();
    seq = b.seq;
    tgv_bench_send(&b, 2, TGV_PKT_PING, NULL, 0);
    p = tgv_bench_find(&b, TGV_PKT_PONG, 0, 0);
    assert_int_equal(p->relay, 2);
    assert_int_equal(tgv_pong_decode(&answered, p->payload, p->payload_len), 0);
    assert_int_equal(answered, seq);
}

static void test_call_rtt_comes_from_pongs(void **state)
{
    const struct tgv_bench_packet *p;

    (void)state;
    establish_by_udp();
    tgv_bench_run(&b, 0);
    p = tgv_bench_find(&b, TGV_PKT_PING, 0, 0);
    assert_non_null(p);
    tgv_bench_run(&b, TGV_MS(85));
    pong_to(p);
    assert_true(tgv_bench_stats(&b).rtt_ms == 85.0);
    tgv_bench_run(&b, TGV_MS(50));
    pong_to(p); /* counts once */
    assert_true(tgv_bench_stats(&b).rtt_ms == 85.0);
}

static void test_call_pong_of_another_path_does_not_count(void **state)
{
    uint8_t body[4];
    const struct tgv_bench_packet *p;

    (void)state;
    o.relays = 2;
    establish_by_udp();
    tgv_bench_run(&b, 0);
    p = tgv_bench_find(&b, TGV_PKT_PING, 0, 0);
    assert_int_equal(p->relay, 0);
    tgv_bench_run(&b, TGV_MS(700));
    tgv_bench_send(&b, 1, TGV_PKT_PONG, body, tgv_pong_encode(p->h.seq, body));
    tgv_bench_send(&b, 0, TGV_PKT_PONG, body, tgv_pong_encode(99999, body));
    assert_true(tgv_bench_stats(&b).rtt_ms < 700.0);
}

static void test_eng_29_preferred_relay_is_the_servers_id(void **state)
{
    (void)state;
    o.relays = 3;
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 1);
    assert_int_equal(tgv_call_preferred_relay(b.call), 101);
    assert_int_equal(b.route_count, 1);
    assert_int_equal(b.route_ids[0], 101);
    assert_string_equal(b.routes[0], "init");
}

static void test_eng_24_relay_that_answers_takes_over(void **state)
{
    unsigned before;
    const struct tgv_bench_packet *p;

    (void)state;
    o.relays = 2;
    establish_by_udp();
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(1));
    b.hold_ack = true; /* from now on nothing of ours arrives */
    before = b.count;
    tgv_bench_talk(&b, TGV_MS(1500));
    p = tgv_bench_find(&b, TGV_PKT_PING, before, 0);
    while (p && p->relay != 1)
        p = tgv_bench_find(&b, TGV_PKT_PING, (unsigned)(p - b.log) + 1, 0);
    assert_non_null(p);
    pong_to(p);
    assert_string_equal(b.routes[b.route_count - 1], "dead");
    assert_int_equal(tgv_call_preferred_relay(b.call), 101);
    b.hold_ack = false;
    tgv_bench_run(&b, TGV_MS(200));
    assert_int_equal(recent(0)->relay, 1);
}

static void test_call_relays_are_pinged_each_ten_seconds(void **state)
{
    unsigned n = 0;

    (void)state;
    o.relays = 2;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(31));
    for (unsigned i = 0; i < b.count; i++)
        n += b.log[i].opened && b.log[i].h.type == TGV_PKT_PING &&
             b.log[i].relay == 1;
    assert_in_range(n, 3, 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_options, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_22_probe_series_and_verdict),
        T(test_eng_22_no_answers_no_udp),
        T(test_call_forged_self_info_does_not_count),
        T(test_call_unsolicited_peer_info_is_ignored),
        T(test_call_pong_goes_back_where_the_ping_came_from),
        T(test_call_rtt_comes_from_pongs),
        T(test_call_pong_of_another_path_does_not_count),
        T(test_eng_29_preferred_relay_is_the_servers_id),
        T(test_eng_24_relay_that_answers_takes_over),
        T(test_call_relays_are_pinged_each_ten_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
