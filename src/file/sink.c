/* SPDX-License-Identifier: MIT */
#include "file/sink.h"

#include "base/failure.h"
#include "base/time.h"
#include "file/path.h"
#include "file/sndfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* How much of a recording a header may not know about yet. */
#define HEADER_PERIOD_SAMPLES TGV_RATE_HZ
#define RAW_CHUNK_SAMPLES 1024

struct tgv_sink {
    FILE *raw; /* headerless, or */
    struct tgv_sound *sound; /* with a header */
    int64_t position;
    int64_t header_position; /* what the header knows */
    int error; /* the first */
};

static int open_raw(struct tgv_sink *s, const char *path,
                    struct tgvoip_failure *failure)
{
    if (tgv_file_is_stdio(path)) {
        s->raw = stdout;
        return 0;
    }
    path = tgv_file_name(path);
    s->raw = fopen(path, "wb");
    if (!s->raw)
        return tgv_file_fail_errno(failure, path, errno);
    setvbuf(s->raw, NULL, _IONBF, 0); /* what is written survives us */
    return 0;
}

int tgv_sink_open(struct tgv_sink **out, const char *path,
                  struct tgvoip_failure *failure)
{
    enum tgv_file_format format = tgv_file_format(path);
    struct tgv_sink *s;
    int err;

    *out = NULL;
    if (format == TGV_FILE_UNKNOWN)
        return tgv_fail(failure, TGVOIP_ERR_UNSUPPORTED, path,
                        "the ending must be .wav, .flac, .ogg, .opus, .mp3, "
                        ".raw or .pcm");
    s = calloc(1, sizeof(*s));
    if (!s)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    err = format == TGV_FILE_RAW
              ? open_raw(s, path, failure)
              : tgv_sound_open_write(&s->sound, path, format, failure);
    if (err) {
        free(s);
        return err;
    }
    *out = s;
    return 0;
}

int tgv_sink_open_pipe(struct tgv_sink **out, FILE *pipe, const char *path,
                       struct tgvoip_failure *failure)
{
    *out = calloc(1, sizeof(**out));
    if (!*out) {
        fclose(pipe);
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    }
    (*out)->raw = pipe;
    setvbuf(pipe, NULL, _IONBF, 0);
    return 0;
}

static int write_raw(struct tgv_sink *s, const int16_t *pcm, size_t samples)
{
    uint8_t bytes[2 * RAW_CHUNK_SAMPLES];

    while (samples) {
        size_t n = samples < RAW_CHUNK_SAMPLES ? samples : RAW_CHUNK_SAMPLES;

        for (size_t i = 0; i < n; i++) {
            bytes[2 * i] = (uint8_t)((uint16_t)pcm[i] & 0xFF);
            bytes[2 * i + 1] = (uint8_t)((uint16_t)pcm[i] >> 8);
        }
        errno = 0;
        if (fwrite(bytes, 2, n, s->raw) < n || fflush(s->raw))
            return errno ? tgv_file_errno(errno) : TGVOIP_ERR_IO;
        pcm += n;
        samples -= n;
        s->position += (int64_t)n;
    }
    return 0;
}

static int write_sound(struct tgv_sink *s, const int16_t *pcm, size_t samples)
{
    while (samples) {
        int n = samples < TGV_RATE_HZ ? (int)samples : TGV_RATE_HZ;
        int err = tgv_sound_write(s->sound, pcm, n);

        if (err)
            return err;
        pcm += n;
        samples -= (size_t)n;
        s->position += n;
        if (s->position - s->header_position >= HEADER_PERIOD_SAMPLES) {
            tgv_sound_update_header(s->sound);
            s->header_position = s->position;
        }
    }
    return 0;
}

int tgv_sink_write(struct tgv_sink *s, const int16_t *pcm, size_t samples)
{
    if (!s->error)
        s->error =
            s->raw ? write_raw(s, pcm, samples) : write_sound(s, pcm, samples);
    return s->error;
}

FILE *tgv_sink_stream(const struct tgv_sink *s)
{
    return s->raw;
}

int64_t tgv_sink_position(const struct tgv_sink *s)
{
    return s->position;
}

int tgv_sink_close(struct tgv_sink *s)
{
    int err;

    if (!s)
        return 0;
    err = tgv_sound_close(s->sound);
    if (s->raw && s->raw != stdout && fclose(s->raw))
        err = tgv_file_errno(errno);
    if (s->error)
        err = s->error;
    free(s);
    return err;
}
