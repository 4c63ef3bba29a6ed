/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* What a call takes from a peer played by hand, and what it refuses: forged,
 * replayed, unknown, senseless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/bench_call.h"

#include <stdio.h>
#include <string.h>

static void test_eng_23_unknown_source_is_dropped_and_counted(void **state)
{
    uint8_t out[1500], ip[4] = {203, 0, 113, 7};
    struct tgv_addr stranger = tgv_addr_ipv4(ip, 5000);
    size_t len;

    (void)state;
    tgv_bench_init(&b, &o);
    len = tgv_bench_seal(&b, 0, TGV_PKT_NOP, NULL, 0, out);
    tgv_call_receive(b.call, b.sock, &stranger, out, len, b.now);
    assert_int_equal(tgv_bench_stats(&b).packets_unknown_source, 1);
    assert_int_equal(tgv_bench_stats(&b).packets_in, 0);
    tgv_bench_datagram(&b, 0, out, len);
    assert_int_equal(tgv_bench_stats(&b).packets_in, 1);
}

static void test_call_wrong_tag_is_bad(void **state)
{
    uint8_t out[1500];
    size_t len;

    (void)state;
    tgv_bench_init(&b, &o);
    len = tgv_bench_seal(&b, 0, TGV_PKT_NOP, NULL, 0, out);
    out[15] ^= 1; /* the other side's tag */
    tgv_bench_datagram(&b, 0, out, len);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 1);
    assert_int_equal(tgv_bench_stats(&b).packets_in, 0);
}

static void test_call_replay_has_no_effect(void **state)
{
    uint8_t out[1500];
    size_t len;
    unsigned before;

    (void)state;
    establish_by_udp();
    len = tgv_bench_seal(&b, 0, TGV_PKT_PING, NULL, 0, out);
    tgv_bench_datagram(&b, 0, out, len);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_PONG, 0), 1);
    before = b.count;
    tgv_bench_datagram(&b, 0, out, len);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_PONG, before), 0);
    assert_int_equal(tgv_bench_stats(&b).packets_duplicate, 1);
}

static void test_call_replay_does_not_keep_a_call_alive(void **state)
{
    uint8_t out[1500];
    size_t len;

    (void)state;
    establish_by_udp();
    len = tgv_bench_seal(&b, 0, TGV_PKT_NOP, NULL, 0, out);
    tgv_bench_datagram(&b, 0, out, len);
    for (int i = 0; i < 30; i++) {
        tgv_bench_run(&b, TGV_MS(100));
        tgv_bench_datagram(&b, 0, out, len);
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    for (int i = 0; i < 200; i++) {
        tgv_bench_run(&b, TGV_MS(100));
        tgv_bench_datagram(&b, 0, out, len);
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
}

static void test_call_forged_packet_does_not_move_the_window(void **state)
{
    uint8_t out[1500];
    size_t len;
    uint32_t seq;

    (void)state;
    establish_by_udp();
    seq = b.seq;
    b.seq += 5000;
    len = tgv_bench_seal(&b, 0, TGV_PKT_NOP, NULL, 0, out);
    out[40] ^= 1;
    tgv_bench_datagram(&b, 0, out, len);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 1);
    b.seq = seq;
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_duplicate, 0);
}

static void test_call_ack_of_the_future_loses_no_extra(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.hold_ack = true;
    b.ack = 1000;
    b.mask = 0xFFFFFFFF;
    tgv_bench_establish(&b);
    tgv_bench_run(&b, TGV_MS(400));
    assert_non_null(tgv_bench_extra(recent(0), TGV_EXTRA_TGVX));
}

static void test_call_unknown_types_are_acknowledged(void **state)
{
    (void)state;
    establish_by_udp();
    tgv_bench_send(&b, 0, 99, (const uint8_t *)"what", 4);
    tgv_bench_send(&b, 0, TGV_PKT_SWITCH_TO_P2P, NULL, 0);
    tgv_bench_send(&b, 0, TGV_PKT_GROUP_CALL_KEY, NULL, 0);
    tgv_bench_run(&b, TGV_MS(300));
    assert_int_equal(recent(0)->h.ack, b.seq - 1);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
}

