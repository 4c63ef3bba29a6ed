/* SPDX-License-Identifier: MIT */
#include "base/hist.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void tgv_hist_init(struct tgv_hist *h, size_t cap)
{
    assert(cap >= 1 && cap <= TGV_HIST_MAX);
    *h = (struct tgv_hist){.cap = cap};
}

void tgv_hist_add(struct tgv_hist *h, double v)
{
    h->v[h->next] = v;
    h->next = (h->next + 1) % h->cap;
    if (h->len < h->cap)
        h->len++;
}

double tgv_hist_at(const struct tgv_hist *h, size_t i)
{
    if (i >= h->len)
        return 0.0;
    return h->v[(h->next + h->cap - 1 - i) % h->cap];
}

double tgv_hist_mean(const struct tgv_hist *h, size_t k)
{
    double sum = 0.0;

    if (k > h->len)
        k = h->len;
    for (size_t i = 0; i < k; i++)
        sum += tgv_hist_at(h, i);
    return k ? sum / (double)k : 0.0;
}

double tgv_hist_min(const struct tgv_hist *h)
{
    double m = tgv_hist_at(h, 0);

    for (size_t i = 1; i < h->len; i++)
        m = fmin(m, tgv_hist_at(h, i));
    return m;
}

double tgv_hist_max(const struct tgv_hist *h)
{
    double m = tgv_hist_at(h, 0);

    for (size_t i = 1; i < h->len; i++)
        m = fmax(m, tgv_hist_at(h, i));
    return m;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double tgv_hist_quantile(const struct tgv_hist *h, double q)
{
    double sorted[TGV_HIST_MAX];

    if (h->len == 0)
        return 0.0;
    /* filled slots are always v[0..len-1] */
    memcpy(sorted, h->v, h->len * sizeof(*sorted));
    qsort(sorted, h->len, sizeof(*sorted), compare);
    size_t i = (size_t)ceil(q * (double)h->len);
    if (i > 0)
        i--;
    return sorted[i < h->len ? i : h->len - 1];
}

double tgv_hist_stddev(const struct tgv_hist *h)
{
    double mean = tgv_hist_mean(h, h->len), sum = 0.0;

    if (h->len < 2)
        return 0.0;
    for (size_t i = 0; i < h->len; i++) {
        double d = h->v[i] - mean;
        sum += d * d;
    }
    return sqrt(sum / (double)h->len);
}
