/* SPDX-License-Identifier: MIT */
/* rooms: media base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "media/delay.h"

#define FRAME 2880
#define FRAME_US TGV_MS(60)
#define PATH TGV_MS(50)

static struct tgv_delay d;
static struct tgv_prng g;

static int setup(void **state)
{
    (void)state;
    tgv_delay_init(&d, TGV_MS(10), TGV_MS(500), TGV_MS(60));
    tgv_prng_init(&g, 7);
    return 0;
}

static tgv_time jitter(tgv_time max)
{
    return (tgv_time)(tgv_prng_unit(&g) * (double)max);
}

/* Frames first..last-1 with uniform jitter, on a clock that is slow by ppm. */
static void feed(unsigned first, unsigned last, tgv_time max_jitter, double ppm)
{
    for (unsigned i = first; i < last; i++)
        tgv_delay_put(&d, (int64_t)i * FRAME,
                      (tgv_time)(i * FRAME_US * (1 + ppm / 1e6)) + PATH +
                          jitter(max_jitter));
}

static void assert_near(tgv_time value, tgv_time wanted, tgv_time tolerance)
{
    assert_in_range(value, wanted - tolerance, wanted + tolerance);
}

static void test_delay_without_jitter_is_least(void **state)
{
    (void)state;
    feed(0, 100, 0, 0);
    assert_near(d.base, PATH, 1);
    assert_int_equal(d.target, TGV_MS(10));
}

static void test_delay_starts_where_told(void **state)
{
    (void)state;
    assert_false(tgv_delay_known(&d));
    feed(0, 2, 0, 0);
    assert_true(tgv_delay_known(&d));
    assert_int_equal(d.target, TGV_MS(60));
}

static void test_delay_covers_uniform_jitter(void **state)
{
    (void)state;
    feed(0, 500, TGV_MS(60), 0);
    assert_near(d.base, PATH + TGV_MS(2), TGV_MS(3));
    assert_near(d.target, TGV_MS(60), TGV_MS(6));
}

static void test_eng_43_losses_copies_and_order_do_not_disturb(void **state)
{
    (void)state;
    /* two thirds lost, pairs swapped: offsets are the same */
    for (unsigned i = 0; i < 600; i += 6) {
        tgv_delay_put(&d, (i + 3) * FRAME, (i + 3) * FRAME_US + PATH);
        tgv_delay_put(&d, i * FRAME, i * FRAME_US + PATH + TGV_MS(180));
        tgv_delay_put(&d, (i + 4) * FRAME, (i + 4) * FRAME_US + PATH);
    }
    assert_near(d.base, PATH, 1);
    assert_near(d.target, TGV_MS(184), 1);
}

static void test_delay_lone_late_frame_is_accepted(void **state)
{
    (void)state;
    feed(0, 200, 0, 0);
    tgv_delay_put(&d, 200 * FRAME, 200 * FRAME_US + PATH + TGV_MS(200));
    feed(201, 210, 0, 0);
    assert_int_equal(d.target, TGV_MS(10));
}

static void test_eng_40_delay_grows_again_after_it_grew(void **state)
{
    (void)state;
    feed(0, 300, TGV_MS(40), 0);
    assert_near(d.target, TGV_MS(40), TGV_MS(6));
    feed(300, 600, TGV_MS(120), 0);
    assert_near(d.target, TGV_MS(120), TGV_MS(8));
    feed(600, 900, 0, 0);
    assert_int_equal(d.target, TGV_MS(10));
    feed(900, 1200, TGV_MS(200), 0);
    assert_near(d.target, TGV_MS(200), TGV_MS(12));
}

static void test_delay_stays_within_bounds(void **state)
{
    (void)state;
    tgv_delay_set_bounds(&d, TGV_MS(100), TGV_MS(150));
    feed(0, 200, 0, 0);
    assert_int_equal(d.target, TGV_MS(100));
    feed(200, 400, TGV_MS(300), 0);
    assert_int_equal(d.target, TGV_MS(150));
}

