/* SPDX-License-Identifier: MIT */
#include "file/source.h"

#include "base/failure.h"
#include "base/time.h"
#include "file/path.h"
#include "file/sndfile.h"
#include "media/resampler.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Frames taken from the file at a time. */
#define CHUNK_FRAMES 1024
#define RESAMPLER_QUALITY 8
/* libsndfile's own limit */
#define CHANNELS_MAX 1024

struct tgv_source {
    struct tgv_source_info info;
    FILE *raw; /* headerless, or */
    struct tgv_sound *sound; /* with a header */
    float *frames; /* CHUNK_FRAMES, interleaved */
    struct tgv_resampler *resampler; /* NULL: the file is at 48 kHz */
    int16_t chunk[CHUNK_FRAMES]; /* mono, at the file's rate */
    size_t chunk_len, chunk_used;
    bool ended;
    int64_t frames_in; /* taken from the file */
    int64_t position;
};

/* A header may claim any number of frames: -1 where no time can tell them. */
static int64_t to_us(int64_t frames, unsigned rate_hz)
{
    double us = (double)frames * 1e6 / rate_hz + 0.5;

    return us < 9e18 ? (int64_t)us : -1;
}

/* @return 0, *us -1 for a pipe, which cannot be looked into without blocking;
 * or an errno value: a directory opens but does not read */
static int raw_duration(FILE *f, int64_t *us)
{
    long end;

    *us = -1;
    errno = 0;
    if (fseek(f, 0, SEEK_END) == 0 && (end = ftell(f)) >= 0)
        *us = to_us(end / 2, TGV_RATE_HZ);
    else if (errno == ESPIPE)
        return 0;
    rewind(f);
    errno = 0;
    if (getc(f) == EOF && ferror(f))
        return errno ? errno : EIO;
    rewind(f);
    return 0;
}

static int open_raw(struct tgv_source *s, const char *path,
                    struct tgvoip_failure *failure)
{
    int error;

    s->info = (struct tgv_source_info){TGV_RATE_HZ, 1, -1};
    if (tgv_file_is_stdio(path)) {
        s->raw = stdin;
        return 0;
    }
    path = tgv_file_name(path);
    s->raw = fopen(path, "rb");
    if (!s->raw)
        return tgv_file_fail_errno(failure, path, errno);
    error = raw_duration(s->raw, &s->info.duration_us);
    return error ? tgv_file_fail_errno(failure, path, error) : 0;
}

static int open_sound(struct tgv_source *s, const char *path,
                      struct tgvoip_failure *failure)
{
    struct tgv_sound_info sound;
    int err = tgv_sound_open_read(&s->sound, path, &sound, failure);

    if (err)
        return err;
    s->info.rate_hz = sound.rate_hz;
    s->info.channels = sound.channels;
    s->info.duration_us =
        sound.frames < 0 ? -1 : to_us(sound.frames, sound.rate_hz);
    if (sound.channels > CHANNELS_MAX || sound.rate_hz < TGV_RESAMPLER_HZ_MIN ||
        sound.rate_hz > TGV_RESAMPLER_HZ_MAX)
        return tgv_fail(failure, TGVOIP_ERR_FORMAT, path,
                        "%u channels at %u Hz are not supported",
                        sound.channels, sound.rate_hz);
    s->frames = calloc((size_t)CHUNK_FRAMES * sound.channels, sizeof(float));
    if (!s->frames)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    return 0;
}

/* A fresh converter, if one is needed. */
static int reset_resampler(struct tgv_source *s)
{
    tgv_resampler_destroy(s->resampler);
    s->resampler = NULL;
    if (s->info.rate_hz == TGV_RATE_HZ)
        return 0;
    return tgv_resampler_create(&s->resampler, s->info.rate_hz, TGV_RATE_HZ,
                                RESAMPLER_QUALITY);
}

int tgv_source_open(struct tgv_source **out, const char *path,
                    struct tgvoip_failure *failure)
{
    struct tgv_source *s = calloc(1, sizeof(*s));
    int err;

    *out = NULL;
    if (!s)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    err = tgv_file_format(path) == TGV_FILE_RAW ? open_raw(s, path, failure)
                                                : open_sound(s, path, failure);
    if (!err) {
        err = reset_resampler(s);
        if (err)
            tgv_fail(failure, err, path, "%s", tgvoip_error_str(err));
    }
    if (err) {
        tgv_source_close(s);
        return err;
    }
    *out = s;
    return 0;
}

int tgv_source_open_pipe(struct tgv_source **out, FILE *pipe, const char *path,
                         struct tgvoip_failure *failure)
{
    *out = calloc(1, sizeof(**out));
    if (!*out) {
        fclose(pipe);
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    }
    (*out)->raw = pipe;
    (*out)->info = (struct tgv_source_info){TGV_RATE_HZ, 1, -1};
    return 0;
}

void tgv_source_close(struct tgv_source *s)
{
    if (!s)
        return;
    if (s->raw && s->raw != stdin)
        fclose(s->raw);
    (void)tgv_sound_close(s->sound);
    tgv_resampler_destroy(s->resampler);
    free(s->frames);
    free(s);
}

