/* SPDX-License-Identifier: MIT */
#include "legacy/plan.h"

/* Bytes beside each frame, and each copy, in a packet; and once if there are
 * copies: the count and the empty newest place (ENG-48). */
#define FRAME_BYTES 6
#define COPY_BYTES 1
#define COPIES_BYTES 3
/* A larger plan must fit with this to spare, and for so long. */
#define SPARE 1.04
#define FITS_FOR TGV_S(2)
/* Copies are wanted until so few frames are beyond restoring. */
#define RESIDUAL 0.012
/* Fewer copies, or none, when this is reached without, for so long. */
#define RESIDUAL_FEWER 0.006
#define FEWER_AFTER TGV_S(5)
/* The bitrate grows step by step; more rate than for the next is not asked. */
#define STEP_AHEAD 1500u
/* With copies the voice gets at least this, if its limits allow. */
#define VOICE_BESIDE_COPIES 9000u

void tgv_planner_init(struct tgv_planner *p, unsigned bitrate_bps)
{
    *p = (struct tgv_planner){
        .plan = {.frame_ms = 60,
                 .frames = 1,
                 .bitrate_bps = bitrate_bps,
                 .inband_fec = true},
        .fits_since = TGV_NEVER,
    };
}

/* -- cost --------------------------------------------------------------------- */

static double fixed_cost(const struct tgv_plan_input *in,
                         const struct tgv_plan *plan)
{
    double bytes = in->overhead_bytes + FRAME_BYTES * (double)plan->frames;

    if (plan->copies)
        bytes += COPIES_BYTES + COPY_BYTES * (double)plan->copies;
    return bytes * 8000.0 / (plan->frame_ms * plan->frames);
}

double tgv_plan_cost(const struct tgv_plan_input *in,
                     const struct tgv_plan *plan)
{
    return fixed_cost(in, plan) +
           (double)plan->bitrate_bps * (1 + plan->copies);
}

/* The bitrate that a rate leaves; negative if not even the rest fits. */
static double bitrate_left(const struct tgv_plan_input *in,
                           const struct tgv_plan *plan, double rate)
{
    return (rate - fixed_cost(in, plan)) / (1 + plan->copies);
}

/* -- copies by loss ----------------------------------------------------------- */

static double residual(const struct tgv_plan_input *in, unsigned copies)
{
    double r = in->loss;

    for (unsigned i = 0; i < copies; i++)
        r *= in->again;
    return r;
}

static unsigned copies_for(const struct tgv_plan_input *in, double limit)
{
    unsigned n = 0;

    while (n < in->copies_max && residual(in, n) > limit)
        n++;
    return n;
}

/* Up at once, down after a while (ENG-49); switched on at the server's mark
 * and off at half of it. */
static void want_copies(struct tgv_planner *p, const struct tgv_plan_input *in,
                        tgv_time now)
{
    unsigned up = 0, down = 0;

    if (!in->copies) {
        p->wanted = 0;
        return;
    }
    if (in->loss > in->loss_for_copies) {
        up = copies_for(in, RESIDUAL);
        if (up == 0)
            up = 1;
    }
    if (in->loss > in->loss_for_copies / 2) {
        down = copies_for(in, RESIDUAL_FEWER);
        if (down == 0)
            down = 1;
    }
    if (up > p->wanted)
        p->wanted = up;
    if (down >= p->wanted)
        p->lossy_at = now;
    else if (now - p->lossy_at >= FEWER_AFTER) {
        p->wanted--;
        p->lossy_at = now;
    }
}

/* -- choice ------------------------------------------------------------------- */

static unsigned at_most(double v, unsigned limit)
{
    return v < (double)limit ? (unsigned)v : limit;
}

/* One frame of 60 ms a packet with as many copies as leave enough for the
 * voice; false if not even none do. */
static bool single(const struct tgv_plan_input *in, unsigned wanted,
                   double rate, struct tgv_plan *out)
{
    for (unsigned copies = wanted + 1; copies-- > 0;) {
        unsigned least = in->min_bps;
        double left;

        if (copies && least < VOICE_BESIDE_COPIES)
            least = at_most(VOICE_BESIDE_COPIES, in->max_bps);
        *out = (struct tgv_plan){.frame_ms = 60, .frames = 1, .copies = copies};
        left = bitrate_left(in, out, rate);
        if (left >= least) {
            out->bitrate_bps = at_most(left, in->max_bps);
            return true;
        }
    }
    return false;
}

static void bundled(const struct tgv_plan_input *in, double rate,
                    struct tgv_plan *out)
{
    double left;

