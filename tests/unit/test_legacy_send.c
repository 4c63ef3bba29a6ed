/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* What a call sends to a peer played by hand: sound, mute, acknowledgements,
 * and what becomes of them when the network takes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/bench_call.h"

#include <stdlib.h>

static void test_eng_54_time_stamps_keep_to_the_grid(void **state)
{
    uint32_t last = 0;
    unsigned n;

    (void)state;
    establish_by_udp();
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(1));
    tgv_bench_event(&b, TGV_IO_BLOCKED); /* media is dropped meanwhile */
    tgv_bench_run(&b, TGV_MS(330));
    tgv_bench_event(&b, TGV_IO_WRITABLE);
    tgv_bench_talk(&b, TGV_S(1));
    tgv_call_set_mute(b.call, true, b.now);
    tgv_bench_talk(&b, TGV_MS(500));
    tgv_call_set_mute(b.call, false, b.now);
    tgv_bench_talk(&b, TGV_S(1));
    n = tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0);
    assert_true(n > 40);
    for (unsigned i = 0; i < n; i++) {
        const struct tgv_bench_packet *p =
            tgv_bench_find(&b, TGV_PKT_STREAM_DATA, 0, i);
        static tgv_time first_at;
        struct tgv_stream_data m;
        size_t used;

        assert_int_equal(
            tgv_stream_data_decode(&m, p->payload, p->payload_len, &used), 0);
        if (i == 0) {
            assert_int_equal(m.pts, 0);
            first_at = p->at;
        } else {
            assert_true(m.pts > last);
        }
        assert_int_equal(m.pts % 60, 0);
        /* capture time, not the number of packets */
        assert_true(llabs(TGV_MS(m.pts) - (p->at - first_at)) <= TGV_MS(60));
        last = m.pts;
    }
    assert_true(tgv_bench_stats(&b).packets_dropped >= 4);
}

static void test_eng_12_mute_stops_audio_at_once(void **state)
{
    unsigned before;

    (void)state;
    establish_by_udp();
    b.audio = true;
    tgv_bench_talk(&b, TGV_MS(500));
    tgv_call_set_mute(b.call, true, b.now);
    tgv_bench_settle(&b);
    before = b.count;
    assert_false(tgv_call_sends_audio(b.call));
    tgv_bench_talk(&b, TGV_S(3));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, before), 0);
    tgv_call_set_mute(b.call, false, b.now);
    tgv_bench_talk(&b, TGV_MS(300));
    assert_true(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, before) >= 4);
}

static void expect_stream_flags(const struct tgv_bench_packet *p, uint32_t want)
{
    const struct tgv_extra *x = tgv_bench_extra(p, TGV_EXTRA_STREAM_FLAGS);
    uint32_t flags;
    uint8_t id;

    assert_non_null(x);
    assert_int_equal(tgv_stream_flags_decode(&id, &flags, x->data, x->len), 0);
    assert_int_equal(id, 1);
    assert_int_equal(flags & TGV_STREAM_ENABLED, want);
}

static void test_call_mute_is_told_in_every_packet_until_acked(void **state)
{
    (void)state;
    establish_by_udp();
    tgv_call_set_mute(b.call, true, b.now);
    tgv_bench_settle(&b);
    b.hold_ack = true;
    tgv_bench_run(&b, TGV_S(1));
    for (unsigned i = 0; i < 3; i++)
        expect_stream_flags(recent(i), 0);
    b.hold_ack = false;
    tgv_bench_run(&b, TGV_MS(200));
    tgv_bench_media(&b, 0, 60);
    tgv_bench_run(&b, TGV_MS(400));
    assert_null(tgv_bench_extra(recent(0), TGV_EXTRA_STREAM_FLAGS));
    tgv_call_set_mute(b.call, false, b.now);
    tgv_bench_settle(&b);
    expect_stream_flags(recent(0), 1);
}

static void test_eng_53_mute_before_established_is_told(void **state)
{
    (void)state;
    o.muted = true;
    tgv_bench_init(&b, &o);
    assert_null(tgv_bench_extra(recent(0), TGV_EXTRA_STREAM_FLAGS));
    tgv_bench_init_packet(&b, 0); /* the version is known */
    expect_stream_flags(recent(0), 0);
    b.audio = true;
    tgv_bench_ack_packet(&b, 0);
    tgv_bench_media(&b, 0, 0);
    tgv_bench_talk(&b, TGV_S(1));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0), 0);
}

