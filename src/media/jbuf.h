/* SPDX-License-Identifier: MIT */
#ifndef TGV_MEDIA_JBUF_H
#define TGV_MEDIA_JBUF_H
/*
 * The frames that wait to be played, in the order of their time. Only a
 * store: what is late, how long to wait and what to do about a hole is decided
 * by who uses it (voice/playout); how long to wait is measured by media/delay.
 *
 * Invariants: no two frames with the same ts; at most TGV_JBUF_SLOTS of them;
 * a primary frame is never replaced, a redundant copy only by the primary.
 */
#include "base/time.h"
#include "media/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TGV_JBUF_SLOTS 64

struct tgv_jbuf_frame {
    int64_t ts; /* of its first sample [48 kHz samples] */
    tgv_time arrival;
    unsigned duration; /* [samples] */
    unsigned fec; /* time before it that it can restore [samples] */
    bool primary; /* not a redundant copy */
    size_t len;
    uint8_t data[TGV_FRAME_BYTES_MAX];
};

struct tgv_jbuf {
    struct tgv_jbuf_frame slot[TGV_JBUF_SLOTS];
    uint8_t order[TGV_JBUF_SLOTS]; /* the first `count`: by ts; rest: free */
    unsigned count;
};

enum tgv_jbuf_result {
    TGV_JBUF_STORED = 0,
    TGV_JBUF_REPLACED, /* a copy that was held made room for its primary */
    TGV_JBUF_DUPLICATE, /* held already; not stored */
    TGV_JBUF_DROPPED /* it was full: the oldest frame is gone, which may be
                           the new one itself */
};

void tgv_jbuf_init(struct tgv_jbuf *jb);

/**
 * Store a frame. When no slot is free the oldest makes room.
 *
 * @param meta  all but `data`; len is 1..TGV_FRAME_BYTES_MAX
 * @param data  borrowed, copied
 *
 * Context: network step. Never allocates.
 */
enum tgv_jbuf_result tgv_jbuf_put(struct tgv_jbuf *jb,
                                  const struct tgv_jbuf_frame *meta,
                                  const uint8_t *data);

/* The i-th frame in the order of time, or NULL; valid until the next put or
 * drop. */
const struct tgv_jbuf_frame *tgv_jbuf_at(const struct tgv_jbuf *jb, unsigned i);
const struct tgv_jbuf_frame *tgv_jbuf_find(const struct tgv_jbuf *jb,
                                           int64_t ts);
/* Remove the first frame; there must be one. */
void tgv_jbuf_drop_first(struct tgv_jbuf *jb);
void tgv_jbuf_clear(struct tgv_jbuf *jb);

#endif
