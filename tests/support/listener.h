/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_LISTENER_H
#define TGV_TEST_LISTENER_H
/*
 * Somebody who listens to a playout: frames of the marker codec go in at times
 * of the test's choice, and each block that comes out is known by its number.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "support/marker_codec.h"
#include "voice/playout.h"

#define FRAME 2880
#define PATH TGV_MS(50)
/* What a listener has heard. */
#define HEARD_MAX 4096

static struct tgv_playout *p;
static struct tgv_codec codec; /* the marker codec, or a variant */
static void *encoder;
static struct tgv_encoder_settings settings;
static struct tgv_playout_stats stats;

static tgv_time now; /* of the next get */
static uint32_t heard[HEARD_MAX];
static enum tgv_played_kind kinds[HEARD_MAX];
static int64_t at_ts[HEARD_MAX];
static unsigned gets;
static int16_t newest_pcm[TGV_BLOCK_SAMPLES];
static int steepest; /* step between samples so far */

static inline void create(tgv_time min, tgv_time max, tgv_time initial)
{
    struct tgv_playout_config config = {.codec = &codec,
                                        .min_delay = min,
                                        .max_delay = max,
                                        .initial_delay = initial,
                                        .losses_to_reset = 20};

    tgv_playout_destroy(p);
    assert_int_equal(tgv_playout_create(&p, &config), 0);
}

static inline int setup(void **state)
{
    (void)state;
    codec = *tgv_codec_marker();
    encoder = codec.encoder_create();
    memset(&settings, 0, sizeof(settings));
    p = NULL;
    now = 0;
    gets = 0;
    steepest = 0;
    memset(newest_pcm, 0, sizeof(newest_pcm));
    create(TGV_MS(10), TGV_MS(500), TGV_MS(10));
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    tgv_codec_marker()->encoder_destroy(encoder);
    tgv_playout_destroy(p);
    return 0;
}

/* A frame of `blocks` blocks, the first one being number `block`. */
struct made {
    struct tgv_voice_frame frame;
    uint8_t data[TGV_REDUNDANCY_MAX + 1][128];
};

static inline void make_block(struct tgv_voice_block *b, uint8_t *data,
                              int64_t ts, uint32_t block, unsigned blocks)
{
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];

    for (unsigned i = 0; i < blocks; i++)
        tgv_marker_write(pcm + i * TGV_BLOCK_SAMPLES, block + i);
    b->ts = ts;
    b->duration = blocks * TGV_BLOCK_SAMPLES;
    b->data = data;
    b->len = (size_t)tgv_codec_marker()->encode(encoder, &settings, pcm,
                                                b->duration, data, 128);
}

static inline struct made make(int64_t ts, uint32_t block, unsigned blocks)
{
    struct made m;

    memset(&m, 0, sizeof(m));
    make_block(&m.frame.primary, m.data[0], ts, block, blocks);
    return m;
}

static inline void put(struct made *m, tgv_time at)
{
    m->frame.primary.data = m->data[0];
    for (unsigned i = 0; i < m->frame.redundancy_count; i++)
        m->frame.redundancy[i].data = m->data[i + 1];
    tgv_playout_put(p, &m->frame, at);
}

/* The n-th frame of 60 ms of a stream. */
static inline struct made nth(unsigned n)
{
    return make((int64_t)n * FRAME, n * 3, 3);
}

static inline void get(unsigned n)
{
    while (n--) {
        int16_t pcm[TGV_BLOCK_SAMPLES];
        struct tgv_played pl;
        int16_t before = newest_pcm[TGV_BLOCK_SAMPLES - 1];

        tgv_playout_get(p, pcm, now, &pl);
        assert_true(gets < HEARD_MAX);
        heard[gets] = tgv_marker_read(pcm, TGV_BLOCK_SAMPLES);
        at_ts[gets] = pl.ts;
        kinds[gets++] = pl.kind;
        for (unsigned i = 0; i < TGV_BLOCK_SAMPLES; i++) {
            int step = abs(pcm[i] - before);

            steepest = step > steepest ? step : steepest;
            before = pcm[i];
        }
        memcpy(newest_pcm, pcm, sizeof(pcm));
        now += TGV_BLOCK_US;
    }
    tgv_playout_stats(p, &stats);
}

static inline bool none(unsigned n)
{
    (void)n;
    return false;
}

static inline bool drop_20(unsigned n)
{
    return n == 20;
}

/*
 * Frames first..last-1, each put at its time plus PATH, with the gets between
 * that are due; those that drop() names do not come.
 */
static inline void run_from(unsigned first, unsigned last, int64_t ts_shift,
                            bool (*drop)(unsigned n))
{
    for (unsigned n = first; n < last; n++) {
        struct made m = nth(n);
        tgv_time at = TGV_MS(60 * n) + PATH;

        m.frame.primary.ts += ts_shift;
        while (now < at)
            get(1);
        if (!drop(n))
            put(&m, at);
    }
}

static inline void run(unsigned first, unsigned last)
{
    run_from(first, last, 0, none);
}

static inline unsigned count(enum tgv_played_kind kind, unsigned from)
{
    unsigned n = 0;

    for (unsigned i = from; i < gets; i++)
        n += kinds[i] == kind;
    return n;
}

/* Every block from..to-1 was heard once, in order; others do not matter. */
static inline void assert_all_heard(uint32_t from, uint32_t to)
{
    uint32_t want = from;

    for (unsigned i = 0; i < gets; i++) {
        if (heard[i] == TGV_MARKER_NONE || heard[i] < from || heard[i] >= to)
            continue;
        assert_int_equal(heard[i], want);
        want++;
    }
    assert_int_equal(want, to);
}

static inline void assert_not_heard(uint32_t from, uint32_t to)
{
    for (unsigned i = 0; i < gets; i++)
        assert_false(heard[i] >= from && heard[i] < to);
}

#endif
