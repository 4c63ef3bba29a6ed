/* SPDX-License-Identifier: MIT */
/* rooms: media base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "media/stretch.h"

#define PI 3.14159265358979323846
#define CAP (TGV_STRETCH_BLOCK_MAX + TGV_STRETCH_MAX_SAMPLES)

static const struct tgv_stretch_policy strict = {.likeness = 0.9f, .quiet = 64};
static const struct tgv_stretch_policy any = {.likeness = -1, .quiet = 64};

static void tone(int16_t *pcm, size_t n, double hz)
{
    for (size_t i = 0; i < n; i++)
        pcm[i] = (int16_t)lrint(10000 * sin(2 * PI * hz * (double)i / 48000) +
                                4000 * sin(4 * PI * hz * (double)i / 48000));
}

static int steepest(const int16_t *pcm, size_t n)
{
    int most = 0;

    for (size_t i = 1; i < n; i++)
        most =
            abs(pcm[i] - pcm[i - 1]) > most ? abs(pcm[i] - pcm[i - 1]) : most;
    return most;
}

/* Blocks of 20, 40 and 60 ms, pitches of men, women and children. */
static void test_eng_45_stretch_any_block_without_clicks(void **state)
{
    (void)state;
    for (size_t n = 960; n <= 2880; n += 960)
        for (double hz = 90; hz < 400; hz += 37) {
            int16_t pcm[CAP] = {0};
            int16_t first[16];
            int16_t last[16];
            int before;
            size_t done;

            for (int grow = 0; grow < 2; grow++) {
                tone(pcm, n, hz);
                before = steepest(pcm, n);
                memcpy(first, pcm, sizeof(first));
                memcpy(last, pcm + n - 16, sizeof(last));
                done = grow ? tgv_stretch_expand(pcm, n, 960, &strict)
                            : tgv_stretch_compress(pcm, n, 960, &strict);
                assert_in_range(done, TGV_STRETCH_MIN_SAMPLES, 960);
                done = grow ? n + done : n - done;
                assert_true(steepest(pcm, done) <= before + before / 20);
                assert_memory_equal(pcm + done - 16, last, sizeof(last));
                if (grow)
                    assert_memory_equal(pcm, first, sizeof(first));
                assert_true(abs(pcm[0] - first[0]) <= before);
            }
        }
}

/* Whole periods go: the pitch is what it was. */
static void test_stretch_keeps_the_pitch(void **state)
{
    int16_t pcm[CAP];
    size_t n;
    unsigned crossings = 0;

    (void)state;
    tone(pcm, 2880, 200);
    n = 2880 - tgv_stretch_compress(pcm, 2880, 960, &strict);
    assert_true(n < 2880);
    assert_in_range((2880 - n) % 240, 0, 1);
    for (size_t i = 1; i < n; i++)
        crossings += pcm[i - 1] < 0 && pcm[i] >= 0;
    assert_in_range(crossings, n / 240 - 1, n / 240 + 1);
}

static void test_stretch_never_exceeds_what_was_wanted(void **state)
{
    struct tgv_prng g;

    (void)state;
    tgv_prng_init(&g, 5);
    for (unsigned k = 0; k < 300; k++) {
        int16_t pcm[CAP + 1];
        size_t n = 480 + tgv_prng_below(&g, 2401);
        size_t wanted = tgv_prng_below(&g, 1500);
        size_t cut, more;
        struct tgv_stretch_policy p = any;

        p.over = tgv_prng_below(&g, 300);
        for (size_t i = 0; i <= CAP; i++)
            pcm[i] = (int16_t)tgv_prng_u64(&g);
        cut = tgv_stretch_compress(pcm, n, wanted, &p);
        assert_true(cut <= wanted && cut <= TGV_STRETCH_MAX_SAMPLES);
        n -= cut;
        pcm[CAP] = 1234;
        more = tgv_stretch_expand(pcm, n, wanted, &p);
        assert_true(more <= wanted + p.over && more <= TGV_STRETCH_MAX_SAMPLES);
        assert_true(n + more <= CAP);
        assert_int_equal(pcm[CAP], 1234);
    }
}

static void test_stretch_quiet_gives_all_at_once(void **state)
{
    int16_t pcm[CAP] = {0};

    (void)state;
    for (size_t i = 0; i < 2880; i++)
        pcm[i] = (int16_t)(i % 7 * 8);
    assert_int_equal(tgv_stretch_compress(pcm, 2880, 960, &strict), 960);
    assert_int_equal(tgv_stretch_expand(pcm, 1920, 555, &strict), 555);
}

static void test_stretch_leaves_noise_alone_when_strict(void **state)
{
    struct tgv_prng g;
    int16_t pcm[CAP];
    int16_t copy[CAP];

    (void)state;
    tgv_prng_init(&g, 1);
    for (size_t i = 0; i < 2880; i++)
        copy[i] = pcm[i] = (int16_t)(tgv_prng_u64(&g) & 0x3FFF);
    for (size_t i = 0; i < 2880; i++)
        copy[i] = pcm[i] = (int16_t)(pcm[i] - 0x2000);
    assert_int_equal(tgv_stretch_compress(pcm, 2880, 960, &strict), 0);
    assert_int_equal(tgv_stretch_expand(pcm, 2880, 960, &strict), 0);
    assert_memory_equal(pcm, copy, 2880 * sizeof(*pcm));
}

static void test_stretch_too_short_or_too_little(void **state)
{
    int16_t pcm[CAP] = {0};

    (void)state;
    assert_int_equal(tgv_stretch_compress(pcm, 0, 960, &any), 0);
    assert_int_equal(tgv_stretch_compress(pcm, 359, 960, &any), 0);
    assert_int_equal(tgv_stretch_compress(pcm, 2880, 119, &any), 0);
    assert_int_equal(tgv_stretch_expand(pcm, 2880, 0, &any), 0);
}

static void test_stretch_join_smooths_a_step(void **state)
{
    int16_t pcm[960];

    (void)state;
    for (size_t i = 0; i < 960; i++)
        pcm[i] = 1000;
    tgv_stretch_join(-20000, pcm, 960);
    assert_true(abs(pcm[0] + 20000) < 400);
    assert_true(steepest(pcm, 960) < 400);
    assert_int_equal(pcm[300], 1000);
    for (size_t i = 0; i < 960; i++)
        pcm[i] = INT16_MAX;
    pcm[0] = INT16_MIN;
    tgv_stretch_join(INT16_MAX, pcm, 960);
    assert_int_equal(pcm[959], INT16_MAX);
    tgv_stretch_join(5, pcm, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eng_45_stretch_any_block_without_clicks),
        cmocka_unit_test(test_stretch_keeps_the_pitch),
        cmocka_unit_test(test_stretch_never_exceeds_what_was_wanted),
        cmocka_unit_test(test_stretch_quiet_gives_all_at_once),
        cmocka_unit_test(test_stretch_leaves_noise_alone_when_strict),
        cmocka_unit_test(test_stretch_too_short_or_too_little),
        cmocka_unit_test(test_stretch_join_smooths_a_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
