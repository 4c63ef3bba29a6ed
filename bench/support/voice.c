/* SPDX-License-Identifier: MIT */
#include "support/voice.h"

#include "support/say.h"

#include "base/time.h"
#include "file/source.h"
#include "media/codec.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX ((size_t)120 * TGV_RATE_HZ)

void bench_voice_load(struct bench_voice *v, const char *path)
{
    struct tgvoip_failure failure = {0};
    struct tgv_source *source;
    int n;

    if (tgv_source_open(&source, path, &failure) != 0)
        bench_die("%s: %s", failure.what, failure.why);
    v->pcm = malloc((SAMPLES_MAX + TGV_FRAME_SAMPLES_MAX) * sizeof(*v->pcm));
    if (!v->pcm)
        bench_die("out of memory");
    n = tgv_source_read(source, v->pcm, SAMPLES_MAX);
    tgv_source_close(source);
    if (n < TGV_FRAME_SAMPLES_MAX)
        bench_die("%s: too short", path);
    v->samples = (size_t)n / TGV_BLOCK_SAMPLES * TGV_BLOCK_SAMPLES;
    memcpy(v->pcm + v->samples, v->pcm,
           TGV_FRAME_SAMPLES_MAX * sizeof(*v->pcm));
}

void bench_voice_free(struct bench_voice *v)
{
    free(v->pcm);
    v->pcm = NULL;
}

const int16_t *bench_voice_at(const struct bench_voice *v, uint64_t position)
{
    return v->pcm + position % v->samples;
}
