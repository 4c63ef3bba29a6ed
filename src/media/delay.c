/* SPDX-License-Identifier: MIT */
#include "media/delay.h"

#include <string.h>

#define WINDOW TGV_S(8)
#define BASE_WINDOW TGV_S(3)
/* A peak counts in full for so long, then less and less until the window's
 * end. */
#define PEAK_HOLD TGV_MS(3500)
/* One late frame in so many is accepted. */
#define LATE_SHARE 100
#define TOP_MAX (TGV_DELAY_HISTORY / LATE_SHARE + 1)
/* What a frame should be early, for the sake of who runs the clock. */
#define MARGIN TGV_MS(4)
/* How long the start value counts in full, and until when it has faded. */
#define START_HOLD TGV_MS(1000)
#define START_END TGV_MS(3000)
/* Earlier than ever by so much, with a hole in time before it: a jump. */
#define JUMP TGV_MS(120)
/* Earlier than ever by so much is a jump in any case. */
#define JUMP_SURE TGV_MS(1000)
/* Later than the base by so much is not jitter. */
#define STRAY TGV_MS(500)
/* ... but a new base when it stays so. */
#define STRAYS_MIN 5
#define STRAYS_TIME TGV_MS(400)

static tgv_time clamp(tgv_time v, tgv_time lo, tgv_time hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

void tgv_delay_init(struct tgv_delay *d, tgv_time min, tgv_time max,
                    tgv_time start)
{
    memset(d, 0, sizeof(*d));
    d->start = start;
    d->target = start;
    tgv_delay_set_bounds(d, min, max);
}

void tgv_delay_set_bounds(struct tgv_delay *d, tgv_time min, tgv_time max)
{
    d->min = min < 0 ? 0 : min;
    d->max = max < d->min ? d->min : max;
    d->target = clamp(d->target, d->min, d->max);
}

void tgv_delay_restart(struct tgv_delay *d)
{
    d->start = d->target;
    d->next = 0;
    d->count = 0;
    d->strays = 0;
}

/* v counts whole while young, nothing when old. */
static tgv_time faded(tgv_time v, tgv_time age, tgv_time hold, tgv_time end)
{
    if (age <= hold)
        return v;
    return age >= end ? 0 : v * (end - age) / (end - hold);
}

static const struct tgv_delay_sample *sample(const struct tgv_delay *d,
                                             unsigned back)
{
    return &d->ring[(d->next + TGV_DELAY_HISTORY - 1 - back) %
                    TGV_DELAY_HISTORY];
}

/* The smallest offset of the last seconds; forgets what is too old. */
static void update_base(struct tgv_delay *d, tgv_time now)
{
    tgv_time base = sample(d, 0)->offset;
    unsigned n = 1;

    for (; n < d->count; n++) {
        const struct tgv_delay_sample *s = sample(d, n);

        if (now - s->at > WINDOW)
            break;
        if (now - s->at <= BASE_WINDOW && s->offset < base)
            base = s->offset;
    }
    d->count = n;
    d->base = base;
}

/* The k-th largest faded offset over the base, k = count / LATE_SHARE + 1. */
static tgv_time peak(const struct tgv_delay *d, tgv_time now)
{
    tgv_time top[TOP_MAX + 1] = {0}; /* descending */
    unsigned k = d->count / LATE_SHARE + 1;

    for (unsigned n = 0; n < d->count; n++) {
        const struct tgv_delay_sample *s = sample(d, n);
        tgv_time v = s->offset - d->base;
        unsigned i = k;

        if (v <= top[k - 1])
            continue; /* fading only makes it less */
        v = faded(v, now - s->at, PEAK_HOLD, WINDOW);
        for (; i > 0 && top[i - 1] < v; i--)
            top[i] = top[i - 1];
        top[i] = v;
    }
    return top[k - 1];
}

static void update(struct tgv_delay *d, tgv_time now)
{
    tgv_time wanted;
    tgv_time start;

    update_base(d, now);
    wanted = peak(d, now) + MARGIN;
    start = faded(d->start, now - d->started, START_HOLD, START_END);
    if (wanted < start)
        wanted = start;
    d->target = clamp(wanted, d->min, d->max);
}

static void add(struct tgv_delay *d, tgv_time offset, tgv_time now)
{
    if (!d->count)
        d->started = now;
    d->ring[d->next].at = now;
    d->ring[d->next].offset = offset;
    d->next = (d->next + 1) % TGV_DELAY_HISTORY;
    if (d->count < TGV_DELAY_HISTORY)
        d->count++;
    update(d, now);
}

/* The sender's time stamps jumped: forward, which looks like frames that come
 * before their time, or back, like frames that all come much too late. */
static enum tgv_delay_result classify(struct tgv_delay *d, int64_t ts,
                                      tgv_time offset, tgv_time now)
{
    tgv_time hole = tgv_delay_us(ts - d->newest_ts);

    if (offset < d->base - JUMP_SURE ||
        (offset < d->base - JUMP && hole > JUMP))
        return TGV_DELAY_RESTART;
    if (offset <= d->base + (d->max > STRAY ? d->max : STRAY)) {
        d->strays = 0;
        return TGV_DELAY_MEASURED;
    }
    if (!d->strays || offset < d->strays_base)
        d->strays_base = offset;
    if (!d->strays++)
        d->strays_since = now;
    if (d->strays >= STRAYS_MIN && now - d->strays_since >= STRAYS_TIME)
        return TGV_DELAY_RESTART;
    return TGV_DELAY_STRAY;
}

static void update_jitter(struct tgv_delay *d, tgv_time offset)
{
    tgv_time change = offset - d->newest_offset;

    if (change < 0)
        change = -change;
    d->jitter_us += ((double)change - d->jitter_us) / 16;
}

enum tgv_delay_result tgv_delay_put(struct tgv_delay *d, int64_t ts,
                                    tgv_time now)
{
    tgv_time offset = now - tgv_delay_us(ts);
    enum tgv_delay_result result = TGV_DELAY_MEASURED;

    if (d->count) {
        result = classify(d, ts, offset, now);
        if (result == TGV_DELAY_RESTART)
            tgv_delay_restart(d);
        else if (result == TGV_DELAY_MEASURED)
            update_jitter(d, offset);
    }
    if (!d->count || ts > d->newest_ts)
        d->newest_ts = ts;
    d->newest_offset = offset;
    if (result != TGV_DELAY_STRAY)
        add(d, offset, now);
    return result;
}
