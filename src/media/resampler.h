/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_RESAMPLER_H
#define TGV_MEDIA_RESAMPLER_H
/*
 * Sample rate conversion of mono s16, a thin adaptor of speexdsp.
 *
 * Invariant: no call writes past *out_len or reads past *in_len; on return
 * both say what was used. Output starts with the first sample's time: the
 * filter's own delay is skipped.
 */
#include <stddef.h>
#include <stdint.h>

/* Rates that are taken. */
#define TGV_RESAMPLER_HZ_MIN 1000
#define TGV_RESAMPLER_HZ_MAX 768000

struct tgv_resampler;

/**
 * @param quality  0 (fast) .. 10 (best); 5 is good for speech
 *
 * @return 0, or TGVOIP_ERR_INVALID (a rate or quality out of range),
 *         TGVOIP_ERR_NOMEM; *out is NULL then
 */
int tgv_resampler_create(struct tgv_resampler **out, unsigned from_hz,
                         unsigned to_hz, int quality);
void tgv_resampler_destroy(struct tgv_resampler *r);

/**
 * Convert until the input is used up or the output is full.
 *
 * @param in       samples at the first rate; NULL stands for *in_len zeros
 * @param in_len   samples there are; on return: used
 * @param out_len  room at out; on return: written
 *
 * @return 0, or TGVOIP_ERR_INVALID
 *
 * Context: any one thread. Never allocates.
 */
int tgv_resampler_run(struct tgv_resampler *r, const int16_t *in,
                      size_t *in_len, int16_t *out, size_t *out_len);

/* Samples of input that are still inside: feed so many zeros at the end to
 * get the last of the sound out. */
size_t tgv_resampler_latency(const struct tgv_resampler *r);

#endif