static void test_delay_peak_fades_within_ten_seconds(void **state)
{
    (void)state;
    feed(0, 200, 0, 0);
    /* held up for 300 ms, then all at once */
    for (unsigned i = 200; i < 205; i++)
        tgv_delay_put(&d, i * FRAME, 205 * FRAME_US + PATH);
    assert_true(d.target > TGV_MS(150));
    feed(205, 205 + 140, 0, 0);
    assert_int_equal(d.target, TGV_MS(10));
}

static void test_delay_follows_drift(void **state)
{
    static const double ppm[] = {-300, 300, 6000};

    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        const unsigned n = 60000; /* an hour */
        tgv_time offset = (tgv_time)(n * 0.06 * ppm[k]) + PATH;

        setup(NULL);
        feed(0, n, 0, ppm[k]);
        assert_near(d.base + d.target, offset + TGV_MS(10), TGV_MS(12));
    }
}

static void test_delay_jump_forward_starts_anew(void **state)
{
    int64_t ahead = 10 * FRAME;

    (void)state;
    feed(0, 200, TGV_MS(60), 0);
    assert_int_equal(
        tgv_delay_put(&d, 200 * FRAME + ahead, 200 * FRAME_US + PATH),
        TGV_DELAY_RESTART);
    assert_near(d.base, PATH - tgv_delay_us(ahead), 1);
    /* what was learned is expected until it is known better */
    assert_near(d.target, TGV_MS(60), TGV_MS(6));
}

static void test_delay_jump_back_is_believed_when_it_stays(void **state)
{
    enum tgv_delay_result r = TGV_DELAY_STRAY;
    unsigned i;

    (void)state;
    feed(0, 200, 0, 0);
    for (i = 0; i < 20 && r == TGV_DELAY_STRAY; i++)
        r = tgv_delay_put(&d, i * FRAME, (200 + i) * FRAME_US + PATH);
    assert_int_equal(r, TGV_DELAY_RESTART);
    assert_in_range(i, 5, 9);
    assert_near(d.base, PATH + 200 * FRAME_US, 1);
}

static void test_delay_outage_is_no_jitter(void **state)
{
    (void)state;
    feed(0, 200, 0, 0);
    for (unsigned i = 200; i < 240; i++)
        tgv_delay_put(&d, i * FRAME, 240 * FRAME_US + PATH);
    feed(240, 400, 0, 0);
    assert_int_equal(d.target, TGV_MS(10));
}

static void test_delay_jitter_as_rfc_3550(void **state)
{
    (void)state;
    feed(0, 2000, TGV_MS(60), 0);
    /* mean distance of two uniform values: a third of the range */
    assert_in_range(d.jitter_us, 14000, 26000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_delay_without_jitter_is_least, setup),
        cmocka_unit_test_setup(test_delay_starts_where_told, setup),
        cmocka_unit_test_setup(test_delay_covers_uniform_jitter, setup),
        cmocka_unit_test_setup(
            test_eng_43_losses_copies_and_order_do_not_disturb, setup),
        cmocka_unit_test_setup(test_delay_lone_late_frame_is_accepted, setup),
        cmocka_unit_test_setup(test_eng_40_delay_grows_again_after_it_grew,
                               setup),
        cmocka_unit_test_setup(test_delay_stays_within_bounds, setup),
        cmocka_unit_test_setup(test_delay_peak_fades_within_ten_seconds, setup),
        cmocka_unit_test_setup(test_delay_follows_drift, setup),
        cmocka_unit_test_setup(test_delay_jump_forward_starts_anew, setup),
        cmocka_unit_test_setup(test_delay_jump_back_is_believed_when_it_stays,
                               setup),
        cmocka_unit_test_setup(test_delay_outage_is_no_jitter, setup),
        cmocka_unit_test_setup(test_delay_jitter_as_rfc_3550, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
