/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_LEVEL_H
#define TGV_MEDIA_LEVEL_H
/*
 * Peak meter over the last five blocks (100 ms).
 */
#include <stddef.h>
#include <stdint.h>

#define TGV_LEVEL_BLOCKS 5

struct tgv_level {
    uint16_t peak[TGV_LEVEL_BLOCKS];
    unsigned next;
};

void tgv_level_init(struct tgv_level *l);
/* One block; NULL stands for silence. */
void tgv_level_put(struct tgv_level *l, const int16_t *pcm, size_t samples);
/* 0..1, 1 being full scale. */
double tgv_level_get(const struct tgv_level *l);
/* Largest |sample|, 0..32768. */
unsigned tgv_level_peak(const int16_t *pcm, size_t samples);

#endif
