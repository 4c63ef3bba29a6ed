/* SPDX-License-Identifier: MIT */
#include "media/vad.h"

#include <float.h>

#define SPAN 75 /* blocks: 1.5 s */
#define HANG 10 /* blocks: 200 ms */
/* Power (mean square) of so many dB below full scale. */
#define MINUS_65_DB 340.0
#define MINUS_39_DB 135000.0
#define ABOVE 4.0 /* 6 dB */

void tgv_vad_init(struct tgv_vad *v)
{
    *v = (struct tgv_vad){.least = DBL_MAX, .least_before = DBL_MAX};
}

/* Without what does not change. */
static double power(const int16_t *pcm, size_t samples)
{
    int64_t squares = 0, sum = 0;
    double n = (double)samples;

    if (!pcm || !samples)
        return 0.0;
    for (size_t i = 0; i < samples; i++) {
        squares += (int32_t)pcm[i] * pcm[i];
        sum += pcm[i];
    }
    return (double)squares / n - (double)sum * (double)sum / (n * n);
}

static void note(struct tgv_vad *v, double p)
{
    if (p < v->least)
        v->least = p;
    if (++v->blocks < SPAN)
        return;
    v->least_before = v->least;
    v->least = DBL_MAX;
    v->blocks = 0;
    v->known = true;
}

/* Louder is voice. As long as little was heard, all but silence is. */
static double threshold(const struct tgv_vad *v)
{
    double least = v->least < v->least_before ? v->least : v->least_before;
    double p = least * ABOVE;

    if (!v->known || p < MINUS_65_DB)
        return MINUS_65_DB;
    return p < MINUS_39_DB ? p : MINUS_39_DB;
}

bool tgv_vad_put(struct tgv_vad *v, const int16_t *pcm, size_t samples)
{
    double p = power(pcm, samples);

    note(v, p);
    if (p > threshold(v))
        v->hang = HANG + 1;
    if (v->hang == 0)
        return false;
    v->hang--;
    return true;
}