static void test_call_direct_paths_are_not_offered_any(void **state)
{
    static const uint8_t lan[8] = {192, 168, 0, 1, 0x10, 0x27, 0, 0};
    static const uint8_t short_lan[3] = {1, 2, 3};

    (void)state;
    establish_by_udp();
    tgv_bench_send(&b, 0, TGV_PKT_LAN_ENDPOINT, lan, sizeof(lan));
    b.extra_count = 1;
    b.extras[0] = (struct tgv_extra){
        .type = TGV_EXTRA_LAN_ENDPOINT, .len = 8, .data = lan};
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    tgv_bench_talk(&b, TGV_S(5));
    for (unsigned i = 0; i < b.count; i++)
        assert_int_equal(b.log[i].relay, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
    b.extra_count = 0;
    tgv_bench_send(&b, 0, TGV_PKT_LAN_ENDPOINT, short_lan, sizeof(short_lan));
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 1);
}

/* Everything that holds the key but means ill: random bodies of every type. */
static void test_call_authentic_garbage_never_ends_a_call(void **state)
{
    const uint64_t seed = 5;
    struct tgv_prng g;

    (void)state;
    printf("seed %u\n", (unsigned)seed);
    establish_by_udp();
    tgv_prng_init(&g, seed);
    for (int i = 0; i < 20000; i++) {
        uint8_t body[300];
        size_t len = tgv_prng_below(&g, 80);
        uint8_t type = (uint8_t)tgv_prng_below(&g, 20);
        bool extras = tgv_prng_below(&g, 2);

        if (type == TGV_PKT_INIT || type == TGV_PKT_INIT_ACK)
            continue; /* those may end it: the first ones, see handshake */
        for (size_t k = 0; k < len; k++)
            body[k] = (uint8_t)tgv_prng_below(&g, 256);
        b.extra_count = extras ? 1 : 0;
        b.extras[0] = (struct tgv_extra){.type = (uint8_t)tgv_prng_below(&g, 9),
                                         .len = (uint8_t)(len < 60 ? len : 60),
                                         .data = body};
        tgv_bench_send(&b, 0, type, body, len);
        if (i % 20 == 0) {
            b.now += TGV_MS(20);
            b.count = 0;
        }
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_true(tgv_bench_stats(&b).packets_bad > 1000);
}

/* The same without any structure at all, also in the header. */
static void test_call_authentic_noise_never_ends_a_call(void **state)
{
    const uint64_t seed = 6;
    struct tgv_prng g;

    (void)state;
    printf("seed %u\n", (unsigned)seed);
    establish_by_udp();
    tgv_prng_init(&g, seed);
    for (int i = 0; i < 20000; i++) {
        uint8_t inner[120];
        size_t len = 9 + tgv_prng_below(&g, 100); /* at least a short body */

        for (size_t k = 0; k < len; k++)
            inner[k] = (uint8_t)tgv_prng_below(&g, 256);
        b.envelope = i % 2 ? TGV_ENVELOPE_V2_LONG : TGV_ENVELOPE_V2_SHORT;
        if (i % 4 == 1)
            memcpy(inner, i % 8 == 1 ? "\xc1\x48\xf9\xdb" : "\x76\x0e\x0d\xcc",
                   4);
        if (i % 3 == 0 && len > 14)
            inner[13] = 0; /* no extras: gets further */
        tgv_bench_send_inner(&b, 0, inner, len);
        if (i % 20 == 0)
            b.count = 0;
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_call_random_datagrams_are_counted(void **state)
{
    struct tgv_prng g;
    uint8_t out[1500];

    (void)state;
    establish_by_udp();
    tgv_prng_init(&g, 3);
    memcpy(out, b.tag, sizeof(b.tag));
    out[0] = 0;
    for (int i = 0; i < 20000; i++) {
        size_t len = tgv_prng_below(&g, 1501);
        for (size_t k = 16; k < len; k += 7)
            out[k] = (uint8_t)tgv_prng_below(&g, 256);
        tgv_bench_datagram(&b, 0, out, len);
    }
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 20000);
}

static void test_call_wrong_call_id_is_dropped(void **state)
{
    uint8_t inner[200];
    size_t len;
    struct tgv_header h = {.form = TGV_HEADER_FULL,
                           .type = TGV_PKT_NOP,
                           .seq = 50,
                           .has_call_id = true,
                           .has_proto = true,
                           .proto = TGV_PROTO_WORD};

    (void)state;
    establish_by_udp();
    b.envelope = TGV_ENVELOPE_V2_LONG;
    assert_int_equal(tgv_packet_encode(&h, NULL, 0, inner, sizeof(inner), &len),
                     0);
    tgv_bench_send_inner(&b, 0, inner, len);
    memcpy(h.call_id, tgv_seal_call_id(b.seal), sizeof(h.call_id));
    h.proto = 1;
    assert_int_equal(tgv_packet_encode(&h, NULL, 0, inner, sizeof(inner), &len),
                     0);
    tgv_bench_send_inner(&b, 0, inner, len);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 2);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_call_peer_mute_by_extra_and_by_packet(void **state)
{
    uint8_t body[5];
    uint8_t len;

    (void)state;
    establish_by_udp();
    len = (uint8_t)tgv_stream_flags_encode(1, 0, body);
    b.extra_count = 1;
    b.extras[0] = (struct tgv_extra){
        .type = TGV_EXTRA_STREAM_FLAGS, .len = len, .data = body};
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    assert_true(tgv_bench_stats(&b).peer_muted);
    b.extra_count = 0;
    len = (uint8_t)tgv_stream_state_encode(1, true, body);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_STATE, body, len);
    assert_false(tgv_bench_stats(&b).peer_muted);
    len = (uint8_t)tgv_stream_state_encode(9, false, body);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_STATE, body, len);
    assert_false(tgv_bench_stats(&b).peer_muted); /* another stream */
}

