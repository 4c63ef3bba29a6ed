/* SPDX-License-Identifier: MIT */
#include "voice/playout_impl.h"

#include "media/stretch.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/* Redundancy is waited for from this share of lost frames on (two of 60 ms
 * within some seconds), and no more below the other. */
#define LOSS_HOLD 0.014
#define LOSS_RELEASE 0.005
/* It is waited for longer from this share of longer runs on, for each ms that
 * the wait gets longer. */
#define RUNS_HOLD_MS 0.00027
#define RUNS_RELEASE_MS 0.00014
/* ... and only while about so many frames carry some. */
#define REDUNDANCY_HOLD 0.3
/* While disabled, frames are kept so long, for the case that the word that
 * the peer speaks again comes after its first frames. */
#define KEEP TGV_MS(300)

int tgv_playout_create(struct tgv_playout **out,
                       const struct tgv_playout_config *config)
{
    struct tgv_playout *p = malloc(sizeof(*p));
    unsigned losses = config->losses_to_reset;

    *out = NULL;
    if (!p)
        return TGVOIP_ERR_NOMEM;
    memset(p, 0, offsetof(struct tgv_playout, jbuf));
    p->codec = config->codec;
    p->log = config->log;
    p->enabled = true;
    p->stats.first_voice = -1;
    p->conceal_max = TGV_CONCEAL_MAX_SAMPLES;
    if (losses && losses < TGV_CONCEAL_MAX_SAMPLES / TGV_BLOCK_SAMPLES)
        p->conceal_max = losses * TGV_BLOCK_SAMPLES;
    tgv_jbuf_init(&p->jbuf);
    tgv_delay_init(&p->delay, config->min_delay, config->max_delay,
                   config->initial_delay);
    tgv_level_init(&p->level);
    p->decoder = p->codec->decoder_create();
    if (!p->decoder) {
        free(p);
        return TGVOIP_ERR_NOMEM;
    }
    *out = p;
    return 0;
}

void tgv_playout_destroy(struct tgv_playout *p)
{
    if (!p)
        return;
    p->codec->decoder_destroy(p->decoder);
    free(p);
}

tgv_time tgv_playout_wanted(const struct tgv_playout *p)
{
    tgv_time target = p->delay.target;

    if (p->hold) {
        target += tgv_delay_us((int64_t)p->frame * p->hold);
        target = tgv_time_min(target, p->delay.max);
    }
    return tgv_delay_base(&p->delay) + target;
}

void tgv_playout_reset(struct tgv_playout *p)
{
    p->state = TGV_PLAYOUT_BUFFERING;
    p->have_time = false;
    p->waited = 0;
    p->hole = 0;
    p->pause_end = 0;
    p->behind = 0;
    p->seen.count = 0;
    p->impatience = 0;
    p->last = p->given;
    tgv_fifo_clear(&p->fifo);
    tgv_jbuf_clear(&p->jbuf);
}

/* A frame lost together with those after it comes back with a copy from
 * further on: worth a longer wait when that happens often enough. */
static unsigned depth(const struct tgv_playout *p)
{
    double ms = (double)p->frame / TGV_SAMPLES_PER_MS;
    unsigned frames = 1;

    while (frames < p->reach && frames < TGV_HOLD_MAX &&
           p->runs[frames] >
               ms * (frames < p->hold ? RUNS_RELEASE_MS : RUNS_HOLD_MS))
        frames++;
    return frames;
}

void tgv_playout_count_loss(struct tgv_playout *p, bool lost, unsigned samples)
{
    double share = (double)samples / TGV_LOSS_SAMPLES;

    p->loss += ((lost ? 1 : 0) - p->loss) * share;
    if (p->loss > LOSS_HOLD && p->redundancy > REDUNDANCY_HOLD)
        p->hold = depth(p);
    else if (p->loss < LOSS_RELEASE || p->redundancy < REDUNDANCY_HOLD / 2)
        p->hold = 0;
}

void tgv_playout_count_run(struct tgv_playout *p, unsigned missing)
{
    double share = (double)p->frame / TGV_LOSS_SAMPLES;

    for (unsigned i = 0; i < TGV_HOLD_MAX; i++)
        p->runs[i] += ((i < missing ? 1 : 0) - p->runs[i]) * share;
}

/* Enabled again: what came long before is not to be heard. */
static void resume(struct tgv_playout *p, tgv_time now)
{
    const struct tgv_jbuf_frame *f;

    p->resumed = false;
    while ((f = tgv_jbuf_at(&p->jbuf, 0)) && now - f->arrival > KEEP)
        tgv_jbuf_drop_first(&p->jbuf);
}

/* Silence, without a click when there was sound before. */
static void give_silence(struct tgv_playout *p, int16_t *pcm,
                         struct tgv_played *played)
{
    memset(played, 0, sizeof(*played));
    memset(pcm, 0, TGV_BLOCK_SAMPLES * sizeof(*pcm));
    if (p->given)
        tgv_stretch_join(p->given, pcm, TGV_BLOCK_SAMPLES);
    p->last = 0;
}

static void count_block(struct tgv_playout *p, const int16_t *pcm,
                        enum tgv_played_kind kind, tgv_time now)
{
    if (kind == TGV_PLAYED_SILENCE)
        p->stats.blocks_silence++;
    else if (kind == TGV_PLAYED_VOICE && p->stats.first_voice < 0)
        p->stats.first_voice = now;
    tgv_level_put(&p->level, kind == TGV_PLAYED_SILENCE ? NULL : pcm,
                  TGV_BLOCK_SAMPLES);
}

void tgv_playout_get(struct tgv_playout *p, int16_t *pcm, tgv_time now,
                     struct tgv_played *played)
{
    if (!p->enabled) {
        give_silence(p, pcm, played);
    } else {
        if (p->resumed)
            resume(p, now);
        while (p->fifo.samples < TGV_BLOCK_SAMPLES)
            tgv_playout_step(p, now);
        tgv_fifo_pop(&p->fifo, pcm, played);
    }
    p->given = pcm[TGV_BLOCK_SAMPLES - 1];
    count_block(p, pcm, played->kind, now);
}

void tgv_playout_set_delay(struct tgv_playout *p, tgv_time min_delay,
                           tgv_time max_delay)
{
    tgv_delay_set_bounds(&p->delay, min_delay, max_delay);
}

void tgv_playout_set_enabled(struct tgv_playout *p, bool enabled)
{
    if (enabled == p->enabled)
        return;
    p->enabled = enabled;
    if (enabled) {
        p->resumed = true;
        p->codec->decoder_reset(p->decoder);
        return;
    }
    tgv_playout_reset(p);
    tgv_delay_restart(&p->delay);
}

void tgv_playout_stats(const struct tgv_playout *p,
                       struct tgv_playout_stats *stats)
{
    *stats = p->stats;
    stats->jitter_ms = p->delay.jitter_us / TGV_US_PER_MS;
    stats->target_delay_ms =
        (double)(tgv_playout_wanted(p) - tgv_delay_base(&p->delay)) /
        TGV_US_PER_MS;
    stats->level = tgv_level_get(&p->level);
    stats->frame_ms = p->frame / TGV_SAMPLES_PER_MS;
}
