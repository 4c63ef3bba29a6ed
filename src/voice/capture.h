/* SPDX-License-Identifier: MIT */
#ifndef TGV_VOICE_CAPTURE_H
#define TGV_VOICE_CAPTURE_H
/*
 * PCM -> mute -> frames -> encode -> frames with redundancy.
 *
 * Time stamps follow the capture clock: each 20 ms block put advances stream
 * time by 960 samples whether its sound is sent or not, and a frame's ts is
 * always a multiple of the frame's duration counted from 0 (ENG-54). Muted
 * means that nothing is encoded and no frame comes out (ENG-12). With `dtx`
 * in the encoder's settings frames without voice are kept back, but for one
 * every 360 ms; the last of them rides with the first that has voice (ENG-52).
 */
#include "base/log.h"
#include "base/time.h"
#include "media/codec.h"
#include "voice/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_capture;

struct tgv_capture_config {
    const struct tgv_codec *codec;
    struct tgv_encoder_settings encoder;
    unsigned frame_ms; /* 20, 40 or 60 */
    const struct tgv_log *log;
};

struct tgv_capture_stats {
    uint64_t blocks; /* put */
    uint64_t frames; /* encoded */
    uint64_t dropped; /* encoded, but not taken in time */
    uint64_t errors; /* refused by the encoder */
    uint64_t paused; /* encoded, but without voice: kept back */
    double level; /* peak of the last ~100 ms, 0..1; 0 while muted */
};

/* @return 0 or TGVOIP_ERR_NOMEM; config is copied, codec and log kept */
int tgv_capture_create(struct tgv_capture **out,
                       const struct tgv_capture_config *config);
void tgv_capture_destroy(struct tgv_capture *c);

/* Put one block of 960 samples; NULL stands for a block that was not there
 * (late source), which is silence. Encodes when a frame is full. */
void tgv_capture_put(struct tgv_capture *c, const int16_t *pcm, tgv_time now);
/* The newest encoded frame, once; false if there is none. Borrowed until the
 * next put. A frame not taken before the next one is ready is dropped and
 * counted, its time is not lost. */
bool tgv_capture_next(struct tgv_capture *c, struct tgv_voice_frame *frame);

void tgv_capture_set_mute(struct tgv_capture *c, bool muted);
void tgv_capture_set_encoder(struct tgv_capture *c,
                             const struct tgv_encoder_settings *settings);
/* Takes effect at the next frame border that is a multiple of both durations.
 * Towards originals it stays 60. */
void tgv_capture_set_frame_ms(struct tgv_capture *c, unsigned frame_ms);
/* How many earlier frames ride with each frame as copies, 0..
 * TGV_REDUNDANCY_MAX. */
void tgv_capture_set_redundancy(struct tgv_capture *c, unsigned count);
unsigned tgv_capture_frame_ms(const struct tgv_capture *c);
/* Stream time of the next block put. */
int64_t tgv_capture_ts(const struct tgv_capture *c);
void tgv_capture_stats(const struct tgv_capture *c,
                       struct tgv_capture_stats *stats);

#endif
