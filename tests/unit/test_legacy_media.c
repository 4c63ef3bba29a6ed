/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy wire crypto base */
/* Media packets of every kind into a call, and how the encoder is driven. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/bench_call.h"
#include "support/marker_codec.h"

#include <string.h>

static void establish(void)
{
    tgv_bench_init(&b, &o);
    tgv_bench_init_packet(&b, 0);
    tgv_bench_ack_packet(&b, 0);
}

/* A marker frame whose blocks are number, number+1, number+2. */
static size_t frame(uint32_t number, uint8_t *out, size_t cap)
{
    static const struct tgv_encoder_settings s = {.bitrate_bps = 8000};
    int16_t pcm[3 * TGV_BLOCK_SAMPLES];
    const struct tgv_codec *codec = tgv_codec_marker();
    void *enc = codec->encoder_create();
    int n;

    for (uint32_t i = 0; i < 3; i++)
        tgv_marker_write(pcm + i * TGV_BLOCK_SAMPLES, number + i);
    n = codec->encode(enc, &s, pcm, 3 * TGV_BLOCK_SAMPLES, out, cap);
    codec->encoder_destroy(enc);
    assert_true(n > 0);
    return (size_t)n;
}

static size_t body(uint32_t pts, uint8_t *out, size_t cap)
{
    uint8_t data[256];
    struct tgv_stream_data m = {.stream_id = 1, .pts = pts};
    size_t len;

    m.data.data = data;
    m.data.len = frame(1000 + pts / 20, data, sizeof(data));
    assert_int_equal(tgv_stream_data_encode(&m, out, cap, &len), 0);
    return len;
}

/* Frames of the stream go on every 60 ms while 20 ms blocks are played. */
static uint32_t play(unsigned blocks, uint32_t pts, uint32_t *numbers)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    for (unsigned i = 0; i < blocks; i++) {
        if (i % 3 == 0) {
            tgv_bench_media(&b, 0, pts);
            pts += 60;
        }
        tgv_call_playout(b.call, pcm, b.now, &played);
        if (numbers)
            numbers[i] = tgv_marker_read(pcm, TGV_BLOCK_SAMPLES);
        tgv_bench_run(&b, TGV_MS(20));
    }
    return pts;
}

static void test_eng_14_silence_before_anything_came(void **state)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;

    (void)state;
    establish();
    assert_false(tgv_call_wants_playout(b.call));
    memset(pcm, 1, sizeof(pcm));
    tgv_call_playout(b.call, pcm, b.now, &played);
    assert_int_equal(played.kind, TGV_PLAYED_SILENCE);
    for (size_t i = 0; i < TGV_BLOCK_SAMPLES; i++)
        assert_int_equal(pcm[i], 0);
}

static void test_media_two_and_three_frames_in_a_packet(void **state)
{
    uint8_t packet[1024];
    size_t n;

    (void)state;
    establish();
    n = body(0, packet, sizeof(packet));
    n += body(60, packet + n, sizeof(packet) - n);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_DATA_X2, packet, n);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_received, 2);
    n = body(120, packet, sizeof(packet));
    n += body(180, packet + n, sizeof(packet) - n);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_DATA_X3, packet, n);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 1); /* one is missing */
    n += body(240, packet + n, sizeof(packet) - n);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_DATA_X3, packet, n);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_received, 5);
}

