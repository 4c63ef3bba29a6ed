/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_EAR_H
#define TGV_API_EAR_H
/*
 * What a peer with a perfect network would hear of the frames that were sent:
 * a decoder of our own, behind a clock of 20 ms. Exists only while somebody
 * records it (ENG-55). A frame that was not sent is concealed for a moment,
 * then silent, so times in the recording stay true.
 * Source: behaviour notes 15.3
 */
#include "media/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_ear;

/* @return 0 or TGVOIP_ERR_NOMEM; codec is kept */
int tgv_ear_create(struct tgv_ear **out, const struct tgv_codec *codec);
/* NULL is fine. */
void tgv_ear_destroy(struct tgv_ear *e);
/* Begin anew. */
void tgv_ear_reset(struct tgv_ear *e);

/* A frame has just been sent. */
void tgv_ear_hear(struct tgv_ear *e, const uint8_t *data, size_t len);
/* Samples decoded and not taken yet. */
size_t tgv_ear_left(const struct tgv_ear *e);
/* The next 960 samples; false before the first frame. */
bool tgv_ear_take(struct tgv_ear *e, int16_t *pcm);

#endif
