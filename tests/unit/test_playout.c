/* SPDX-License-Identifier: MIT */
/* rooms: voice media base test_marker */
/* What is played of the frames that come, of those that do not, and of bad
 * ones. */
#include "support/listener.h"

#include "base/random.h"

static void test_playout_silence_before_the_first_frame(void **state)
{
    (void)state;
    get(10);
    assert_int_equal(count(TGV_PLAYED_SILENCE, 0), 10);
    assert_int_equal(stats.blocks_silence, 10);
    assert_int_equal(stats.first_voice, -1);
    assert_int_equal(stats.frame_ms, 0);
}

static void test_playout_plays_all_in_order(void **state)
{
    (void)state;
    run(0, 100);
    get(10);
    assert_all_heard(0, 300);
    assert_int_equal(stats.frames_received, 100);
    assert_int_equal(stats.frames_played, 100);
    assert_int_equal(stats.frames_concealed, 0);
    assert_int_equal(stats.frame_ms, 60);
    assert_in_range(stats.first_voice, PATH, PATH + TGV_MS(60));
    for (unsigned i = 0; i < gets; i++)
        if (kinds[i] == TGV_PLAYED_VOICE)
            assert_int_equal(at_ts[i], heard[i] * (int64_t)960);
}

static void test_eng_41_delays_are_times_not_frames(void **state)
{
    (void)state;
    create(TGV_MS(120), TGV_MS(600), TGV_MS(120));
    run(0, 50);
    assert_true(stats.target_delay_ms == 120);
    assert_true(stats.delay_ms >= 120 && stats.delay_ms < 141);
    assert_all_heard(0, 100);
    tgv_playout_set_delay(p, TGV_MS(40), TGV_MS(600));
    run(50, 250);
    assert_true(stats.target_delay_ms == 40);
    assert_true(stats.delay_ms >= 40 && stats.delay_ms < 64);
    tgv_playout_set_delay(p, TGV_MS(200), TGV_MS(600));
    run(250, 400);
    assert_true(stats.delay_ms >= 200 && stats.delay_ms < 224);
    assert_int_equal(stats.frames_concealed, 0);
}

static void test_eng_42_fec_keeps_next_frame(void **state)
{
    (void)state;
    create(TGV_MS(70), TGV_MS(600), TGV_MS(70));
    settings.inband_fec = true;
    run_from(0, 40, 0, drop_20);
    get(10);
    /* the lost frame's blocks came from the redundancy of the next, whose
     * own ones were heard too */
    assert_all_heard(0, 120);
    assert_int_equal(stats.frames_recovered, 1);
    assert_int_equal(stats.frames_concealed, 0);
    assert_int_equal(stats.frames_played, 39);
    assert_int_equal(count(TGV_PLAYED_RECOVERED, 0), 3);
}

static void test_eng_42_miss_is_counted_once(void **state)
{
    (void)state;
    run_from(0, 40, 0, drop_20);
    assert_all_heard(0, 60);
    assert_not_heard(60, 63);
    assert_int_equal(stats.frames_concealed, 1);
    assert_int_equal(stats.frames_recovered, 0);
    assert_int_equal(stats.frames_played, 38);
    assert_int_equal(stats.frames_late, 0);
}

static bool drop_20_21(unsigned n)
{
    return n == 20 || n == 21;
}

static void test_eng_42_two_lost_one_recovered(void **state)
{
    (void)state;
    create(TGV_MS(130), TGV_MS(600), TGV_MS(130));
    settings.inband_fec = true;
    run_from(0, 40, 0, drop_20_21);
    assert_not_heard(60, 63);
    assert_int_equal(stats.frames_concealed, 1);
    assert_int_equal(stats.frames_recovered, 1);
}

static void test_playout_copy_fills_a_hole(void **state)
{
    (void)state;
    create(TGV_MS(70), TGV_MS(600), TGV_MS(70));
    run(0, 20);
    for (unsigned n = 21; n < 30; n++) {
        struct made m = nth(n);
        tgv_time at = TGV_MS(60 * n) + PATH;

        /* three earlier frames, one of which never came itself */
        m.frame.redundancy_count = 3;
        for (unsigned i = 0; i < 3; i++)
            make_block(&m.frame.redundancy[i], m.data[i + 1],
                       (int64_t)(n - 3 + i) * FRAME, (n - 3 + i) * 3, 3);
        while (now < at)
            get(1);
        put(&m, at);
    }
    get(10);
    assert_all_heard(0, 90);
    assert_int_equal(stats.frames_recovered, 1);
    assert_int_equal(stats.frames_concealed, 0);
    assert_int_equal(stats.frames_duplicate, 0);
    assert_int_equal(stats.frames_received, 29);
}

static void test_playout_waits_for_redundancy_only_under_loss(void **state)
{
    double before;

    (void)state;
    settings.inband_fec = true;
    run(0, 200);
    before = stats.delay_ms;
    assert_true(before < 35);
    for (unsigned n = 200; n < 400; n += 10) {
        run(n, n + 9);
        make_block(&(struct tgv_voice_block){0}, (uint8_t[128]){0}, 0,
                   (n + 9) * 3, 3); /* encoded, and lost */
    }
    assert_true(stats.delay_ms > before + 50);
    assert_true(stats.delay_ms < before + 85);
    assert_true(stats.frames_concealed <= 6);
    assert_true(stats.frames_recovered >= 14);
    run(400, 1200);
    assert_true(stats.delay_ms < 35);
}