static void test_call_mute_of_old_peers_by_packets(void **state)
{
    unsigned before;
    uint8_t id;
    bool enabled;
    const struct tgv_bench_packet *p;

    (void)state;
    o.layer = 73;
    o.allow_v1 = true;
    tgv_bench_init(&b, &o);
    b.version = 3;
    tgv_bench_establish(&b);
    before = b.count;
    tgv_call_set_mute(b.call, true, b.now);
    tgv_bench_settle(&b);
    p = tgv_bench_find(&b, TGV_PKT_STREAM_STATE, before, 0);
    assert_non_null(p);
    assert_int_equal(
        tgv_stream_state_decode(&id, &enabled, p->payload, p->payload_len), 0);
    assert_false(enabled);
    tgv_bench_run(&b, TGV_MS(1100)); /* again each 0.5 s */
    assert_in_range(tgv_bench_sent(&b, TGV_PKT_STREAM_STATE, before), 2, 3);
    b.form = TGV_HEADER_SIMPLE;
    tgv_bench_media(&b, 0, 60); /* acknowledges */
    tgv_bench_run(&b, TGV_MS(100));
    before = b.count;
    tgv_bench_talk(&b, TGV_S(2));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_STATE, before), 0);
}

static void test_call_tgvx_is_told_and_stays_constant(void **state)
{
    const struct tgv_extra *x;

    (void)state;
    tgv_bench_init(&b, &o);
    b.hold_ack = true;
    b.ack = 0;
    tgv_bench_establish(&b);
    tgv_bench_run(&b, TGV_S(1));
    for (unsigned i = 0; i < b.count; i++) {
        if (!b.log[i].opened)
            continue;
        x = tgv_bench_extra(&b.log[i], TGV_EXTRA_TGVX);
        assert_non_null(x);
        assert_int_equal(x->len, 6);
        assert_memory_equal(x->data, "TGVX\1\24", 6);
    }
    b.hold_ack = false;
    tgv_bench_talk(&b, TGV_S(1));
    assert_null(tgv_bench_extra(recent(0), TGV_EXTRA_TGVX));
}

static void test_call_tgvx_of_the_peer_is_read(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_false(tgv_bench_stats(&b).peer_is_ours);
    b.extra_count = 1;
    b.extras[0] = (struct tgv_extra){.type = TGV_EXTRA_TGVX,
                                     .len = 8,
                                     .data = (const uint8_t *)"TGVX\2\24??"};
    tgv_bench_init_packet(&b, 0);
    assert_true(tgv_bench_stats(&b).peer_is_ours);
}

static void test_call_0x54_of_someone_else_is_ignored(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.extra_count = 1;
    b.extras[0] = (struct tgv_extra){
        .type = TGV_EXTRA_TGVX, .len = 3, .data = (const uint8_t *)"abc"};
    tgv_bench_init_packet(&b, 0);
    assert_false(tgv_bench_stats(&b).peer_is_ours);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
}

static void test_call_nop_when_there_is_nothing_else(void **state)
{
    unsigned before;
    tgv_time last = -1;

    (void)state;
    establish_by_udp();
    before = b.count;
    tgv_bench_run(&b, TGV_MS(1900));
    for (unsigned i = before; i < b.count; i++) {
        if (!b.log[i].opened)
            continue;
        if (last >= 0)
            assert_true(b.log[i].at - last <= TGV_MS(200));
        last = b.log[i].at;
    }
    assert_true(tgv_bench_sent(&b, TGV_PKT_NOP, before) >= 7);
    /* and none while media flows */
    b.audio = true;
    tgv_bench_talk(&b, TGV_MS(300));
    before = b.count;
    tgv_bench_talk(&b, TGV_S(3));
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_NOP, before), 0);
}

static void test_call_acknowledges_in_convention_a(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    for (uint32_t i = 0; i < 3; i++)
        tgv_bench_init_packet(&b, 0);
    b.seq++; /* 4 is lost */
    tgv_bench_init_packet(&b, 0);
    assert_int_equal(recent(0)->h.ack, 5);
    assert_int_equal(recent(0)->h.mask, 0x70000000);
}

static void test_eng_36_every_datagram_counts(void **state)
{
    uint64_t out = 0;

    (void)state;
    o.relays = 2;
    establish_by_udp();
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(4));
    for (unsigned i = 0; i < b.count; i++)
        out += b.log[i].datagram_len;
    assert_int_equal(tgv_bench_stats(&b).bytes_out, out);
    assert_true(tgv_bench_stats(&b).bytes_in > 0);
}

