/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_VAD_H
#define TGV_MEDIA_VAD_H
/*
 * Is there a voice, or only what is always there? A block is voice if it is
 * well above the least loudness of the last seconds, or loud in any case; and
 * so are the blocks that follow it for a while. Steady sound is taken for
 * noise only while it is soft.
 * Source: ENG-52; our choice
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_vad {
    double least, least_before; /* power of this span, of the one before */
    unsigned blocks; /* in this span */
    bool known; /* one span is over */
    unsigned hang; /* blocks that still count as voice */
};

void tgv_vad_init(struct tgv_vad *v);
/* One block of 20 ms; NULL stands for silence. */
bool tgv_vad_put(struct tgv_vad *v, const int16_t *pcm, size_t samples);

#endif
