/* SPDX-License-Identifier: MIT */
#include "net/low.h"

static void empty(struct tgv_low *l)
{
    for (int i = 0; i < TGV_LOW_BUCKETS; i++)
        l->bucket[i] = TGV_NEVER;
}

void tgv_low_clear(struct tgv_low *l, tgv_time span)
{
    empty(l);
    l->span = span;
    l->newest = 0;
    l->span_now = l->span_before = TGV_NEVER;
    l->span_since = TGV_NEVER;
}

static void note_span(struct tgv_low *l, tgv_time value, tgv_time now)
{
    if (l->span_since == TGV_NEVER) {
        l->span_since = now;
    } else if (now - l->span_since >= l->span) {
        l->span_before =
            now - l->span_since < 2 * l->span ? l->span_now : TGV_NEVER;
        l->span_now = TGV_NEVER;
        l->span_since = now;
    }
    l->span_now = tgv_time_min(l->span_now, value);
}

void tgv_low_add(struct tgv_low *l, tgv_time value, tgv_time now)
{
    int64_t n = now / TGV_LOW_BUCKET_US;

    if (n - l->newest >= TGV_LOW_BUCKETS) {
        empty(l);
        l->newest = n;
    }
    while (l->newest < n)
        l->bucket[++l->newest % TGV_LOW_BUCKETS] = TGV_NEVER;
    tgv_time *b = &l->bucket[l->newest % TGV_LOW_BUCKETS];
    *b = tgv_time_min(*b, value);
    note_span(l, value, now);
}

tgv_time tgv_low_recent(const struct tgv_low *l, tgv_time within, tgv_time now)
{
    int64_t last = now / TGV_LOW_BUCKET_US;
    int64_t first = (now - within) / TGV_LOW_BUCKET_US;
    tgv_time least = TGV_NEVER;

    if (first <= l->newest - TGV_LOW_BUCKETS)
        first = l->newest - TGV_LOW_BUCKETS + 1;
    if (last > l->newest)
        last = l->newest;
    for (int64_t n = first < 0 ? 0 : first; n <= last; n++)
        least = tgv_time_min(least, l->bucket[n % TGV_LOW_BUCKETS]);
    return least;
}

tgv_time tgv_low_base(const struct tgv_low *l)
{
    return tgv_time_min(l->span_now, l->span_before);
}
