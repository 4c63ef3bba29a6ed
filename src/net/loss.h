/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_LOSS_H
#define TGV_NET_LOSS_H
/*
 * Share of lost packets over the last seconds, from verdicts as they fall. A
 * verdict may be taken back later (the packet was only late).
 */
#include "base/time.h"

#include <stdint.h>

#define TGV_LOSS_BUCKETS 10
#define TGV_LOSS_BUCKET_US TGV_MS(500)

struct tgv_loss {
    struct tgv_loss_bucket {
        int32_t total, lost;
    } buckets[TGV_LOSS_BUCKETS];
    int64_t bucket; /* number of the newest, now / TGV_LOSS_BUCKET_US */
    int64_t lost; /* since the beginning */
};

void tgv_loss_init(struct tgv_loss *l);
/* `total` more packets were judged, `lost` of them missing; either may be
 * negative to correct an earlier verdict. */
void tgv_loss_add(struct tgv_loss *l, int total, int lost, tgv_time now);
/* 0..1 over the last 5 s; 0 if nothing was judged. */
double tgv_loss_ratio(const struct tgv_loss *l, tgv_time now);
/* Packets lost since the beginning. */
uint64_t tgv_loss_count(const struct tgv_loss *l);

#endif
