/* SPDX-License-Identifier: MIT */
/*
 * How hard the encoder works: less while the audio clock's ticks are late, and
 * by and by as hard as asked for again (ENG-47).
 */
#include "legacy/internal.h"

#define LATE TGV_MS(10)
#define SMOOTHING (1.0 / 50) /* of ticks: about a second */
#define LATE_SHARE 0.10 /* of the ticks: too many */
#define CALM_SHARE 0.01
#define STEP_DOWN TGV_S(1)
#define STEP_UP TGV_S(4)

void tgv_effort_init(struct tgv_call *c, unsigned complexity)
{
    c->effort.most = complexity;
    c->rate.encoder.complexity = complexity;
}

static void set(struct tgv_call *c, unsigned complexity)
{
    c->rate.encoder.complexity = complexity;
    tgv_capture_set_encoder(c->capture, &c->rate.encoder);
}

void tgv_call_tick_late(struct tgv_call *c, tgv_time late, tgv_time now)
{
    struct tgv_effort *e = &c->effort;
    unsigned complexity = c->rate.encoder.complexity;

    e->late += ((late > LATE ? 1.0 : 0.0) - e->late) * SMOOTHING;
    if (now < e->next)
        return;
    if (e->late > LATE_SHARE && complexity > 0) {
        set(c, complexity - 1);
        e->next = now + STEP_DOWN;
    } else if (e->late < CALM_SHARE && complexity < e->most) {
        set(c, complexity + 1);
        e->next = now + STEP_UP;
    }
}
