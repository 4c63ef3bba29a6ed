/* SPDX-License-Identifier: MIT */
#ifndef TGV_NET_POLICE_H
#define TGV_NET_POLICE_H
/*
 * Is there a limit that drops what exceeds it, without a queue? Chance loses a
 * share of what is sent, such a limit all but a constant: whichever explains
 * the last seconds far better is believed. Where the same was sent all the
 * time neither does, and nothing is said.
 * Source: our choice
 */
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_POLICE_SLOTS 20
#define TGV_POLICE_SLOT_US TGV_S(1)

/* All zero: nothing known. */
struct tgv_police {
    struct {
        double sent, lost; /* bytes, by the time of sending */
    } slots[TGV_POLICE_SLOTS];
    int64_t newest; /* slot; may not be complete */
    unsigned known; /* slots before it */
};

/* The fate of a packet, in the order of sending. */
void tgv_police_add(struct tgv_police *p, size_t bytes, bool lost, tgv_time at);
/* The limit [bit/s]; 0 if there is none to be seen. */
double tgv_police_limit(const struct tgv_police *p);
void tgv_police_forget(struct tgv_police *p);

#endif