static void test_media_redundancy_restores_lost_frames(void **state)
{
    uint8_t old[2][256], own[256], out[1024];
    struct tgv_stream_data m = {.stream_id = 1, .has_fec = true};
    uint32_t numbers[60];
    uint32_t pts;
    unsigned found = 0;
    size_t len;

    (void)state;
    establish();
    pts = play(15, 0, NULL);
    /* the frames of pts and pts + 60 are lost; pts + 120 brings copies */
    m.pts = pts + 120;
    m.data.data = own;
    m.data.len = frame(1000 + m.pts / 20, own, sizeof(own));
    m.fec_count = 3;
    for (unsigned i = 0; i < 2; i++)
        m.fec[i] = (struct tgv_blob){
            old[i], frame(7000 + 100 * i, old[i], sizeof(old[i]))};
    m.fec[2] = (struct tgv_blob){NULL, 0}; /* its own place may be empty */
    assert_int_equal(tgv_stream_data_encode(&m, out, sizeof(out), &len), 0);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_DATA, out, len);
    play(30, pts + 180, numbers);
    for (unsigned i = 0; i < 30; i++)
        found += numbers[i] >= 7000 && numbers[i] < 7103;
    assert_in_range(found, 5, 6);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_recovered, 2);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_concealed, 0);
}

static void test_media_redundancy_of_old_peers(void **state)
{
    uint8_t data[3][256], out[1024];
    struct tgv_stream_ec m = {.stream_id = 1, .count = 3};
    uint32_t pts;
    size_t len;

    (void)state;
    establish();
    pts = play(15, 0, NULL);
    m.pts = pts + 120;
    for (unsigned i = 0; i < 3; i++)
        m.frames[i] = (struct tgv_blob){
            data[i], frame(7000 + 3 * i, data[i], sizeof(data[i]))};
    assert_int_equal(tgv_stream_ec_encode(&m, out, sizeof(out), &len), 0);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_EC, out, len);
    play(30, pts + 180, NULL);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_concealed, 0);
    assert_true(tgv_bench_stats(&b).playout.frames_recovered >= 2);
}

static void test_eng_44_redundancy_from_before_the_beginning(void **state)
{
    uint8_t data[2][256], out[1024];
    struct tgv_stream_data m = {.stream_id = 1, .has_fec = true};
    size_t len;

    (void)state;
    establish();
    m.data.data = data[0];
    m.data.len = frame(1, data[0], sizeof(data[0]));
    m.fec_count = 4; /* of -180, -120, -60 and itself */
    for (unsigned i = 0; i < 4; i++)
        m.fec[i] =
            (struct tgv_blob){data[1], frame(9000, data[1], sizeof(data[1]))};
    assert_int_equal(tgv_stream_data_encode(&m, out, sizeof(out), &len), 0);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_DATA, out, len);
    play(30, 60, NULL);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_recovered, 0);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_concealed, 0);
}

static void test_eng_44_time_stamps_wrap(void **state)
{
    struct tgv_playout_stats s;

    (void)state;
    establish();
    /* 49.7 days are over a second after this */
    play(150, UINT32_MAX - UINT32_MAX % 60 - 1200, NULL);
    s = tgv_bench_stats(&b).playout;
    assert_int_equal(s.frames_received, 50);
    assert_int_equal(s.resets, 0);
    assert_int_equal(s.frames_late, 0);
}

static void test_media_of_unknown_streams_is_ignored(void **state)
{
    uint8_t out[512];
    size_t len;

    (void)state;
    establish();
    len = body(0, out, sizeof(out));
    out[0] = (uint8_t)((out[0] & 0xC0) | 2);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_DATA, out, len);
    assert_int_equal(tgv_bench_stats(&b).playout.frames_received, 0);
    assert_int_equal(tgv_bench_stats(&b).packets_bad, 0);
    assert_false(tgv_call_wants_playout(b.call));
}

static void test_media_of_a_muted_peer_is_not_played(void **state)
{
    uint8_t state_off[2];
    uint32_t numbers[9];
    uint32_t pts;

    (void)state;
    establish();
    pts = play(30, 0, NULL);
    tgv_bench_send(&b, 0, TGV_PKT_STREAM_STATE, state_off,
                   tgv_stream_state_encode(1, false, state_off));
    play(9, pts, numbers);
    for (unsigned i = 3; i < 9; i++)
        assert_int_equal(numbers[i], TGV_MARKER_NONE);
}

/* -- the encoder ------------------------------------------------------------------- */

