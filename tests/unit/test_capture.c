/* SPDX-License-Identifier: MIT */
/* rooms: voice media base test_marker */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include <tgvoip/error.h>

#include "support/marker_codec.h"
#include "voice/capture.h"

static struct tgv_capture *c;
static struct tgv_voice_frame f;

/* The marker codec, with an encoder that can be told what to return. */
static struct tgv_codec codec;
static int refuse; /* negative: this instead of a frame; 0: no */
static struct tgv_encoder_settings used;
static unsigned resets;

static int encode(void *enc, const struct tgv_encoder_settings *s,
                  const int16_t *pcm, size_t samples, uint8_t *out, size_t cap)
{
    used = *s;
    if (refuse)
        return refuse;
    return tgv_codec_marker()->encode(enc, s, pcm, samples, out, cap);
}

static void encoder_reset(void *enc)
{
    resets++;
    tgv_codec_marker()->encoder_reset(enc);
}

static void create(unsigned frame_ms)
{
    struct tgv_capture_config config = {.codec = &codec,
                                        .encoder = {.bitrate_bps = 16000},
                                        .frame_ms = frame_ms};

    codec = *tgv_codec_marker();
    codec.encode = encode;
    codec.encoder_reset = encoder_reset;
    refuse = 0;
    assert_int_equal(tgv_capture_create(&c, &config), 0);
}

static int setup(void **state)
{
    (void)state;
    create(60);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tgv_capture_destroy(c);
    return 0;
}

/* Put the block with the number of its place in time. */
static bool put(void)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];

    tgv_marker_write(pcm, (uint32_t)(tgv_capture_ts(c) / TGV_BLOCK_SAMPLES));
    tgv_capture_put(c, pcm, 0);
    return tgv_capture_next(c, &f);
}

static bool put_many(unsigned n)
{
    bool any = false;

    while (n--)
        any = put() || any;
    return any;
}

/* The blocks of a frame are those of its time. */
static void assert_frame(const struct tgv_voice_block *b, int64_t ts)
{
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];

    assert_int_equal(b->ts, ts);
    assert_int_equal(b->ts % b->duration, 0);
    assert_int_equal(tgv_codec_marker()->duration(b->data, b->len),
                     b->duration);
    tgv_codec_marker()->decode(NULL, b->data, b->len, false, pcm, b->duration);
    for (unsigned i = 0; i < b->duration; i += TGV_BLOCK_SAMPLES)
        assert_int_equal(tgv_marker_read(pcm + i, TGV_BLOCK_SAMPLES),
                         (ts + i) / TGV_BLOCK_SAMPLES);
}

static void test_eng_13_time_stamps_follow_the_capture_clock(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 1000; n++) {
        assert_false(put());
        assert_false(put());
        assert_true(put());
        assert_frame(&f.primary, n * 2880);
        assert_int_equal(f.redundancy_count, 0);
    }
    assert_int_equal(tgv_capture_ts(c), 1000 * 2880);
}

static void test_eng_54_frame_not_taken_costs_no_time(void **state)
{
    struct tgv_capture_stats stats;
    int16_t pcm[TGV_BLOCK_SAMPLES] = {0};

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        tgv_capture_put(c, pcm, 0);
    assert_true(tgv_capture_next(c, &f));
    assert_int_equal(f.primary.ts, 2880);
    assert_false(tgv_capture_next(c, &f));
    tgv_capture_stats(c, &stats);
    assert_int_equal(stats.dropped, 1);
    assert_int_equal(stats.frames, 2);
    assert_int_equal(stats.blocks, 6);
}

static void test_eng_54_missing_block_is_silence_on_the_grid(void **state)
{
    (void)state;
    put();
    tgv_capture_put(c, NULL, 0);
    assert_true(put());
    assert_int_equal(f.primary.ts, 0);
    assert_true(put_many(3));
    assert_frame(&f.primary, 2880);
}

static void test_eng_12_mute_sends_nothing(void **state)
{
    struct tgv_capture_stats stats;

    (void)state;
    assert_true(put_many(3));
    put_many(2);
    tgv_capture_set_mute(c, true);
    assert_false(put_many(301));
    tgv_capture_stats(c, &stats);
    assert_int_equal(stats.frames, 1);
    assert_true(stats.level == 0);
    tgv_capture_set_mute(c, false);
    assert_true(put_many(3));
    assert_frame(&f.primary, 306 * 960);
}

