/* SPDX-License-Identifier: MIT */
#include "api/phases.h"

tgv_time tgv_phase_take(struct tgv_phases *p, tgv_time now, unsigned *phase)
{
    tgv_time first = now / TGV_PHASE_US + (now % TGV_PHASE_US > 0);
    unsigned best = 0;

    for (unsigned i = 1; i < TGV_PHASE_COUNT; i++) {
        if (p->calls[(first + i) % TGV_PHASE_COUNT] <
            p->calls[(first + best) % TGV_PHASE_COUNT])
            best = i;
    }
    *phase = (unsigned)((first + best) % TGV_PHASE_COUNT);
    p->calls[*phase]++;
    return (first + best) * TGV_PHASE_US;
}

void tgv_phase_release(struct tgv_phases *p, unsigned phase)
{
    p->calls[phase]--;
}
