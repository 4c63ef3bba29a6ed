/* SPDX-License-Identifier: MIT */
/* rooms: voice file media net base */
/*
 * Pauses that are not sent: what they save, and what of the speech is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "base/time.h"
#include "file/source.h"
#include "media/opus_codec.h"
#include "media/vad.h"
#include "support/speech.h"
#include "voice/capture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASSETS TEST_DATA "/../../assets/"
#define SECONDS_MAX 40
#define SAMPLES_MAX (SECONDS_MAX * TGV_RATE_HZ)
#define FRAME 2880
#define OVERHEAD 84 /* of a datagram on a relay */

static int16_t clean[SAMPLES_MAX], heard[SAMPLES_MAX];

/* White noise of so many dB below full scale over what is there. */
static void add_noise(const int16_t *in, int16_t *out, size_t n, double db)
{
    double peak = 32768 * sqrt(3) * pow(10, db / 20);
    struct tgv_prng g;

    tgv_prng_init(&g, 5);
    for (size_t i = 0; i < n; i++)
        out[i] = (int16_t)(in[i] * 0.9 + (2 * tgv_prng_unit(&g) - 1) * peak);
}

static size_t read_clip(const char *path, int16_t *pcm, size_t room)
{
    struct tgv_source *s;
    int n;

    assert_int_equal(tgv_source_open(&s, path, NULL), 0);
    n = tgv_source_read(s, pcm, room);
    tgv_source_close(s);
    assert_true(n > 0);
    return (size_t)n;
}

static void test_vad_silence_is_no_voice(void **state)
{
    int16_t zeros[TGV_BLOCK_SAMPLES] = {0};
    int16_t offset[TGV_BLOCK_SAMPLES];
    struct tgv_vad v;

    (void)state;
    for (size_t i = 0; i < TGV_BLOCK_SAMPLES; i++)
        offset[i] = 3000; /* of a bad sound card */
    tgv_vad_init(&v);
    assert_false(tgv_vad_put(&v, NULL, TGV_BLOCK_SAMPLES));
    assert_false(tgv_vad_put(&v, zeros, TGV_BLOCK_SAMPLES));
    assert_false(tgv_vad_put(&v, offset, TGV_BLOCK_SAMPLES));
}

static unsigned voiced(struct tgv_vad *v, const int16_t *pcm, size_t n)
{
    unsigned count = 0;

    for (size_t i = 0; i + TGV_BLOCK_SAMPLES <= n; i += TGV_BLOCK_SAMPLES)
        count += tgv_vad_put(v, pcm + i, TGV_BLOCK_SAMPLES);
    return count;
}

static void test_vad_steady_noise_is_no_voice(void **state)
{
    static const double levels[] = {-60, -50, -42};

    (void)state;
    memset(clean, 0, sizeof(clean));
    for (size_t i = 0; i < 3; i++) {
        struct tgv_vad v;

        tgv_vad_init(&v);
        add_noise(clean, heard, SAMPLES_MAX, levels[i]);
        voiced(&v, heard, 2 * TGV_RATE_HZ); /* gets to know it */
        assert_int_equal(voiced(&v, heard + 2 * TGV_RATE_HZ, 20 * TGV_RATE_HZ),
                         0);
    }
}

/* A tone of a phone, or music: steady, but meant to be heard. */
static void test_vad_loud_steady_sound_is_voice(void **state)
{
    const size_t n = 20 * TGV_RATE_HZ;
    struct tgv_vad v;

    (void)state;
    for (size_t i = 0; i < n; i++)
        heard[i] = (int16_t)(3000 * sin((double)i * 2 * 3.14159265 / 109));
    tgv_vad_init(&v);
    assert_int_equal(voiced(&v, heard, n), n / TGV_BLOCK_SAMPLES);
}

/* -- what is sent ------------------------------------------------------------ */

struct sent {
    unsigned frames;
    size_t bytes;
    double lost; /* share of the energy */
    int64_t longest; /* without a frame [samples] */
};

