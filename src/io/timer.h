/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_TIMER_H
#define TGV_IO_TIMER_H
/*
 * Timers of a loop, with absolute deadlines on the loop's clock. Deadlines
 * that are equal fire in the order in which they were armed. Arming does not
 * allocate. Loop thread only.
 */
#include "base/time.h"

#include <stddef.h>
#include <stdint.h>

struct tgv_loop;

struct tgv_timer {
    /* now: read before the call, at or after the deadline. */
    void (*fn)(void *ctx, tgv_time now);
    void *ctx;
    struct tgv_loop *loop; /* private from here */
    tgv_time at;
    uint64_t order;
    size_t pos; /* in the heap, from 1; 0 = not armed */
};

/* @return 0, TGVOIP_ERR_NOMEM */
int tgv_timer_init(struct tgv_timer *t, struct tgv_loop *l,
                   void (*fn)(void *ctx, tgv_time now), void *ctx);
/* Disarm for good. A timer that was never initialised but zeroed is fine. */
void tgv_timer_fini(struct tgv_timer *t);
/* Fire once at `at` (soon if it has passed); TGV_NEVER disarms. */
void tgv_timer_arm(struct tgv_timer *t, tgv_time at);

#endif
