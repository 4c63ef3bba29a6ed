/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_OPUS_CODEC_H
#define TGV_MEDIA_OPUS_CODEC_H
/*
 * The two Opus adaptors, which media/codec.c puts together. Contracts: those
 * of the functions of struct tgv_codec with the same name. libopus is seen by
 * opus_encoder.c and opus_decoder.c only.
 */
#include "media/codec.h"

void *tgv_opus_encoder_create(void);
void tgv_opus_encoder_destroy(void *enc);
void tgv_opus_encoder_reset(void *enc);
int tgv_opus_encode(void *enc, const struct tgv_encoder_settings *settings,
                    const int16_t *pcm, size_t samples, uint8_t *out,
                    size_t cap);

void *tgv_opus_decoder_create(void);
void tgv_opus_decoder_destroy(void *dec);
void tgv_opus_decoder_reset(void *dec);
int tgv_opus_decode(void *dec, const uint8_t *data, size_t len, bool fec,
                    int16_t *pcm, size_t samples);
int tgv_opus_duration(const uint8_t *data, size_t len);
int tgv_opus_fec_samples(const uint8_t *data, size_t len);

#endif
