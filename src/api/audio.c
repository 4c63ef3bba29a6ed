/* SPDX-License-Identifier: MIT */
/* Audio files and the resampler for users, outside any call. */
#include <tgvoip/audio.h>

#include "base/failure.h"
#include "file/sink.h"
#include "file/source.h"
#include "media/resampler.h"

/* The public handles are the rooms' own objects under another name. */
static struct tgv_source *source_of(tgvoip_audio_reader *reader)
{
    return (struct tgv_source *)(void *)reader;
}

static struct tgv_sink *sink_of(tgvoip_audio_writer *writer)
{
    return (struct tgv_sink *)(void *)writer;
}

static struct tgv_resampler *resampler_of(tgvoip_resampler *resampler)
{
    return (struct tgv_resampler *)(void *)resampler;
}

static int check_path(const void *out, const char *path,
                      struct tgvoip_failure *failure)
{
    if (!out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "out", "must not be NULL");
    if (!path || !*path)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "path",
                        "must not be empty");
    return 0;
}

void tgvoip_audio_info_default(struct tgvoip_audio_info *info)
{
    if (!info)
        return;
    *info =
        (struct tgvoip_audio_info){.size = sizeof(*info), .duration_us = -1};
}

int tgvoip_audio_probe(const char *path, struct tgvoip_audio_info *info,
                       struct tgvoip_failure *failure)
{
    struct tgv_source_info found;
    struct tgv_source *s;
    int err = check_path(info, path, failure);

    if (err)
        return err;
    if (info->size != sizeof(*info))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "info",
                        "set it with tgvoip_audio_info_default()");
    tgvoip_audio_info_default(info);
    err = tgv_source_open(&s, path, failure);
    if (err)
        return err;
    found = tgv_source_info(s);
    info->rate_hz = found.rate_hz;
    info->channels = found.channels;
    info->duration_us = found.duration_us;
    tgv_source_close(s);
    return 0;
}

int tgvoip_audio_reader_open(tgvoip_audio_reader **out, const char *path,
                             struct tgvoip_failure *failure)
{
    struct tgv_source *s = NULL;
    int err = check_path(out, path, failure);

    if (err)
        return err;
    err = tgv_source_open(&s, path, failure);
    *out = (tgvoip_audio_reader *)(void *)s;
    return err;
}

int tgvoip_audio_reader_read(tgvoip_audio_reader *reader, int16_t *pcm,
                             size_t samples)
{
    if (!reader || (!pcm && samples))
        return TGVOIP_ERR_INVALID;
    return tgv_source_read(source_of(reader), pcm, samples);
}

void tgvoip_audio_reader_close(tgvoip_audio_reader *reader)
{
    tgv_source_close(source_of(reader));
}

int tgvoip_audio_writer_open(tgvoip_audio_writer **out, const char *path,
                             struct tgvoip_failure *failure)
{
    struct tgv_sink *s = NULL;
    int err = check_path(out, path, failure);

    if (err)
        return err;
    err = tgv_sink_open(&s, path, failure);
    *out = (tgvoip_audio_writer *)(void *)s;
    return err;
}

int tgvoip_audio_writer_write(tgvoip_audio_writer *writer, const int16_t *pcm,
                              size_t samples)
{
    if (!writer || (!pcm && samples))
        return TGVOIP_ERR_INVALID;
    return tgv_sink_write(sink_of(writer), pcm, samples);
}

int tgvoip_audio_writer_close(tgvoip_audio_writer *writer)
{
    return tgv_sink_close(sink_of(writer));
}

int tgvoip_resampler_create(tgvoip_resampler **out, unsigned from_hz,
                            unsigned to_hz, int quality)
{
    struct tgv_resampler *r = NULL;
    int err;

    if (!out)
        return TGVOIP_ERR_INVALID;
    *out = NULL;
    if (from_hz < 8000 || from_hz > 192000 || to_hz < 8000 || to_hz > 192000)
        return TGVOIP_ERR_INVALID;
    err = tgv_resampler_create(&r, from_hz, to_hz, quality);
    *out = (tgvoip_resampler *)(void *)r;
    return err;
}

int tgvoip_resampler_run(tgvoip_resampler *resampler, const int16_t *in,
                         size_t *in_samples, int16_t *out, size_t *out_samples)
{
    if (!resampler || !in_samples || !out_samples || (!in && *in_samples) ||
        (!out && *out_samples))
        return TGVOIP_ERR_INVALID;
    return tgv_resampler_run(resampler_of(resampler), in, in_samples, out,
                             out_samples);
}

void tgvoip_resampler_destroy(tgvoip_resampler *resampler)
{
    tgv_resampler_destroy(resampler_of(resampler));
}
