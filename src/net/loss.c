/* SPDX-License-Identifier: MIT */
#include "net/loss.h"

#include <string.h>

void tgv_loss_init(struct tgv_loss *l)
{
    memset(l, 0, sizeof(*l));
}

static void advance(struct tgv_loss *l, int64_t bucket)
{
    if (bucket - l->bucket >= TGV_LOSS_BUCKETS) {
        memset(l->buckets, 0, sizeof(l->buckets));
        l->bucket = bucket;
    }
    while (l->bucket < bucket) {
        l->bucket++;
        l->buckets[l->bucket % TGV_LOSS_BUCKETS] = (struct tgv_loss_bucket){0};
    }
}

void tgv_loss_add(struct tgv_loss *l, int total, int lost, tgv_time now)
{
    advance(l, now / TGV_LOSS_BUCKET_US);
    struct tgv_loss_bucket *b = &l->buckets[l->bucket % TGV_LOSS_BUCKETS];
    b->total += total;
    b->lost += lost;
    l->lost += lost;
}

double tgv_loss_ratio(const struct tgv_loss *l, tgv_time now)
{
    int64_t bucket = now / TGV_LOSS_BUCKET_US;
    int64_t total = 0, lost = 0;

    for (int64_t i = 0; i < TGV_LOSS_BUCKETS; i++) {
        int64_t n = l->bucket - i;
        if (n < 0 || bucket - n >= TGV_LOSS_BUCKETS)
            break;
        total += l->buckets[n % TGV_LOSS_BUCKETS].total;
        lost += l->buckets[n % TGV_LOSS_BUCKETS].lost;
    }
    if (total <= 0 || lost <= 0)
        return 0.0;
    return lost >= total ? 1.0 : (double)lost / (double)total;
}

uint64_t tgv_loss_count(const struct tgv_loss *l)
{
    return l->lost > 0 ? (uint64_t)l->lost : 0;
}
