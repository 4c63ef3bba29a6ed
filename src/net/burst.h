/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_BURST_H
#define TGV_NET_BURST_H
/*
 * How losses come: one by one or in runs. Fed with the fate of every packet in
 * the order of sending; old packets are forgotten by and by.
 */
#include "net/police.h"

#include <stdbool.h>

struct tgv_burst {
    double packets; /* weights of what is remembered */
    double lost;
    double again; /* lost after one that was lost */
    bool last_lost;
    struct tgv_police police; /* or because too much is sent */
};

void tgv_burst_init(struct tgv_burst *b);
void tgv_burst_add(struct tgv_burst *b, bool lost);
/* Share of lost packets, 0..1; 0 while too few are known. */
double tgv_burst_loss(const struct tgv_burst *b);
/* Chance that the packet after a lost one is lost too; at least the share
 * of lost packets. */
double tgv_burst_again(const struct tgv_burst *b);
/* Mean length of a run of losses, at least 1. */
double tgv_burst_length(const struct tgv_burst *b);

#endif
