/* SPDX-License-Identifier: MIT */
#include "media/opus_codec.h"

#include "base/time.h"

#include <opus.h>

#include <tgvoip/error.h>

#define PLC_STEP_SAMPLES 120 /* libopus conceals in units of 2.5 ms */

void *tgv_opus_decoder_create(void)
{
    int err = 0;

    return opus_decoder_create(TGV_RATE_HZ, 1, &err);
}

void tgv_opus_decoder_destroy(void *dec)
{
    if (dec)
        opus_decoder_destroy(dec);
}

void tgv_opus_decoder_reset(void *dec)
{
    opus_decoder_ctl(dec, OPUS_RESET_STATE);
}

int tgv_opus_duration(const uint8_t *data, size_t len)
{
    int n;

    if (!data || !len || len > TGV_FRAME_BYTES_MAX)
        return TGVOIP_ERR_FORMAT;
    n = opus_packet_get_nb_samples(data, (opus_int32)len, TGV_RATE_HZ);
    if (n < PLC_STEP_SAMPLES || n > TGV_FRAME_SAMPLES_MAX)
        return TGVOIP_ERR_FORMAT;
    return n;
}

/*
 * A SILK or hybrid frame starts with one voice-activity bit per 20 ms and one
 * bit that says whether redundancy for the frame before follows (RFC 6716,
 * 4.2.3); they are coded at even odds, so they can be read off the first byte.
 */
int tgv_opus_fec_samples(const uint8_t *data, size_t len)
{
    const unsigned char *frames[48];
    opus_int16 sizes[48];
    int span;
    int vad_bits;

    if (tgv_opus_duration(data, len) < 0 || (data[0] & 0x80))
        return 0; /* the upper half of the TOCs is CELT, which has none */
    span = opus_packet_get_samples_per_frame(data, TGV_RATE_HZ);
    if (opus_packet_parse(data, (opus_int32)len, NULL, frames, sizes, NULL) <
            1 ||
        sizes[0] < 1)
        return 0;
    vad_bits = span > TGV_BLOCK_SAMPLES ? span / TGV_BLOCK_SAMPLES : 1;
    if (frames[0][0] >> (7 - vad_bits) & 1)
        return span;
    return 0;
}

int tgv_opus_decode(void *dec, const uint8_t *data, size_t len, bool fec,
                    int16_t *pcm, size_t samples)
{
    int n;

    if (!samples || samples > TGV_FRAME_SAMPLES_MAX ||
        samples % PLC_STEP_SAMPLES)
        return TGVOIP_ERR_INVALID;
    if (!data) {
        n = opus_decode(dec, NULL, 0, pcm, (int)samples, 0);
        return n == (int)samples ? n : TGVOIP_ERR_FORMAT;
    }
    n = tgv_opus_duration(data, len);
    if (n < 0 || (!fec && n != (int)samples))
        return TGVOIP_ERR_FORMAT;
    n = opus_decode(dec, data, (opus_int32)len, pcm, (int)samples, fec);
    return n == (int)samples ? n : TGVOIP_ERR_FORMAT;
}
