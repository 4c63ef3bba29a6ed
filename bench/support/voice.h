/* SPDX-License-Identifier: MIT */
#ifndef TGV_BENCH_VOICE_H
#define TGV_BENCH_VOICE_H
/*
 * The speech that every measured side says: a file decoded to 48 kHz, looped
 * without end.
 */
#include <stddef.h>
#include <stdint.h>

struct bench_voice {
    int16_t *pcm; /* one round and the start of the next */
    size_t samples; /* of one round */
};

/* Ends the program with a message if the file cannot be read. */
void bench_voice_load(struct bench_voice *v, const char *path);
void bench_voice_free(struct bench_voice *v);
/* What is heard from a position on; good for `samples` <= 2880. */
const int16_t *bench_voice_at(const struct bench_voice *v, uint64_t position);

#endif
