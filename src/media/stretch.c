/* SPDX-License-Identifier: MIT */
#include "media/stretch.h"

#include "media/level.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FADE 240 /* cross-fade, 5 ms */
#define DECIMATION 6 /* the coarse search runs at 8 kHz */
#define COARSE_MAX (TGV_STRETCH_BLOCK_MAX / DECIMATION)
#define COARSE_FADE (FADE / DECIMATION)
#define COARSE_STEP COARSE_FADE /* between places tried */
#define EDGE 16 /* samples at the end that are never touched */
#define JOIN 192 /* 4 ms */
/* A longer cut does more at once: worth so much likeness over its range. */
#define LONGER_BONUS 0.1f

struct place {
    size_t at;
    size_t lag;
    float likeness;
};

struct coarse {
    float x[COARSE_MAX];
    float energy[COARSE_MAX + 1]; /* sum of squares before each sample */
    size_t len;
};

static void decimate(struct coarse *c, const int16_t *pcm, size_t samples)
{
    c->len = samples / DECIMATION;
    c->energy[0] = 0;
    for (size_t i = 0; i < c->len; i++) {
        int sum = 0;

        for (size_t k = 0; k < DECIMATION; k++)
            sum += pcm[i * DECIMATION + k];
        c->x[i] = (float)sum / DECIMATION;
        c->energy[i + 1] = c->energy[i] + c->x[i] * c->x[i];
    }
}

static float dot(const float *a, const float *b, size_t n)
{
    float s[4] = {0};

    for (size_t i = 0; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++)
            s[k] += a[i + k] * b[i + k];
    return s[0] + s[1] + s[2] + s[3];
}

/* Correlation of the fades at `at` and `at + lag`. */
static float coarse_likeness(const struct coarse *c, size_t at, size_t lag)
{
    float ea = c->energy[at + COARSE_FADE] - c->energy[at];
    float eb = c->energy[at + lag + COARSE_FADE] - c->energy[at + lag];

    return dot(c->x + at, c->x + at + lag, COARSE_FADE) /
           sqrtf((ea + 1) * (eb + 1));
}

static bool search_coarse(const struct coarse *c, size_t min, size_t max,
                          struct place *best)
{
    float best_score = -2;

    for (size_t at = 0; at + min + COARSE_FADE <= c->len; at += COARSE_STEP) {
        size_t last = c->len - COARSE_FADE - at;

        last = last < max ? last : max;
        for (size_t lag = min; lag <= last; lag++) {
            float l = coarse_likeness(c, at, lag);
            float score = l + LONGER_BONUS * (float)lag / (float)max;

            if (score <= best_score)
                continue;
            best_score = score;
            best->at = at * DECIMATION;
            best->lag = lag * DECIMATION;
            best->likeness = l;
        }
    }
    return best_score > -2;
}

static float fine_likeness(const int16_t *a, const int16_t *b)
{
    float ab = 0;
    float aa = 1;
    float bb = 1;

    for (size_t i = 0; i < FADE; i++) {
        float x = a[i];
        float y = b[i];

        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / sqrtf(aa * bb);
}

/* The lag to one sample, round the coarse one. */
static void search_fine(const int16_t *pcm, size_t samples, size_t max,
                        struct place *p)
{
    size_t first = p->lag > TGV_STRETCH_MIN_SAMPLES + DECIMATION
                       ? p->lag - DECIMATION
                       : TGV_STRETCH_MIN_SAMPLES;
    size_t last = p->lag + DECIMATION;

    last = last < max ? last : max;
    if (last > samples - FADE - p->at)
        last = samples - FADE - p->at;
    p->likeness = -2;
    for (size_t lag = first; lag <= last; lag++) {
        float l = fine_likeness(pcm + p->at, pcm + p->at + lag);

        if (l > p->likeness) {
            p->likeness = l;
            p->lag = lag;
        }
    }
}

static size_t clamp(size_t v, size_t lo, size_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Where and how much to cut or repeat. */
static bool find(const int16_t *pcm, size_t samples, size_t wanted, size_t over,
                 const struct tgv_stretch_policy *policy, struct place *p)
{
    struct coarse c;
    size_t max = wanted + over;

    if (samples > TGV_STRETCH_BLOCK_MAX || max < TGV_STRETCH_MIN_SAMPLES ||
        samples < TGV_STRETCH_MIN_SAMPLES + FADE + EDGE)
        return false;
    samples -= EDGE;
    if (max > TGV_STRETCH_MAX_SAMPLES)
        max = TGV_STRETCH_MAX_SAMPLES;
    if (max > samples - FADE)
        max = samples - FADE;
    if (tgv_level_peak(pcm, samples) <= policy->quiet) {
        p->lag = clamp(wanted, TGV_STRETCH_MIN_SAMPLES, max);
        p->at = (samples - FADE - p->lag) / 2;
        return true;
    }
    decimate(&c, pcm, samples);
    if (!search_coarse(&c, TGV_STRETCH_MIN_SAMPLES / DECIMATION,
                       max / DECIMATION, p))
        return false;
    search_fine(pcm, samples, max, p);
    return p->likeness >= policy->likeness;
}

static int16_t mix(int16_t from, int16_t to, size_t i)
{
    int w = (int)i;

    return (int16_t)((from * (FADE - w) + to * w) / FADE);
}

size_t tgv_stretch_compress(int16_t *pcm, size_t samples, size_t wanted,
                            const struct tgv_stretch_policy *policy)
{
    struct place p;
    size_t tail;

    if (!find(pcm, samples, wanted, 0, policy, &p))
        return 0;
    for (size_t i = 0; i < FADE; i++)
        pcm[p.at + i] = mix(pcm[p.at + i], pcm[p.at + p.lag + i], i);
    tail = p.at + p.lag + FADE;
    memmove(pcm + p.at + FADE, pcm + tail, (samples - tail) * sizeof(*pcm));
    return p.lag;
}

size_t tgv_stretch_expand(int16_t *pcm, size_t samples, size_t wanted,
                          const struct tgv_stretch_policy *policy)
{
    struct place p;
    int16_t joint[FADE];
    size_t rest;

    if (!find(pcm, samples, wanted, policy->over, policy, &p))
        return 0;
    for (size_t i = 0; i < FADE; i++)
        joint[i] = mix(pcm[p.at + p.lag + i], pcm[p.at + i], i);
    rest = p.at + FADE;
    memmove(pcm + rest + p.lag, pcm + rest, (samples - rest) * sizeof(*pcm));
    memcpy(pcm + p.at + p.lag, joint, sizeof(joint));
    return p.lag;
}

void tgv_stretch_join(int16_t last, int16_t *pcm, size_t samples)
{
    size_t n = samples < JOIN ? samples : JOIN;
    int step;

    if (!samples)
        return;
    step = last - pcm[0];
    for (size_t i = 0; i < n; i++) {
        /* falls off quadratically: no new corner at its end */
        int w = (int)(n - i);
        int v = pcm[i] + (int)((int64_t)step * w * w / (int)(n * n));

        pcm[i] = (int16_t)(v > INT16_MAX   ? INT16_MAX
                           : v < INT16_MIN ? INT16_MIN
                                           : v);
    }
}
