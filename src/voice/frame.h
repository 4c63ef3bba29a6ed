/* SPDX-License-Identifier: MIT */
#ifndef TGV_VOICE_FRAME_H
#define TGV_VOICE_FRAME_H
/*
 * What the voice pipeline gives to, and takes from, a protocol: encoded audio
 * with its time. It knows no packet.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_REDUNDANCY_MAX 8

/* ts counts 48 kHz samples of stream time, unwrapped. Data is borrowed. */
struct tgv_voice_block {
    int64_t ts;
    unsigned duration; /* [samples] */
    const uint8_t *data;
    size_t len;
};

struct tgv_voice_frame {
    struct tgv_voice_block primary;
    bool after_pause; /* received: the sender left out what is before it */
    unsigned redundancy_count;
    struct tgv_voice_block redundancy[TGV_REDUNDANCY_MAX]; /* older frames,
                                                              oldest first */
};

#endif
