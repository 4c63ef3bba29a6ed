/* SPDX-License-Identifier: MIT */
/* rooms: net base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/loss.h"
#include "net/rtt.h"

static void test_rtt_unknown_is_zero(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    assert_false(tgv_rtt_known(&r));
    assert_int_equal(tgv_rtt_mean(&r), 0);
    assert_int_equal(tgv_rtt_smoothed(&r), 0);
    assert_int_equal(tgv_rtt_min(&r), 0);
}

static void test_rtt_mean_is_of_the_last_six(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_S(9), 0);
    for (int i = 1; i <= 6; i++)
        tgv_rtt_add(&r, TGV_MS(10 * i), i);
    assert_int_equal(tgv_rtt_mean(&r), TGV_MS(35));
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_MS(40), 0);
    assert_int_equal(tgv_rtt_mean(&r), TGV_MS(40));
}

static void test_rtt_smoothed_follows(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_MS(80), 0);
    tgv_rtt_add(&r, TGV_MS(160), 1);
    assert_int_equal(tgv_rtt_smoothed(&r), TGV_MS(90));
}

static void test_rtt_zero_and_backward_samples_count(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, 0, 0);
    assert_true(tgv_rtt_known(&r));
    assert_int_equal(tgv_rtt_mean(&r), 1);
    tgv_rtt_add(&r, -5, 0);
    assert_int_equal(tgv_rtt_min(&r), 1);
}

static void test_rtt_minimum_is_forgotten(void **state)
{
    struct tgv_rtt r;

    (void)state;
    tgv_rtt_clear(&r);
    tgv_rtt_add(&r, TGV_MS(10), 0);
    for (int s = 1; s < 15; s++)
        tgv_rtt_add(&r, TGV_MS(50), TGV_S(s));
    assert_int_equal(tgv_rtt_min(&r), TGV_MS(10));
    for (int s = 15; s < 31; s++)
        tgv_rtt_add(&r, TGV_MS(50), TGV_S(s));
    assert_int_equal(tgv_rtt_min(&r), TGV_MS(50));
}

static void test_loss_ratio_of_the_last_seconds(void **state)
{
    struct tgv_loss l;

    (void)state;
    tgv_loss_init(&l);
    assert_true(tgv_loss_ratio(&l, TGV_S(3)) == 0.0);
    tgv_loss_add(&l, 8, 2, TGV_S(100));
    tgv_loss_add(&l, 2, 0, TGV_S(102));
    assert_true(tgv_loss_ratio(&l, TGV_S(102)) == 0.2);
    assert_true(tgv_loss_ratio(&l, TGV_MS(105100)) == 0.0);
    assert_int_equal(tgv_loss_count(&l), 2);
}

static void test_loss_verdicts_can_be_taken_back(void **state)
{
    struct tgv_loss l;

    (void)state;
    tgv_loss_init(&l);
    tgv_loss_add(&l, 4, 1, TGV_S(1));
    tgv_loss_add(&l, 0, -1, TGV_S(2));
    assert_true(tgv_loss_ratio(&l, TGV_S(2)) == 0.0);
    assert_int_equal(tgv_loss_count(&l), 0);
    /* the verdict is older than what is remembered: never below zero */
    tgv_loss_add(&l, 4, 1, TGV_S(10));
    tgv_loss_add(&l, 1, -1, TGV_S(30));
    assert_true(tgv_loss_ratio(&l, TGV_S(30)) == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtt_unknown_is_zero),
        cmocka_unit_test(test_rtt_mean_is_of_the_last_six),
        cmocka_unit_test(test_rtt_smoothed_follows),
        cmocka_unit_test(test_rtt_zero_and_backward_samples_count),
        cmocka_unit_test(test_rtt_minimum_is_forgotten),
        cmocka_unit_test(test_loss_ratio_of_the_last_seconds),
        cmocka_unit_test(test_loss_verdicts_can_be_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
