/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy transport json wire crypto base */
/* Streams to TCP relays: opened, spoken, cut into pieces, broken and opened
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/bench_call.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

static int reset(void **state)
{
    reset_options(state);
    o.tcp_relays = 1;
    o.tcp = TGV_BENCH_ACCEPT;
    return 0;
}

/* A call over its only relay, a TCP one. */
static void establish(void)
{
    tgv_bench_init(&b, &o);
    b.via = 0;
    tgv_bench_establish(&b);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

/* -- opening and speaking ---------------------------------------------------------- */

static void test_tcp_only_relays_are_connected_to_at_the_start(void **state)
{
    (void)state;
    o.relays = o.tcp_relays = 3;
    o.tcp = TGV_BENCH_HOLD;
    o.stay_closed = true; /* and without a handshake */
    tgv_bench_init(&b, &o);
    assert_int_equal(b.stream_count, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_true(tgv_addr_equal(&b.streams[i].to, &b.relay_addr[i]));
}

static void test_tcp_the_header_goes_first_and_init_at_once(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_int_equal(b.streams[0].headers, TGV_OBF_HEADER);
    const struct tgv_bench_packet *p = tgv_bench_find(&b, TGV_PKT_INIT, 0, 0);
    assert_non_null(p);
    assert_int_equal(p->stream, 0);
    assert_int_equal(p->at, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_WAIT_INIT_ACK);
}

static void test_tcp_init_goes_there_when_a_stream_opens_late(void **state)
{
    (void)state;
    o.tcp = TGV_BENCH_HOLD;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_MS(330));
    assert_int_equal(b.count, 0);
    tgv_bench_tcp_event(&b, 0, TGV_IO_OPENED);
    tgv_bench_run(&b, 0);
    assert_int_equal(tgv_bench_sent(&b, TGV_PKT_INIT, 0), 1);
    assert_int_equal(b.log[0].at, TGV_MS(330));
}

static void test_tcp_carries_a_call(void **state)
{
    (void)state;
    establish();
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(3));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_in_range(tgv_bench_sent(&b, TGV_PKT_STREAM_DATA, 0), 45, 160);
    for (unsigned i = 0; i < b.count; i++)
        assert_int_equal(b.log[i].stream, 0);
    struct tgv_call_stats s = tgv_bench_stats(&b);
    assert_int_equal(s.path, TGV_PATH_TCP_RELAY);
    assert_int_equal(s.packets_bad, 0);
    char *text = tgv_call_debug_log(b.call, b.now);
    assert_non_null(strstr(text, "\"tcp_used\":true"));
    assert_non_null(strstr(text, "\"udp_avail\":false"));
    free(text);
    text = tgv_call_debug_string(b.call, b.now);
    assert_non_null(strstr(text, "0x64 [TCP_RELAY, IN_USE]"));
    free(text);
}

static void test_tcp_three_bars_at_most(void **state)
{
    (void)state;
    establish();
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(8));
    assert_int_equal(b.bars, 3);
}

static void test_eng_26_frames_arrive_in_pieces_of_one_byte(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    b.via = 0;
    b.piece = 1;
    tgv_bench_establish(&b);
    tgv_bench_talk(&b, TGV_S(1));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
    assert_int_equal(b.stream_count, 1);
}