    for (unsigned frames = 2; frames <= 3; frames++) {
        *out = (struct tgv_plan){.frame_ms = 60, .frames = frames};
        left = bitrate_left(in, out, rate);
        if (left >= in->min_bps) {
            out->bitrate_bps = at_most(left, in->max_bps);
            return;
        }
    }
    out->bitrate_bps = in->min_bps;
    out->leave_out = true;
}

/* Shorter frames where the full bitrate and all copies fit with them. */
static bool shorter(const struct tgv_plan_input *in, unsigned wanted,
                    double rate, struct tgv_plan *out)
{
    if (in->sparing)
        return false;
    for (unsigned ms = in->shortest_ms; ms < 60; ms += 20) {
        *out = (struct tgv_plan){.frame_ms = ms,
                                 .frames = 1,
                                 .bitrate_bps = in->max_bps,
                                 .copies = wanted};
        if (tgv_plan_cost(in, out) <= rate)
            return true;
    }
    return false;
}

static struct tgv_plan best(const struct tgv_plan_input *in, unsigned wanted,
                            double rate)
{
    struct tgv_plan plan;

    if (shorter(in, wanted, rate, &plan) || single(in, wanted, rate, &plan))
        return plan;
    if (in->bundles) {
        bundled(in, rate, &plan);
        return plan;
    }
    return (struct tgv_plan){.frame_ms = 60,
                             .frames = 1,
                             .bitrate_bps = in->min_bps,
                             .leave_out = true};
}

/* Is a the more expensive kind of plan (whatever its bitrate)? */
static bool larger(const struct tgv_plan *a, const struct tgv_plan *b)
{
    unsigned pa = a->frame_ms * a->frames, pb = b->frame_ms * b->frames;

    if (pa != pb)
        return pa < pb;
    return a->copies > b->copies;
}

static bool same_kind(const struct tgv_plan *a, const struct tgv_plan *b)
{
    return a->frame_ms == b->frame_ms && a->frames == b->frames &&
           a->copies == b->copies;
}

/* Does the kind of plan in force still fit, and may it? */
static bool still_fits(const struct tgv_plan_input *in,
                       const struct tgv_plan *plan)
{
    return !plan->leave_out && plan->frame_ms >= in->shortest_ms &&
           !(plan->frame_ms < 60 && in->sparing) &&
           bitrate_left(in, plan, in->rate) >= in->min_bps;
}

static bool lasts(struct tgv_planner *p, tgv_time now)
{
    if (p->fits_since == TGV_NEVER)
        p->fits_since = now;
    return now - p->fits_since >= FITS_FOR;
}

/* The kind of plan in force, with the bitrate of now. */
static struct tgv_plan keep(const struct tgv_plan_input *in,
                            const struct tgv_plan *plan)
{
    struct tgv_plan kept = *plan;

    kept.bitrate_bps = at_most(bitrate_left(in, plan, in->rate), in->max_bps);
    return kept;
}

static struct tgv_plan next_plan(struct tgv_planner *p,
                                 const struct tgv_plan_input *in,
                                 bool other_copies, tgv_time now)
{
    struct tgv_plan safe = best(in, p->wanted, in->rate / SPARE);
    struct tgv_plan tight = best(in, p->wanted, in->rate);

    if (same_kind(&tight, &p->plan)) {
        p->fits_since = TGV_NEVER;
        return tight;
    }
    if (larger(&safe, &p->plan)) {
        if (!still_fits(in, &p->plan) || other_copies || in->returns ||
            lasts(p, now))
            return safe;
        return keep(in, &p->plan);
    }
    p->fits_since = TGV_NEVER;
    if (larger(&tight, &p->plan) && still_fits(in, &p->plan))
        return keep(in, &p->plan); /* would fit, with nothing to spare */
    return safe;
}

void tgv_planner_run(struct tgv_planner *p, const struct tgv_plan_input *in,
                     tgv_time now)
{
    unsigned had = p->wanted;

    want_copies(p, in, now);
    p->plan = next_plan(p, in, p->wanted != had, now);
    p->plan.inband_fec = p->plan.copies == 0;
}

double tgv_planner_useful(const struct tgv_planner *p,
                          const struct tgv_plan_input *in, unsigned bitrate_bps)
{
    struct tgv_plan next = p->plan;

    if (next.frames == 1 && next.copies < p->wanted) {
        next.frame_ms = 60;
        next.copies++;
        next.bitrate_bps = at_most(VOICE_BESIDE_COPIES, in->max_bps);
    } else if (bitrate_bps < in->max_bps) {
        next.bitrate_bps = at_most(bitrate_bps + STEP_AHEAD, in->max_bps);
    } else if (next.frame_ms > in->shortest_ms && next.frames == 1 &&
               !in->sparing) {
        next.frame_ms -= 20;
    }
    return tgv_plan_cost(in, &next) * SPARE * SPARE;
}