static void test_eng_43_late_copies_and_duplicates_are_no_arrivals(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 200; n++) {
        struct made m = nth(n);
        struct made old = nth(n > 3 ? n - 3 : 0);

        run_from(n, n + 1, 0, none);
        put(&m, now);
        put(&old, now + TGV_MS(5));
    }
    get(1);
    assert_true(stats.target_delay_ms == 10);
    assert_int_equal(stats.frames_duplicate, 400);
    assert_int_equal(stats.frames_late, 0);
    assert_int_equal(stats.frames_received, 200);
}

static void test_eng_44_time_stamps_past_49_days(void **state)
{
    const int64_t start = (((int64_t)1 << 32) - 600) * 48 / FRAME * FRAME;

    (void)state;
    run_from(0, 100, start, none);
    get(5);
    assert_all_heard(0, 300);
    assert_int_equal(stats.resets, 0);
}

static void test_eng_44_negative_time_is_ignored(void **state)
{
    struct made m = nth(0);
    struct made other = nth(1);

    (void)state;
    other.frame.redundancy_count = 1;
    make_block(&other.frame.redundancy[0], other.data[1], -FRAME, 9, 3);
    m.frame.primary.ts = -FRAME;
    put(&m, PATH);
    m.frame.primary.ts = INT64_MIN;
    put(&m, PATH);
    m.frame.primary.ts = INT64_MAX;
    put(&m, PATH);
    get(3);
    assert_int_equal(stats.frames_dropped, 3);
    assert_int_equal(stats.frames_received, 0);
    put(&other, now);
    get(10);
    assert_int_equal(stats.frames_received, 1);
    assert_not_heard(9, 12);
}

static void test_eng_45_mixed_durations(void **state)
{
    uint32_t block = 0;
    struct tgv_prng g;

    (void)state;
    tgv_prng_init(&g, 45);
    while (block < 900) {
        unsigned blocks = 1 + tgv_prng_below(&g, 3);
        struct made m = make((int64_t)block * 960, block, blocks);
        tgv_time at;

        block += blocks;
        at = TGV_MS(20 * block) + PATH;
        m.frame.primary.duration = 0; /* the codec knows */
        while (now < at)
            get(1);
        put(&m, at);
    }
    get(5);
    assert_true(stats.frames_concealed == 0);
    /* the first waits may differ by up to 40 ms: stretched, not lost */
    assert_true(count(TGV_PLAYED_VOICE, 0) > 880);
    assert_true(count(TGV_PLAYED_CONCEALED, 0) <= 9);
}

static void test_eng_46_unusable_frames_are_counted(void **state)
{
    uint8_t big[TGV_FRAME_BYTES_MAX + 1];
    struct made m;

    (void)state;
    run(0, 10);
    memset(big, 0xFF, sizeof(big));
    m = nth(10);
    m.frame.primary.duration = 960; /* the frame says 2880 */
    put(&m, now);
    m = nth(10);
    m.data[0][0] = 0; /* no frame of the codec */
    put(&m, now);
    m = nth(10);
    m.frame.primary.len = 0;
    put(&m, now);
    m = nth(10);
    m.frame.primary.data = big;
    m.frame.primary.len = sizeof(big);
    tgv_playout_put(p, &m.frame, now);
    m.frame.primary.data = NULL;
    tgv_playout_put(p, &m.frame, now);
    get(1);
    assert_int_equal(stats.frames_dropped, 5);
    assert_int_equal(stats.frames_received, 10);
    run(10, 30);
    get(4);
    assert_all_heard(0, 90);
}

static int decode_refuses(void *dec, const uint8_t *data, size_t len, bool fec,
                          int16_t *pcm, size_t samples)
{
    if (data && data[2] == 60)
        return -1;
    return tgv_codec_marker()->decode(dec, data, len, fec, pcm, samples);
}

static void test_eng_46_refused_frame_is_concealed(void **state)
{
    (void)state;
    codec.decode = decode_refuses;
    run(0, 60); /* block 60 begins frame 20 */
    assert_int_equal(stats.frames_dropped, 1);
    assert_int_equal(stats.frames_concealed, 1);
    assert_not_heard(60, 63);
    assert_all_heard(63, 150);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_playout_silence_before_the_first_frame),
        T(test_playout_plays_all_in_order),
        T(test_eng_41_delays_are_times_not_frames),
        T(test_eng_42_fec_keeps_next_frame),
        T(test_eng_42_miss_is_counted_once),
        T(test_eng_42_two_lost_one_recovered),
        T(test_playout_copy_fills_a_hole),
        T(test_playout_waits_for_redundancy_only_under_loss),
        T(test_eng_43_late_copies_and_duplicates_are_no_arrivals),
        T(test_eng_44_time_stamps_past_49_days),
        T(test_eng_44_negative_time_is_ignored),
        T(test_eng_45_mixed_durations),
        T(test_eng_46_unusable_frames_are_counted),
        T(test_eng_46_refused_frame_is_concealed),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
