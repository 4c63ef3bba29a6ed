/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_MARKER_CODEC_H
#define TGV_TEST_MARKER_CODEC_H
/*
 * A codec for tests that carries the number of each 20 ms block instead of
 * its sound, so that a test sees exactly which blocks are played, and where.
 *
 * A marked block is 240 groups of four samples; every group holds the block's
 * number, the group's own number and a check, so that it is found again at any
 * alignment. Cheap enough for thousands of simulated call-minutes.
 *
 * A frame is padded to the size that the bitrate asks for. With in-band FEC it
 * carries the numbers of the frame before. Concealment is silence (zeros).
 */
#include "media/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_MARKER_GROUP 4 /* samples */
#define TGV_MARKER_NONE UINT32_MAX

const struct tgv_codec *tgv_codec_marker(void);

/* Fill one block of 960 samples; number is below 2^28. */
void tgv_marker_write(int16_t *pcm, uint32_t number);

/* Number of the block that the first whole group belongs to, or
 * TGV_MARKER_NONE. For aligned, undisturbed blocks this is all one needs. */
uint32_t tgv_marker_read(const int16_t *pcm, size_t samples);

struct tgv_marker_spot {
    size_t at; /* index of the group's first sample in pcm */
    uint32_t number; /* of the block */
    unsigned offset; /* of the group in its block [samples], 0..956 */
};

/* First intact group at index `from` or after; false if there is none. */
bool tgv_marker_find(const int16_t *pcm, size_t samples, size_t from,
                     struct tgv_marker_spot *spot);

#endif
