/* SPDX-License-Identifier: MIT */
#include "voice/playout_impl.h"

#include "media/stretch.h"

#include <string.h>

#define STEP 120 /* codecs conceal in units of 2.5 ms */
/* A shorter rest of a frame is not worth decoding it. */
#define REST_MIN STEP
/* Fading in from silence, 5 ms. */
#define FADE_IN 240
/* Longer holes are pauses, or jumps of time, rather than losses. */
#define LOSS_MAX (240 * TGV_SAMPLES_PER_MS)
#define HOLE_MAX (60 * TGV_RATE_HZ)
/* A delay above the wanted one is cut from holes from here on. */
#define CUT_MIN TGV_MS(10)
/* Over the largest delay by so much: frames are skipped. */
#define SKIP TGV_MS(60)

static unsigned min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static void push(struct tgv_playout *p, enum tgv_played_kind kind,
                 unsigned samples, unsigned span)
{
    struct tgv_fifo_segment s = {.kind = kind,
                                 .ts = p->next_ts,
                                 .samples = samples,
                                 .span = span,
                                 .stretched = span != samples && span};

    tgv_fifo_push(&p->fifo, &s);
    p->last = p->fifo.pcm[p->fifo.samples - 1];
    p->next_ts += span;
}

static void fade(int16_t *pcm, unsigned samples, bool in)
{
    for (unsigned i = 0; i < samples; i++) {
        unsigned w = in ? i : samples - 1 - i;

        pcm[i] = (int16_t)(pcm[i] * (int)w / (int)samples);
    }
}

/* So much stream time will not be heard. */
static void skip(struct tgv_playout *p, int64_t samples)
{
    int64_t hole = p->hole + samples;

    p->next_ts += samples;
    p->hole = (unsigned)(hole < HOLE_MAX ? hole : HOLE_MAX);
}

/* The hole is over: count the frames that were in it, each once (ENG-42).
 * `restored` samples after it came from redundancy. */
static void close_hole(struct tgv_playout *p, unsigned frame, unsigned restored)
{
    unsigned hole = min(p->hole, p->conceal_max);
    unsigned lost = (hole + frame / 2) / frame;

    if (p->hole && p->next_ts <= p->pause_end) {
        p->hole = 0;
        return;
    }
    p->stats.frames_concealed += lost;
    p->stats.frames_recovered += (hole + restored + frame / 2) / frame - lost;
    if (p->hole + restored && p->hole <= LOSS_MAX)
        tgv_playout_count_loss(p, true, p->hole + restored);
    p->hole = 0;
}

static void silence(struct tgv_playout *p)
{
    unsigned n = TGV_BLOCK_SAMPLES - p->fifo.samples;

    int16_t *pcm = tgv_fifo_tail(&p->fifo);

    memset(pcm, 0, n * sizeof(*pcm));
    if (p->last) /* cut off in the middle */
        tgv_stretch_join(p->last, pcm, n);
    push(p, TGV_PLAYED_SILENCE, n, 0);
}

/* The sound does not go on from what was given before. */
static void join(struct tgv_playout *p, int16_t *pcm, unsigned samples)
{
    tgv_stretch_join(p->last, pcm, samples);
    p->join = false;
}

/*
 * Make up sound that stands for `span` of stream time (up to a block), or,
 * waiting, for time that is not known to be lost. The rest of a block that is
 * left from before shortens it: that makes the delay smaller but no frame come
 * too late (see playout_adapt.c), and what follows starts with a block.
 */
static void conceal(struct tgv_playout *p, unsigned span, bool waiting)
{
    int16_t *pcm = tgv_fifo_tail(&p->fifo);
    unsigned rest = span == TGV_BLOCK_SAMPLES ? p->fifo.samples : 0;
    unsigned n = span - rest;
    unsigned whole = (n + STEP - 1) / STEP * STEP;

    if (p->codec->decode(p->decoder, NULL, 0, false, pcm, whole) < 0)
        memset(pcm, 0, whole * sizeof(*pcm));
    if (p->join)
        join(p, pcm, n);
    p->join = whole != n;
    p->made_up += n;
    if (p->made_up >= p->conceal_max) {
        /* nothing comes: out, and wait for enough to start again */
        fade(pcm, n, false);
        p->state = TGV_PLAYOUT_BUFFERING;
    }
    push(p, TGV_PLAYED_CONCEALED, n, waiting ? 0 : span);
    if (waiting)
        p->waited += span;
    else
        p->hole += span;
}

/* How far the present delay is above the wanted one, if the frame that starts
 * after `gap` is played in its turn. */
static tgv_time surplus(const struct tgv_playout *p, int64_t gap,
                        const struct tgv_jbuf_frame *f, tgv_time now)
{
    return now + tgv_delay_us(p->fifo.samples + gap - f->ts) -
           tgv_playout_wanted(p);
}

static void enter_voice(struct tgv_playout *p, int16_t *pcm, unsigned samples)
{
    p->join = false;
    if (p->fade_in) {
        fade(pcm, min(samples, FADE_IN), true);
        p->fade_in = false;
    }
    p->made_up = 0;
    p->waited = 0;
}

