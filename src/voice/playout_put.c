/* SPDX-License-Identifier: MIT */
#include "voice/playout_impl.h"

#include <string.h>

/* Far beyond any call; keeps all sums of times in range (ENG-44). */
#define TS_MAX ((int64_t)1 << 50)
/* So far back is no late frame: the sender started over. */
#define BACK_SURE (5 * TGV_RATE_HZ)
#define BACK_SURE_FRAMES 2
/* Frames in a row that were there before, or that are all too late, while
 * nothing else comes. */
#define BACK_FRAMES 6
/* A longer hole is a pause. */
#define RUN_MAX (TGV_RATE_HZ / 2)
#define BACK_TIME TGV_MS(300)

static bool seen(const struct tgv_seen *s, int64_t ts)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->ts[(s->next + TGV_SEEN_FRAMES - 1 - i) % TGV_SEEN_FRAMES] == ts)
            return true;
    return false;
}

static void remember(struct tgv_seen *s, int64_t ts)
{
    s->ts[s->next] = ts;
    s->next = (s->next + 1) % TGV_SEEN_FRAMES;
    if (s->count < TGV_SEEN_FRAMES)
        s->count++;
}

/* The frame lies behind what is played. Has the sender gone back in time? */
static bool went_back(struct tgv_playout *p, int64_t ts, tgv_time now)
{
    if (p->behind && ts <= p->behind_ts)
        p->behind = 0; /* stragglers come in any order */
    p->behind++;
    p->behind_ts = ts;
    if (ts < p->next_ts - BACK_SURE)
        return p->behind >= BACK_SURE_FRAMES;
    return p->behind >= BACK_FRAMES && !p->jbuf.count &&
           now - p->on_time_at >= BACK_TIME;
}

/* Its end is in the past: false. */
static bool in_time(struct tgv_playout *p, const struct tgv_jbuf_frame *f)
{
    return !p->have_time || f->ts + f->duration > p->next_ts;
}

/* Check one block of a frame and describe it for the buffer. */
static bool describe(const struct tgv_playout *p,
                     const struct tgv_voice_block *b,
                     struct tgv_jbuf_frame *meta)
{
    int duration;

    if (b->ts < 0 || b->ts > TS_MAX || !b->data || !b->len ||
        b->len > TGV_FRAME_BYTES_MAX)
        return false;
    duration = p->codec->duration(b->data, b->len);
    if (duration <= 0 || duration > TGV_FRAME_SAMPLES_MAX ||
        (b->duration && b->duration != (unsigned)duration))
        return false;
    meta->ts = b->ts;
    meta->duration = (unsigned)duration;
    meta->len = b->len;
    meta->fec = (unsigned)p->codec->fec_samples(b->data, b->len);
    return true;
}

static void put_copy(struct tgv_playout *p, const struct tgv_voice_block *b,
                     tgv_time now)
{
    struct tgv_jbuf_frame meta;

    /* most copies are of frames that came: look before parsing */
    if (b->ts < 0 || (p->have_time && b->ts < p->next_ts) ||
        tgv_jbuf_find(&p->jbuf, b->ts) || seen(&p->seen, b->ts))
        return;
    if (!describe(p, b, &meta)) {
        if (b->len) /* an empty copy only keeps a place */
            p->stats.frames_dropped++;
        return;
    }
    meta.primary = false;
    meta.arrival = now;
    if (!in_time(p, &meta))
        return;
    if (tgv_jbuf_put(&p->jbuf, &meta, b->data) == TGV_JBUF_DROPPED)
        p->stats.frames_dropped++;
}

