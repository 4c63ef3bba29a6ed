/* SPDX-License-Identifier: MIT */
#ifndef TGV_FILE_SINK_H
#define TGV_FILE_SINK_H
/*
 * An audio file that 48 kHz mono s16 is written to. The ending of the path
 * gives the format: wav, flac, ogg/opus/oga (Opus), mp3, raw/pcm (headerless
 * s16le); "-" is headerless PCM on standard output.
 *
 * What has been written is playable at any time, also if the process dies or
 * the disk fills up (a second may be missing). After the first error nothing
 * more is written, and every write returns that error.
 * Context: one thread at a time; everything blocks.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tgvoip/error.h>

struct tgv_sink;

/*
 * Create or truncate.
 * @return 0; TGVOIP_ERR_UNSUPPORTED (ending), _NOT_FOUND, _ACCESS, _NO_SPACE,
 *         _IO, _NOMEM; failure (may be NULL) names the path and the reason
 */
int tgv_sink_open(struct tgv_sink **out, const char *path,
                  struct tgvoip_failure *failure);
/* Headerless PCM to a pipe that is open; it is the sink's from now on, also on
 * failure. @return 0, TGVOIP_ERR_NOMEM */
int tgv_sink_open_pipe(struct tgv_sink **out, FILE *pipe, const char *path,
                       struct tgvoip_failure *failure);
/* @return 0; TGVOIP_ERR_NO_SPACE, TGVOIP_ERR_IO: the first error again */
int tgv_sink_write(struct tgv_sink *s, const int16_t *pcm, size_t samples);
/* Where headerless PCM goes, which may be a pipe; NULL for other formats. */
FILE *tgv_sink_stream(const struct tgv_sink *s);
/* Samples written. */
int64_t tgv_sink_position(const struct tgv_sink *s);
/* Finish the file. @return 0 or the first error that it had. NULL is fine. */
int tgv_sink_close(struct tgv_sink *s);

#endif
