/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_DELAY_H
#define TGV_MEDIA_DELAY_H
/*
 * How much later than its time a frame must be played so that (nearly) all
 * frames have come by then.
 *
 * Every first arrival of a primary frame gives one offset: arrival minus
 * stream time (ENG-43: measured per time stamp, so losses, copies and
 * reordering do not disturb it). The smallest offset of the last seconds is
 * the base: what the path takes when nothing queues. The target is the
 * largest offset of the last seconds except for about one in a hundred; a
 * peak counts in full for a while, then fades. Both follow a drifting clock of
 * the sender by themselves, as old offsets are forgotten.
 *
 * A jump of the stream's time is told from jitter and starts the measurement
 * anew, with what had been learned.
 * Source: our choice
 */
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_DELAY_HISTORY 400 /* the window, in frames of 20 ms */

struct tgv_delay_sample {
    tgv_time at;
    tgv_time offset;
};

struct tgv_delay {
    tgv_time min, max; /* bounds of the target, over the base */
    tgv_time start; /* what to begin with, fades when there are samples */
    tgv_time started; /* of the measurement */
    struct tgv_delay_sample ring[TGV_DELAY_HISTORY];
    unsigned next, count;
    tgv_time base;
    tgv_time target; /* over the base, within the bounds */
    int64_t newest_ts;
    tgv_time newest_offset;
    unsigned strays; /* arrivals in a row far beyond any jitter */
    tgv_time strays_since;
    tgv_time strays_base; /* least offset of them */
    double jitter_us; /* as RFC 3550, 6.4.1 */
};

enum tgv_delay_result {
    TGV_DELAY_MEASURED = 0,
    TGV_DELAY_STRAY, /* too far off to be jitter; not measured (yet) */
    TGV_DELAY_RESTART /* the stream's time jumped; measured anew */
};

void tgv_delay_init(struct tgv_delay *d, tgv_time min, tgv_time max,
                    tgv_time start);
/* Begin anew, expecting the delay that was learned so far. */
void tgv_delay_restart(struct tgv_delay *d);
void tgv_delay_set_bounds(struct tgv_delay *d, tgv_time min, tgv_time max);

/* First arrival of the primary frame with this ts, 0 .. 2^50 samples. */
enum tgv_delay_result tgv_delay_put(struct tgv_delay *d, int64_t ts,
                                    tgv_time now);

/* False before the first sample; the rest is then meaningless. */
static inline bool tgv_delay_known(const struct tgv_delay *d)
{
    return d->count > 0;
}

/* Where the base is now. Frames that all come far too late count at once, be
 * it an outage of the path or another stream time. */
static inline tgv_time tgv_delay_base(const struct tgv_delay *d)
{
    return d->strays ? d->strays_base : d->base;
}

/* Stream time in microseconds. */
static inline tgv_time tgv_delay_us(int64_t samples)
{
    return samples * 125 / 6;
}

#endif
