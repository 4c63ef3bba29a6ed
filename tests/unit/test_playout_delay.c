/* SPDX-License-Identifier: MIT */
/* rooms: voice media base test_marker */
/* When it is played: late frames, bursts, jumps, pauses and outages, switching
 * on and off; and anything at any time. */
#include "support/listener.h"

#include "base/random.h"

static void test_playout_late_frame_grows_the_delay(void **state)
{
    struct made late = nth(50);

    (void)state;
    run(0, 50);
    while (now < TGV_MS(60 * 50) + PATH + TGV_MS(95))
        get(1);
    put(&late, now);
    /* the next comes too late as well, then all is as before */
    run(51, 60);
    get(2);
    assert_all_heard(0, 150);
    assert_true(stats.frames_played >= 57);
    assert_int_equal(stats.frames_late, 0);
    assert_int_equal(stats.frames_concealed, 0);
    assert_true(stats.delay_ms > 60);
    run(60, 300);
    assert_true(stats.delay_ms < 40);
}

static void test_playout_frame_after_its_time_is_late(void **state)
{
    struct made late = nth(20);

    (void)state;
    run_from(0, 30, 0, drop_20);
    put(&late, now);
    get(1);
    assert_int_equal(stats.frames_late, 1);
    assert_int_equal(stats.frames_concealed, 1);
    put(&late, now);
    get(1);
    assert_int_equal(stats.frames_late, 1);
    assert_int_equal(stats.frames_duplicate, 1);
}

static void test_playout_burst_beyond_room_drops_oldest(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 100; n++) {
        struct made m = nth(n);

        put(&m, PATH);
    }
    get(1);
    assert_true(stats.frames_dropped >= 36);
    get(200);
    assert_true(stats.frames_dropped >= 80); /* nobody wants 6 s of delay */
    assert_not_heard(0, 3 * 36);
    assert_all_heard(297, 300);
}

/* Blocks that were not heard around what happened at frame n. */
static unsigned cost_of_shift(int64_t shift)
{
    unsigned before;

    setup(NULL);
    run_from(0, 100, FRAME * 1000, none);
    before = gets;
    run_from(100, 200, FRAME * 1000 + shift, none);
    before = gets - before - count(TGV_PLAYED_VOICE, before);
    assert_true(stats.delay_ms < 60);
    assert_int_equal(count(TGV_PLAYED_VOICE, gets - 150), 150);
    teardown(NULL);
    p = NULL;
    return before;
}

static void test_playout_jump_of_time_costs_little(void **state)
{
    static const struct {
        int64_t ms;
        unsigned blocks; /* of silence or made-up sound at most */
    } jumps[] = {{20, 3},     {-20, 3},    {600, 4},   {1000, 4},
                 {10000, 4},  {100000, 4}, {-600, 20}, {-1000, 20},
                 {-7000, 20}, {-50000, 20}};

    teardown(NULL);
    (void)state;
    for (unsigned i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
        unsigned cost = cost_of_shift(jumps[i].ms * 48);

        print_message("jump of %ld ms: %u blocks\n", (long)jumps[i].ms, cost);
        assert_true(cost <= jumps[i].blocks);
    }
    setup(NULL);
}

/* As originals do: time stands still while nothing is sent. */
static void test_playout_pause_without_passing_time(void **state)
{
    unsigned before;

    (void)state;
    run(0, 100);
    before = gets;
    get(500); /* 10 s */
    assert_in_range(count(TGV_PLAYED_CONCEALED, before), 10, 20);
    before = gets;
    for (unsigned n = 100; n < 200; n++) {
        struct made m = nth(n);
        tgv_time at = TGV_MS(60 * n) + PATH + TGV_S(10);

        while (now < at)
            get(1);
        put(&m, at);
    }
    assert_true(gets - before - count(TGV_PLAYED_VOICE, before) <= 7);
    assert_true(stats.delay_ms < 60);
    assert_all_heard(300, 500);
}

static bool drop_100_to_132(unsigned n)
{
    return n >= 100 && n < 133;
}

/* A pause with passing time (our DTX): silence, and no more delay after. */
static void test_playout_dtx_pause_leaves_the_delay(void **state)
{
    double before;
    unsigned resumed;

    (void)state;
    run(0, 100);
    before = stats.delay_ms;
    run_from(100, 134, 0, drop_100_to_132);
    assert_true(count(TGV_PLAYED_SILENCE, gets - 50) >= 49);
    resumed = gets;
    run(134, 200);
    assert_true(stats.delay_ms <= before + 20);
    assert_true(gets - resumed - count(TGV_PLAYED_VOICE, resumed) <= 2);
    assert_all_heard(133 * 3, 190 * 3);
    /* as many as it took to see that it was a pause */
    assert_true(stats.frames_concealed <= 6);
}

static void test_playout_outage_does_not_stay(void **state)
{
    (void)state;
    run(0, 100);
    /* 2 s of everything come at once */
    get(100);
    for (unsigned n = 100; n < 133; n++) {
        struct made m = nth(n);

        put(&m, now);
    }
    run(133, 500);
    assert_true(stats.delay_ms < 60);
    assert_all_heard(450 * 3, 495 * 3);
}

static void test_playout_losses_to_reset(void **state)
{
    struct tgv_playout_config config = {
        .codec = &codec, .max_delay = TGV_MS(100), .losses_to_reset = 5};

    (void)state;
    tgv_playout_destroy(p);
    assert_int_equal(tgv_playout_create(&p, &config), 0);
    run(0, 20);
    get(100);
    assert_in_range(count(TGV_PLAYED_CONCEALED, 0), 5, 6);
}

