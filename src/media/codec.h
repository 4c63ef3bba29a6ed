/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_CODEC_H
#define TGV_MEDIA_CODEC_H
/*
 * An audio codec behind a few functions: Opus in production
 * (tgv_codec_opus()), a marker codec in tests that writes the number of each
 * block in place of its sound.
 *
 * PCM is 48 kHz mono s16. A frame is 20, 40 or 60 ms. Encoders and decoders
 * are used by one thread at a time and do not allocate after creation.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_FRAME_SAMPLES_MAX 2880 /* 60 ms */
#define TGV_FRAME_BYTES_MAX 1024 /* what a receiver of the protocol takes */

struct tgv_encoder_settings {
    unsigned bitrate_bps;
    unsigned complexity; /* 0..10 */
    unsigned loss_percent; /* expected, 0..100 */
    bool inband_fec;
    bool dtx;
};

struct tgv_codec {
    const char *name;
    /* The object, or NULL when memory is short. */
    void *(*encoder_create)(void);
    void (*encoder_destroy)(void *enc);
    /* Forget the sound so far: the next frame starts anew, without redundancy
     * for what came before. Settings stay. */
    void (*encoder_reset)(void *enc);
    /* Changed settings take effect with this frame. @return bytes, 1..cap;
     * 0 if nothing need be sent (DTX); or a negative code */
    int (*encode)(void *enc, const struct tgv_encoder_settings *settings,
                  const int16_t *pcm, size_t samples, uint8_t *out, size_t cap);
    void *(*decoder_create)(void);
    void (*decoder_destroy)(void *dec);
    void (*decoder_reset)(void *dec);
    /*
     * Decode a frame; or, with data NULL, conceal `samples`; or, with fec,
     * take the frame BEFORE data from data's in-band redundancy.
     * @param samples exact duration wanted (of the frame, or of the gap)
     * @return samples written, or a negative code (pcm is then untouched)
     */
    int (*decode)(void *dec, const uint8_t *data, size_t len, bool fec,
                  int16_t *pcm, size_t samples);
    /* Duration of an encoded frame in samples, from its first bytes; or
     * negative if it is no frame of 2.5..60 ms. */
    int (*duration)(const uint8_t *data, size_t len);
    /* How much of the time just before it the frame carries redundancy for
     * [samples]; 0 if none. An Opus packet of several frames covers only one
     * of them. */
    int (*fec_samples)(const uint8_t *data, size_t len);
};

/* Constant. */
const struct tgv_codec *tgv_codec_opus(void);

#endif
