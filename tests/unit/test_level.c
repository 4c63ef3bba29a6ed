/* SPDX-License-Identifier: MIT */
/* rooms: media base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "media/level.h"

static void test_level_is_peak_of_100_ms(void **state)
{
    struct tgv_level l;
    int16_t pcm[TGV_BLOCK_SAMPLES] = {0};

    (void)state;
    tgv_level_init(&l);
    assert_true(tgv_level_get(&l) == 0.0);
    pcm[501] = -16384;
    tgv_level_put(&l, pcm, TGV_BLOCK_SAMPLES);
    pcm[501] = 100;
    for (unsigned i = 0; i < 4; i++) {
        tgv_level_put(&l, pcm, TGV_BLOCK_SAMPLES);
        assert_true(tgv_level_get(&l) == 0.5);
    }
    tgv_level_put(&l, NULL, TGV_BLOCK_SAMPLES);
    assert_true(tgv_level_get(&l) == 100 / 32768.0);
}

static void test_level_full_scale_of_either_sign(void **state)
{
    const int16_t low = INT16_MIN;
    const int16_t high = INT16_MAX;

    (void)state;
    assert_int_equal(tgv_level_peak(&low, 1), 32768);
    assert_int_equal(tgv_level_peak(&high, 1), 32767);
    assert_int_equal(tgv_level_peak(NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level_is_peak_of_100_ms),
        cmocka_unit_test(test_level_full_scale_of_either_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
