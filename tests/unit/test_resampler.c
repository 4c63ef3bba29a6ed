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

#include <tgvoip/error.h>

#include "media/resampler.h"

#define PI 3.14159265358979323846

static void tone(int16_t *pcm, size_t n, double hz, unsigned rate)
{
    for (size_t i = 0; i < n; i++)
        pcm[i] = (int16_t)lrint(10000 * sin(2 * PI * hz * (double)i / rate));
}

/* A tone through every pair of rates comes out as itself, in uneven pieces. */
static void test_resampler_keeps_a_tone(void **state)
{
    static const unsigned rates[] = {8000, 16000, 22050, 24000, 44100, 48000};

    (void)state;
    for (unsigned a = 0; a < 6; a++)
        for (unsigned b = 0; b < 6; b++) {
            const size_t in_total = rates[a];
            const size_t cap = rates[b] + 100;
            int16_t *in = calloc(in_total, sizeof(*in));
            int16_t *out = calloc(cap, sizeof(*out));
            struct tgv_resampler *r;
            size_t used = 0;
            size_t made = 0;
            double error = 0;

            tone(in, in_total, 440, rates[a]);
            assert_int_equal(tgv_resampler_create(&r, rates[a], rates[b], 5),
                             0);
            while (used < in_total) {
                size_t n = in_total - used < 333 ? in_total - used : 333;
                size_t m = cap - made;

                assert_int_equal(
                    tgv_resampler_run(r, in + used, &n, out + made, &m), 0);
                used += n;
                made += m;
            }
            assert_int_equal(used, in_total);
            assert_in_range(made, rates[b] - rates[b] / 50, cap);
            for (size_t i = 200; i < made - 200; i++) {
                double want = 10000 * sin(2 * PI * 440 * (double)i / rates[b]);
                double e = fabs(out[i] - want);

                error = e > error ? e : error;
            }
            assert_true(error < 200);
            tgv_resampler_destroy(r);
            free(in);
            free(out);
        }
}

static void test_resampler_stops_at_full_output(void **state)
{
    struct tgv_resampler *r;
    int16_t in[480];
    int16_t out[100];
    size_t n = 480;
    size_t m = 100;

    (void)state;
    tone(in, 480, 440, 48000);
    assert_int_equal(tgv_resampler_create(&r, 48000, 48000, 3), 0);
    assert_int_equal(tgv_resampler_run(r, in, &n, out, &m), 0);
    assert_int_equal(m, 100);
    assert_true(n < 480);
    tgv_resampler_destroy(r);
}

static void test_resampler_zeros_bring_the_rest_out(void **state)
{
    struct tgv_resampler *r;
    int16_t in[800];
    int16_t out[2600];
    size_t n = 800;
    size_t m = 2600;
    size_t made;

    (void)state;
    tone(in, 800, 440, 16000);
    assert_int_equal(tgv_resampler_create(&r, 16000, 48000, 5), 0);
    assert_int_equal(tgv_resampler_run(r, in, &n, out, &m), 0);
    made = m;
    n = tgv_resampler_latency(r);
    m = 2600 - made;
    assert_int_equal(tgv_resampler_run(r, NULL, &n, out + made, &m), 0);
    assert_in_range(made + m, 2390, 2420);
    tgv_resampler_destroy(r);
}

static void test_resampler_refuses_what_it_cannot(void **state)
{
    struct tgv_resampler *r = (void *)1;

    (void)state;
    assert_int_equal(tgv_resampler_create(&r, 0, 48000, 5), TGVOIP_ERR_INVALID);
    assert_null(r);
    assert_int_equal(tgv_resampler_create(&r, 48000, 999, 5),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_resampler_create(&r, 48000, 16000, 11),
                     TGVOIP_ERR_INVALID);
    assert_int_equal(tgv_resampler_create(&r, 48000, 16000, -1),
                     TGVOIP_ERR_INVALID);
    tgv_resampler_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resampler_keeps_a_tone),
        cmocka_unit_test(test_resampler_stops_at_full_output),
        cmocka_unit_test(test_resampler_zeros_bring_the_rest_out),
        cmocka_unit_test(test_resampler_refuses_what_it_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
