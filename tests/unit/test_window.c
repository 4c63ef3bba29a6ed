/* SPDX-License-Identifier: MIT */
/* rooms: legacy base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "legacy/window.h"

#include <stdio.h>
#include <string.h>

static struct tgv_window w;

static int reset(void **state)
{
    (void)state;
    tgv_window_init(&w);
    return 0;
}

static bool take(uint32_t seq)
{
    if (!tgv_window_check(&w, seq))
        return false;
    tgv_window_mark(&w, seq);
    return true;
}

static void test_window_number_zero_first_and_once(void **state)
{
    (void)state;
    assert_true(take(0));
    assert_false(take(0));
    assert_true(take(1));
}

static void test_window_repeats_are_refused(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 3000; n++) {
        assert_true(take(n));
        assert_false(take(n));
    }
    for (uint32_t n = 1; n <= 3000; n++)
        assert_false(take(n));
}

static void test_window_late_ones_inside_are_taken_once(void **state)
{
    (void)state;
    take(1);
    take(1024);
    for (uint32_t n = 2; n <= 1023; n++) {
        assert_true(take(n));
        assert_false(take(n));
    }
    assert_int_equal(w.last, 1024);
}

static void test_window_edge_is_exact(void **state)
{
    (void)state;
    take(5000);
    assert_false(tgv_window_check(&w, 5000 - TGV_WINDOW_NUMBERS));
    assert_true(tgv_window_check(&w, 5000 - TGV_WINDOW_NUMBERS + 1));
}

static void test_window_far_jump_marks_the_packet_itself(void **state)
{
    (void)state;
    take(7);
    assert_int_equal(tgv_window_mark(&w, 100000), 99993);
    assert_false(take(100000));
    assert_true(take(99999));
    assert_false(take(7));
}

static void test_window_wraps(void **state)
{
    (void)state;
    take(UINT32_MAX - 1);
    assert_true(take(1));
    assert_true(take(UINT32_MAX));
    assert_true(take(0));
    assert_false(take(UINT32_MAX - 1));
    assert_int_equal(w.last, 1);
    assert_int_equal(tgv_window_mask(&w), 0xE0000000u);
}

static void test_window_check_changes_nothing(void **state)
{
    struct tgv_window before;

    (void)state;
    take(10);
    before = w;
    tgv_window_check(&w, 500000);
    tgv_window_check(&w, 9);
    assert_memory_equal(&before, &w, sizeof(w));
}

/* Against the plainest model there is. */
static void test_window_agrees_with_a_list(void **state)
{
    static bool seen[40000];
    const uint64_t seed = 11;
    uint32_t last = 0;
    bool any = false;
    struct tgv_prng g;

    (void)state;
    printf("seed %u\n", (unsigned)seed);
    memset(seen, 0, sizeof(seen));
    tgv_prng_init(&g, seed);
    for (uint32_t i = 0, at = 2000; i < 20000 && at < 39000; i++) {
        uint32_t n = at + 20 - tgv_prng_below(&g, 1200);
        bool expected =
            !any || n > last || (last - n < TGV_WINDOW_NUMBERS && !seen[n]);
        assert_int_equal(take(n), expected);
        seen[n] = seen[n] || expected;
        if (expected && (!any || n > last))
            last = n;
        any = true;
        at += tgv_prng_below(&g, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_window_number_zero_first_and_once, reset),
        cmocka_unit_test_setup(test_window_repeats_are_refused, reset),
        cmocka_unit_test_setup(test_window_late_ones_inside_are_taken_once,
                               reset),
        cmocka_unit_test_setup(test_window_edge_is_exact, reset),
        cmocka_unit_test_setup(test_window_far_jump_marks_the_packet_itself,
                               reset),
        cmocka_unit_test_setup(test_window_wraps, reset),
        cmocka_unit_test_setup(test_window_check_changes_nothing, reset),
        cmocka_unit_test_setup(test_window_agrees_with_a_list, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
