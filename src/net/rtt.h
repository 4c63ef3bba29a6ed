/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_RTT_H
#define TGV_NET_RTT_H
/*
 * Round-trip time of one path from samples: mean of the last few, a smoothed
 * value, and the smallest of the last half minute (the path without a queue).
 */
#include "base/time.h"

#include <stdbool.h>

#define TGV_RTT_SAMPLES 6
#define TGV_RTT_MIN_SPAN TGV_S(15) /* two of these are remembered */

struct tgv_rtt {
    tgv_time samples[TGV_RTT_SAMPLES];
    unsigned len;
    unsigned next;
    tgv_time smoothed;
    tgv_time min_now, min_before; /* of this span and of the one before */
    tgv_time min_since;
};

/* Forget everything; also the initialiser. */
void tgv_rtt_clear(struct tgv_rtt *r);
/* Negative samples are taken as 0, and 0 as 1 us, so that "known" shows. */
void tgv_rtt_add(struct tgv_rtt *r, tgv_time sample, tgv_time now);
static inline bool tgv_rtt_known(const struct tgv_rtt *r)
{
    return r->len > 0;
}
/* Mean of the samples held; 0 if none. */
tgv_time tgv_rtt_mean(const struct tgv_rtt *r);
/* Exponential mean, a new sample weighs 1/8; 0 if none. */
tgv_time tgv_rtt_smoothed(const struct tgv_rtt *r);
/* Smallest of the last 15..30 s; 0 if none. */
tgv_time tgv_rtt_min(const struct tgv_rtt *r);

#endif