static int decode_level(void *dec, const uint8_t *data, size_t len, bool fec,
                        int16_t *pcm, size_t samples)
{
    (void)dec;
    (void)data;
    (void)len;
    (void)fec;
    for (size_t i = 0; i < samples; i++)
        pcm[i] = 10000;
    return (int)samples;
}

static void test_playout_no_click_into_silence_and_back(void **state)
{
    (void)state;
    codec.decode = decode_level;
    run(0, 20);
    get(50);
    assert_int_equal(kinds[gets - 1], TGV_PLAYED_SILENCE);
    assert_int_equal(newest_pcm[0], 0);
    run(40, 60);
    assert_true(stats.level > 0.3);
    tgv_playout_set_enabled(p, false);
    get(10);
    assert_int_equal(newest_pcm[0], 0);
    assert_true(stats.level == 0);
    tgv_playout_set_enabled(p, true);
    run(64, 70);
    assert_true(newest_pcm[0] == 10000);
    assert_true(steepest < 120);
}

static void test_playout_disabled_is_silence_then_fresh(void **state)
{
    unsigned before;

    (void)state;
    run(0, 100);
    tgv_playout_set_enabled(p, false);
    before = gets;
    run(100, 103); /* on their way when the peer muted */
    get(400);
    assert_int_equal(count(TGV_PLAYED_SILENCE, before), gets - before);
    tgv_playout_set_enabled(p, true);
    before = gets;
    for (unsigned n = 240; n < 300; n++)
        run(n, n + 1);
    assert_not_heard(300, 309);
    assert_true(stats.delay_ms < 40);
    assert_all_heard(240 * 3, 290 * 3);
}

static void test_playout_first_frames_before_enabled_are_heard(void **state)
{
    (void)state;
    tgv_playout_set_enabled(p, false);
    run(0, 2);
    tgv_playout_set_enabled(p, true);
    run(2, 20);
    assert_true(stats.frames_played >= 19);
    assert_int_equal(stats.frames_dropped, 0);
}

/* Anything at any time: no crash, time forward, all counters plausible. */
static void fuzz(const struct tgv_codec *with, uint64_t seed)
{
    struct tgv_prng g;
    int64_t heard_to = INT64_MIN;
    uint64_t resets = 0;

    print_message("%s, seed %lu\n", with->name, (unsigned long)seed);
    tgv_prng_init(&g, seed);
    codec = *with;
    create(0, TGV_MS(300), TGV_MS(40));
    for (unsigned i = 0; i < 6000; i++) {
        unsigned what = tgv_prng_below(&g, 8);
        struct made m = make((int64_t)tgv_prng_below(&g, 4000) * 480, i,
                             1 + tgv_prng_below(&g, 3));
        int16_t pcm[TGV_BLOCK_SAMPLES];
        struct tgv_played pl;

        if (with != tgv_codec_marker() || what == 0)
            for (size_t k = 0; k < m.frame.primary.len; k++)
                m.data[0][k] = (uint8_t)tgv_prng_u64(&g);
        if (what == 1)
            m.frame.primary.ts = (int64_t)tgv_prng_u64(&g) >> (i % 40);
        m.frame.redundancy_count = tgv_prng_below(&g, 12);
        for (unsigned k = 0; k < TGV_REDUNDANCY_MAX; k++) {
            m.frame.redundancy[k] = m.frame.primary;
            m.frame.redundancy[k].ts -= (int64_t)(8 - k) * 960;
            m.frame.redundancy[k].duration = 0;
            memcpy(m.data[k + 1], m.data[0], sizeof(m.data[0]));
        }
        if (m.frame.redundancy_count > TGV_REDUNDANCY_MAX) {
            m.frame.redundancy_count = 0;
            put(&m, now);
            m.frame.redundancy_count = 12; /* more than there is room for */
            tgv_playout_put(p, &m.frame, now);
        } else {
            put(&m, now);
        }
        if (what == 2) {
            tgv_playout_set_enabled(p, i % 3 != 0);
            heard_to = INT64_MIN; /* starts over */
        }
        if (what == 3)
            tgv_playout_set_delay(p, TGV_MS(i % 200), TGV_MS(i % 300));
        if (what < 4)
            continue;
        tgv_playout_get(p, pcm, now, &pl);
        now += TGV_BLOCK_US + (what == 7 ? tgv_prng_below(&g, 90000) : 0);
        tgv_playout_stats(p, &stats);
        if (stats.resets != resets || pl.kind == TGV_PLAYED_SILENCE)
            heard_to = INT64_MIN;
        resets = stats.resets;
        if (pl.kind != TGV_PLAYED_SILENCE && pl.span) {
            assert_true(pl.ts >= heard_to);
            heard_to = pl.ts + pl.span;
        }
    }
    codec = *tgv_codec_marker();
    create(0, 0, 0);
}

static void test_eng_46_playout_survives_anything(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 6; seed++) {
        fuzz(tgv_codec_marker(), seed);
        fuzz(tgv_codec_opus(), 100 + seed);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_playout_late_frame_grows_the_delay),
        T(test_playout_frame_after_its_time_is_late),
        T(test_playout_burst_beyond_room_drops_oldest),
        T(test_playout_jump_of_time_costs_little),
        T(test_playout_pause_without_passing_time),
        T(test_playout_dtx_pause_leaves_the_delay),
        T(test_playout_outage_does_not_stay),
        T(test_playout_losses_to_reset),
        T(test_playout_no_click_into_silence_and_back),
        T(test_playout_disabled_is_silence_then_fresh),
        T(test_playout_first_frames_before_enabled_are_heard),
        T(test_eng_46_playout_survives_anything),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
