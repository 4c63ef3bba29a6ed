/* SPDX-License-Identifier: MIT */
#ifndef TGV_VOICE_PLAYOUT_IMPL_H
#define TGV_VOICE_PLAYOUT_IMPL_H
/*
 * What the files of the play-out share. playout.c: life, getting blocks,
 * statistics; playout_put.c: frames that arrive; playout_step.c: what sound
 * comes next; playout_adapt.c: time-stretching towards the wanted delay.
 *
 * Stream time runs as follows. `next_ts` is the time of the next sample to be
 * made. While a frame is missing and no later one has come, sound is made up
 * without moving next_ts (`waited` counts it): if the frame turns out late it
 * is played whole and the delay has grown by the wait; if a later one shows
 * that it is lost, the wait has covered its time and the delay stays.
 */
#include "media/delay.h"
#include "media/jbuf.h"
#include "media/level.h"
#include "voice/playout.h"
#include "voice/playout_fifo.h"

#define TGV_PLAYOUT_ROOM "voice"
/* Made-up sound lasts so long, then there is silence. */
#define TGV_CONCEAL_MAX_SAMPLES (360 * TGV_SAMPLES_PER_MS)
/* Shares (loss, redundancy) are means over about this much stream time. */
#define TGV_LOSS_SAMPLES (8 * TGV_RATE_HZ)
#define TGV_REDUNDANCY_SAMPLES (2 * TGV_RATE_HZ)
#define TGV_SEEN_FRAMES 64
/* Redundancy is waited for so many frames at most. */
#define TGV_HOLD_MAX 3

enum tgv_playout_state {
    TGV_PLAYOUT_BUFFERING, /* silence until enough has come */
    TGV_PLAYOUT_RUNNING
};

/* Primary frames that came, to tell repeated ones from late ones. */
struct tgv_seen {
    int64_t ts[TGV_SEEN_FRAMES];
    unsigned next, count;
};

struct tgv_playout {
    const struct tgv_codec *codec;
    void *decoder;
    const struct tgv_log *log;

    enum tgv_playout_state state;
    bool enabled;
    bool resumed; /* enabled again, old frames still to be thrown out */
    bool have_time; /* next_ts means something */
    int64_t next_ts;
    unsigned waited; /* made up without moving next_ts [samples] */
    unsigned made_up; /* made up in a row [samples] */
    unsigned conceal_max; /* of made_up */
    unsigned hole; /* stream time lost since the last frame */
    int64_t pause_end; /* nothing before it was lost: the sender paused */
    int16_t last; /* newest sample made */
    int16_t given; /* newest sample given */
    bool join; /* the next sound does not go on from `last` */
    bool fade_in; /* the next sound starts from silence */

    struct tgv_delay delay;
    struct tgv_fifo fifo;
    struct tgv_level level;

    struct tgv_seen seen;
    unsigned behind; /* primary frames in a row from before next_ts */
    int64_t behind_ts;
    tgv_time on_time_at; /* last arrival of a frame that can be played */

    double loss; /* share of frames that did not come in time */
    double redundancy; /* share of frames that can restore an earlier one */
    double runs[TGV_HOLD_MAX]; /* share of frames lost after 0, 1.. others */
    int64_t newest_end; /* of the newest primary frame that came */
    unsigned reach; /* frames that copies reach back */
    unsigned hold; /* frames that redundancy is waited for */
    unsigned frame; /* duration of the newest frame [samples] */
    unsigned impatience; /* frames for which a stretch was wanted in vain */

    struct tgv_playout_stats stats;

    /* Last, and not cleared: few of its slots are ever used, and those that
     * are not cost no real memory. */
    struct tgv_jbuf jbuf;
};

/* Offset from stream time to play time that is wanted. */
tgv_time tgv_playout_wanted(const struct tgv_playout *p);
/* Start over at the next frame; the learned delay stays. */
void tgv_playout_reset(struct tgv_playout *p);
/* A primary frame came, `missing` frames after the one before. */
void tgv_playout_count_run(struct tgv_playout *p, unsigned missing);
/* So much stream time came, or did not (in time). */
void tgv_playout_count_loss(struct tgv_playout *p, bool lost, unsigned samples);
/* Add sound to the FIFO, at least one sample, or drop an unusable frame. */
void tgv_playout_step(struct tgv_playout *p, tgv_time now);
/* Stretch the frame that was just written to the FIFO's tail if the delay is
 * not the wanted one; `offset` is now minus its stream time. Returns its new
 * length. */
unsigned tgv_playout_adapt(struct tgv_playout *p, unsigned samples,
                           tgv_time offset);

#endif
