/* SPDX-License-Identifier: MIT */
#ifndef TGV_BENCH_SIDE_H
#define TGV_BENCH_SIDE_H
/*
 * One measured end of a call, through the public functions: says the looped
 * speech, and listens. Even sides call, each the odd one after it.
 *
 * The settings of the measurement that the public interface does not have
 * (another codec, frames of 60 ms only) are set behind its back: the linker
 * puts side.c in the way of tgv_call_create().
 */
#include "support/record.h"
#include "support/voice.h"

#include "media/codec.h"

#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/call.h>

enum bench_pcm {
    BENCH_PCM_CALLBACK,
    BENCH_PCM_FILE /* headerless PCM, played and recorded */
};

struct bench_setting {
    const char *relay_ip;
    uint16_t relay_port;
    unsigned complexity;
    const struct tgv_codec *codec; /* NULL: the product's */
    unsigned record_seconds; /* 0: nothing is recorded */
    enum bench_pcm pcm;
    const char *in; /* for BENCH_PCM_FILE */
    const char *out_folder;
    uint64_t seed; /* keys and tags */
};

struct bench_side {
    tgvoip_call *call;
    const struct bench_voice *voice;
    uint64_t said; /* position in the looped speech */
    uint64_t heard; /* blocks */
    uint64_t loud; /* of them, not silent */
    bool recorded;
    struct bench_recording recording;
};

/* Create (index counts from 0); ends the program on failure. */
void bench_side_create(struct bench_side *s, tgvoip_engine *engine,
                       unsigned index, const struct bench_setting *setting,
                       const struct bench_voice *voice);
void bench_side_connect(struct bench_side *s);
void bench_side_destroy(struct bench_side *s);
struct tgvoip_call_stats bench_side_stats(const struct bench_side *s);

#endif
