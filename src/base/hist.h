/* SPDX-License-Identifier: MIT */
#ifndef TGV_BASE_HIST_H
#define TGV_BASE_HIST_H
/*
 * The last N values of something and their statistics. Slots that were never
 * filled do not count, unlike in the engine that the protocol comes from.
 */
#include <stddef.h>

#define TGV_HIST_MAX 128

struct tgv_hist {
    double v[TGV_HIST_MAX];
    size_t cap; /* 1..TGV_HIST_MAX */
    size_t len; /* filled slots */
    size_t next; /* where the next value goes */
};

void tgv_hist_init(struct tgv_hist *h, size_t cap);
void tgv_hist_add(struct tgv_hist *h, double v);
/* i = 0 is the newest; 0.0 if there is no such value. */
double tgv_hist_at(const struct tgv_hist *h, size_t i);
/* Mean of the k newest (of all there are if fewer); 0.0 if empty. */
double tgv_hist_mean(const struct tgv_hist *h, size_t k);
double tgv_hist_min(const struct tgv_hist *h);
double tgv_hist_max(const struct tgv_hist *h);
/* Value that a share q (0..1) of the values does not exceed; 0.0 if empty. */
double tgv_hist_quantile(const struct tgv_hist *h, double q);
/* Standard deviation of all values; 0.0 if fewer than two. */
double tgv_hist_stddev(const struct tgv_hist *h);

#endif
