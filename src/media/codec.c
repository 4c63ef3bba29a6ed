/* SPDX-License-Identifier: MIT */
#include "media/codec.h"

#include "media/opus_codec.h"

static const struct tgv_codec opus = {
    .name = "opus",
    .encoder_create = tgv_opus_encoder_create,
    .encoder_destroy = tgv_opus_encoder_destroy,
    .encoder_reset = tgv_opus_encoder_reset,
    .encode = tgv_opus_encode,
    .decoder_create = tgv_opus_decoder_create,
    .decoder_destroy = tgv_opus_decoder_destroy,
    .decoder_reset = tgv_opus_decoder_reset,
    .decode = tgv_opus_decode,
    .duration = tgv_opus_duration,
    .fec_samples = tgv_opus_fec_samples,
};

const struct tgv_codec *tgv_codec_opus(void)
{
    return &opus;
}
