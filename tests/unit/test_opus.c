/* SPDX-License-Identifier: MIT */
/* rooms: media base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/random.h"
#include "base/time.h"
#include "media/codec.h"
#include "support/speech.h"

static const struct tgv_codec *codec;
static void *enc;
static void *dec;
static struct tgv_encoder_settings settings;
static struct tgv_speech speech;

static int setup(void **state)
{
    (void)state;
    codec = tgv_codec_opus();
    enc = codec->encoder_create();
    dec = codec->decoder_create();
    memset(&settings, 0, sizeof(settings));
    settings.bitrate_bps = 20000;
    settings.complexity = 10;
    memset(&speech, 0, sizeof(speech));
    return enc && dec ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    codec->encoder_destroy(enc);
    codec->decoder_destroy(dec);
    return 0;
}

static int encode(size_t samples, uint8_t *out, int16_t *pcm)
{
    tgv_speech_make(&speech, pcm, samples);
    return codec->encode(enc, &settings, pcm, samples, out,
                         TGV_FRAME_BYTES_MAX);
}

static double energy(const int16_t *pcm, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return sum / (double)n;
}

static void test_opus_20_40_60_ms_both_ways(void **state)
{
    uint8_t data[TGV_FRAME_BYTES_MAX];
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];
    int16_t out[TGV_FRAME_SAMPLES_MAX];

    (void)state;
    for (size_t n = 960; n <= 2880; n += 960) {
        double in_sum = 0;
        double out_sum = 0;

        for (unsigned i = 0; i < 50; i++) {
            int len = encode(n, data, pcm);

            assert_true(len > 0);
            assert_int_equal(codec->duration(data, (size_t)len), n);
            assert_int_equal(
                codec->decode(dec, data, (size_t)len, false, out, n), n);
            in_sum += energy(pcm, n);
            out_sum += energy(out, n);
        }
        assert_true(out_sum > in_sum / 2 && out_sum < in_sum * 2);
    }
}

static void test_opus_output_is_bounded(void **state)
{
    uint8_t data[2000];
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];
    struct tgv_prng g;
    int len;

    (void)state;
    tgv_prng_init(&g, 3);
    settings.bitrate_bps = 510000;
    for (unsigned i = 0; i < 10; i++) {
        for (size_t k = 0; k < TGV_FRAME_SAMPLES_MAX; k++)
            pcm[k] = (int16_t)tgv_prng_u64(&g);
        len = codec->encode(enc, &settings, pcm, 2880, data, sizeof(data));
        assert_in_range(len, 1, TGV_FRAME_BYTES_MAX);
    }
    len = codec->encode(enc, &settings, pcm, 2880, data, 50);
    assert_in_range(len, 1, 50);
    assert_true(codec->encode(enc, &settings, pcm, 2881, data, 50) < 0);
}

/* One bandwidth for all rates would be too wide for 8 kbit/s. Opus widens it
 * at a quiet moment, or after 5 s. */
static void test_eng_47_bitrate_and_bandwidth_follow(void **state)
{
    uint8_t data[TGV_FRAME_BYTES_MAX];
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];
    size_t bytes[2] = {0, 0};
    unsigned widest[2] = {0, 0}; /* TOC: from 8 on wide band and more */
    struct tgv_prng g;

    (void)state;
    tgv_prng_init(&g, 1);
    for (unsigned i = 0; i < 240; i++) {
        int len;

        settings.bitrate_bps = i < 120 ? 8000 : 32000;
        tgv_speech_make(&speech, pcm, 2880);
        for (unsigned k = 0; k < 2880; k++)
            pcm[k] = (int16_t)(pcm[k] / 2 + (int)tgv_prng_below(&g, 4000));
        len = codec->encode(enc, &settings, pcm, 2880, data, sizeof(data));
        assert_true(len > 0);
        bytes[i / 120] += (size_t)len;
        if (i % 120 > 90 && data[0] >> 3u > widest[i / 120])
            widest[i / 120] = data[0] >> 3;
    }
    assert_in_range(bytes[0], 120 * 20, 120 * 90);
    assert_true(bytes[1] > bytes[0] * 2);
    assert_true(widest[0] < 8); /* less than wide band */
    assert_true(widest[1] >= 8);
}