static void test_eng_12_frame_ready_at_mute_does_not_leave(void **state)
{
    int16_t pcm[TGV_BLOCK_SAMPLES] = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        tgv_capture_put(c, pcm, 0);
    tgv_capture_set_mute(c, true);
    assert_false(tgv_capture_next(c, &f));
}

static void test_capture_unmute_within_a_frame(void **state)
{
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];

    (void)state;
    put(); /* spoken before the mute: not to be heard */
    tgv_capture_set_mute(c, true);
    put();
    tgv_capture_set_mute(c, false);
    assert_true(put());
    tgv_codec_marker()->decode(NULL, f.primary.data, f.primary.len, false, pcm,
                               2880);
    assert_int_equal(tgv_marker_read(pcm, 960), TGV_MARKER_NONE);
    assert_int_equal(tgv_marker_read(pcm + 960, 960), TGV_MARKER_NONE);
    assert_int_equal(tgv_marker_read(pcm + 1920, 960), 2);
}

static void test_capture_starts_anew_after_mute(void **state)
{
    (void)state;
    tgv_capture_set_redundancy(c, 4);
    put_many(9);
    assert_int_equal(f.redundancy_count, 2);
    resets = 0;
    tgv_capture_set_mute(c, true);
    put_many(30);
    tgv_capture_set_mute(c, false);
    assert_true(put_many(3));
    /* a copy's place is its time: nothing from before the hole */
    assert_int_equal(f.redundancy_count, 0);
    assert_int_equal(resets, 1);
    assert_true(put_many(3));
    assert_int_equal(f.redundancy_count, 1);
    assert_int_equal(resets, 1);
}

static void test_capture_redundancy_is_older_frames(void **state)
{
    (void)state;
    tgv_capture_set_redundancy(c, 100);
    put_many(60);
    assert_int_equal(f.redundancy_count, TGV_REDUNDANCY_MAX);
    for (unsigned i = 0; i < TGV_REDUNDANCY_MAX; i++)
        assert_frame(&f.redundancy[i],
                     f.primary.ts - (TGV_REDUNDANCY_MAX - i) * 2880);
    tgv_capture_set_redundancy(c, 2);
    put_many(3);
    assert_int_equal(f.redundancy_count, 2);
    assert_frame(&f.redundancy[1], f.primary.ts - 2880);
}

static void test_capture_dropped_frame_rides_as_copy(void **state)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];

    (void)state;
    tgv_capture_set_redundancy(c, 1);
    for (uint32_t i = 0; i < 6; i++) {
        tgv_marker_write(pcm, i);
        tgv_capture_put(c, pcm, 0);
    }
    assert_true(tgv_capture_next(c, &f));
    assert_int_equal(f.redundancy_count, 1);
    assert_frame(&f.redundancy[0], 0);
}

static void test_capture_frame_length_changes_on_the_grid(void **state)
{
    (void)state;
    put_many(1);
    tgv_capture_set_frame_ms(c, 20);
    assert_true(put_many(2));
    assert_frame(&f.primary, 0); /* the 60 ms frame is finished first */
    assert_int_equal(tgv_capture_frame_ms(c), 60);
    assert_true(put());
    assert_int_equal(tgv_capture_frame_ms(c), 20);
    assert_frame(&f.primary, 2880);
    tgv_capture_set_frame_ms(c, 40); /* 3840 is a multiple of 1920 */
    assert_false(put());
    assert_true(put());
    assert_frame(&f.primary, 3840);
    assert_int_equal(f.primary.duration, 1920);
    tgv_capture_set_frame_ms(c, 60); /* 5760 is one of 1920 and 2880 */
    assert_false(put_many(2));
    assert_true(put());
    assert_frame(&f.primary, 5760);
    assert_int_equal(f.primary.duration, 2880);
}

static void test_capture_copies_have_the_duration_of_the_frame(void **state)
{
    (void)state;
    tgv_capture_set_redundancy(c, 3);
    put_many(9);
    tgv_capture_set_frame_ms(c, 20);
    assert_true(put());
    assert_int_equal(f.redundancy_count, 0);
    assert_true(put());
    assert_int_equal(f.redundancy_count, 1);
    assert_int_equal(f.redundancy[0].duration, 960);
}