static void talk(tgv_time length)
{
    static uint32_t pts = 6000;

    b.audio = true;

    for (tgv_time t = 0; t < length; t += TGV_MS(60)) {
        tgv_bench_run(&b, TGV_MS(60));
        tgv_bench_media(&b, 0, pts);
        pts += 60;
        if (b.count > TGV_BENCH_LOG_MAX - 200)
            b.count = 0;
    }
}

static void test_rate_starts_low_and_climbs_to_the_limit(void **state)
{
    (void)state;
    establish();
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 16000);
    talk(TGV_S(10));
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 20000);
}

static void test_eng_32_learned_rate_stays_on_network_events(void **state)
{
    (void)state;
    establish();
    talk(TGV_S(10));
    tgv_call_set_network_type(b.call, 5, false, b.now);
    tgv_bench_event(&b, TGV_IO_INTERFACES);
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 20000);
    tgv_call_set_network_type(b.call, 1, false, b.now); /* GPRS */
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 8000);
}

static void test_rate_data_saving_is_told_and_obeyed(void **state)
{
    const struct tgv_extra *x;
    uint8_t flags[4];

    (void)state;
    establish();
    talk(TGV_S(10));
    tgv_call_set_network_type(b.call, 5, true, b.now);
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 8000);
    tgv_bench_run(&b, TGV_MS(200));
    x = tgv_bench_extra(&b.log[b.count - 1], TGV_EXTRA_NETWORK_CHANGED);
    assert_non_null(x);
    assert_int_equal(x->data[0], 1);
    /* and the peer may ask for it */
    tgv_call_set_network_type(b.call, 5, false, b.now);
    talk(TGV_S(15));
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 20000);
    b.extra_count = 1;
    b.extras[0] =
        (struct tgv_extra){.type = TGV_EXTRA_NETWORK_CHANGED,
                           .len = (uint8_t)tgv_network_changed_encode(1, flags),
                           .data = flags};
    tgv_bench_send(&b, 0, TGV_PKT_NOP, NULL, 0);
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 8000);
}

static void test_rate_follows_the_server_config(void **state)
{
    struct tgv_server_config config;

    (void)state;
    tgv_server_config_init(&config);
    config.audio_init_bitrate = 12000;
    config.audio_max_bitrate = 14500;
    o.config = &config;
    establish();
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 12000);
    talk(TGV_S(10));
    assert_int_equal(tgv_bench_stats(&b).bitrate_bps, 14500);
}

static void test_rate_falls_when_packets_are_lost(void **state)
{
    (void)state;
    establish();
    b.audio = true;
    talk(TGV_S(10));
    unsigned before = tgv_bench_stats(&b).bitrate_bps;
    b.hold_ack = true; /* the peer hears nothing more of us */
    talk(TGV_S(12));
    assert_true(tgv_bench_stats(&b).bitrate_bps < 16000);
    assert_true(tgv_bench_stats(&b).bitrate_bps >= 8000);
    b.hold_ack = false;
    talk(TGV_S(4));
    assert_true(tgv_bench_stats(&b).bitrate_bps >= before);
}

#define T(f) cmocka_unit_test_setup_teardown(f, reset_options, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_eng_14_silence_before_anything_came),
        T(test_media_two_and_three_frames_in_a_packet),
        T(test_media_redundancy_restores_lost_frames),
        T(test_media_redundancy_of_old_peers),
        T(test_eng_44_redundancy_from_before_the_beginning),
        T(test_eng_44_time_stamps_wrap),
        T(test_media_of_unknown_streams_is_ignored),
        T(test_media_of_a_muted_peer_is_not_played),
        T(test_rate_starts_low_and_climbs_to_the_limit),
        T(test_eng_32_learned_rate_stays_on_network_events),
        T(test_rate_data_saving_is_told_and_obeyed),
        T(test_rate_follows_the_server_config),
        T(test_rate_falls_when_packets_are_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
