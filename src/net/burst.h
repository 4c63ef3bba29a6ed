/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_BURST_H
#define TGV_NET_BURST_H
/*
 * How losses come: one by one or in runs. Fed with the fate of every packet in
 * the order of sending; old packets are forgotten by and by. A run of losses
 * counts when it has ended, one without end, an outage, not at all.
 */
#include "net/police.h"

#include <stdbool.h>

struct tgv_burst {
    double packets; /* weights of what is remembered */
    double lost;
    double again; /* lost after one that was lost */
    unsigned run; /* lost since the last that came; not weighed yet */
    struct tgv_police police; /* or because too much is sent */
};

void tgv_burst_init(struct tgv_burst *b);
void tgv_burst_add(struct tgv_burst *b, bool lost);
/* Nobody knows what became of a packet, nor how long the run before it is. */
void tgv_burst_unknown(struct tgv_burst *b);
/* Forget what came since b was as before. */
void tgv_burst_restore(struct tgv_burst *b, const struct tgv_burst *before);
/* Share of lost packets, 0..1; 0 while too few are known. */
double tgv_burst_loss(const struct tgv_burst *b);
/* Chance that the packet after a lost one is lost too; at least the share
 * of lost packets. */
double tgv_burst_again(const struct tgv_burst *b);
/* Mean length of a run of losses, at least 1. */
double tgv_burst_length(const struct tgv_burst *b);

#endif