static void test_opus_fec_is_seen_and_used(void **state)
{
    uint8_t data[2][TGV_FRAME_BYTES_MAX];
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];
    int16_t want[TGV_FRAME_SAMPLES_MAX];
    int16_t got[TGV_FRAME_SAMPLES_MAX];
    void *fresh = codec->decoder_create();
    unsigned found = 0;
    double restored = 0;
    double original = 0;

    (void)state;
    settings.bitrate_bps = 32000; /* would be hybrid: a third restored */
    settings.inband_fec = true;
    settings.loss_percent = 20;
    for (unsigned i = 0; i < 100; i++) {
        int len = encode(2880, data[i % 2], pcm);
        int fec = codec->fec_samples(data[i % 2], (size_t)len);

        assert_true(fec == 0 || fec == 2880);
        if (fec && energy(want, 2880) > 1e5) {
            /* the frame before, out of this one's redundancy */
            assert_int_equal(
                codec->decode(fresh, data[i % 2], (size_t)len, true, got, 2880),
                2880);
            restored += energy(got, 2880);
            original += energy(want, 2880);
            found++;
        }
        codec->decode(fresh, data[i % 2], (size_t)len, false, got, 2880);
        memcpy(want, got, sizeof(want));
    }
    codec->decoder_destroy(fresh);
    assert_true(found > 40);
    assert_true(restored > original / 2);
    settings.inband_fec = false;
    for (unsigned i = 0; i < 10; i++) {
        int len = encode(2880, data[0], pcm);

        if (i > 1)
            assert_int_equal(codec->fec_samples(data[0], (size_t)len), 0);
    }
}

static void test_opus_dtx_is_nothing_to_send(void **state)
{
    uint8_t data[TGV_FRAME_BYTES_MAX];
    int16_t pcm[TGV_FRAME_SAMPLES_MAX] = {0};
    unsigned sent = 0;

    (void)state;
    settings.dtx = true;
    settings.bitrate_bps = 16000;
    for (unsigned i = 0; i < 60; i++) {
        int len = codec->encode(enc, &settings, pcm, 2880, data, sizeof(data));

        assert_true(len >= 0);
        sent += len > 0;
    }
    assert_true(sent < 30);
}

static void test_opus_conceals_and_fades(void **state)
{
    uint8_t data[TGV_FRAME_BYTES_MAX];
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];
    double first = 0;
    double last = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        int len = encode(2880, data, pcm);

        codec->decode(dec, data, (size_t)len, false, pcm, 2880);
    }
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(codec->decode(dec, NULL, 0, false, pcm, 960), 960);
        last = energy(pcm, 960);
        first = i ? first : last;
    }
    assert_true(last < first / 4 || last < 100);
}

static void test_eng_46_garbage_is_refused_or_decoded(void **state)
{
    const uint64_t seed = 4646;
    uint8_t data[TGV_FRAME_BYTES_MAX];
    struct tgv_prng g;

    (void)state;
    print_message("seed %lu\n", (unsigned long)seed);
    tgv_prng_init(&g, seed);
    for (unsigned i = 0; i < 3000; i++) {
        int16_t pcm[TGV_FRAME_SAMPLES_MAX + 1];
        size_t len = tgv_prng_below(&g, i % 2 ? 12 : TGV_FRAME_BYTES_MAX);
        int n;

        for (size_t k = 0; k < len; k++)
            data[k] = (uint8_t)tgv_prng_u64(&g);
        n = codec->duration(data, len);
        assert_true(n < 0 || (n >= 120 && n <= 2880));
        assert_true(codec->fec_samples(data, len) <= 2880);
        pcm[TGV_FRAME_SAMPLES_MAX] = 77;
        if (n > 0) {
            int got = codec->decode(dec, data, len, i % 3 == 0, pcm, (size_t)n);

            assert_true(got < 0 || got == n);
        }
        assert_int_equal(pcm[TGV_FRAME_SAMPLES_MAX], 77);
    }
}

static void test_eng_46_wrong_sizes_leave_pcm_alone(void **state)
{
    uint8_t data[TGV_FRAME_BYTES_MAX];
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];
    int16_t out[4] = {1, 2, 3, 4};
    const int16_t same[4] = {1, 2, 3, 4};
    int len = encode(2880, data, pcm);

    (void)state;
    assert_true(codec->decode(dec, data, (size_t)len, false, out, 960) < 0);
    assert_true(codec->decode(dec, data, 0, false, out, 2880) < 0);
    assert_true(codec->decode(dec, NULL, 0, false, out, 0) < 0);
    assert_true(codec->decode(dec, NULL, 0, false, out, 961) < 0);
    assert_true(codec->decode(dec, NULL, 0, false, out, 5760) < 0);
    assert_true(codec->duration(NULL, 0) < 0);
    assert_true(codec->duration(data, TGV_FRAME_BYTES_MAX + 1) < 0);
    assert_int_equal(codec->fec_samples(NULL, 0), 0);
    assert_memory_equal(out, same, sizeof(out));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_opus_20_40_60_ms_both_ways),
        T(test_opus_output_is_bounded),
        T(test_eng_47_bitrate_and_bandwidth_follow),
        T(test_opus_fec_is_seen_and_used),
        T(test_opus_dtx_is_nothing_to_send),
        T(test_opus_conceals_and_fades),
        T(test_eng_46_garbage_is_refused_or_decoded),
        T(test_eng_46_wrong_sizes_leave_pcm_alone),
    };
#undef T

    return cmocka_run_group_tests(tests, NULL, NULL);
}
