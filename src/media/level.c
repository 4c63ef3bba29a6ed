/* SPDX-License-Identifier: MIT */
#include "media/level.h"

#include <string.h>

#define METER_STEP 3

void tgv_level_init(struct tgv_level *l)
{
    memset(l, 0, sizeof(*l));
}

unsigned tgv_level_peak(const int16_t *pcm, size_t samples)
{
    /* two plain extremes: compilers turn this into vector code */
    int16_t lo = 0;
    int16_t hi = 0;

    for (size_t i = 0; i < samples; i++) {
        lo = pcm[i] < lo ? pcm[i] : lo;
        hi = pcm[i] > hi ? pcm[i] : hi;
    }
    return (unsigned)(-lo > hi ? -lo : hi);
}

/* A meter does not need every sample: 16 kHz will do, at a third of the
 * cost, which counts in every block of every call. */
static unsigned meter_peak(const int16_t *pcm, size_t samples)
{
    int lo = 0;
    int hi = 0;

    for (size_t i = 0; i < samples; i += METER_STEP) {
        lo = pcm[i] < lo ? pcm[i] : lo;
        hi = pcm[i] > hi ? pcm[i] : hi;
    }
    return (unsigned)(-lo > hi ? -lo : hi);
}

void tgv_level_put(struct tgv_level *l, const int16_t *pcm, size_t samples)
{
    l->peak[l->next] = (uint16_t)(pcm ? meter_peak(pcm, samples) : 0);
    l->next = (l->next + 1) % TGV_LEVEL_BLOCKS;
}

double tgv_level_get(const struct tgv_level *l)
{
    unsigned peak = 0;

    for (unsigned i = 0; i < TGV_LEVEL_BLOCKS; i++)
        peak = l->peak[i] > peak ? l->peak[i] : peak;
    return peak / 32768.0;
}
