/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_FEED_H
#define TGV_API_FEED_H
/*
 * A queue of audio files that a call plays, read ahead by the worker pool into
 * a ring, one file after the other without a gap. The taker never waits: what
 * is not there is silence, and counted.
 *
 * A repeating queue (hold music) puts each finished file at its end. A file
 * that holds nothing or turns out broken is reported once and left out.
 * Source: Python API notes, section 6 and PY-18
 */
#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/error.h>

struct tgv_feed;
struct tgv_loop;

enum tgv_feed_verdict {
    TGV_FEED_EMPTY, /* nothing to play; pcm untouched */
    TGV_FEED_BLOCK, /* a block; the last one is filled up with silence */
    TGV_FEED_LATE /* the file is too slow; pcm untouched */
};

struct tgv_feed_config {
    struct tgv_loop *loop;
    bool repeat;
    /* A file failed. Loop thread, no lock held. */
    void (*failed)(void *ctx, const struct tgvoip_failure *failure);
    void *ctx;
};

/* @return 0 or TGVOIP_ERR_NOMEM */
int tgv_feed_create(struct tgv_feed **out,
                    const struct tgv_feed_config *config);
/* Open a file and append it. It is closed again until its turn comes if many
 * are waiting. Any thread; blocks; then tgv_feed_kick(). */
int tgv_feed_add(struct tgv_feed *f, const char *path,
                 struct tgvoip_failure *failure);
/* Drop all files and what was read of them. Any thread; then kick. */
void tgv_feed_clear(struct tgv_feed *f);

/* From here: loop thread. */

/* Have the pool read (or close) files if there is reason to. */
void tgv_feed_kick(struct tgv_feed *f);
/**
 * The next 960 samples.
 * @param[out] position sample number in its file of the first one
 * @param[out] finished the queue has just been played to its end
 */
enum tgv_feed_verdict tgv_feed_take(struct tgv_feed *f, int16_t *pcm,
                                    int64_t *position, bool *finished);
/* Free, now or when the pool is done with it. NULL is fine. */
void tgv_feed_close(struct tgv_feed *f);

#endif
