/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy json wire crypto base */
/* A call and a peer played by hand: what is sent, what is taken, what is
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "json/json.h"
#include "support/bench_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/* The i-th last packet, leaving out what is not sealed. */
static const struct tgv_bench_packet *recent(unsigned i)
{
    for (unsigned n = b.count; n-- > 0;)
        if (b.log[n].opened && i-- == 0)
            return &b.log[n];
    fail();
    return NULL;
}

/* -- creation and misuse --------------------------------------------------------- */

static void expect_refused(void (*spoil)(struct tgv_call_config *,
                                         struct tgv_relay_entry *))
{
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct tgv_relay_entry relay = {.id = 1, .ipv4 = tgv_addr_ipv4(ip, 500)};
    struct tgv_prng g;
    struct tgv_call_config config = {.relays = &relay,
                                     .relay_count = 1,
                                     .max_layer = 92,
                                     .init_timeout = 1,
                                     .receive_timeout = 1,
                                     .codec = tgv_codec_opus(),
                                     .random = tgv_prng_source(&g)};
    struct tgv_call *call;

    config.key[3] = 1;
    spoil(&config, &relay);
    assert_int_equal(tgv_call_create(&call, &config), TGVOIP_ERR_INVALID);
    assert_null(call);
}

#define SPOIL(name, statement)                                                 \
    static void name(struct tgv_call_config *config,                           \
                     struct tgv_relay_entry *relay)                            \
    {                                                                          \
        (void)config;                                                          \
        (void)relay;                                                           \
        statement;                                                             \
    }

SPOIL(no_key, config->key[3] = 0)
SPOIL(no_relays, config->relay_count = 0)
SPOIL(low_layer, config->max_layer = 64)
SPOIL(high_layer, config->max_layer = 93)
SPOIL(no_timeout, config->init_timeout = 0)
SPOIL(no_codec, config->codec = NULL)
SPOIL(no_random, config->random.fill = NULL)
SPOIL(no_address, relay->ipv4.family = TGV_AF_NONE)
SPOIL(no_port, relay->ipv4.port = 0)
SPOIL(zero_address, memset(relay->ipv4.ip, 0, 16))
SPOIL(multicast, relay->ipv4.ip[0] = 239)
SPOIL(bad_second, relay->ipv6.family = 9)

static void test_eng_05_unset_values_are_refused(void **state)
{
    (void)state;
    expect_refused(no_key);
    expect_refused(no_relays);
    expect_refused(no_timeout);
    expect_refused(no_codec);
    expect_refused(no_random);
    expect_refused(low_layer);
    expect_refused(high_layer);
}

static void test_eng_31_endpoints_are_validated(void **state)
{
    (void)state;
    expect_refused(no_address);
    expect_refused(no_port);
    expect_refused(zero_address);
    expect_refused(multicast);
    expect_refused(bad_second);
}

static void test_eng_05_values_are_defined_before_the_start(void **state)
{
    struct tgv_call_stats s;

    (void)state;
    o.stay_closed = true;
    tgv_bench_init(&b, &o);
    s = tgv_bench_stats(&b);
    assert_int_equal(s.state, TGV_STATE_WAIT_INIT);
    assert_int_equal(s.error, TGV_CALL_ERROR_UNKNOWN);
    assert_int_equal(s.established, -1);
    assert_int_equal(s.first_audio, -1);
    assert_int_equal(s.connected, 0);
    assert_int_equal(s.peer_version, 0);
    assert_int_equal(tgv_call_preferred_relay(b.call), 100);
}

static void test_eng_06_misuse_is_an_error(void **state)
{
    (void)state;
    tgv_bench_init(&b, &o);
    assert_int_equal(tgv_call_start(b.call, b.now), TGVOIP_ERR_STATE);
    assert_int_equal(tgv_call_connect(b.call, b.now), TGVOIP_ERR_STATE);
    tgv_call_stop(b.call, b.now);
    tgv_call_stop(b.call, b.now);
    assert_int_equal(tgv_call_start(b.call, b.now), TGVOIP_ERR_STATE);
    assert_int_equal(tgv_call_connect(b.call, b.now), TGVOIP_ERR_STATE);
}

static void test_eng_06_nothing_after_stop(void **state)
{
    unsigned sent;

    (void)state;
    establish_by_udp();
    sent = b.count;
    tgv_call_stop(b.call, b.now);
    tgv_bench_settle(&b);
    assert_int_equal(b.last_request.kind, TGV_IO_CLOSE);
    assert_int_equal(b.last_request.sock, b.sock);
    b.audio = true;
    tgv_bench_init_packet(&b, 0);
    tgv_bench_run(&b, TGV_S(60));
    assert_int_equal(b.count, sent);
    assert_false(tgv_call_wants_playout(b.call));
}

