/* SPDX-License-Identifier: MIT */
/* rooms: voice media base test_marker */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/marker_codec.h"
#include "voice/playout.h"

#define FRAME 2880
#define PATH TGV_MS(50)
/* What a listener has heard. */
#define HEARD_MAX 4096

static struct tgv_playout *p;
static struct tgv_codec codec; /* the marker codec, or a variant */
static void *encoder;
static struct tgv_encoder_settings settings;
static struct tgv_playout_stats stats;

static tgv_time now; /* of the next get */
static uint32_t heard[HEARD_MAX];
static enum tgv_played_kind kinds[HEARD_MAX];
static int64_t at_ts[HEARD_MAX];
static unsigned gets;
static int16_t newest_pcm[TGV_BLOCK_SAMPLES];
static int steepest; /* step between samples so far */

static void create(tgv_time min, tgv_time max, tgv_time initial)
{
    struct tgv_playout_config config = {.codec = &codec,
                                        .min_delay = min,
                                        .max_delay = max,
                                        .initial_delay = initial,
                                        .losses_to_reset = 20};

    tgv_playout_destroy(p);
    assert_int_equal(tgv_playout_create(&p, &config), 0);
}

static int setup(void **state)
{
    (void)state;
    codec = *tgv_codec_marker();
    encoder = codec.encoder_create();
    memset(&settings, 0, sizeof(settings));
    p = NULL;
    now = 0;
    gets = 0;
    steepest = 0;
    memset(newest_pcm, 0, sizeof(newest_pcm));
    create(TGV_MS(10), TGV_MS(500), TGV_MS(10));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tgv_codec_marker()->encoder_destroy(encoder);
    tgv_playout_destroy(p);
    return 0;
}

/* A frame of `blocks` blocks, the first one being number `block`. */
struct made {
    struct tgv_voice_frame frame;
    uint8_t data[TGV_REDUNDANCY_MAX + 1][128];
};

static void make_block(struct tgv_voice_block *b, uint8_t *data, int64_t ts,
                       uint32_t block, unsigned blocks)
{
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];

    for (unsigned i = 0; i < blocks; i++)
        tgv_marker_write(pcm + i * TGV_BLOCK_SAMPLES, block + i);
    b->ts = ts;
    b->duration = blocks * TGV_BLOCK_SAMPLES;
    b->data = data;
    b->len = (size_t)tgv_codec_marker()->encode(encoder, &settings, pcm,
                                                b->duration, data, 128);
}

static struct made make(int64_t ts, uint32_t block, unsigned blocks)
{
    struct made m;

    memset(&m, 0, sizeof(m));
    make_block(&m.frame.primary, m.data[0], ts, block, blocks);
    return m;
}

static void put(struct made *m, tgv_time at)
{
    m->frame.primary.data = m->data[0];
    for (unsigned i = 0; i < m->frame.redundancy_count; i++)
        m->frame.redundancy[i].data = m->data[i + 1];
    tgv_playout_put(p, &m->frame, at);
}

/* The n-th frame of 60 ms of a stream. */
static struct made nth(unsigned n)
{
    return make((int64_t)n * FRAME, n * 3, 3);
}

static void get(unsigned n)
{
    while (n--) {
        int16_t pcm[TGV_BLOCK_SAMPLES];
        struct tgv_played pl;
        int16_t before = newest_pcm[TGV_BLOCK_SAMPLES - 1];

        tgv_playout_get(p, pcm, now, &pl);
        assert_true(gets < HEARD_MAX);
        heard[gets] = tgv_marker_read(pcm, TGV_BLOCK_SAMPLES);
        at_ts[gets] = pl.ts;
        kinds[gets++] = pl.kind;
        for (unsigned i = 0; i < TGV_BLOCK_SAMPLES; i++) {
            int step = abs(pcm[i] - before);

            steepest = step > steepest ? step : steepest;
            before = pcm[i];
        }
        memcpy(newest_pcm, pcm, sizeof(pcm));
        now += TGV_BLOCK_US;
    }
    tgv_playout_stats(p, &stats);
}

/*
 * Frames first..last-1, each put at its time plus PATH, with the gets between
 * that are due; those that drop() names do not come.
 */
static bool none(unsigned n)
{
    (void)n;
    return false;
}

static void run_from(unsigned first, unsigned last, int64_t ts_shift,
                     bool (*drop)(unsigned n))
{
    for (unsigned n = first; n < last; n++) {
        struct made m = nth(n);
        tgv_time at = TGV_MS(60 * n) + PATH;

        m.frame.primary.ts += ts_shift;
        while (now < at)
            get(1);
        if (!drop(n))
            put(&m, at);
    }
}

static void run(unsigned first, unsigned last)
{
    run_from(first, last, 0, none);
}

static unsigned count(enum tgv_played_kind kind, unsigned from)
{
    unsigned n = 0;

    for (unsigned i = from; i < gets; i++)
        n += kinds[i] == kind;
    return n;
}

/* Every block from..to-1 was heard once, in order; others do not matter. */
static void assert_all_heard(uint32_t from, uint32_t to)
{
    uint32_t want = from;

    for (unsigned i = 0; i < gets; i++) {
        if (heard[i] == TGV_MARKER_NONE || heard[i] < from || heard[i] >= to)
            continue;
        assert_int_equal(heard[i], want);
        want++;
    }
    assert_int_equal(want, to);
}

static void assert_not_heard(uint32_t from, uint32_t to)
{
    for (unsigned i = 0; i < gets; i++)
        assert_false(heard[i] >= from && heard[i] < to);
}

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

static bool drop_20(unsigned n)
{
    return n == 20;
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
