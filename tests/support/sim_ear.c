/* SPDX-License-Identifier: MIT */
#include "support/sim_ear.h"

#include "support/marker_codec.h"

#include <stdio.h>

#define STRETCH_SLACK (TGV_BLOCK_SAMPLES * 2)
#define BREACHES_PRINTED 5

static void breach(struct tgv_sim_ear *e, const struct tgv_played *p,
                   tgv_time now, int64_t pos, const char *what)
{
    if (e->heard.breaches++ >= BREACHES_PRINTED)
        return;
    printf("  seed %llu side %d at %.3f s: %s (kind %d, ts %lld, span %u, "
           "captured %lld, before %lld)\n",
           (unsigned long long)e->seed, e->side, (double)now / TGV_US_PER_S,
           what, (int)p->kind, (long long)p->ts, p->span, (long long)pos,
           (long long)e->last_pos);
}

static void count(struct tgv_sim_ear *e, const struct tgv_played *p)
{
    struct tgv_sim_heard *h = &e->heard;

    if (p->kind == TGV_PLAYED_VOICE || p->kind == TGV_PLAYED_RECOVERED)
        e->started = true;
    if (!e->started)
        return;
    h->blocks++;
    h->voice += p->kind == TGV_PLAYED_VOICE;
    h->recovered += p->kind == TGV_PLAYED_RECOVERED;
    h->concealed += p->kind == TGV_PLAYED_CONCEALED;
    h->silence += p->kind == TGV_PLAYED_SILENCE;
}

static void note_delay(struct tgv_sim_ear *e, tgv_time delay, tgv_time now)
{
    struct tgv_sim_heard *h = &e->heard;

    if (h->delay_count == TGV_SIM_DELAYS_MAX)
        return;
    h->delays_ms10[h->delay_count] = (uint32_t)(delay / 100);
    h->delay_at[h->delay_count++] = now;
}

static tgv_time samples_us(int64_t n)
{
    return n * TGV_US_PER_MS / TGV_SAMPLES_PER_MS;
}

/* Undisturbed voice: its place in what was captured is exact. */
static void check_place(struct tgv_sim_ear *e, const struct tgv_played *p,
                        const struct tgv_marker_spot *spot, int64_t pos,
                        tgv_time now)
{
    int64_t base = pos - (int64_t)spot->at - p->ts;

    if (!e->base_known) {
        e->base_known = true;
        e->base = base;
    }
    if (base != e->base)
        breach(e, p, now, pos, "not where its time stamp says");
    if (pos <= e->last_pos)
        breach(e, p, now, pos, "heard before");
}

/* Voice without a marker must be where the other end sent silence. */
static void check_unmarked(struct tgv_sim_ear *e, const struct tgv_played *p,
                           tgv_time now, tgv_sim_captured_fn *captured,
                           const void *ctx)
{
    int64_t middle = p->ts + e->base + TGV_BLOCK_SAMPLES / 2;

    if (e->base_known && middle >= 0 &&
        captured(ctx, (uint32_t)(middle / TGV_BLOCK_SAMPLES)) >= 0)
        breach(e, p, now, middle, "voice, but not what was sent");
}

static void check_marker(struct tgv_sim_ear *e, const int16_t *pcm,
                         const struct tgv_played *p, tgv_time now,
                         tgv_sim_captured_fn *captured, const void *ctx)
{
    struct tgv_marker_spot spot;
    bool exact = !p->stretched && p->kind != TGV_PLAYED_CONCEALED;

    if (!tgv_marker_find(pcm, TGV_BLOCK_SAMPLES, 0, &spot)) {
        if (exact)
            check_unmarked(e, p, now, captured, ctx);
        return;
    }
    int64_t pos = (int64_t)spot.number * TGV_BLOCK_SAMPLES + spot.offset;
    tgv_time at = captured(ctx, spot.number);
    if (at < 0 || at > now) {
        breach(e, p, now, pos, "was never sent");
        return;
    }
    if (exact) {
        check_place(e, p, &spot, pos, now);
        note_delay(e,
                   now + samples_us((int64_t)spot.at) - at -
                       samples_us(spot.offset),
                   now);
    } else if (pos + STRETCH_SLACK < e->last_pos) {
        breach(e, p, now, pos, "out of order");
    }
    if (pos > e->last_pos)
        e->last_pos = pos;
}

void tgv_sim_ear_take(struct tgv_sim_ear *e, const int16_t *pcm,
                      const struct tgv_played *p, tgv_time now,
                      tgv_sim_captured_fn *captured, const void *ctx)
{
    count(e, p);
    if (p->kind == TGV_PLAYED_SILENCE)
        return;
    if (p->ts < e->end_ts)
        breach(e, p, now, -1, "its stream time was played before");
    e->end_ts = p->ts + p->span;
    if (e->marked)
        check_marker(e, pcm, p, now, captured, ctx);
}
