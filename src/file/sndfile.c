/* SPDX-License-Identifier: MIT */
#include "file/sndfile.h"

#include "base/failure.h"
#include "base/time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <sndfile.h>

/* Speech needs no more; libsndfile's own default is 0.4. */
#define OGG_QUALITY 0.3

/* By number, because older headers lack the names: Opus came with 1.0.29, MP3
 * with 1.1.0. Whether the running library has them is asked at run time. */
enum {
    FORMAT_OPUS = 0x64,
    FORMAT_MPEG_LAYER_III = 0x230000 | 0x82,
    SET_BITRATE_MODE = 0x1305,
    BITRATE_CONSTANT = 0
};

struct tgv_sound {
    FILE *file;
    SNDFILE *handle;
    enum tgv_file_format format; /* when writing */
    int errno_value; /* the first that the system gave, 0 if none */
};

static void note_error(struct tgv_sound *s)
{
    if (!s->errno_value)
        s->errno_value = errno ? errno : EIO;
}

static sf_count_t on_length(void *user)
{
    struct tgv_sound *s = user;
    long here = ftell(s->file), end;

    if (here < 0 || fseek(s->file, 0, SEEK_END))
        return -1;
    end = ftell(s->file);
    if (fseek(s->file, here, SEEK_SET))
        return -1;
    return end;
}

static sf_count_t on_seek(sf_count_t offset, int whence, void *user)
{
    struct tgv_sound *s = user;

    if (fseek(s->file, (long)offset, whence))
        return -1;
    return ftell(s->file);
}

static sf_count_t on_tell(void *user)
{
    struct tgv_sound *s = user;

    return ftell(s->file);
}

static sf_count_t on_read(void *data, sf_count_t count, void *user)
{
    struct tgv_sound *s = user;
    size_t n = fread(data, 1, (size_t)count, s->file);

    if (n < (size_t)count && ferror(s->file))
        note_error(s);
    return (sf_count_t)n;
}

/* After an error only what fits into the file as it is may be written: the
 * header, which the library puts right when it closes. */
static sf_count_t on_write(const void *data, sf_count_t count, void *user)
{
    struct tgv_sound *s = user;
    size_t n;

    if (s->errno_value && ftell(s->file) + count > on_length(user))
        return 0;
    errno = 0;
    n = fwrite(data, 1, (size_t)count, s->file);
    if (n < (size_t)count) {
        note_error(s);
        clearerr(s->file);
    }
    return (sf_count_t)n;
}

static SNDFILE *open_handle(struct tgv_sound *s, int mode, SF_INFO *info)
{
    SF_VIRTUAL_IO io = {on_length, on_seek, on_read, on_write, on_tell};

    return sf_open_virtual(&io, mode, info, s);
}

/* The file alone, unbuffered: errors show where they happen, and what has
 * been written survives the process. */
static int open_file(struct tgv_sound **out, const char *path, const char *mode,
                     struct tgvoip_failure *failure)
{
    struct tgv_sound *s = calloc(1, sizeof(*s));

    *out = NULL;
    if (!s)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
    s->file = fopen(path, mode);
    if (!s->file) {
        int err = tgv_file_fail_errno(failure, path, errno);

        free(s);
        return err;
    }
    if (mode[0] == 'w')
        setvbuf(s->file, NULL, _IONBF, 0);
    *out = s;
    return 0;
}

/* A header has to be gone back to, which a pipe does not allow. */
static int check_seekable(struct tgv_sound *s, const char *path, int code,
                          struct tgvoip_failure *failure)
{
    if (fseek(s->file, 0, SEEK_CUR) == 0)
        return 0;
    return tgv_fail(failure, code, path,
                    "a pipe carries headerless PCM only (.raw, .pcm)");
}

/* A directory opens but does not read; an empty file has no format. */
static int check_content(struct tgv_sound *s, const char *path,
                         struct tgvoip_failure *failure)
{
    errno = 0;
    if (getc(s->file) != EOF) {
        rewind(s->file);
        return 0;
    }
    if (ferror(s->file))
        return tgv_file_fail_errno(failure, path, errno);
    return tgv_fail(failure, TGVOIP_ERR_FORMAT, path, "the file is empty");
}

int tgv_sound_open_read(struct tgv_sound **out, const char *path,
                        struct tgv_sound_info *info,
                        struct tgvoip_failure *failure)
{
    SF_INFO sf = {0};
    int err = open_file(out, path, "rb", failure);

