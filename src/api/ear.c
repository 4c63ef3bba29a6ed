/* SPDX-License-Identifier: MIT */
#include "api/ear.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/* Longer holes are silence, whatever the decoder would make of them. */
#define CONCEAL_BLOCKS 6

struct tgv_ear {
    const struct tgv_codec *codec;
    void *decoder;
    bool begun;
    unsigned concealed; /* blocks in a row */
    size_t used, taken; /* samples in pcm */
    int16_t pcm[TGV_FRAME_SAMPLES_MAX];
};

int tgv_ear_create(struct tgv_ear **out, const struct tgv_codec *codec)
{
    struct tgv_ear *e = calloc(1, sizeof(*e));

    *out = NULL;
    if (!e)
        return TGVOIP_ERR_NOMEM;
    e->codec = codec;
    e->decoder = codec->decoder_create();
    if (!e->decoder) {
        free(e);
        return TGVOIP_ERR_NOMEM;
    }
    *out = e;
    return 0;
}

void tgv_ear_destroy(struct tgv_ear *e)
{
    if (!e)
        return;
    e->codec->decoder_destroy(e->decoder);
    free(e);
}

void tgv_ear_reset(struct tgv_ear *e)
{
    e->codec->decoder_reset(e->decoder);
    e->begun = false;
    e->concealed = 0;
    e->used = e->taken = 0;
}

void tgv_ear_hear(struct tgv_ear *e, const uint8_t *data, size_t len)
{
    int samples = e->codec->duration(data, len);

    if (samples <= 0 || samples > TGV_FRAME_SAMPLES_MAX)
        return;
    samples =
        e->codec->decode(e->decoder, data, len, false, e->pcm, (size_t)samples);
    if (samples <= 0)
        return;
    e->begun = true;
    e->concealed = 0;
    e->used = (size_t)samples;
    e->taken = 0;
}

size_t tgv_ear_left(const struct tgv_ear *e)
{
    return e->used - e->taken;
}

static void fill_hole(struct tgv_ear *e, int16_t *pcm)
{
    if (e->concealed < CONCEAL_BLOCKS) {
        e->concealed++;
        if (e->codec->decode(e->decoder, NULL, 0, false, pcm,
                             TGV_BLOCK_SAMPLES) == TGV_BLOCK_SAMPLES)
            return;
    }
    memset(pcm, 0, TGV_BLOCK_SAMPLES * sizeof(*pcm));
}

bool tgv_ear_take(struct tgv_ear *e, int16_t *pcm)
{
    size_t n = tgv_ear_left(e);

    if (!e->begun)
        return false;
    if (n == 0) {
        fill_hole(e, pcm);
        return true;
    }
    if (n > TGV_BLOCK_SAMPLES)
        n = TGV_BLOCK_SAMPLES;
    memcpy(pcm, e->pcm + e->taken, n * sizeof(*pcm));
    memset(pcm + n, 0, (TGV_BLOCK_SAMPLES - n) * sizeof(*pcm));
    e->taken += n;
    return true;
}
