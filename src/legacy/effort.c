/* SPDX-License-Identifier: MIT */
/*
 * How hard the call works: less while the audio clock's ticks are late, and by
 * and by as hard as asked for again (ENG-47). First frames become longer, since
 * a packet costs the same whatever is in it; then the encoder tries less.
 */
#include "legacy/internal.h"

#define LATE TGV_MS(10)
#define SMOOTHING (1.0 / 50) /* of ticks: about a second */
#define LATE_SHARE 0.10 /* of the ticks: too many */
#define CALM_SHARE 0.01
#define STEP_DOWN TGV_S(1)
#define STEP_UP TGV_S(4)
/* Short frames are tried again after STEP_UP, doubled each time that they were
 * given up again so soon. */
#define RELAPSE_WITHIN TGV_S(30)
#define RELAPSES_MAX 5

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

static void lengthen(struct tgv_effort *e, tgv_time now)
{
    if (!e->short_at || now - e->short_at > RELAPSE_WITHIN)
        e->relapses = 0;
    else if (e->relapses < RELAPSES_MAX)
        e->relapses++;
    e->long_frames = true;
}

static void step_down(struct tgv_call *c, tgv_time now)
{
    struct tgv_effort *e = &c->effort;
    unsigned complexity = c->rate.encoder.complexity;

    if (!e->long_frames && tgv_capture_frame_ms(c->capture) < TGV_FRAME_MS)
        lengthen(e, now);
    else if (complexity > 0)
        set(c, complexity - 1);
    e->next = now + STEP_DOWN;
    e->calm_at = now;
}

static void step_up(struct tgv_call *c, tgv_time now)
{
    struct tgv_effort *e = &c->effort;
    unsigned complexity = c->rate.encoder.complexity;

    if (complexity < e->most) {
        set(c, complexity + 1);
        e->next = now + STEP_UP;
        e->calm_at = now;
    } else if (e->long_frames && now - e->calm_at >= STEP_UP << e->relapses) {
        e->long_frames = false;
        e->short_at = now;
    }
}

void tgv_call_tick_late(struct tgv_call *c, tgv_time late, tgv_time now)
{
    struct tgv_effort *e = &c->effort;

    e->late += ((late > LATE ? 1.0 : 0.0) - e->late) * SMOOTHING;
    if (now < e->next)
        return;
    if (e->late > LATE_SHARE)
        step_down(c, now);
    else if (e->late < CALM_SHARE)
        step_up(c, now);
}
