/* SPDX-License-Identifier: MIT */
#include "voice/playout_fifo.h"

#include <assert.h>
#include <string.h>

void tgv_fifo_clear(struct tgv_fifo *f)
{
    f->samples = 0;
    f->segments = 0;
}

int16_t *tgv_fifo_tail(struct tgv_fifo *f)
{
    return f->pcm + f->samples;
}

unsigned tgv_fifo_room(const struct tgv_fifo *f)
{
    return TGV_FIFO_SAMPLES - f->samples;
}

void tgv_fifo_push(struct tgv_fifo *f, const struct tgv_fifo_segment *s)
{
    assert(s->samples <= tgv_fifo_room(f));
    f->samples += s->samples;
    if (f->segments < TGV_FIFO_SEGMENTS) {
        f->segment[f->segments++] = *s;
    } else {
        struct tgv_fifo_segment *last = &f->segment[f->segments - 1];

        last->samples += s->samples;
        last->span += s->span;
        last->kind = last->kind > s->kind ? last->kind : s->kind;
        last->stretched = last->stretched || s->stretched;
    }
}

/* Silence beside made-up sound is made up; a block says the worst of it. */
static enum tgv_played_kind worse(enum tgv_played_kind a,
                                  enum tgv_played_kind b)
{
    if (a == b)
        return a;
    if (a == TGV_PLAYED_SILENCE || b == TGV_PLAYED_SILENCE)
        return TGV_PLAYED_CONCEALED;
    return a > b ? a : b;
}

/* Account n samples of the segment. */
static void take(struct tgv_fifo_segment *s, unsigned n, bool first,
                 struct tgv_played *played)
{
    unsigned span = s->samples == n
                        ? s->span
                        : (unsigned)((uint64_t)s->span * n / s->samples);

    played->kind = first ? s->kind : worse(played->kind, s->kind);
    if (first)
        played->ts = s->ts;
    played->span += span;
    played->stretched = played->stretched || s->stretched;
    s->ts += span;
    s->span -= span;
    s->samples -= n;
}

void tgv_fifo_pop(struct tgv_fifo *f, int16_t *pcm, struct tgv_played *played)
{
    unsigned left = TGV_BLOCK_SAMPLES;
    unsigned used = 0;

    assert(f->samples >= TGV_BLOCK_SAMPLES);
    memset(played, 0, sizeof(*played));
    while (left > 0) {
        struct tgv_fifo_segment *s = &f->segment[used];
        unsigned n = s->samples < left ? s->samples : left;

        take(s, n, left == TGV_BLOCK_SAMPLES, played);
        left -= n;
        if (!s->samples)
            used++;
    }
    f->segments -= used;
    memmove(f->segment, f->segment + used, f->segments * sizeof(f->segment[0]));
    memcpy(pcm, f->pcm, TGV_BLOCK_SAMPLES * sizeof(*pcm));
    f->samples -= TGV_BLOCK_SAMPLES;
    memmove(f->pcm, f->pcm + TGV_BLOCK_SAMPLES, f->samples * sizeof(*pcm));
}
