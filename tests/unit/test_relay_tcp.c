/* SPDX-License-Identifier: MIT */
/* rooms: relay transport crypto wire base */
/* The relay's core with clients that come by TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <tgvoip/error.h>

#include "support/relay_client.h"

static void test_relay_tcp_client_pairs_with_udp_client(void **state)
{
    (void)state;
    struct fixture f;
    struct end caller;

    start_open(&f);
    caller = new_end(&f, "1.1.1.1:1");
    assert_int_equal(by_tcp(&f, &caller, CALLER, 100), TGV_RELAY_DROP);
    assert_int_equal(stats(&f).dropped_no_peer, 1);
    for (size_t len = 20; len <= 1500; len += 148) {
        f.now += TGV_S(1);
        by_udp(&f, "2.2.2.2:2", CALLEE, len);
        assert_reaches(&f, &caller, CALLER);
        by_tcp(&f, &caller, CALLER, len);
        assert_reaches_udp(&f, "2.2.2.2:2");
        assert_int_equal(f.out.len, len);
        put_packet(&f, 1, CALLEE, len);
        assert_memory_equal(f.out.pkt, f.pkt, len);
    }
    assert_int_equal(stats(&f).frames_in, 12);
    assert_int_equal(stats(&f).sessions, 1);
    stop_with(&f, &caller);
}

static void test_relay_tcp_client_pairs_with_tcp_client(void **state)
{
    (void)state;
    struct fixture f;
    struct end ends[2];

    start_open(&f);
    for (unsigned i = 0; i < 2; i++) {
        ends[i] = new_end(&f, i ? "[2001:db8::1]:1" : "1.1.1.1:1");
        by_tcp(&f, &ends[i], i, 16); /* registers */
    }
    for (unsigned i = 0; i < 40; i++) {
        by_tcp(&f, &ends[i & 1], i & 1, 200);
        assert_reaches(&f, &ends[1 - (i & 1)], 1 - (i & 1));
    }
    assert_int_equal(stats(&f).conns, 2);
    end_gone(&f, &ends[0]);
    by_tcp(&f, &ends[1], CALLEE, 200);
    assert_int_equal(f.out.verdict, TGV_RELAY_DROP);
    end_gone(&f, &ends[1]);
    assert_int_equal(stats(&f).conns, 0);
    stop(&f);
}

static void test_relay_tcp_stream_may_come_in_any_pieces(void **state)
{
    (void)state;
    const struct tgv_random random = {fill, NULL};
    struct fixture f;
    struct end e = {0};
    uint8_t stream[TGV_OBF_HEADER + 3 * TGV_OBF_FRAME_MAX], *at_end = stream;

    for (size_t piece = 1; piece < 700; piece = piece * 3 + 1) {
        struct tgv_random own = random;
        size_t len, forwarded = 0;
        start_open(&f);
        own.ctx = &f.prng;
        by_udp(&f, "2.2.2.2:2", CALLEE, 16);
        e.conn = connect_from(&f, "1.1.1.1:1");
        assert_int_equal(tgv_obf_create_client(&e.obf, &own, stream), 0);
        at_end = stream + TGV_OBF_HEADER;
        for (size_t size = 20; size <= 1500; size += 740) {
            put_packet(&f, 1, CALLER, size);
            assert_int_equal(tgv_obf_encode(e.obf, f.pkt, size, at_end,
                                            TGV_OBF_FRAME_MAX, &len),
                             0);
            at_end += len;
        }
        for (uint8_t *p = stream; p < at_end;) {
            size_t left = (size_t)(at_end - p), used;
            assert_int_equal(tgv_relay_conn_receive(f.relay, e.conn, p,
                                                    piece < left ? piece : left,
                                                    f.now, &used, &f.out),
                             0);
            assert_true(used > 0);
            p += used;
            forwarded += f.out.verdict == TGV_RELAY_FORWARD;
        }
        assert_int_equal(forwarded, 3);
        tgv_obf_destroy(e.obf);
        stop(&f); /* with the connection still open */
    }
}

