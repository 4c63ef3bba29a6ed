/* SPDX-License-Identifier: MIT */
#ifndef TGV_FILE_SNDFILE_H
#define TGV_FILE_SNDFILE_H
/*
 * Adaptor of libsndfile: files with a header, read as interleaved floats in
 * [-1, 1], written as 48 kHz mono s16. The bytes pass through our own file
 * functions, so that what the system says about them is known exactly.
 *
 * Nothing is held back in a buffer of ours: what a write has taken is the
 * system's, or in the codec (under a second).
 * Context: one thread at a time; everything blocks.
 */
#include "file/path.h"

#include <stdint.h>

struct tgv_sound;

struct tgv_sound_info {
    unsigned rate_hz;
    unsigned channels;
    int64_t frames; /* -1 unknown */
};

/* @return 0; TGVOIP_ERR_NOT_FOUND, _ACCESS, _FORMAT, _IO, _NOMEM */
int tgv_sound_open_read(struct tgv_sound **out, const char *path,
                        struct tgv_sound_info *info,
                        struct tgvoip_failure *failure);
/* @return frames read, 0 at the end; or TGVOIP_ERR_IO. Damage inside the file
 *         is its end. */
int tgv_sound_read(struct tgv_sound *s, float *samples, int frames);
/* Back to the first frame. @return 0, TGVOIP_ERR_IO */
int tgv_sound_rewind(struct tgv_sound *s);

/* Create or truncate; format is not RAW.
 * @return 0; TGVOIP_ERR_ACCESS, _NO_SPACE, _UNSUPPORTED, _IO, _NOMEM */
int tgv_sound_open_write(struct tgv_sound **out, const char *path,
                         enum tgv_file_format format,
                         struct tgvoip_failure *failure);
/* @return 0, TGVOIP_ERR_NO_SPACE, TGVOIP_ERR_IO */
int tgv_sound_write(struct tgv_sound *s, const int16_t *pcm, int samples);
/* Make the file's header tell what has been written so far. */
void tgv_sound_update_header(struct tgv_sound *s);

/* Finish the file. @return 0 or the first error of a write. NULL is fine. */
int tgv_sound_close(struct tgv_sound *s);

#endif
