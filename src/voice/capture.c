/* SPDX-License-Identifier: MIT */
#include "voice/capture.h"

#include "media/level.h"
#include "media/vad.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define ROOM "voice"

/* The frames a packet may carry as copies, and the newest one. */
#define RING (TGV_REDUNDANCY_MAX + 1)
/* In a pause one frame of so many is sent all the same: it tells how the
 * silence sounds, and that there is one. */
#define PAUSE_EVERY (360 * TGV_SAMPLES_PER_MS)

struct encoded {
    int64_t ts;
    unsigned duration;
    size_t len;
    uint8_t data[TGV_FRAME_BYTES_MAX];
};

struct tgv_capture {
    const struct tgv_codec *codec;
    void *encoder;
    const struct tgv_log *log;
    struct tgv_encoder_settings settings;

    int64_t ts; /* of the next block */
    unsigned duration; /* of the frame being filled [samples] */
    unsigned new_duration; /* wanted */
    unsigned filled; /* samples in pcm */
    unsigned sound; /* blocks in pcm that may be sent */
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];

    bool muted;
    bool fresh; /* nothing encoded since creation or mute */
    unsigned redundancy;
    struct encoded ring[RING];
    unsigned newest; /* its place in the ring */
    unsigned held; /* frames in the ring, without holes between them */
    bool ready; /* the newest has not been taken */

    struct tgv_vad vad; /* fed while settings.dtx */
    bool voice; /* in pcm */
    unsigned silent; /* samples since the last frame for sending */
    bool onset; /* the frame before was left out: a soft beginning may be in
                   it, so it rides along */

    struct tgv_level level;
    struct tgv_capture_stats stats;
};

static unsigned samples_of(unsigned frame_ms)
{
    if (frame_ms <= 20)
        return TGV_BLOCK_SAMPLES;
    return frame_ms <= 40 ? 2 * TGV_BLOCK_SAMPLES : 3 * TGV_BLOCK_SAMPLES;
}

int tgv_capture_create(struct tgv_capture **out,
                       const struct tgv_capture_config *config)
{
    struct tgv_capture *c = calloc(1, sizeof(*c));

    *out = NULL;
    if (!c)
        return TGVOIP_ERR_NOMEM;
    c->codec = config->codec;
    c->log = config->log;
    c->settings = config->encoder;
    c->duration = c->new_duration = samples_of(config->frame_ms);
    c->fresh = true;
    tgv_level_init(&c->level);
    tgv_vad_init(&c->vad);
    c->encoder = c->codec->encoder_create();
    if (!c->encoder) {
        free(c);
        return TGVOIP_ERR_NOMEM;
    }
    *out = c;
    return 0;
}

void tgv_capture_destroy(struct tgv_capture *c)
{
    if (!c)
        return;
    c->codec->encoder_destroy(c->encoder);
    free(c);
}

/* Copies name their time by their place alone, so what lies before a hole, or
 * has another duration, must never ride along. */
static void forget_frames(struct tgv_capture *c)
{
    c->held = 0;
    c->ready = false;
}

static void encode(struct tgv_capture *c, tgv_time now)
{
    unsigned place = (c->newest + 1) % RING;
    struct encoded *e = &c->ring[place];
    struct tgv_encoder_settings settings = c->settings;
    int n;

    if (c->ready) {
        c->stats.dropped++;
        c->ready = false;
    }
    if (c->fresh) {
        c->codec->encoder_reset(c->encoder);
        c->fresh = false;
    }
    settings.dtx = false; /* see leave_out_pause() */
    n = c->codec->encode(c->encoder, &settings, c->pcm, c->duration, e->data,
                         sizeof(e->data));
    if (n <= 0) {
        if (n < 0 && c->stats.errors++ == 0)
            tgv_log(c->log, TGV_LOG_WARNING, ROOM, now,
                    "the encoder refuses a frame (%d)", n);
        forget_frames(c);
        return;
    }
    e->ts = c->ts - c->duration;
    e->duration = c->duration;
    e->len = (size_t)n;
    c->newest = place;
    if (c->held < RING)
        c->held++;
    c->ready = true;
    c->stats.frames++;
}

/* Without voice the frame stays; it may still ride as a copy. The codec's own
 * DTX would lose it, and that of Opus finds no pause in speech in frames of
 * 60 ms. */