/* -- sending ------------------------------------------------------------------------ */

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

/* -- receiving ------------------------------------------------------------------------ */

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

/* -- time-outs -------------------------------------------------------------------------- */

static void test_call_reconnecting_is_exact(void **state)
{
    unsigned before;

    (void)state;
    establish_by_udp();
    tgv_bench_run(&b, TGV_S(2) - 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    before = b.count;
    tgv_bench_run(&b, 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    assert_int_equal(b.log[before].control, TGV_CONTROL_PING);
    tgv_bench_run(&b, TGV_MS(777));
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_ESTABLISHED);
    tgv_bench_run(&b, TGV_S(20) - 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
    tgv_bench_run(&b, 1);
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_FAILED);
    assert_int_equal(b.last_error, TGV_CALL_ERROR_TIMEOUT);
}

static void test_call_silence_follows_the_server_config(void **state)
{
    struct tgv_server_config config;

    (void)state;
    tgv_server_config_init(&config);
    config.reconnecting_state_timeout = 0.7;
    o.config = &config;
    establish_by_udp();
    tgv_bench_run(&b, TGV_MS(700));
    assert_int_equal(tgv_bench_state(&b), TGV_STATE_RECONNECTING);
}

/* -- relays ------------------------------------------------------------------------------ */

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

/* -- what it tells --------------------------------------------------------------------- */

static void test_eng_63_looking_changes_nothing(void **state)
{
    struct tgv_call_stats first, second;

    (void)state;
    tgv_bench_init(&b, &o);
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    tgv_call_stats(b.call, &first, b.now);
    free(tgv_call_debug_log(b.call, b.now));
    tgv_call_need_rate(b.call);
    tgv_call_preferred_relay(b.call);
    tgv_call_stats(b.call, &second, b.now);
    assert_memory_equal(&first, &second, sizeof(first));
}

static void test_call_debug_log_is_json(void **state)
{
    static const char *const keys[] = {
        "log_type",  "libtgvoip_version", "network",   "protocol_version",
        "udp_avail", "tcp_used",          "relay_rtt", "p2p_type",
        "rtt",       "packet_stats",      "problems",  "pref_relay"};
    struct tgv_json *j;
    char why[64], *text;

    (void)state;
    establish_by_udp();
    tgv_bench_run(&b, TGV_S(3));
    text = tgv_call_debug_log(b.call, b.now);
    j = tgv_json_parse(text, strlen(text), why, sizeof(why));
    assert_non_null(j);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_non_null(tgv_json_get(j, keys[i]));
    assert_string_equal(tgv_json_str(tgv_json_get(j, "pref_relay")), "100");
    assert_string_equal(
        tgv_json_str(tgv_json_at(tgv_json_get(j, "problems"), 0)),
        "reconnecting");
    tgv_json_free(j);
    free(text);
}

static void test_call_signal_bars(void **state)
{
    (void)state;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_MS(900));
    assert_int_equal(b.bars, 0);
    tgv_bench_talk(&b, TGV_MS(300));
    assert_int_equal(b.bars, 4);
    tgv_bench_run(&b, TGV_S(8));
    assert_int_equal(b.bars, 1);
}

static void test_call_need_rate_only_if_the_server_wants_it(void **state)
{
    struct tgv_server_config config;

    (void)state;
    tgv_server_config_init(&config);
    config.bad_call_rating = true;
    o.config = &config;
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(4));
    assert_false(tgv_call_need_rate(b.call));
    tgv_bench_run(&b, TGV_S(3)); /* reconnecting */
    assert_true(tgv_call_need_rate(b.call));
    tgv_bench_fini(&b);
    config.rate_flags = 7; /* all but that */
    establish_by_udp();
    tgv_bench_talk(&b, TGV_S(4));
    tgv_bench_run(&b, TGV_S(3));
    assert_false(tgv_call_need_rate(b.call));
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_options, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_eng_05_unset_values_are_refused,
                               reset_options),
        cmocka_unit_test_setup(test_eng_31_endpoints_are_validated,
                               reset_options),
        T(test_eng_05_values_are_defined_before_the_start),
        T(test_eng_06_misuse_is_an_error),
        T(test_eng_06_nothing_after_stop),
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
        T(test_call_reconnecting_is_exact),
        T(test_call_silence_follows_the_server_config),
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
        T(test_eng_63_looking_changes_nothing),
        T(test_call_debug_log_is_json),
        T(test_call_signal_bars),
        T(test_call_need_rate_only_if_the_server_wants_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