    if (err)
        return err;
    err = check_seekable(*out, path, TGVOIP_ERR_FORMAT, failure);
    if (!err)
        err = check_content(*out, path, failure);
    if (!err) {
        (*out)->handle = open_handle(*out, SFM_READ, &sf);
        if ((*out)->errno_value)
            err = tgv_file_fail_errno(failure, path, (*out)->errno_value);
        else if (!(*out)->handle || sf.channels < 1 || sf.samplerate < 1)
            err = tgv_fail(failure, TGVOIP_ERR_FORMAT, path,
                           "not an audio file that can be read (WAV, FLAC, "
                           "Ogg, MP3; .raw and .pcm have no header)");
    }
    if (err) {
        tgv_sound_close(*out);
        *out = NULL;
        return err;
    }
    info->rate_hz = (unsigned)sf.samplerate;
    info->channels = (unsigned)sf.channels;
    info->frames = sf.frames < 0 || sf.frames >= SF_COUNT_MAX ? -1 : sf.frames;
    return 0;
}

int tgv_sound_read(struct tgv_sound *s, float *samples, int frames)
{
    sf_count_t n = sf_readf_float(s->handle, samples, frames);

    if (s->errno_value)
        return tgv_file_errno(s->errno_value);
    return (int)n;
}

int tgv_sound_rewind(struct tgv_sound *s)
{
    return sf_seek(s->handle, 0, SEEK_SET) < 0 ? TGVOIP_ERR_IO : 0;
}

static int subformat(enum tgv_file_format format)
{
    switch (format) {
    case TGV_FILE_WAV:
        return SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    case TGV_FILE_FLAC:
        return SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    case TGV_FILE_OGG: {
        SF_INFO opus = {.samplerate = TGV_RATE_HZ,
                        .channels = 1,
                        .format = SF_FORMAT_OGG | FORMAT_OPUS};

        return sf_format_check(&opus) ? opus.format
                                      : SF_FORMAT_OGG | SF_FORMAT_VORBIS;
    }
    case TGV_FILE_MP3:
        return FORMAT_MPEG_LAYER_III;
    case TGV_FILE_RAW:
    case TGV_FILE_UNKNOWN:
        break;
    }
    return 0;
}

/* A choice that the library cannot follow is not an error. */
static void tune(struct tgv_sound *s)
{
    double quality = OGG_QUALITY;
    int mode = BITRATE_CONSTANT;

    if (s->format == TGV_FILE_OGG)
        sf_command(s->handle, SFC_SET_VBR_ENCODING_QUALITY, &quality,
                   sizeof(quality));
    /* Without the final header, readers guess the length from the bit rate
     * and stop there. */
    if (s->format == TGV_FILE_MP3)
        sf_command(s->handle, SET_BITRATE_MODE, &mode, sizeof(mode));
}

static int begin_write(struct tgv_sound *s, const char *path, SF_INFO *sf,
                       struct tgvoip_failure *failure)
{
    s->handle = open_handle(s, SFM_WRITE, sf);
    if (s->errno_value)
        return tgv_file_fail_errno(failure, path, s->errno_value);
    if (!s->handle)
        return tgv_fail(failure, TGVOIP_ERR_IO, path,
                        "the file cannot be written");
    return 0;
}

int tgv_sound_open_write(struct tgv_sound **out, const char *path,
                         enum tgv_file_format format,
                         struct tgvoip_failure *failure)
{
    SF_INFO sf = {
        .samplerate = TGV_RATE_HZ, .channels = 1, .format = subformat(format)};
    int err;

    *out = NULL;
    if (!sf_format_check(&sf))
        return tgv_fail(failure, TGVOIP_ERR_UNSUPPORTED, path,
                        "this libsndfile cannot write the format");
    err = open_file(out, path, "wb+", failure);
    if (err)
        return err;
    (*out)->format = format;
    err = check_seekable(*out, path, TGVOIP_ERR_UNSUPPORTED, failure);
    if (!err)
        err = begin_write(*out, path, &sf, failure);
    if (err) {
        tgv_sound_close(*out);
        *out = NULL;
        return err;
    }
    tune(*out);
    return 0;
}

int tgv_sound_write(struct tgv_sound *s, const int16_t *pcm, int samples)
{
    sf_count_t n;

    if (s->errno_value)
        return tgv_file_errno(s->errno_value);
    n = sf_writef_short(s->handle, pcm, samples);
    if (s->errno_value)
        return tgv_file_errno(s->errno_value);
    return n == samples ? 0 : TGVOIP_ERR_IO;
}

void tgv_sound_update_header(struct tgv_sound *s)
{
    /* The others need none: their frames stand for themselves. */
    if (s->format == TGV_FILE_WAV)
        sf_command(s->handle, SFC_UPDATE_HEADER_NOW, NULL, 0);
}

int tgv_sound_close(struct tgv_sound *s)
{
    int err;

    if (!s)
        return 0;
    if (s->handle)
        sf_close(s->handle);
    errno = 0;
    if (fclose(s->file))
        note_error(s);
    err = tgv_file_errno(s->errno_value);
    free(s);
    return err;
}
