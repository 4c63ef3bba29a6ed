/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_STRETCH_H
#define TGV_MEDIA_STRETCH_H
/*
 * Makes a block of speech a little shorter or longer without changing its
 * pitch: one or more whole periods are cut out or repeated where the signal is
 * most like itself, with a cross-fade of 5 ms. First and last samples of the
 * block stay, so it joins its neighbours as before. Any block of 10 ms or more
 * will do (ENG-45).
 * Source: our choice (waveform similarity overlap-add)
 */
#include <stddef.h>
#include <stdint.h>

#define TGV_STRETCH_MIN_SAMPLES 120 /* least change, 2.5 ms */
#define TGV_STRETCH_MAX_SAMPLES 960 /* most, 20 ms */
#define TGV_STRETCH_BLOCK_MAX 2880 /* longest block */

/* Which places are good enough. */
struct tgv_stretch_policy {
    float likeness; /* least correlation over the cross-fade, -1..1 */
    unsigned quiet; /* blocks with no peak above this may be cut anywhere */
    size_t over; /* samples that may be put in beyond those wanted */
};

/**
 * Cut at most `wanted` samples out.
 *
 * @return samples removed: 0 (no good place), or
 *         TGV_STRETCH_MIN_SAMPLES..wanted; the rest has moved up
 */
size_t tgv_stretch_compress(int16_t *pcm, size_t samples, size_t wanted,
                            const struct tgv_stretch_policy *policy);

/**
 * Put at most wanted + over samples in; pcm has room for so many more, or for
 * TGV_STRETCH_MAX_SAMPLES more if that is less.
 *
 * @return samples added: 0, or TGV_STRETCH_MIN_SAMPLES..wanted + over
 */
size_t tgv_stretch_expand(int16_t *pcm, size_t samples, size_t wanted,
                          const struct tgv_stretch_policy *policy);

/* Smooth a step: pcm follows a sample of value `last`, with which it has
 * nothing to do. Bends the first samples so that they start there. */
void tgv_stretch_join(int16_t last, int16_t *pcm, size_t samples);

#endif