static void test_eng_47_refused_frame_is_counted_not_sent(void **state)
{
    struct tgv_capture_stats stats;

    (void)state;
    tgv_capture_set_redundancy(c, 4);
    put_many(3);
    refuse = TGVOIP_ERR_INVALID;
    assert_false(put_many(3));
    refuse = 0;
    assert_true(put_many(3));
    assert_frame(&f.primary, 2 * 2880);
    assert_int_equal(f.redundancy_count, 0);
    tgv_capture_stats(c, &stats);
    assert_int_equal(stats.errors, 1);
    assert_int_equal(stats.frames, 2);
}

/* Nor is it a copy, and what lies before it no longer either: copies name
 * their time by their place. */
static void test_eng_47_refused_frame_never_rides_as_copy(void **state)
{
    (void)state;
    tgv_capture_set_redundancy(c, 2);
    assert_true(put_many(6));
    assert_int_equal(f.redundancy_count, 1);
    refuse = TGVOIP_ERR_INVALID;
    assert_false(put_many(3));
    refuse = 0;
    assert_true(put_many(3));
    assert_frame(&f.primary, 3 * 2880);
    assert_int_equal(f.redundancy_count, 0);
    assert_true(put_many(3));
    assert_int_equal(f.redundancy_count, 1);
    assert_frame(&f.redundancy[0], 3 * 2880);
}

static void test_eng_47_settings_go_down_and_up(void **state)
{
    struct tgv_encoder_settings s = {.bitrate_bps = 8000,
                                     .complexity = 3,
                                     .loss_percent = 10,
                                     .inband_fec = true};

    (void)state;
    tgv_capture_set_encoder(c, &s);
    put_many(3);
    assert_int_equal(used.complexity, 3);
    assert_int_equal(used.loss_percent, 10);
    s.complexity = 10;
    s.bitrate_bps = 20000;
    tgv_capture_set_encoder(c, &s);
    put_many(3);
    assert_int_equal(used.complexity, 10);
    assert_int_equal(used.bitrate_bps, 20000);
}

static void test_capture_dtx_frame_is_not_sent(void **state)
{
    struct tgv_encoder_settings s = {.bitrate_bps = 8000, .dtx = true};
    struct tgv_capture_stats stats;

    (void)state;
    tgv_capture_set_encoder(c, &s);
    for (unsigned i = 0; i < 6; i++)
        tgv_capture_put(c, NULL, 0);
    assert_false(tgv_capture_next(c, &f));
    assert_true(put_many(3));
    assert_frame(&f.primary, 2 * 2880);
    tgv_capture_stats(c, &stats);
    assert_int_equal(stats.errors, 0);
}

/* The marker's blocks are loud, NULL is silence. */
static void test_eng_52_last_frame_of_a_pause_rides_along(void **state)
{
    struct tgv_encoder_settings s = {.bitrate_bps = 8000, .dtx = true};
    struct tgv_capture_stats stats;
    unsigned sent = 0;

    (void)state;
    tgv_capture_set_encoder(c, &s);
    assert_true(put_many(3));
    assert_int_equal(f.redundancy_count, 0);
    for (unsigned i = 0; i < 30 * 3; i++) {
        tgv_capture_put(c, NULL, 0);
        sent += tgv_capture_next(c, &f);
    }
    assert_in_range(sent, 30 / 6, 30 / 6 + 5); /* the voice's tail, too */
    assert_true(put_many(3));
    assert_int_equal(f.redundancy_count, 1);
    assert_int_equal(f.redundancy[0].ts, f.primary.ts - 2880);
    assert_true(put_many(3));
    assert_int_equal(f.redundancy_count, 0);
    tgv_capture_stats(c, &stats);
    assert_int_equal(stats.paused, 30 - sent);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_eng_13_time_stamps_follow_the_capture_clock),
        T(test_eng_54_frame_not_taken_costs_no_time),
        T(test_eng_54_missing_block_is_silence_on_the_grid),
        T(test_eng_12_mute_sends_nothing),
        T(test_eng_12_frame_ready_at_mute_does_not_leave),
        T(test_capture_unmute_within_a_frame),
        T(test_capture_starts_anew_after_mute),
        T(test_capture_redundancy_is_older_frames),
        T(test_capture_dropped_frame_rides_as_copy),
        T(test_capture_frame_length_changes_on_the_grid),
        T(test_capture_copies_have_the_duration_of_the_frame),
        T(test_eng_47_refused_frame_is_counted_not_sent),
        T(test_eng_47_refused_frame_never_rides_as_copy),
        T(test_eng_47_settings_go_down_and_up),
        T(test_capture_dtx_frame_is_not_sent),
        T(test_eng_52_last_frame_of_a_pause_rides_along),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
