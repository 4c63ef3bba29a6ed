/* SPDX-License-Identifier: MIT */
#include "api/phases.h"

/* So many calls share a wake-up before there are more of these. */
#define CALLS_PER_WAKE_UP 5

/* Phases from one to the next that is taken at all: with few calls there are
 * two wake-ups in 20 ms, then four, then eight. */
static unsigned step_with(unsigned calls)
{
    if (calls <= 2 * CALLS_PER_WAKE_UP)
        return 4;
    return calls <= 4 * CALLS_PER_WAKE_UP ? 2 : 1;
}

tgv_time tgv_phase_take(struct tgv_phases *p, tgv_time now, unsigned *phase)
{
    if (p->all == 0)
        p->origin = now;
    tgv_time since = now > p->origin ? now - p->origin : 0;
    tgv_time width = TGV_PHASE_US;
    unsigned step = step_with(++p->all);
    tgv_time first = (since + width * step - 1) / (width * step) * step;
    tgv_time best = first;

    for (unsigned i = step; i < TGV_PHASE_COUNT; i += step) {
        if (p->calls[(first + i) % TGV_PHASE_COUNT] <
            p->calls[best % TGV_PHASE_COUNT])
            best = first + i;
    }
    *phase = (unsigned)(best % TGV_PHASE_COUNT);
    p->calls[*phase]++;
    return p->origin + best * width;
}

void tgv_phase_release(struct tgv_phases *p, unsigned phase)
{
    p->calls[phase]--;
    p->all--;
}
