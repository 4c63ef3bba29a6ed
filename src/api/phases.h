/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_PHASES_H
#define TGV_API_PHASES_H
/*
 * Which part of the 60 ms frame each call of a loop begins its audio clock in.
 * Calls that encode together make each other late, calls that tick apart wake
 * the processor more often, which costs more than the rest of a tick: so a few
 * calls share few moments, and many spread over all of them. A new call takes
 * the part with the fewest others, the next one to come if there are several;
 * the first one of a loop does not wait.
 */
#include "base/time.h"

#define TGV_PHASE_COUNT 24
#define TGV_PHASE_US 2500 /* 24 of them are 60 ms */

struct tgv_phases {
    tgv_time origin; /* where the first of the present calls began */
    unsigned all;
    unsigned calls[TGV_PHASE_COUNT];
};

/* @return the first tick, now or up to 60 ms later */
tgv_time tgv_phase_take(struct tgv_phases *p, tgv_time now, unsigned *phase);
void tgv_phase_release(struct tgv_phases *p, unsigned phase);

#endif
