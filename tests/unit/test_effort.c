/* SPDX-License-Identifier: MIT */
/* rooms: test_bench legacy wire crypto base */
/* What a call does when its ticks are late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "legacy/internal.h"
#include "support/bench.h"

static struct tgv_bench b;
static uint32_t pts;

static struct tgv_effort *effort(void)
{
    return &b.call->effort;
}

static unsigned complexity(void)
{
    return b.call->rate.encoder.complexity;
}

static unsigned frame_ms(void)
{
    return tgv_bench_stats(&b).frame_ms;
}

/* The peer talks; every tick of ours is so late. */
static void talk(tgv_time length, tgv_time late)
{
    for (tgv_time t = 0; t < length; t += TGV_MS(60)) {
        for (int i = 0; i < 3; i++)
            tgv_call_tick_late(b.call, late, b.now);
        tgv_bench_run(&b, TGV_MS(60));
        tgv_bench_media(&b, 0, pts);
        pts += 60;
        if (b.count > TGV_BENCH_LOG_MAX - 200)
            b.count = 0;
    }
}

static int establish(void **state)
{
    static const uint8_t ours[] = {'T', 'G', 'V', 'X', 1, 20};
    struct tgv_bench_options o;
    bool is_ours = *state != NULL;

    tgv_bench_options_init(&o);
    tgv_bench_init(&b, &o);
    tgv_bench_establish(&b);
    b.extra_count = is_ours;
    b.extras[0] = (struct tgv_extra){
        .type = TGV_EXTRA_TGVX, .len = sizeof(ours), .data = ours};
    b.audio = true;
    pts = 600;
    talk(TGV_S(20), 0);
    return 0;
}

static int done(void **state)
{
    (void)state;
    tgv_bench_fini(&b);
    return 0;
}

static void test_eng_47_late_ticks_make_frames_long_first(void **state)
{
    unsigned most = effort()->most;

    (void)state;
    assert_int_equal(frame_ms(), 20);
    talk(TGV_MS(180), TGV_MS(15));
    assert_int_equal(complexity(), most);
    talk(TGV_MS(960), 0);
    assert_int_equal(frame_ms(), 60);
    assert_int_equal(complexity(), most);
    talk(TGV_S(5), TGV_MS(15)); /* not enough: now the encoder */
    assert_int_equal(frame_ms(), 60);
    assert_true(complexity() < most);
}

static void test_eng_47_all_comes_back_when_ticks_are_in_time(void **state)
{
    unsigned most = effort()->most, had = 0;

    (void)state;
    talk(TGV_S(4), TGV_MS(15));
    assert_true(complexity() < most);
    while (frame_ms() != 20 && had++ < 100) {
        assert_true(complexity() <= most);
        talk(TGV_S(1), 0);
    }
    assert_int_equal(complexity(), most);
    assert_int_equal(frame_ms(), 20);
}

/* Short frames that make ticks late again are not tried again so soon. */
static void test_effort_short_frames_that_do_not_last_are_rare(void **state)
{
    unsigned tried = 0;
    bool had = true;

    (void)state;
    for (int s = 0; s < 300; s++) {
        bool is_short = frame_ms() < 60;

        tried += is_short && !had;
        had = is_short;
        talk(TGV_S(1), is_short ? TGV_MS(15) : 0);
    }
    assert_in_range(tried, 2, 12);
    assert_true(complexity() + 2 >= effort()->most);
}

/* Where frames are long anyway, there is only the encoder. */
static void test_eng_47_originals_get_less_complexity_at_once(void **state)
{
    unsigned most = effort()->most;

    (void)state;
    assert_int_equal(frame_ms(), 60);
    talk(TGV_MS(900), TGV_MS(15));
    assert_true(complexity() < most);
    talk(TGV_S(60), 0);
    assert_int_equal(complexity(), most);
}

static void test_effort_few_late_ticks_change_nothing(void **state)
{
    unsigned most = effort()->most;

    (void)state;
    for (int s = 0; s < 30; s++) {
        talk(TGV_MS(60), TGV_MS(15)); /* three of fifty */
        talk(TGV_MS(960), TGV_MS(5));
    }
    assert_int_equal(complexity(), most);
    assert_int_equal(frame_ms(), 20);
}

#define OURS(f) cmocka_unit_test_prestate_setup_teardown(f, establish, done, &b)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OURS(test_eng_47_late_ticks_make_frames_long_first),
        OURS(test_eng_47_all_comes_back_when_ticks_are_in_time),
        OURS(test_effort_short_frames_that_do_not_last_are_rare),
        cmocka_unit_test_setup_teardown(
            test_eng_47_originals_get_less_complexity_at_once, establish, done),
        OURS(test_effort_few_late_ticks_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