static void test_relay_tcp_control_is_not_answered(void **state)
{
    (void)state;
    struct fixture f;
    struct end e;

    start_with_callee(&f);
    e = new_end(&f, "1.1.1.1:1");
    for (size_t len = 28; len <= 80; len += 4) {
        put_packet(&f, 1, CALLER, len);
        memset(f.pkt + 16, 0xFF, len - 16);
        f.pkt[28] = (uint8_t)(len & 4 ? 0xFE : 0xFF);
        send_frame(&f, &e, f.pkt, len, 0);
        assert_int_equal(f.out.verdict, TGV_RELAY_DROP);
    }
    assert_int_equal(stats(&f).control_in, 14);
    assert_int_equal(stats(&f).control_answered, 0);
    stop_with(&f, &e);
}

static void test_relay_tcp_takes_multiples_of_4_only(void **state)
{
    (void)state;
    struct fixture f;
    struct end e;
    uint8_t frame[TGV_OBF_FRAME_MAX];
    size_t len;

    start_open(&f);
    e = new_end(&f, "1.1.1.1:5");
    by_tcp(&f, &e, CALLER, 52);
    for (size_t n = 17; n <= 52; n++)
        assert_int_equal(by_udp(&f, "2.2.2.2:2", CALLEE, n),
                         n % 4 ? TGV_RELAY_DROP : TGV_RELAY_FORWARD);
    assert_int_equal(stats(&f).dropped_length, 27);
    /* also when it was on its way before the side went to TCP */
    assert_int_equal(tgv_relay_conn_frame(f.relay, e.conn, f.pkt, 50, frame,
                                          sizeof(frame), &len),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(len, 0);
    assert_int_equal(stats(&f).dropped_length, 28);
    assert_int_equal(tgv_relay_conn_frame(f.relay, e.conn + 1, f.pkt, 52, frame,
                                          sizeof(frame), &len),
                     TGVOIP_ERR_STATE);
    stop_with(&f, &e);
}

static void test_relay_tcp_wrong_header_is_final(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t header[TGV_OBF_HEADER];
    uint32_t conn;

    start_open(&f);
    conn = connect_from(&f, "1.1.1.1:1");
    memset(header, 0x77, sizeof(header));
    give(&f, conn, header, sizeof(header), TGVOIP_ERR_FORMAT);
    assert_int_equal(stats(&f).conns_broken, 1);
    tgv_relay_conn_close(f.relay, conn);
    tgv_relay_conn_close(f.relay, conn); /* once more does no harm */
    give(&f, conn, header, sizeof(header), TGVOIP_ERR_FORMAT);
    assert_int_equal(stats(&f).conns, 0);
    stop(&f);
}

static void test_relay_tcp_wrong_lengths_are_final(void **state)
{
    (void)state;
    static const uint32_t words[] = {0, 1, 3, 376, 0xFFFFFF};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct fixture f;
        struct end e;
        uint8_t frame[TGV_OBF_FRAME_MAX], mask[4];
        const uint8_t clear[4] = {0x7F, (uint8_t)words[i],
                                  (uint8_t)(words[i] >> 8),
                                  (uint8_t)(words[i] >> 16)};
        size_t len;
        start_open(&f);
        e = new_end(&f, "1.1.1.1:1");
        /* The key stream shows in a frame of known content. */
        put_packet(&f, 1, CALLER, 512);
        assert_int_equal(
            tgv_obf_encode(e.obf, f.pkt, 512, frame, sizeof(frame), &len), 0);
        for (int k = 0; k < 4; k++)
            mask[k] = (uint8_t)(frame[k] ^ (uint8_t[]){0x7F, 0x80, 0, 0}[k]);
        for (int k = 0; k < 4; k++)
            frame[k] = clear[k] ^ mask[k];
        give(&f, e.conn, frame, len, TGVOIP_ERR_FORMAT);
        assert_int_equal(stats(&f).conns_broken, 1);
        assert_int_equal(stats(&f).frames_in, 0);
        stop_with(&f, &e);
    }
}

