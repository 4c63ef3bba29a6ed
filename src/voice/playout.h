/* SPDX-License-Identifier: MIT */
#ifndef TGV_VOICE_PLAYOUT_H
#define TGV_VOICE_PLAYOUT_H
/*
 * Frames -> jitter buffer -> decode -> time-stretching -> PCM, 20 ms at a time
 * on an absolute clock.
 *
 * The play-out delay follows the measured jitter: it grows at once when frames
 * come too late and shrinks by time-stretching when it is larger than needed.
 * A lost frame is taken from redundancy, else from the next frame's in-band
 * FEC without using that frame up (ENG-42), else concealed. Everything is
 * counted once. Works for any mix of 20, 40 and 60 ms frames (ENG-45).
 * Source: behaviour notes 12, 15, ENG-40..46; the algorithm is our choice
 */
#include "base/log.h"
#include "base/time.h"
#include "media/codec.h"
#include "voice/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_playout;

struct tgv_playout_config {
    const struct tgv_codec *codec;
    /* Bounds of the target delay and where it starts. For originals the
     * server's jitter_*_60 values; between two of ours our choice. */
    tgv_time min_delay;
    tgv_time max_delay;
    tgv_time initial_delay;
    unsigned losses_to_reset; /* consecutive missing frames; 20 */
    const struct tgv_log *log;
};

enum tgv_played_kind {
    TGV_PLAYED_SILENCE = 0, /* nothing known to play (before the first
                                 frame, buffering, long gap) */
    TGV_PLAYED_VOICE = 1, /* all from primary frames */
    TGV_PLAYED_RECOVERED = 2, /* some from redundancy or in-band FEC */
    TGV_PLAYED_CONCEALED = 3 /* some made up */
};

/* What one block of output is made of, for statistics and tests. */
struct tgv_played {
    enum tgv_played_kind kind;
    int64_t ts; /* stream time of its first sample; undefined for
                             silence */
    unsigned span; /* stream time that it covers [samples]: 960, or
                             less/more where time was stretched */
    bool stretched;
};

struct tgv_playout_stats {
    uint64_t frames_received; /* primary, first copies */
    uint64_t frames_played;
    uint64_t frames_recovered;
    uint64_t frames_concealed; /* frames lost for good while playing */
    uint64_t frames_late; /* came after their time */
    uint64_t frames_duplicate;
    uint64_t frames_dropped; /* no room, or unplayable */
    uint64_t blocks_silence;
    uint64_t resets;
    double jitter_ms; /* of arrival */
    double target_delay_ms; /* wanted */
    double delay_ms; /* arrival to play of what is played now */
    double level; /* peak of the last ~100 ms, 0..1 */
    unsigned frame_ms; /* of the newest frame, 0 before */
    tgv_time first_voice; /* when the first VOICE block was given; -1 */
};

int tgv_playout_create(struct tgv_playout **out,
                       const struct tgv_playout_config *config);
void tgv_playout_destroy(struct tgv_playout *p);

/* Store a received frame and its redundancy, or redundancy alone (primary.data
 * NULL). Data is copied. Never fails: what
 * cannot be used is counted. duration 0 means: ask the codec. */
void tgv_playout_put(struct tgv_playout *p, const struct tgv_voice_frame *f,
                     tgv_time now);

/* Make the next block of 960 samples. `now` is when it was due. */
void tgv_playout_get(struct tgv_playout *p, int16_t *pcm, tgv_time now,
                     struct tgv_played *played);

/* New bounds of the target delay. */
void tgv_playout_set_delay(struct tgv_playout *p, tgv_time min_delay,
                           tgv_time max_delay);
/* Silence from now on, and back (peer muted). */
void tgv_playout_set_enabled(struct tgv_playout *p, bool enabled);
void tgv_playout_stats(const struct tgv_playout *p,
                       struct tgv_playout_stats *stats);

#endif
