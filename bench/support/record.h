/* SPDX-License-Identifier: MIT */
#ifndef TGV_BENCH_RECORD_H
#define TGV_BENCH_RECORD_H
/*
 * What a call did with libopus, call for call, so that a bare program can do
 * the same again: every control, every frame encoded, every packet decoded or
 * concealed. Taken at libopus's own border (the linker puts record.c in its
 * way), so that it holds whatever the product does.
 *
 * A recording is a list of events in the byte order of the machine:
 *
 *   u8 op, i32 a, i32 b, u32 len, len bytes
 *
 *   CREATE_ENC, CREATE_DEC   -
 *   ENC_CTL, DEC_CTL         a = request, b = value
 *   ENCODE_AT                a = samples, b = bytes made, data: u64 position
 *                            in the looped speech
 *   ENCODE_PCM               the same, data: the PCM itself
 *   DECODE                   a = samples, b = in-band FEC, data: the packet,
 *                            empty to conceal
 */
#include "support/voice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum bench_op {
    BENCH_CREATE_ENC = 1,
    BENCH_CREATE_DEC,
    BENCH_ENC_CTL,
    BENCH_DEC_CTL,
    BENCH_ENCODE_AT,
    BENCH_ENCODE_PCM,
    BENCH_DECODE
};

#define BENCH_EVENT_BYTES 13 /* before the data */

struct bench_recording {
    uint8_t *bytes;
    size_t len, cap;
    const struct bench_voice *voice;
    const uint64_t *said; /* end of the speech handed out so far */
    void *encoder, *decoder;
    uint64_t encoded_bytes, encoded_frames;
    struct bench_recording *next;
};

/* Codecs created from now on, by this thread, belong to r (NULL: to none). */
void bench_record_into(struct bench_recording *r);
void bench_recording_init(struct bench_recording *r, size_t cap,
                          const struct bench_voice *voice,
                          const uint64_t *said);
void bench_recording_free(struct bench_recording *r);
/* Append r to a file: u32 length, then the events. */
void bench_recording_write(const struct bench_recording *r, FILE *f);

#endif
