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
 * Disk work happens on the engine's worker pool; a call that outruns it hears
 * silence, which is counted, and never waits.
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
    size_t size;
    unsigned rate_hz; /**< of the file, before resampling */
    unsigned channels; /**< of the file, before mixing down */
    int64_t duration_us; /**< -1 if unknown (a pipe) */
};

/** Set size and defaults. */
TGVOIP_API void tgvoip_audio_info_default(struct tgvoip_audio_info *info);

/**
 * Look at a file without keeping it open: can it be read, how long is it.
 * @return 0; TGVOIP_ERR_NOT_FOUND; TGVOIP_ERR_ACCESS; TGVOIP_ERR_FORMAT;
 *         TGVOIP_ERR_IO; the failure names the path
 * Context: any thread; reads the file.
 */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_probe(const char *path, struct tgvoip_audio_info *info,
                   struct tgvoip_failure *failure);

/** One audio file read from start to end, outside any call. */
typedef struct tgvoip_audio_reader tgvoip_audio_reader;

/** Open for reading. Errors as tgvoip_audio_probe(). */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_reader_open(tgvoip_audio_reader **out, const char *path,
                         struct tgvoip_failure *failure);
/**
 * Read the next samples as 48 kHz mono.
 * @return number of samples, less than asked only at the end, 0 after it; or
 *         a negative code
 */
TGVOIP_API int tgvoip_audio_reader_read(tgvoip_audio_reader *reader,
                                        int16_t *pcm, size_t samples);
/** NULL is fine. */
TGVOIP_API void tgvoip_audio_reader_close(tgvoip_audio_reader *reader);

/** One audio file written from start to end, outside any call. The format
 *  follows the ending of the path. */
typedef struct tgvoip_audio_writer tgvoip_audio_writer;

/** Create or truncate. */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_writer_open(tgvoip_audio_writer **out, const char *path,
                         struct tgvoip_failure *failure);
/** Append. @return 0, TGVOIP_ERR_NO_SPACE or TGVOIP_ERR_IO; what was
 *  written before stays playable */
TGVOIP_API TGVOIP_MUST_CHECK int
tgvoip_audio_writer_write(tgvoip_audio_writer *writer, const int16_t *pcm,
                          size_t samples);
/** Finish the file. @return 0 or the first error that it had. NULL is fine. */
TGVOIP_API int tgvoip_audio_writer_close(tgvoip_audio_writer *writer);

/** Rate converter for mono s16, e.g. 16 kHz to 48 kHz. */
typedef struct tgvoip_resampler tgvoip_resampler;

/** @param from_hz,to_hz 8000..192000 @param quality 0 (fast)..10 (best) */
TGVOIP_API TGVOIP_MUST_CHECK int tgvoip_resampler_create(tgvoip_resampler **out,
                                                         unsigned from_hz,
                                                         unsigned to_hz,
                                                         int quality);
/**
 * Convert a piece; the converter keeps its state between pieces.
 * @param[in,out] in_samples  given; on return: used
 * @param[in,out] out_samples room; on return: made
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