static void test_eng_33_random_failure_sends_nothing(void **state)
{
    (void)state;
    o.random_fails = true;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(b.count, 0);
    assert_true(tgv_bench_stats(&b).packets_dropped > 0);
    b.random_fails = false;
    tgv_bench_run(&b, TGV_MS(500));
    assert_true(tgv_bench_sent(&b, TGV_PKT_INIT, 0) > 0);
}

/* -- a network that takes nothing --------------------------------------------------- */

static void test_eng_27_blocked_socket_does_not_fail_the_call(void **state)
{
    unsigned before;

    (void)state;
    establish_by_udp();
    b.audio = true;
    for (int i = 0; i < 20; i++) {
        tgv_bench_talk(&b, TGV_MS(120));
        before = b.count;
        tgv_bench_event(&b, TGV_IO_BLOCKED);
        tgv_bench_run(&b, TGV_MS(120));
        assert_int_equal(b.count, before);
        tgv_bench_event(&b, TGV_IO_WRITABLE);
    }
    tgv_bench_talk(&b, TGV_S(1));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_eng_30_control_survives_while_media_is_dropped(void **state)
{
    unsigned before;

    (void)state;
    establish_by_udp();
    b.audio = true;
    tgv_bench_talk(&b, TGV_MS(300));
    tgv_bench_event(&b, TGV_IO_BLOCKED);
    before = b.count;
    for (int i = 0; i < 5; i++)
        tgv_bench_send(&b, 0, TGV_PKT_PING, NULL, 0);
    tgv_bench_run(&b, TGV_MS(400));
    assert_int_equal(b.count, before);
    tgv_bench_event(&b, TGV_IO_WRITABLE);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_PONG, before), 5);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, before), 0);
}

static void test_eng_30_refused_control_goes_again(void **state)
{
    unsigned before;

    (void)state;
    establish_by_udp();
    tgv_bench_send(&b, 0, TGV_PKT_PING, NULL, 0);
    before = b.count; /* the PONG was handed out last, and was not taken */
    tgv_bench_event(&b, TGV_IO_BLOCKED);
    tgv_bench_event(&b, TGV_IO_WRITABLE);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_PONG, before), 1);
}

static void test_eng_30_queues_are_bounded(void **state)
{
    (void)state;
    establish_by_udp();
    tgv_bench_event(&b, TGV_IO_BLOCKED);
    for (int i = 0; i < 2000; i++) {
        tgv_bench_send(&b, 0, TGV_PKT_PING, NULL, 0);
        b.now += TGV_MS(50);
    }
    tgv_bench_event(&b, TGV_IO_WRITABLE);
    assert_true(tgv_bench_sent(&b, TGV_PKT_PONG, 0) <= 256);
    assert_true(tgv_bench_stats(&b).packets_dropped > 1000);
}

static void test_eng_27_lost_socket_is_rebuilt(void **state)
{
    unsigned old;

    (void)state;
    establish_by_udp();
    old = b.sock;
    tgv_bench_event(&b, TGV_IO_FAILED);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    tgv_bench_run(&b, TGV_MS(500));
    assert_int_not_equal(b.sock, old);
    tgv_bench_media(&b, 0, 60);
    tgv_bench_run(&b, TGV_MS(300));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_true(recent(0)->at > TGV_MS(400));
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_options, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_54_time_stamps_keep_to_the_grid),
        T(test_eng_12_mute_stops_audio_at_once),
        T(test_call_mute_is_told_in_every_packet_until_acked),
        T(test_eng_53_mute_before_established_is_told),
        T(test_call_mute_of_old_peers_by_packets),
        T(test_call_tgvx_is_told_and_stays_constant),
        T(test_call_tgvx_of_the_peer_is_read),
        T(test_call_0x54_of_someone_else_is_ignored),
        T(test_call_nop_when_there_is_nothing_else),
        T(test_call_acknowledges_in_convention_a),
        T(test_eng_36_every_datagram_counts),
        T(test_eng_33_random_failure_sends_nothing),
        T(test_eng_27_blocked_socket_does_not_fail_the_call),
        T(test_eng_30_control_survives_while_media_is_dropped),
        T(test_eng_30_refused_control_goes_again),
        T(test_eng_30_queues_are_bounded),
        T(test_eng_27_lost_socket_is_rebuilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