static void test_call_peer_mute_before_the_ack_is_kept(void **state)
{
    uint8_t body[5];

    (void)state;
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0);
    b.extra_count = 1;
    b.extras[0] =
        (struct tgv_extra){.type = TGV_EXTRA_STREAM_FLAGS,
                           .len = (uint8_t)tgv_stream_flags_encode(1, 0, body),
                           .data = body};
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    b.extra_count = 0;
    tgv_bench_ack_packet(&b, 0);
    assert_true(tgv_bench_stats(&b).peer_muted);
}

static void test_call_loss_is_counted_both_ways(void **state)
{
    (void)state;
    establish_by_udp();
    b.audio = true;
    for (int i = 0; i < 40; i++) {
        tgv_bench_talk(&b, TGV_MS(60));
        if (i % 4 == 0)
            b.seq++; /* a packet of the peer that is lost */
    }
    assert_int_equal(tgv_bench_stats(&b).packets_lost_in, 10);
    assert_true(tgv_bench_stats(&b).loss_in > 0.15);
    assert_true(tgv_bench_stats(&b).loss_out < 0.001);
    b.hold_ack = true; /* the peer goes on, but hears us no more */
    tgv_bench_talk(&b, TGV_S(5));
    assert_true(tgv_bench_stats(&b).loss_out > 0.5);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_options, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_23_unknown_source_is_dropped_and_counted),
        T(test_call_wrong_tag_is_bad),
        T(test_call_replay_has_no_effect),
        T(test_call_replay_does_not_keep_a_call_alive),
        T(test_call_forged_packet_does_not_move_the_window),
        T(test_call_ack_of_the_future_loses_no_extra),
        T(test_call_unknown_types_are_acknowledged),
        T(test_call_direct_paths_are_not_offered_any),
        T(test_call_authentic_garbage_never_ends_a_call),
        T(test_call_authentic_noise_never_ends_a_call),
        T(test_call_random_datagrams_are_counted),
        T(test_call_wrong_call_id_is_dropped),
        T(test_call_peer_mute_by_extra_and_by_packet),
        T(test_call_peer_mute_before_the_ack_is_kept),
        T(test_call_loss_is_counted_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
