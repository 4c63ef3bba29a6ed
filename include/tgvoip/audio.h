/* SPDX-License-Identifier: MIT */
#ifndef TGVOIP_AUDIO_H
#define TGVOIP_AUDIO_H
/**
 * @file
 * Audio files as sources and sinks of a call, and a resampler.
 *
 * PCM here is 48 kHz, mono, signed 16 bit in the machine's byte order; a
 * block is 20 ms = 960 samples. Files may be WAV, FLAC, Ogg (Vorbis, Opus) or
 * MP3 at any rate and channel count, or headerless `.raw`/`.pcm` (48 kHz mono
 * s16le). "-" is headerless PCM on standard input or output. A path that
 * starts with "raw:" is headerless PCM whatever its ending: "raw:voice.wav".
 *
 * Disk work of calls happens on the engine's worker pool; a call that outruns
 * it hears silence, which is counted, and never waits. The functions here work
 * in the calling thread: readers, writers and resamplers may be used from any,
 * each from one at a time, and not from callbacks, since files block.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TGVOIP_SAMPLE_RATE 48000
#define TGVOIP_BLOCK_SAMPLES 960

/** What is known of an audio file after opening it. */
struct tgvoip_audio_info {
    size_t size; /**< set by tgvoip_audio_info_default() */
    unsigned rate_hz; /**< of the file, before resampling */
    unsigned channels; /**< of the file, before mixing down */
    int64_t duration_us; /**< -1 if unknown (a pipe) */
};

/** Set size; nothing is known. */
TGVOIP_API void tgvoip_audio_info_default(struct tgvoip_audio_info *info);

/**
 * Look at a file without keeping it open: can it be read, how long is it.
 * @param[out] info set up with tgvoip_audio_info_default()
 * @return 0; TGVOIP_ERR_NOT_FOUND; TGVOIP_ERR_ACCESS; TGVOIP_ERR_FORMAT;
 *         TGVOIP_ERR_IO; TGVOIP_ERR_NOMEM; TGVOIP_ERR_INVALID (a NULL, an
 *         empty path, info not set up); the failure names the path
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_probe(const char *path, struct tgvoip_audio_info *info,
                   struct tgvoip_failure *failure);

/** One audio file read from start to end, outside any call. */
typedef struct tgvoip_audio_reader tgvoip_audio_reader;

/** Open for reading. @return 0, or errors as tgvoip_audio_probe(); *out is NULL
 *  then */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_reader_open(tgvoip_audio_reader **out, const char *path,
                         struct tgvoip_failure *failure);
/**
 * Read the next samples as 48 kHz mono.
 * @return number of samples, less than asked only at the end, 0 after it; or
 *         TGVOIP_ERR_FORMAT, TGVOIP_ERR_IO (the file turned out broken) or
 *         TGVOIP_ERR_INVALID
 */
TGVOIP_API int tgvoip_audio_reader_read(tgvoip_audio_reader *reader,
                                        int16_t *pcm, size_t samples);
/** Close and free. NULL is fine. */
TGVOIP_API void tgvoip_audio_reader_close(tgvoip_audio_reader *reader);

/** One audio file written from start to end, outside any call. The format
 *  follows the ending of the path. */
typedef struct tgvoip_audio_writer tgvoip_audio_writer;

/** Create or truncate. @return 0; TGVOIP_ERR_NOT_FOUND (no such folder);
 *  TGVOIP_ERR_ACCESS; TGVOIP_ERR_UNSUPPORTED (no format has this ending);
 *  TGVOIP_ERR_NO_SPACE; TGVOIP_ERR_IO; TGVOIP_ERR_NOMEM; TGVOIP_ERR_INVALID;
 *  the failure names the path, *out is NULL */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_writer_open(tgvoip_audio_writer **out, const char *path,
                         struct tgvoip_failure *failure);
/** Append 48 kHz mono. @return 0, TGVOIP_ERR_NO_SPACE, TGVOIP_ERR_IO or
 *  TGVOIP_ERR_INVALID; what was written before stays playable */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_writer_write(tgvoip_audio_writer *writer, const int16_t *pcm,
                          size_t samples);
/** Finish the file and free. @return 0 or the first error that it had. NULL is
 *  fine. */
TGVOIP_API int tgvoip_audio_writer_close(tgvoip_audio_writer *writer);

/** Rate converter for mono s16, e.g. 16 kHz to 48 kHz. */
typedef struct tgvoip_resampler tgvoip_resampler;

/** @param from_hz 8000..192000  [Hz]
 *  @param to_hz   8000..192000  [Hz]
 *  @param quality       0 (fast)..10 (best)
 *  @return 0, TGVOIP_ERR_INVALID or TGVOIP_ERR_NOMEM; *out is NULL then */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_resampler_create(tgvoip_resampler **out,
                                                         unsigned from_hz,
                                                         unsigned to_hz,
                                                         int quality);
/**
 * Convert a piece; the converter keeps its state between pieces.
 * @param[in,out] in_samples  given; on return: used
 * @param[in,out] out_samples room; on return: made
 * @return 0 or TGVOIP_ERR_INVALID. Never allocates.
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_resampler_run(tgvoip_resampler *resampler, const int16_t *in,
                     size_t *in_samples, int16_t *out, size_t *out_samples);
/** NULL is fine. */
TGVOIP_API void tgvoip_resampler_destroy(tgvoip_resampler *resampler);

#ifdef __cplusplus
}
#endif
#endif
