/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_TAPE_H
#define TGV_API_TAPE_H
/*
 * A recording: blocks go into a ring and the worker pool writes them to the
 * file. Blocks for which the pool was too slow become silence, so that times
 * in the file stay true; that is reported once. After an error the file is
 * finished with what it has, and the error is reported once.
 *
 * A pipe that nobody reads yet is tried again until somebody does, or the tape
 * ends. One whose reader stalls holds up neither the pool nor, for longer than
 * TGV_TAPE_PATIENCE, the end: what it has not taken by then is given up.
 */
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/error.h>

#define TGV_TAPE_PATIENCE TGV_S(2)

struct tgv_loop;
struct tgv_tape;

struct tgv_tape_config {
    struct tgv_loop *loop;
    /* Loop thread, no lock held: an error, once; and: the file is closed,
     * after which the tape is gone. */
    void (*failed)(void *ctx, const struct tgvoip_failure *failure);
    void (*finished)(void *ctx, struct tgv_tape *t);
    void *ctx;
};

/* Create the file. Any thread; blocks. @return 0, errors of tgv_sink_open() */
int tgv_tape_open(struct tgv_tape **out, const struct tgv_tape_config *config,
                  const char *path, struct tgvoip_failure *failure);
const char *tgv_tape_path(const struct tgv_tape *t);
/* Of a tape that the loop never saw. Any thread; blocks. */
void tgv_tape_discard(struct tgv_tape *t);

/* From here: loop thread. */

/* 960 samples. @return false if they could not be taken in time */
bool tgv_tape_put(struct tgv_tape *t, const int16_t *pcm);
/* Samples so far. */
int64_t tgv_tape_position(const struct tgv_tape *t);
/* Close the file; finished() follows. */
void tgv_tape_finish(struct tgv_tape *t);
/* The same, but it is closed and finished() has run on return. Blocks. */
void tgv_tape_finish_now(struct tgv_tape *t);

#endif
