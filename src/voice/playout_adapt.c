/* SPDX-License-Identifier: MIT */
#include "voice/playout_impl.h"

#include "media/stretch.h"

/*
 * Sound is made in whole blocks of 20 ms, so a frame must have come by the
 * tick at which the rest of the sound before it gets shorter than a block.
 * With a rest of r, playing x later lets a frame come later only by what
 * r + x passes of whole blocks; and cutting x out costs nothing as long as
 * x <= r. Hence the delay is best where r is 0, and the changes wanted are
 * those that lead there.
 */

/* Delay in excess by less than this over a whole block is left alone. */
#define SLACK TGV_MS(3)
/* Keeps the sums in range. */
#define SPARE_MAX TGV_S(10)
/* The rest is worth a cut from here on. */
#define REST_MIN (5 * TGV_SAMPLES_PER_MS)
/* About -54 dB: may be cut anywhere. */
#define QUIET_PEAK 64
/* A little more than wanted may be put in, so that no small rest of what was
 * wanted remains; cutting more out could cost a frame. */
#define OVER REST_MIN
/* So far off, any cut is better than none. */
#define FAR (100 * TGV_SAMPLES_PER_MS)
#define NEAR (40 * TGV_SAMPLES_PER_MS)

static tgv_time clamp(tgv_time v)
{
    return v < -SPARE_MAX ? -SPARE_MAX : v > SPARE_MAX ? SPARE_MAX : v;
}

/* Strict at first, less so the longer it was in vain or the more it takes. */
static struct tgv_stretch_policy policy(const struct tgv_playout *p,
                                        unsigned wanted, unsigned frame)
{
    struct tgv_stretch_policy s = {.quiet = QUIET_PEAK, .over = OVER};
    /* about ten tries a second whatever the frame */
    float tries = (float)p->impatience * (float)frame / (0.1f * TGV_RATE_HZ);

    s.likeness = wanted >= FAR ? 0.4f : wanted >= NEAR ? 0.7f : 0.85f;
    s.likeness -= 0.05f * tries;
    return s;
}

/* Samples to add (> 0) or to cut out (< 0). */
static int change_wanted(const struct tgv_playout *p, tgv_time offset)
{
    tgv_time spare = clamp(offset - tgv_playout_wanted(p));
    unsigned rest = p->fifo.samples % TGV_BLOCK_SAMPLES;
    unsigned blocks;

    if (spare < 0) {
        blocks = (unsigned)((-spare + TGV_BLOCK_US - 1) / TGV_BLOCK_US);
        return (int)(blocks * TGV_BLOCK_SAMPLES - rest);
    }
    if (spare < TGV_BLOCK_US + SLACK)
        return rest >= REST_MIN ? -(int)rest : 0;
    blocks = (unsigned)((spare - SLACK) / TGV_BLOCK_US);
    return -(int)(blocks * TGV_BLOCK_SAMPLES + rest);
}

unsigned tgv_playout_adapt(struct tgv_playout *p, unsigned samples,
                           tgv_time offset)
{
    int16_t *pcm = tgv_fifo_tail(&p->fifo);
    int change = change_wanted(p, offset);
    unsigned wanted = (unsigned)(change < 0 ? -change : change);
    struct tgv_stretch_policy how = policy(p, wanted, samples);
    unsigned done;

    if (!change) {
        p->impatience = 0;
        return samples;
    }
    if (change < 0)
        done = (unsigned)tgv_stretch_compress(pcm, samples, wanted, &how);
    else
        done = (unsigned)tgv_stretch_expand(pcm, samples, wanted, &how);
    p->impatience = done ? 0 : p->impatience + 1;
    return change < 0 ? samples - done : samples + done;
}