static void test_tcp_pieces_of_all_sizes(void **state)
{
    (void)state;
    establish();
    for (b.piece = 2; b.piece < 140; b.piece++)
        tgv_bench_talk(&b, TGV_MS(60));
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

/* -- broken rules -------------------------------------------------------------------- */

/* The peer's frame has this length: the key stream of a good one, of 4 words,
 * is turned into it. */
static void say_length(const uint8_t length[4])
{
    uint8_t packet[16] = {0}, frame[64];
    size_t n;

    assert_int_equal(tgv_obf_encode(b.streams[0].obf, packet, sizeof(packet),
                                    frame, sizeof(frame), &n),
                     0);
    frame[0] ^= 4 ^ length[0];
    for (int i = 1; i < 4; i++)
        frame[i] ^= length[i];
    tgv_bench_tcp_bytes(&b, 0, frame, n);
}

static void test_tcp_an_oversized_frame_closes_the_stream(void **state)
{
    (void)state;
    establish();
    say_length((const uint8_t[4]){0x7F, 0xFF, 0xFF, 0x00});
    assert_true(b.streams[0].gone);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    tgv_bench_run(&b, TGV_MS(400)); /* and it is opened again */
    assert_int_equal(b.stream_count, 2);
    b.via = 1;
    tgv_bench_talk(&b, TGV_S(1));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_tcp_a_short_frame_closes_the_stream(void **state)
{
    (void)state;
    establish();
    say_length((const uint8_t[4]){3}); /* 12 bytes */
    assert_true(b.streams[0].gone);
}

static void test_tcp_forged_packets_are_counted_and_harmless(void **state)
{
    uint8_t packet[80];

    (void)state;
    establish();
    for (uint8_t i = 0; i < 50; i++) {
        memset(packet, i, sizeof(packet));
        if (i & 1) { /* with the right tag */
            memcpy(packet, b.tag, sizeof(b.tag));
            packet[0] = 0;
        }
        tgv_bench_datagram(&b, 0, packet, sizeof(packet));
    }
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 50);
    assert_false(b.streams[0].gone);
    tgv_bench_talk(&b, TGV_S(1));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
}

static void test_tcp_random_bytes_never_end_a_call(void **state)
{
    struct tgv_prng g;
    uint8_t noise[700];

    (void)state;
    establish();
    tgv_prng_init(&g, 11);
    for (int i = 0; i < 60; i++) {
        unsigned newest = b.stream_count - 1;
        tgv_prng_source(&g).fill(tgv_prng_source(&g).ctx, noise, sizeof(noise));
        if (!b.streams[newest].gone)
            tgv_bench_tcp_bytes(&b, newest, noise, sizeof(noise));
        tgv_bench_run(&b, TGV_MS(200));
    }
    assert_int_not_equal(tgv_bench_stats(&b).packets_bad, 0);
    assert_in_range(b.stream_count, 3, 20); /* less and less often */
    assert_int_not_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
}

/* -- standing still ------------------------------------------------------------------ */

static void test_tcp_attempts_pause_longer_each_time(void **state)
{
    (void)state;
    o.tcp = TGV_BENCH_HOLD;
    tgv_bench_init(&b, &o);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(b.stream_count, i + 1);
        tgv_bench_tcp_event(&b, i, TGV_IO_FAILED);
        tgv_bench_run(&b, i < 4 ? TGV_MS(250) * (1 << i) + TGV_MS(100)
                                : TGV_MS(4100));
    }
    for (unsigned i = 1; i < 8; i++) {
        tgv_time pause = b.streams[i].at - b.streams[i - 1].at;
        assert_in_range(pause, i == 1 ? TGV_MS(200) : TGV_MS(400),
                        TGV_MS(4200));
    }
}

static void test_tcp_a_connection_that_does_not_open_is_given_up(void **state)
{
    (void)state;
    o.tcp = TGV_BENCH_HOLD;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_MS(3800));
    assert_int_equal(b.stream_count, 1);
    tgv_bench_run(&b, TGV_MS(800));
    assert_true(b.streams[0].gone);
    assert_int_equal(b.stream_count, 2);
    /* what the old one says now is nobody's */
    tgv_bench_tcp_event(&b, 0, TGV_IO_OPENED);
    assert_int_equal(b.count, 0);
}

static void test_tcp_a_full_stream_takes_no_more(void **state)
{
    unsigned before;

    (void)state;
    establish();
    b.audio = true;
    tgv_bench_talk(&b, TGV_MS(600));
    tgv_bench_tcp_event(&b, 0, TGV_IO_BLOCKED);
    before = b.count;
    tgv_bench_talk(&b, TGV_S(2));
    assert_int_equal(b.count, before);
    assert_int_not_equal(tgv_bench_stats(&b).packets_dropped, 0);
    tgv_bench_tcp_event(&b, 0, TGV_IO_WRITABLE);
    tgv_bench_run(&b, TGV_MS(200));
    assert_true(b.count > before);
    assert_false(b.streams[0].gone);
}

static void test_eng_35_a_full_stream_keeps_no_unbounded_queue(void **state)
{
    unsigned before;

    (void)state;
    o.receive_timeout = TGV_S(60);
    establish();
    b.audio = true;
    tgv_bench_tcp_event(&b, 0, TGV_IO_BLOCKED);
    b.tcp = TGV_BENCH_HOLD;
    for (int i = 0; i < 400; i++) /* each asks for a PONG */
        tgv_bench_send(&b, 0, TGV_PKT_PING, NULL, 0);
    before = b.count;
    tgv_bench_talk(&b, TGV_S(9));
    assert_false(b.streams[0].gone);
    tgv_bench_talk(&b, TGV_S(2)); /* ten seconds without progress outwards */
    assert_true(b.streams[0].gone);
    tgv_bench_tcp_event(&b, b.stream_count - 1, TGV_IO_OPENED);
    tgv_bench_run(&b, TGV_MS(20));
    assert_true(b.count - before <= 256 + 8);
}