static void leave_out_pause(struct tgv_capture *c)
{
    c->silent += c->duration;
    if (!c->ready || c->voice || !c->settings.dtx || c->silent >= PAUSE_EVERY) {
        c->silent = 0;
        return;
    }
    c->ready = false;
    c->onset = true;
    c->stats.paused++;
}

static void finish_frame(struct tgv_capture *c, tgv_time now)
{
    if (c->muted || !c->sound) {
        forget_frames(c);
        c->fresh = true;
    } else {
        encode(c, now);
        leave_out_pause(c);
    }
    c->filled = 0;
    c->sound = 0;
    c->voice = false;
}

/* At a border that both durations share the grid of either holds. */
static void change_duration(struct tgv_capture *c)
{
    if (c->new_duration == c->duration || c->ts % c->duration ||
        c->ts % c->new_duration)
        return;
    c->duration = c->new_duration;
    c->held = 0;
}

void tgv_capture_put(struct tgv_capture *c, const int16_t *pcm, tgv_time now)
{
    const size_t bytes = TGV_BLOCK_SAMPLES * sizeof(*pcm);

    if (!c->filled)
        change_duration(c);
    if (c->muted || !pcm)
        memset(c->pcm + c->filled, 0, bytes);
    else
        memcpy(c->pcm + c->filled, pcm, bytes);
    if (!c->muted)
        c->sound++;
    if (c->settings.dtx &&
        tgv_vad_put(&c->vad, c->muted ? NULL : pcm, TGV_BLOCK_SAMPLES))
        c->voice = true;
    tgv_level_put(&c->level, c->muted ? NULL : pcm, TGV_BLOCK_SAMPLES);
    c->stats.blocks++;
    c->filled += TGV_BLOCK_SAMPLES;
    c->ts += TGV_BLOCK_SAMPLES;
    if (c->filled >= c->duration)
        finish_frame(c, now);
}

static void borrow(struct tgv_voice_block *b, const struct encoded *e)
{
    b->ts = e->ts;
    b->duration = e->duration;
    b->data = e->data;
    b->len = e->len;
}

bool tgv_capture_next(struct tgv_capture *c, struct tgv_voice_frame *frame)
{
    unsigned copies = c->redundancy;

    if (!c->ready)
        return false;
    c->ready = false;
    if (c->onset && copies == 0)
        copies = 1;
    c->onset = false;
    if (copies > c->held - 1)
        copies = c->held - 1;
    memset(frame, 0, sizeof(*frame));
    borrow(&frame->primary, &c->ring[c->newest]);
    frame->redundancy_count = copies;
    for (unsigned i = 0; i < copies; i++)
        borrow(&frame->redundancy[i],
               &c->ring[(c->newest + RING - copies + i) % RING]);
    return true;
}

void tgv_capture_set_mute(struct tgv_capture *c, bool muted)
{
    if (muted == c->muted)
        return;
    c->muted = muted;
    if (!muted)
        return;
    /* what was said before must not leave after */
    forget_frames(c);
    tgv_level_init(&c->level);
    memset(c->pcm, 0, sizeof(c->pcm));
    c->sound = 0;
}

void tgv_capture_set_encoder(struct tgv_capture *c,
                             const struct tgv_encoder_settings *settings)
{
    if (settings->dtx && !c->settings.dtx)
        tgv_vad_init(&c->vad);
    c->settings = *settings;
}

void tgv_capture_set_frame_ms(struct tgv_capture *c, unsigned frame_ms)
{
    c->new_duration = samples_of(frame_ms);
}

void tgv_capture_set_redundancy(struct tgv_capture *c, unsigned count)
{
    c->redundancy = count < TGV_REDUNDANCY_MAX ? count : TGV_REDUNDANCY_MAX;
}

unsigned tgv_capture_frame_ms(const struct tgv_capture *c)
{
    return c->duration / TGV_SAMPLES_PER_MS;
}

int64_t tgv_capture_ts(const struct tgv_capture *c)
{
    return c->ts;
}

void tgv_capture_stats(const struct tgv_capture *c,
                       struct tgv_capture_stats *stats)
{
    *stats = c->stats;
    stats->level = tgv_level_get(&c->level);
}