static void test_relay_connection_keeps_its_tag(void **state)
{
    (void)state;
    struct fixture f;
    struct end e = start_with_both(&f);

    by_tcp(&f, &e, CALLEE, 52); /* the other side */
    assert_int_equal(f.out.verdict, TGV_RELAY_DROP);
    put_packet(&f, 2, CALLER, 52); /* another session */
    send_frame(&f, &e, f.pkt, 52, 0);
    assert_int_equal(stats(&f).dropped_tag, 2);
    assert_int_equal(stats(&f).sessions, 1);
    by_tcp(&f, &e, CALLER, 52);
    assert_reaches_udp(&f, "2.2.2.2:2");
    stop_with(&f, &e);
}

static void test_relay_closed_to_strangers_by_tcp_too(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_relay_config config = open_config();
    struct end e;

    config.open = false;
    start(&f, &config);
    put_packet(&f, 1, CALLER, 16);
    assert_int_equal(tgv_relay_add_session(f.relay, f.pkt), 0);
    e = new_end(&f, "1.1.1.1:5");
    f.now += TGV_S(4);
    put_packet(&f, 2, CALLER, 52);
    send_frame(&f, &e, f.pkt, 52, 0);
    assert_int_equal(stats(&f).dropped_unknown_tag, 1);
    /* it does not count as a first frame */
    f.now += TGV_S(1);
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), e.conn);
    assert_int_equal(stats(&f).conns_silent, 1);
    stop_with(&f, &e);
}

static void test_relay_header_and_first_frame_have_5_s_each(void **state)
{
    (void)state;
    struct fixture f;
    struct end slow, early;
    uint32_t silent;

    start_open(&f);
    early = new_end(&f, "1.1.1.1:5");
    silent = connect_from(&f, "1.1.1.1:6");
    assert_true(tgv_relay_deadline(f.relay) == f.now + TGV_S(5));
    slow = early;
    slow.conn = connect_from(&f, "1.1.1.1:7");
    f.now += TGV_S(5) - 1;
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), 0);
    by_tcp(&f, &early, CALLER, 16);
    give(&f, silent, slow.header, 63, 0); /* one byte short */
    give(&f, slow.conn, slow.header, 64, 0);
    f.now += 1;
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), silent);
    tgv_relay_conn_close(f.relay, silent);
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), 0);
    f.now += TGV_S(5) - 2;
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), 0);
    f.now += 1;
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), slow.conn);
    tgv_relay_conn_close(f.relay, slow.conn);
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), 0);
    assert_int_equal(stats(&f).conns_silent, 2);
    assert_int_equal(stats(&f).conns_idle, 0);
    assert_int_equal(stats(&f).conns, 1);
    stop_with(&f, &early);
}

static void test_relay_idle_connection_ends_after_60_s(void **state)
{
    (void)state;
    struct fixture f;
    struct end e;

    start_open(&f);
    e = new_end(&f, "1.1.1.1:5");
    for (int i = 0; i < 5; i++) {
        by_tcp(&f, &e, CALLER, 52);
        f.now += TGV_S(60) - 1;
        assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), 0);
    }
    f.now += 1;
    assert_true(tgv_relay_deadline(f.relay) == f.now);
    assert_int_equal(tgv_relay_conn_expired(f.relay, f.now), e.conn);
    assert_int_equal(stats(&f).conns_idle, 1);
    stop_with(&f, &e);
}

static void test_relay_connection_outlives_its_session(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_relay_config config = open_config();
    struct end e;

    config.limits.session_idle = TGV_S(10);
    start(&f, &config);
    e = new_end(&f, "1.1.1.1:5");
    by_tcp(&f, &e, CALLER, 52);
    f.now += TGV_S(10);
    by_udp(&f, "2.2.2.2:2", CALLEE, 52); /* a new session of the same tag */
    assert_int_equal(f.out.verdict, TGV_RELAY_DROP);
    assert_int_equal(stats(&f).sessions_expired, 1);
    by_tcp(&f, &e, CALLER, 52); /* joins it */
    assert_reaches_udp(&f, "2.2.2.2:2");
    assert_callee_reaches(&f, &e);
    stop_with(&f, &e);
}

