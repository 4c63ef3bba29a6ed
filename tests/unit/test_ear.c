/* SPDX-License-Identifier: MIT */
/* rooms: api media base */
/* What the sent frames sound like, block by block. */
#include "api/ear.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK 960
#define FRAME (3 * BLOCK)

struct bench {
    const struct tgv_codec *codec;
    void *encoder;
    struct tgv_ear *ear;
    size_t sample;
};

static void set_up(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->codec = tgv_codec_opus();
    b->encoder = b->codec->encoder_create();
    assert_non_null(b->encoder);
    assert_int_equal(tgv_ear_create(&b->ear, b->codec), 0);
}

static void tear_down(struct bench *b)
{
    tgv_ear_destroy(b->ear);
    b->codec->encoder_destroy(b->encoder);
}

/* One more frame of a tone is sent. */
static void send(struct bench *b, size_t samples)
{
    const struct tgv_encoder_settings settings = {.bitrate_bps = 24000,
                                                  .complexity = 1};
    int16_t pcm[FRAME];
    uint8_t data[TGV_FRAME_BYTES_MAX];

    for (size_t i = 0; i < samples; i++)
        pcm[i] = (int16_t)(12000 * sin((double)b->sample++ * 0.05));
    int n = b->codec->encode(b->encoder, &settings, pcm, samples, data,
                             sizeof(data));
    assert_true(n > 0);
    tgv_ear_hear(b->ear, data, (size_t)n);
}

static int peak(struct bench *b)
{
    int16_t pcm[BLOCK];
    int most = 0;

    assert_true(tgv_ear_take(b->ear, pcm));
    for (size_t i = 0; i < BLOCK; i++)
        if (abs(pcm[i]) > most)
            most = abs(pcm[i]);
    return most;
}

static void test_ear_gives_nothing_before_the_first_frame(void **state)
{
    struct bench b;
    int16_t pcm[BLOCK];
    (void)state;

    set_up(&b);
    assert_false(tgv_ear_take(b.ear, pcm));
    tgv_ear_hear(b.ear, (const uint8_t *)"", 0);
    assert_false(tgv_ear_take(b.ear, pcm));
    tear_down(&b);
}

static void test_ear_gives_each_frame_once_in_blocks(void **state)
{
    struct bench b;
    (void)state;

    set_up(&b);
    for (int i = 0; i < 5; i++) {
        send(&b, FRAME);
        assert_int_equal(tgv_ear_left(b.ear), FRAME);
        for (int k = 0; k < 3; k++)
            assert_true(peak(&b) > (i ? 9000 : 0));
        assert_int_equal(tgv_ear_left(b.ear), 0);
    }
    send(&b, BLOCK);
    assert_int_equal(tgv_ear_left(b.ear), BLOCK);
    assert_true(peak(&b) > 9000);
    tear_down(&b);
}

static void test_ear_fills_a_hole_with_fading_sound_then_silence(void **state)
{
    struct bench b;
    (void)state;

    set_up(&b);
    for (int i = 0; i < 3; i++) {
        send(&b, FRAME);
        for (int k = 0; k < 3; k++)
            peak(&b);
    }
    assert_true(peak(&b) > 1000);
    for (int k = 0; k < 5; k++)
        peak(&b);
    for (int k = 0; k < 50; k++)
        assert_int_equal(peak(&b), 0);
    send(&b, FRAME);
    for (int k = 0; k < 3; k++)
        peak(&b);
    send(&b, FRAME);
    assert_true(peak(&b) > 9000);
    tgv_ear_reset(b.ear);
    assert_false(tgv_ear_take(b.ear, (int16_t[BLOCK]){0}));
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ear_gives_nothing_before_the_first_frame),
        cmocka_unit_test(test_ear_gives_each_frame_once_in_blocks),
        cmocka_unit_test(test_ear_fills_a_hole_with_fading_sound_then_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
