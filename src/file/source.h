/* SPDX-License-Identifier: MIT */
#ifndef TGV_FILE_SOURCE_H
#define TGV_FILE_SOURCE_H
/*
 * An audio file as 48 kHz mono s16: any format, rate and channel count that
 * the sound library reads, headerless PCM for .raw and .pcm, and "-" for
 * headerless PCM on standard input. Channels are averaged.
 *
 * The number of samples is that of the file, converted and rounded: the
 * resampler neither adds nor eats any.
 * Context: one thread at a time; everything blocks.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tgvoip/error.h>

struct tgv_source;

struct tgv_source_info {
    unsigned rate_hz; /* of the file */
    unsigned channels; /* of the file */
    int64_t duration_us; /* -1 unknown */
};

/*
 * @return 0; TGVOIP_ERR_NOT_FOUND, _ACCESS, _FORMAT, _IO, _NOMEM; failure
 *         (may be NULL) names the path and the reason
 */
int tgv_source_open(struct tgv_source **out, const char *path,
                    struct tgvoip_failure *failure);
/* Headerless PCM from a pipe that is open; it is the source's from now on, also
 * on failure. @return 0, TGVOIP_ERR_NOMEM */
int tgv_source_open_pipe(struct tgv_source **out, FILE *pipe, const char *path,
                         struct tgvoip_failure *failure);
/* NULL is fine. */
void tgv_source_close(struct tgv_source *s);

struct tgv_source_info tgv_source_info(const struct tgv_source *s);

/* @return samples read, fewer than asked only at the end, 0 after it; or a
 *         negative code. samples <= INT_MAX */
int tgv_source_read(struct tgv_source *s, int16_t *pcm, size_t samples);

/* Back to the start. @return 0; TGVOIP_ERR_UNSUPPORTED (a pipe);
 *         TGVOIP_ERR_IO, TGVOIP_ERR_NOMEM */
int tgv_source_rewind(struct tgv_source *s);

/* Where headerless PCM comes from, which may be a pipe; NULL for others. */
FILE *tgv_source_stream(const struct tgv_source *s);

/* Samples read since the start or the last rewind. */
int64_t tgv_source_position(const struct tgv_source *s);

#endif
