/* SPDX-License-Identifier: MIT */
#include "envelope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIN_SAMPLES 480
#define WINDOW 100 /* bins of a window: 1 s */
#define FIRST_RANGE 300 /* bins searched for the delay of the whole: 3 s */
#define NEAR_RANGE 20 /* and around it in each window: 200 ms */
#define QUIET 0.003f /* RMS below which nobody speaks, -50 dB */

void block_list_add(struct block_list *list, const struct end_block *block)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 1024;
        struct end_block *items =
            realloc(list->items, capacity * sizeof(*items));

        if (!items)
            return; /* the end of the curve is missing then */
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *block;
}

void block_list_free(struct block_list *list)
{
    free(list->items);
    memset(list, 0, sizeof(*list));
}

/* RMS per 10 ms of a whole file, whatever its length. */
static int file_levels(const char *path, float **out, size_t *count,
                       struct tgvoip_failure *failure)
{
    tgvoip_audio_reader *reader;
    int16_t pcm[BIN_SAMPLES];
    size_t capacity = 0, n = 0;
    float *levels = NULL, *more;
    int got, err;

    *out = NULL;
    *count = 0;
    err = tgvoip_audio_reader_open(&reader, path, failure);
    if (err)
        return err;
    while ((got = tgvoip_audio_reader_read(reader, pcm, BIN_SAMPLES)) > 0) {
        double sum = 0;
        int i;

        for (i = 0; i < got; i++)
            sum += (double)pcm[i] * pcm[i];
        if (n == capacity) {
            capacity = capacity ? 2 * capacity : 4096;
            more = realloc(levels, capacity * sizeof(*levels));
            if (!more)
                break;
            levels = more;
        }
        levels[n++] = (float)(sqrt(sum / got) / 32768);
    }
    tgvoip_audio_reader_close(reader);
    *out = levels;
    *count = n;
    return got < 0 ? got : 0;
}

/* Two blocks never fill one bin and none the next because one of them was
 * taken a moment late: each block's bins go where the axis expects them. */
static void lay_block(struct envelope *env, const struct end_block *block,
                      const float *levels, size_t level_count)
{
    int64_t bin =
        (block->at_us - env->zero_us + ENVELOPE_BIN_US / 2) / ENVELOPE_BIN_US;
    int64_t from = block->position / BIN_SAMPLES;
    int i, per_block = TGVOIP_BLOCK_SAMPLES / BIN_SAMPLES;

    for (i = 0; i < per_block; i++) {
        if (bin + i < 0 || bin + i >= (int64_t)env->count || from + i < 0 ||
            from + i >= (int64_t)level_count)
            continue;
        env->bins[bin + i] = levels[from + i];
    }
}

int envelope_of_file(struct envelope *env, const char *path,
                     const struct block_list *blocks, int64_t zero_us,
                     size_t count, struct tgvoip_failure *failure)
{
    float *levels;
    size_t n, i;
    int err;

    memset(env, 0, sizeof(*env));
    env->zero_us = zero_us;
    err = file_levels(path, &levels, &n, failure);
    if (err)
        return err;
    env->bins = calloc(count ? count : 1, sizeof(*env->bins));
    env->count = env->bins ? count : 0;
    for (i = 0; i < blocks->count && env->bins; i++)
        if (blocks->items[i].position >= 0)
            lay_block(env, &blocks->items[i], levels, n);
    free(levels);
    return env->bins ? 0 : TGVOIP_ERR_NOMEM;
}

void envelope_free(struct envelope *env)
{
    free(env->bins);
    memset(env, 0, sizeof(*env));
}

float envelope_peak(const struct envelope *env)
{
    float peak = 0;
    size_t i;

    for (i = 0; i < env->count; i++)
        if (env->bins[i] > peak)
            peak = env->bins[i];
    return peak;
}

/* Pearson's r of a[from..from+n) and b shifted by lag; -2 without an answer. */
static double correlate(const struct envelope *a, const struct envelope *b,
                        size_t from, size_t n, int lag)
{
    double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0, va, vb;
    size_t i;

    if ((int64_t)from + lag < 0 || from + n + (size_t)lag > b->count)
        return -2;
    for (i = from; i < from + n; i++) {
        double x = (double)a->bins[i], y = (double)b->bins[i + (size_t)lag];

        sa += x;
        sb += y;
        saa += x * x;
        sbb += y * y;
        sab += x * y;
    }
    va = saa - sa * sa / (double)n;
    vb = sbb - sb * sb / (double)n;
    if (va <= 0)
        return -2;
    if (vb <= 1e-12)
        return 0; /* nothing came out */
    return (sab - sa * sb / (double)n) / sqrt(va * vb);
}

/* Best delay in [lo, hi] bins, refined between the bins by a parabola. */
static double best_lag(const struct envelope *a, const struct envelope *b,
                       size_t from, size_t n, int lo, int hi, double *r)
{
    double best = -2, l, c, bend;
    int lag, at = 0;

    if (lo < 0)
        lo = 0;
    for (lag = lo; lag <= hi; lag++) {
        double v = correlate(a, b, from, n, lag);

        if (v > best) {
            best = v;
            at = lag;
        }
    }
    *r = best;
    if (best <= 0 || at == lo || at == hi)
        return at;
    l = correlate(a, b, from, n, at - 1);
    c = correlate(a, b, from, n, at + 1);
    bend = l - 2 * best + c;
    return c < -1 || bend >= 0 ? at : at + 0.5 * (l - c) / bend;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    if (!n)
        return NAN;
    qsort(values, n, sizeof(*values), compare_doubles);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void take_medians(struct envelope_match *match)
{
    double *v = calloc(match->count + 1, sizeof(*v));
    size_t i;

    match->lag_ms = match->correlation = NAN;
    if (!v)
        return;
    for (i = 0; i < match->count; i++)
        v[i] = match->windows[i].lag_ms;
    match->lag_ms = median(v, match->count);
    for (i = 0; i < match->count; i++)
        v[i] = match->windows[i].correlation;
    match->correlation = median(v, match->count);
    free(v);
}

static bool someone_speaks(const struct envelope *env, size_t from)
{
    size_t i, loud = 0;

    for (i = from; i < from + WINDOW; i++)
        loud += env->bins[i] > QUIET;
    return loud >= WINDOW / 5;
}

void envelope_compare(struct envelope_match *match, const struct envelope *sent,
                      const struct envelope *heard)
{
    size_t from, last = sent->count > WINDOW ? sent->count - WINDOW : 0;
    size_t whole = sent->count > FIRST_RANGE ? sent->count - FIRST_RANGE : 0;
    const double ms = ENVELOPE_BIN_US / 1e3;
    double r, near;

    memset(match, 0, sizeof(*match));
    match->windows = calloc(last / WINDOW + 1, sizeof(*match->windows));
    near = whole ? best_lag(sent, heard, 0, whole, 0, FIRST_RANGE, &r) : 0;
    for (from = 0; from < last && match->windows; from += WINDOW) {
        struct envelope_window *w = &match->windows[match->count];
        double lag;

        if (!someone_speaks(sent, from))
            continue;
        lag = best_lag(sent, heard, from, WINDOW, (int)near - NEAR_RANGE,
                       (int)near + NEAR_RANGE, &r);
        if (r < -1)
            continue;
        w->t_s = (double)from * ENVELOPE_BIN_US / 1e6;
        w->lag_ms = lag * ms;
        w->correlation = r;
        if (r > 0.5)
            near = lag;
        match->count++;
    }
    take_medians(match);
}

void envelope_match_free(struct envelope_match *match)
{
    free(match->windows);
    memset(match, 0, sizeof(*match));
}