static void test_relay_16_connections_per_side(void **state)
{
    (void)state;
    struct fixture f;
    struct end ends[18], other;

    start_with_callee(&f);
    for (int i = 0; i < 17; i++) {
        ends[i] = new_end(&f, "1.1.1.1:5");
        put_packet(&f, 1, CALLER, 52);
        send_frame(&f, &ends[i], f.pkt, 52, i < 16 ? 0 : TGVOIP_ERR_TOO_LARGE);
        assert_int_equal(f.out.verdict,
                         i < 16 ? TGV_RELAY_FORWARD : TGV_RELAY_DROP);
    }
    assert_int_equal(stats(&f).conns_refused, 1);
    other = new_end(&f, "1.1.1.1:6");
    by_tcp(&f, &other, CALLEE, 52); /* the other side has its own */
    end_gone(&f, &ends[3]);
    ends[17] = new_end(&f, "1.1.1.1:7");
    by_tcp(&f, &ends[17], CALLER, 52); /* one gone, one more */
    assert_int_equal(f.out.verdict, TGV_RELAY_FORWARD);
    end_gone(&f, &other);
    for (int i = 0; i < 18; i++)
        if (ends[i].obf)
            end_gone(&f, &ends[i]);
    assert_int_equal(stats(&f).conns, 0);
    stop(&f);
}

static void test_relay_too_many_connections_are_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct tgv_relay_config config = open_config();

    config.limits.conns = 1100;
    start(&f, &config);
    for (int i = 0; i < 1100; i++)
        assert_int_equal(connect_from(&f, "1.1.1.1:1") > 0, i < 1024);
    assert_int_equal(stats(&f).conns_accepted, 1024);
    assert_int_equal(stats(&f).conns_refused, 76);
    for (int i = 0; i < 100; i++) /* and in all */
        assert_int_equal(connect_from(&f, "127.0.0.1:1") > 0, i < 76);
    assert_int_equal(stats(&f).conns, 1100);
    assert_int_equal(stats(&f).conns_refused, 100);
    stop(&f);
}

static void test_relay_limits_of_a_side_hold_for_frames(void **state)
{
    (void)state;
    struct fixture f;
    struct end e;
    unsigned passed = 0;

    start_open(&f);
    by_udp(&f, "2.2.2.2:2", CALLEE, 16);
    e = new_end(&f, "1.1.1.1:5");
    for (int i = 0; i < 80; i++)
        passed += by_tcp(&f, &e, CALLER, 20) == TGV_RELAY_FORWARD;
    for (int i = 0; i < 80; i++) /* one bucket for both ways */
        passed += by_udp(&f, "1.1.1.1:1", CALLER, 20) == TGV_RELAY_FORWARD;
    assert_int_equal(passed, 100);
    assert_int_equal(stats(&f).dropped_rate, 60);
    stop_with(&f, &e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relay_tcp_client_pairs_with_udp_client),
        cmocka_unit_test(test_relay_tcp_client_pairs_with_tcp_client),
        cmocka_unit_test(test_relay_tcp_stream_may_come_in_any_pieces),
        cmocka_unit_test(test_relay_tcp_control_is_not_answered),
        cmocka_unit_test(test_relay_tcp_takes_multiples_of_4_only),
        cmocka_unit_test(test_relay_tcp_wrong_header_is_final),
        cmocka_unit_test(test_relay_tcp_wrong_lengths_are_final),
        cmocka_unit_test(test_relay_connection_keeps_its_tag),
        cmocka_unit_test(test_relay_closed_to_strangers_by_tcp_too),
        cmocka_unit_test(test_relay_header_and_first_frame_have_5_s_each),
        cmocka_unit_test(test_relay_idle_connection_ends_after_60_s),
        cmocka_unit_test(test_relay_connection_outlives_its_session),
        cmocka_unit_test(test_relay_16_connections_per_side),
        cmocka_unit_test(test_relay_too_many_connections_are_refused),
        cmocka_unit_test(test_relay_limits_of_a_side_hold_for_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