static void put_late(struct tgv_playout *p, const struct tgv_jbuf_frame *meta,
                     const uint8_t *data, bool repeated, tgv_time now)
{
    if (repeated)
        p->stats.frames_duplicate++;
    else
        p->stats.frames_late++;
    if (!went_back(p, meta->ts, now))
        return;
    tgv_log(p->log, TGV_LOG_INFO, TGV_PLAYOUT_ROOM, now,
            "the peer's stream time went back, starting over");
    p->stats.resets++;
    tgv_playout_reset(p);
    tgv_delay_restart(&p->delay);
    tgv_delay_put(&p->delay, meta->ts, now);
    tgv_jbuf_put(&p->jbuf, meta, data);
    remember(&p->seen, meta->ts);
}

static void put_in_time(struct tgv_playout *p,
                        const struct tgv_jbuf_frame *meta, const uint8_t *data,
                        tgv_time now)
{
    p->behind = 0;
    p->on_time_at = now;
    switch (tgv_jbuf_put(&p->jbuf, meta, data)) {
    case TGV_JBUF_DUPLICATE:
        p->stats.frames_duplicate++;
        break;
    case TGV_JBUF_DROPPED:
        p->stats.frames_dropped++;
        break;
    case TGV_JBUF_STORED:
    case TGV_JBUF_REPLACED:
        break;
    }
}

/* Frames that are missing right before this one. In a bundle or out of order
 * the count is corrected by nothing, it is only a share. */
static void note_run(struct tgv_playout *p, const struct tgv_jbuf_frame *f)
{
    int64_t gap = f->ts - p->newest_end;

    if (p->newest_end && gap >= 0 && gap <= RUN_MAX)
        tgv_playout_count_run(p, (unsigned)(gap / f->duration));
    if (gap > 0 || -gap < f->duration || gap < -RUN_MAX)
        p->newest_end = f->ts + f->duration;
}

/* How far back a frame's redundancy reaches. */
static void note_reach(struct tgv_playout *p, const struct tgv_voice_frame *f,
                       const struct tgv_jbuf_frame *meta)
{
    int64_t back = meta->fec;

    if (f->redundancy_count)
        back = meta->ts - f->redundancy[0].ts;
    if (back < 0 || !meta->duration)
        return;
    p->reach = back < (int64_t)TGV_HOLD_MAX * meta->duration
                   ? (unsigned)back / meta->duration
                   : TGV_HOLD_MAX;
}

static void put_primary(struct tgv_playout *p, const struct tgv_voice_frame *f,
                        tgv_time now)
{
    struct tgv_jbuf_frame meta;
    bool repeated;

    if (!describe(p, &f->primary, &meta)) {
        p->stats.frames_dropped++;
        return;
    }
    meta.primary = true;
    meta.arrival = now;
    repeated = seen(&p->seen, meta.ts);
    if (!repeated) {
        p->stats.frames_received++;
        note_run(p, &meta);
        p->frame = meta.duration;
        p->redundancy +=
            ((meta.fec || f->redundancy_count ? 1 : 0) - p->redundancy) *
            meta.duration / TGV_REDUNDANCY_SAMPLES;
        note_reach(p, f, &meta);
        if (tgv_delay_put(&p->delay, meta.ts, now) == TGV_DELAY_RESTART)
            p->stats.resets++;
        remember(&p->seen, meta.ts);
        if (f->after_pause)
            p->pause_end = meta.ts;
    }
    if (in_time(p, &meta) && !repeated)
        put_in_time(p, &meta, f->primary.data, now);
    else if (in_time(p, &meta))
        p->stats.frames_duplicate++;
    else
        put_late(p, &meta, f->primary.data, repeated, now);
}

void tgv_playout_put(struct tgv_playout *p, const struct tgv_voice_frame *f,
                     tgv_time now)
{
    unsigned copies = f->redundancy_count < TGV_REDUNDANCY_MAX
                          ? f->redundancy_count
                          : TGV_REDUNDANCY_MAX;

    if (f->primary.data || f->primary.len) /* copies may come alone */
        put_primary(p, f, now);
    for (unsigned i = 0; i < copies; i++)
        put_copy(p, &f->redundancy[i], now);
}
