/* SPDX-License-Identifier: MIT */
#include "support/record.h"

#include "support/say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <opus.h>

/* The linker sends calls of opus_X() to __wrap_opus_X(); the original is
 * __real_opus_X(). */
#define REAL(name) __real_##name
#define WRAP(name) __wrap_##name

OpusEncoder *REAL(opus_encoder_create)(opus_int32 rate, int channels,
                                       int application, int *error);
int REAL(opus_encoder_ctl)(OpusEncoder *st, int request, ...);
opus_int32 REAL(opus_encode)(OpusEncoder *st, const opus_int16 *pcm,
                             int samples, unsigned char *data, opus_int32 cap);
OpusDecoder *REAL(opus_decoder_create)(opus_int32 rate, int channels,
                                       int *error);
int REAL(opus_decoder_ctl)(OpusDecoder *st, int request, ...);
int REAL(opus_decode)(OpusDecoder *st, const unsigned char *data,
                      opus_int32 len, opus_int16 *pcm, int samples, int fec);

OpusEncoder *WRAP(opus_encoder_create)(opus_int32 rate, int channels,
                                       int application, int *error);
int WRAP(opus_encoder_ctl)(OpusEncoder *st, int request, ...);
opus_int32 WRAP(opus_encode)(OpusEncoder *st, const opus_int16 *pcm,
                             int samples, unsigned char *data, opus_int32 cap);
OpusDecoder *WRAP(opus_decoder_create)(opus_int32 rate, int channels,
                                       int *error);
int WRAP(opus_decoder_ctl)(OpusDecoder *st, int request, ...);
int WRAP(opus_decode)(OpusDecoder *st, const unsigned char *data,
                      opus_int32 len, opus_int16 *pcm, int samples, int fec);

static struct bench_recording *current; /* for what is created now */
static struct bench_recording *all;

void bench_record_into(struct bench_recording *r)
{
    current = r;
}

void bench_recording_init(struct bench_recording *r, size_t cap,
                          const struct bench_voice *voice, const uint64_t *said)
{
    memset(r, 0, sizeof(*r));
    r->bytes = malloc(cap);
    if (!r->bytes)
        bench_die("out of memory");
    r->cap = cap;
    r->voice = voice;
    r->said = said;
    r->next = all;
    all = r;
}

void bench_recording_free(struct bench_recording *r)
{
    for (struct bench_recording **at = &all; *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    free(r->bytes);
    memset(r, 0, sizeof(*r));
}

void bench_recording_write(const struct bench_recording *r, FILE *f)
{
    uint32_t len = (uint32_t)r->len;

    fwrite(&len, sizeof(len), 1, f);
    fwrite(r->bytes, 1, r->len, f);
}

static void put(struct bench_recording *r, enum bench_op op, int32_t a,
                int32_t b, const void *data, size_t len)
{
    uint8_t *p = r->bytes + r->len;
    const uint32_t len32 = (uint32_t)len;

    if (r->cap - r->len < BENCH_EVENT_BYTES + len)
        bench_die("the recording of libopus is full");
    p[0] = (uint8_t)op;
    memcpy(p + 1, &a, 4);
    memcpy(p + 5, &b, 4);
    memcpy(p + 9, &len32, 4);
    if (len)
        memcpy(p + BENCH_EVENT_BYTES, data, len);
    r->len += BENCH_EVENT_BYTES + len;
}

static struct bench_recording *of_encoder(const void *st)
{
    struct bench_recording *r = all;

    while (r && r->encoder != st)
        r = r->next;
    return r;
}

static struct bench_recording *of_decoder(const void *st)
{
    struct bench_recording *r = all;

    while (r && r->decoder != st)
        r = r->next;
    return r;
}

OpusEncoder *WRAP(opus_encoder_create)(opus_int32 rate, int channels,
                                       int application, int *error)
{
    OpusEncoder *st =
        REAL(opus_encoder_create)(rate, channels, application, error);

    if (current) {
        current->encoder = st;
        put(current, BENCH_CREATE_ENC, rate, application, NULL, 0);
    }
    return st;
}

OpusDecoder *WRAP(opus_decoder_create)(opus_int32 rate, int channels,
                                       int *error)
{
    OpusDecoder *st = REAL(opus_decoder_create)(rate, channels, error);

    if (current) {
        current->decoder = st;
        put(current, BENCH_CREATE_DEC, rate, channels, NULL, 0);
    }
    return st;
}

/* Only requests with a number, or with nothing, come by. */
int WRAP(opus_encoder_ctl)(OpusEncoder *st, int request, ...)
{
    struct bench_recording *r = of_encoder(st);
    opus_int32 value = 0;
    va_list args;

    va_start(args, request);
    if (request != OPUS_RESET_STATE)
        value = va_arg(args, opus_int32);
    va_end(args);
    if (r)
        put(r, BENCH_ENC_CTL, request, value, NULL, 0);
    return REAL(opus_encoder_ctl)(st, request, value);
}

int WRAP(opus_decoder_ctl)(OpusDecoder *st, int request, ...)
{
    struct bench_recording *r = of_decoder(st);
    opus_int32 value = 0;
    va_list args;

    va_start(args, request);
    if (request != OPUS_RESET_STATE)
        value = va_arg(args, opus_int32);
    va_end(args);
    if (r)
        put(r, BENCH_DEC_CTL, request, value, NULL, 0);
    return REAL(opus_decoder_ctl)(st, request, value);
}

opus_int32 WRAP(opus_encode)(OpusEncoder *st, const opus_int16 *pcm,
                             int samples, unsigned char *data, opus_int32 cap)
{
    struct bench_recording *r = of_encoder(st);
    opus_int32 n = REAL(opus_encode)(st, pcm, samples, data, cap);
    const size_t bytes = (size_t)samples * sizeof(*pcm);
    uint64_t at;

    if (!r)
        return n;
    r->encoded_frames++;
    r->encoded_bytes += n > 0 ? (uint64_t)n : 0;
    at = *r->said - (uint64_t)samples;
    if (*r->said >= (uint64_t)samples &&
        memcmp(bench_voice_at(r->voice, at), pcm, bytes) == 0)
        put(r, BENCH_ENCODE_AT, samples, n, &at, sizeof(at));
    else
        put(r, BENCH_ENCODE_PCM, samples, n, pcm, bytes);
    return n;
}

int WRAP(opus_decode)(OpusDecoder *st, const unsigned char *data,
                      opus_int32 len, opus_int16 *pcm, int samples, int fec)
{
    struct bench_recording *r = of_decoder(st);

    if (r)
        put(r, BENCH_DECODE, samples, fec, data, data ? (size_t)len : 0);
    return REAL(opus_decode)(st, data, len, pcm, samples, fec);
}