static double energy(const int16_t *pcm, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)pcm[i] * pcm[i];
    return sum;
}

/* `clean` tells where the speech is, `heard` is what the microphone gives. */
static struct sent capture(size_t n, bool dtx)
{
    struct tgv_capture_config config = {.codec = tgv_codec_opus(),
                                        .encoder = {.bitrate_bps = 8000,
                                                    .complexity = 5,
                                                    .loss_percent = 1,
                                                    .inband_fec = true,
                                                    .dtx = dtx},
                                        .frame_ms = 60};
    static bool there[SAMPLES_MAX / FRAME];
    struct sent r = {.frames = 0};
    struct tgv_voice_frame f;
    struct tgv_capture *c;
    int64_t last = 0;

    memset(there, 0, sizeof(there));
    assert_int_equal(tgv_capture_create(&c, &config), 0);
    for (size_t i = 0; i + TGV_BLOCK_SAMPLES <= n; i += TGV_BLOCK_SAMPLES) {
        tgv_capture_put(c, heard + i, 0);
        while (tgv_capture_next(c, &f)) {
            there[f.primary.ts / FRAME] = true;
            r.bytes += OVERHEAD + f.primary.len;
            for (unsigned k = 0; k < f.redundancy_count; k++) {
                there[f.redundancy[k].ts / FRAME] = true;
                r.bytes += f.redundancy[k].len;
            }
            if (f.primary.ts - last > r.longest)
                r.longest = f.primary.ts - last;
            last = f.primary.ts;
            r.frames++;
        }
    }
    tgv_capture_destroy(c);
    for (size_t k = 0; k < n / FRAME; k++)
        if (!there[k])
            r.lost += energy(clean + k * FRAME, FRAME);
    r.lost /= energy(clean, n);
    return r;
}

/* One end of a conversation: it speaks, then the other does. */
static void test_eng_52_pauses_are_not_sent_and_speech_is(void **state)
{
    static const char *const clips[] = {ASSETS "speech.flac",
                                        ASSETS "speech-b.flac"};
    static const double levels[] = {-90, -60, -50};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        size_t n;
        struct sent all, some;

        memset(clean, 0, sizeof(clean));
        n = read_clip(clips[i / 3], clean, SAMPLES_MAX / 2);
        add_noise(clean, heard, SAMPLES_MAX, levels[i % 3]);
        all = capture(2 * n, false);
        some = capture(2 * n, true);
        printf("noise of %.0f dB: %zu of %zu bytes, %u of %u frames, %.4f %% "
               "of the speech lost\n",
               levels[i % 3], some.bytes, all.bytes, some.frames, all.frames,
               100 * some.lost);
        assert_true(some.lost < 0.01);
        assert_true(some.frames < all.frames * 2 / 3);
        assert_true(some.bytes < all.bytes * 7 / 10);
        assert_true(some.longest <= 360 * TGV_SAMPLES_PER_MS);
    }
}

/* The same of made-up speech, whose syllables begin softly. */
static void test_eng_52_soft_beginnings_are_kept(void **state)
{
    const size_t n = 20 * TGV_RATE_HZ;
    struct tgv_speech speech = {0};
    struct sent some;

    (void)state;
    tgv_speech_make(&speech, clean, n);
    for (size_t i = 0; i < n; i++) /* a second of each two */
        if (i / TGV_RATE_HZ % 2)
            clean[i] = 0;
    add_noise(clean, heard, n, -50);
    some = capture(n, true);
    assert_true(some.lost < 0.01);
    assert_true(some.frames < n / FRAME * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vad_silence_is_no_voice),
        cmocka_unit_test(test_vad_steady_noise_is_no_voice),
        cmocka_unit_test(test_vad_loud_steady_sound_is_voice),
        cmocka_unit_test(test_eng_52_pauses_are_not_sent_and_speech_is),
        cmocka_unit_test(test_eng_52_soft_beginnings_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
