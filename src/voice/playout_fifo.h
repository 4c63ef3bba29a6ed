/* SPDX-License-Identifier: MIT */
#ifndef TGV_VOICE_PLAYOUT_FIFO_H
#define TGV_VOICE_PLAYOUT_FIFO_H
/*
 * Decoded sound that waits for the next 20 ms, and what it is made of.
 *
 * Invariant: the segments' samples add up to `samples`; stream time only goes
 * forward from segment to segment.
 */
#include "base/time.h"
#include "media/codec.h"
#include "voice/playout.h"

#define TGV_FIFO_SAMPLES (2 * TGV_FRAME_SAMPLES_MAX)
#define TGV_FIFO_SEGMENTS 16

struct tgv_fifo_segment {
    enum tgv_played_kind kind;
    int64_t ts;
    unsigned samples;
    unsigned span; /* stream time covered [samples] */
    bool stretched;
};

struct tgv_fifo {
    int16_t pcm[TGV_FIFO_SAMPLES];
    unsigned samples;
    struct tgv_fifo_segment segment[TGV_FIFO_SEGMENTS];
    unsigned segments;
};

void tgv_fifo_clear(struct tgv_fifo *f);
/* Where the next sound goes, and the room there. */
int16_t *tgv_fifo_tail(struct tgv_fifo *f);
unsigned tgv_fifo_room(const struct tgv_fifo *f);
/* The segment's samples have been written to the tail. */
void tgv_fifo_push(struct tgv_fifo *f, const struct tgv_fifo_segment *s);
/* Take one block of 960 samples, which must be there. */
void tgv_fifo_pop(struct tgv_fifo *f, int16_t *pcm, struct tgv_played *played);

#endif