struct tgv_source_info tgv_source_info(const struct tgv_source *s)
{
    return s->info;
}

static int16_t to_s16(float v)
{
    float scaled = v * 32768.0f;

    if (!(scaled > -32768.0f)) /* also what is not a number */
        return INT16_MIN;
    return scaled >= 32767.0f ? INT16_MAX : (int16_t)lrintf(scaled);
}

/* @return frames now in chunk, 0 at the end, or a negative code */
static int fill_from_sound(struct tgv_source *s)
{
    int n = tgv_sound_read(s->sound, s->frames, CHUNK_FRAMES);
    const float *in = s->frames;

    for (int i = 0; i < n; i++) {
        float sum = 0;

        for (unsigned c = 0; c < s->info.channels; c++)
            sum += *in++;
        s->chunk[i] = to_s16(sum / (float)s->info.channels);
    }
    return n;
}

/* Of a pipe no more than is asked for: waiting for the rest might take long. */
static int fill_from_raw(struct tgv_source *s, size_t wanted)
{
    uint8_t bytes[2 * CHUNK_FRAMES];
    size_t n;

    errno = 0;
    if (wanted > CHUNK_FRAMES || s->info.duration_us >= 0)
        wanted = CHUNK_FRAMES;
    n = fread(bytes, 2, wanted, s->raw);
    if (n == 0 && ferror(s->raw))
        return errno ? tgv_file_errno(errno) : TGVOIP_ERR_IO;
    for (size_t i = 0; i < n; i++) {
        unsigned v = bytes[2 * i] | (unsigned)bytes[2 * i + 1] << 8;

        s->chunk[i] = (int16_t)(v < 0x8000 ? (int)v : (int)v - 0x10000);
    }
    return (int)n;
}

/* Make sure that the chunk has something, unless the file has ended. */
static int refill(struct tgv_source *s, size_t wanted)
{
    int n;

    if (s->ended || s->chunk_used < s->chunk_len)
        return 0;
    n = s->raw ? fill_from_raw(s, wanted) : fill_from_sound(s);
    if (n < 0)
        return n;
    s->ended = n == 0;
    s->chunk_len = (size_t)n;
    s->chunk_used = 0;
    s->frames_in += n;
    return 0;
}

static size_t copy_chunk(struct tgv_source *s, int16_t *pcm, size_t room)
{
    size_t n = s->chunk_len - s->chunk_used;

    if (n > room)
        n = room;
    for (size_t i = 0; i < n; i++)
        pcm[i] = s->chunk[s->chunk_used + i];
    s->chunk_used += n;
    return n;
}

/* Through the resampler; after the end of the file zeros push out what it
 * still holds, up to the length that the file has at 48 kHz. */
static int convert(struct tgv_source *s, int16_t *pcm, size_t *room)
{
    size_t in_len = s->chunk_len - s->chunk_used;
    const int16_t *in = s->chunk + s->chunk_used;
    int err;

    if (s->ended) {
        int64_t total = (s->frames_in * TGV_RATE_HZ + s->info.rate_hz / 2) /
                        s->info.rate_hz;
        int64_t left = total > s->position ? total - s->position : 0;

        if (*room > (size_t)left)
            *room = (size_t)left;
        if (!*room)
            return 0;
        in = NULL;
        in_len = CHUNK_FRAMES;
        return tgv_resampler_run(s->resampler, in, &in_len, pcm, room);
    }
    err = tgv_resampler_run(s->resampler, in, &in_len, pcm, room);
    s->chunk_used += in_len;
    return err;
}

int tgv_source_read(struct tgv_source *s, int16_t *pcm, size_t samples)
{
    size_t done = 0;

    if (samples > INT_MAX)
        samples = INT_MAX;
    while (done < samples) {
        size_t n = samples - done;
        int err = refill(s, n);

        if (!err && s->resampler)
            err = convert(s, pcm + done, &n);
        else if (!err)
            n = copy_chunk(s, pcm + done, n);
        if (err)
            return done ? (int)done : err;
        if (!n && s->ended)
            break;
        done += n;
        s->position += (int64_t)n;
    }
    return (int)done;
}

int tgv_source_rewind(struct tgv_source *s)
{
    int err;

    if (s->raw == stdin || (s->raw && s->info.duration_us < 0))
        return TGVOIP_ERR_UNSUPPORTED;
    if (s->raw)
        err = fseek(s->raw, 0, SEEK_SET) ? TGVOIP_ERR_IO : 0;
    else
        err = tgv_sound_rewind(s->sound);
    if (!err)
        err = reset_resampler(s);
    s->chunk_len = s->chunk_used = 0;
    s->frames_in = s->position = 0;
    s->ended = err != 0; /* nothing more comes from a broken one */
    return err;
}

FILE *tgv_source_stream(const struct tgv_source *s)
{
    return s->raw;
}

int64_t tgv_source_position(const struct tgv_source *s)
{
    return s->position;
}
