/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_LOW_H
#define TGV_NET_LOW_H
/*
 * The least of some delays: of the last moment, and of a longer time.
 * The first less the second is what stands in a queue; jitter, which is never
 * absent for long, does not show in it.
 */
#include "base/time.h"

#include <stdbool.h>

#define TGV_LOW_BUCKETS 12
#define TGV_LOW_BUCKET_US TGV_MS(100)

struct tgv_low {
    tgv_time bucket[TGV_LOW_BUCKETS]; /* TGV_NEVER: empty */
    int64_t newest; /* number of the newest bucket */
    tgv_time span; /* two of these are remembered */
    tgv_time span_now, span_before; /* least of this span, of the one before */
    tgv_time span_since;
};

/* Forget everything; also the initialiser. */
void tgv_low_clear(struct tgv_low *l, tgv_time span);
void tgv_low_add(struct tgv_low *l, tgv_time value, tgv_time now);
/* Least of the last `within`, at most 1.1 s; TGV_NEVER if there is none. */
tgv_time tgv_low_recent(const struct tgv_low *l, tgv_time within, tgv_time now);
/* Least of the last one or two spans; TGV_NEVER if there is none. */
tgv_time tgv_low_base(const struct tgv_low *l);

#endif