static void test_tcp_a_silent_stream_is_replaced(void **state)
{
    (void)state;
    o.receive_timeout = TGV_S(60);
    establish();
    b.audio = true;
    tgv_bench_talk(&b, TGV_S(1));
    tgv_bench_run(&b, TGV_MS(500));
    assert_int_equal(b.stream_count, 1);
    tgv_bench_run(&b, TGV_MS(700)); /* its socket may be a dead one */
    assert_int_equal(b.stream_count, 2);
    tgv_bench_run(&b, TGV_S(2)); /* or the peer is away: no hurry */
    assert_int_equal(b.stream_count, 2);
    tgv_bench_run(&b, TGV_S(20));
    assert_in_range(b.stream_count, 3, 8);
}

static void test_tcp_closed_by_the_relay_is_opened_again(void **state)
{
    (void)state;
    establish();
    tgv_bench_talk(&b, TGV_MS(300));
    tgv_bench_tcp_event(&b, 0, TGV_IO_CLOSED);
    tgv_bench_run(&b, TGV_MS(360));
    assert_int_equal(b.stream_count, 2);
    b.via = 1;
    tgv_bench_talk(&b, TGV_MS(300));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
}

static void test_tcp_the_call_moves_to_an_open_relay_at_once(void **state)
{
    (void)state;
    o.relays = o.tcp_relays = 2;
    establish();
    tgv_bench_talk(&b, TGV_MS(300));
    tgv_bench_tcp_event(&b, 0, TGV_IO_CLOSED);
    assert_int_equal(tgv_bench_stats(&b).path_id, 101);
    assert_string_equal(tgv_bench_stats(&b).path_reason, "closed");
}

static void test_tcp_stop_closes_every_stream(void **state)
{
    (void)state;
    o.relays = o.tcp_relays = 4;
    establish();
    assert_int_equal(tgv_bench_live_streams(&b), 4);
    tgv_call_stop(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(tgv_bench_live_streams(&b), 0);
}

static void test_tcp_failed_closes_every_stream(void **state)
{
    (void)state;
    o.relays = o.tcp_relays = 4;
    tgv_bench_init(&b, &o);
    tgv_bench_run(&b, TGV_S(31));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
    assert_int_equal(tgv_bench_live_streams(&b), 0);
}

static void test_eng_33_no_random_bytes_no_stream(void **state)
{
    (void)state;
    o.random_fails = true;
    tgv_bench_init(&b, &o);
    assert_int_equal(b.streams[0].headers, 0);
    assert_true(b.streams[0].gone);
    b.random_fails = false;
    tgv_bench_run(&b, TGV_S(1));
    assert_int_equal(b.streams[b.stream_count - 1].headers, TGV_OBF_HEADER);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_tcp_only_relays_are_connected_to_at_the_start),
        T(test_tcp_the_header_goes_first_and_init_at_once),
        T(test_tcp_init_goes_there_when_a_stream_opens_late),
        T(test_tcp_carries_a_call),
        T(test_tcp_three_bars_at_most),
        T(test_eng_26_frames_arrive_in_pieces_of_one_byte),
        T(test_tcp_pieces_of_all_sizes),
        T(test_tcp_an_oversized_frame_closes_the_stream),
        T(test_tcp_a_short_frame_closes_the_stream),
        T(test_tcp_forged_packets_are_counted_and_harmless),
        T(test_tcp_random_bytes_never_end_a_call),
        T(test_tcp_attempts_pause_longer_each_time),
        T(test_tcp_a_connection_that_does_not_open_is_given_up),
        T(test_tcp_a_full_stream_takes_no_more),
        T(test_eng_35_a_full_stream_keeps_no_unbounded_queue),
        T(test_tcp_a_silent_stream_is_replaced),
        T(test_tcp_closed_by_the_relay_is_opened_again),
        T(test_tcp_the_call_moves_to_an_open_relay_at_once),
        T(test_tcp_stop_closes_every_stream),
        T(test_tcp_failed_closes_every_stream),
        T(test_eng_33_no_random_bytes_no_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