/* Decode the first frame; it covers next_ts. */
static void play(struct tgv_playout *p, const struct tgv_jbuf_frame *f,
                 tgv_time now)
{
    int16_t *pcm = tgv_fifo_tail(&p->fifo);
    unsigned past = (unsigned)(p->next_ts - f->ts);
    unsigned n = f->duration;
    const unsigned frame = f->duration;
    const bool primary = f->primary;
    tgv_time offset = now - tgv_delay_us(p->next_ts);
    int err = p->codec->decode(p->decoder, f->data, f->len, false, pcm, n);

    p->stats.delay_ms =
        (double)(now - f->arrival + tgv_delay_us(p->fifo.samples) -
                 tgv_delay_us(past)) /
        TGV_US_PER_MS;
    tgv_jbuf_drop_first(&p->jbuf);
    if (err < 0) {
        p->stats.frames_dropped++;
        return;
    }
    if (past) {
        n -= past;
        memmove(pcm, pcm + past, n * sizeof(*pcm));
    }
    if (past || p->join)
        join(p, pcm, n);
    close_hole(p, frame, 0);
    enter_voice(p, pcm, n);
    if (primary)
        p->stats.frames_played++;
    else
        p->stats.frames_recovered++;
    tgv_playout_count_loss(p, !primary, n);
    push(p, primary ? TGV_PLAYED_VOICE : TGV_PLAYED_RECOVERED,
         tgv_playout_adapt(p, n, offset), n);
}

/* The frame before f is lost but f knows it; f itself stays (ENG-42). */
static void recover(struct tgv_playout *p, const struct tgv_jbuf_frame *f,
                    unsigned gap)
{
    int16_t *pcm = tgv_fifo_tail(&p->fifo);
    unsigned past = f->fec - gap;

    if (p->codec->decode(p->decoder, f->data, f->len, true, pcm, f->fec) < 0) {
        conceal(p, min(TGV_BLOCK_SAMPLES, gap), false);
        return;
    }
    if (past)
        memmove(pcm, pcm + past, gap * sizeof(*pcm));
    if (past || p->join)
        join(p, pcm, gap);
    close_hole(p, f->duration, gap);
    enter_voice(p, pcm, gap);
    push(p, TGV_PLAYED_RECOVERED, gap, gap);
}

/* Frames are missing before f: next_ts < f->ts. */
static void bridge(struct tgv_playout *p, const struct tgv_jbuf_frame *f,
                   tgv_time now)
{
    int64_t gap = f->ts - p->next_ts;
    tgv_time over;
    unsigned n;

    if (p->waited) {
        skip(p, gap < p->waited ? gap : p->waited);
        p->waited = 0;
        return;
    }
    over = surplus(p, gap, f, now);
    if (gap < STEP) {
        skip(p, gap);
    } else if (f->fec >= gap) {
        recover(p, f, (unsigned)gap);
    } else if (over >= CUT_MIN && (!f->fec || gap > LOSS_MAX)) {
        /* a free way to a smaller delay; after a jump of the stream's time
         * the only way to its frames */
        over = over * 6 / 125 / STEP * STEP;
        skip(p, over < gap ? over : gap);
    } else {
        n = (unsigned)(gap - f->fec < TGV_BLOCK_SAMPLES ? gap - f->fec
                                                        : TGV_BLOCK_SAMPLES);
        n = n < STEP ? STEP : n / STEP * STEP;
        conceal(p, n, false);
    }
}

static void buffer(struct tgv_playout *p, tgv_time now)
{
    const struct tgv_jbuf_frame *f = tgv_jbuf_at(&p->jbuf, 0);

    if (!f || !tgv_delay_known(&p->delay) ||
        now < tgv_delay_us(f->ts) + tgv_playout_wanted(p)) {
        silence(p);
        return;
    }
    if (p->have_time && f->ts > p->next_ts)
        skip(p, f->ts - p->next_ts);
    else if (!p->have_time)
        p->next_ts = f->ts;
    p->have_time = true;
    p->waited = 0;
    p->fade_in = true;
    p->state = TGV_PLAYOUT_RUNNING;
}

/* After an outage everything comes at once: what would keep the delay above
 * its limit is left out. */
static bool too_old(const struct tgv_playout *p, const struct tgv_jbuf_frame *f,
                    tgv_time now)
{
    return p->jbuf.count > 1 &&
           now - tgv_delay_us(f->ts) >
               p->delay.newest_offset + p->delay.max + SKIP;
}

void tgv_playout_step(struct tgv_playout *p, tgv_time now)
{
    const struct tgv_jbuf_frame *f;

    if (p->state == TGV_PLAYOUT_BUFFERING) {
        buffer(p, now);
        return;
    }
    f = tgv_jbuf_at(&p->jbuf, 0);
    if (!f) {
        /* the next frame is late or lost, who knows */
        conceal(p, TGV_BLOCK_SAMPLES, true);
    } else if (f->ts + f->duration < p->next_ts + REST_MIN ||
               too_old(p, f, now)) {
        if (f->ts + f->duration > p->next_ts)
            skip(p, (unsigned)(f->ts + f->duration - p->next_ts));
        p->stats.frames_dropped++;
        tgv_jbuf_drop_first(&p->jbuf);
    } else if (f->ts <= p->next_ts) {
        play(p, f, now);
    } else {
        bridge(p, f, now);
    }
}
