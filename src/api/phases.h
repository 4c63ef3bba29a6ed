/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_PHASES_H
#define TGV_API_PHASES_H
/*
 * Which part of the 60 ms frame each call of a loop begins its audio clock in.
 * A new call takes the part with the fewest others, the next one to come if
 * there are several, so that calls started together do not encode together
 * and a single one does not wait.
 */
#include "base/time.h"

#define TGV_PHASE_COUNT 24
#define TGV_PHASE_US 2500 /* 24 of them are 60 ms */

struct tgv_phases {
    unsigned calls[TGV_PHASE_COUNT];
};

/* @return the first tick, now or up to 60 ms later */
tgv_time tgv_phase_take(struct tgv_phases *p, tgv_time now, unsigned *phase);
void tgv_phase_release(struct tgv_phases *p, unsigned phase);

#endif
