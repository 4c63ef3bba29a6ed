/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_LOOP_H
#define TGV_IO_LOOP_H
/*
 * An event loop: one thread that carries any number of sockets, timers and
 * posted functions, or the same without a thread, stepped by its user.
 *
 * Invariants: everything of a loop (udp.h, timer.h, work.h) is used on the
 * loop's thread only; the exceptions are tgv_loop_post(), tgv_loop_run() and
 * tgv_loop_now(). No lock is held while a function of the user runs.
 *
 * Without a thread, the loop's thread is the one that created it until
 * another one steps it, which then is.
 */
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct tgv_loop;

struct tgv_loop_config {
    bool own_thread; /* false: tgv_loop_step() is called by the user */
    /* Monotonic clock [us]; NULL = the system's. Must be callable from any
     * thread. */
    int64_t (*clock)(void *ctx);
    void *clock_ctx;
};

/* @return 0, TGVOIP_ERR_NOMEM, TGVOIP_ERR_IO, TGVOIP_ERR_STATE (one of the
 *         descriptors 0 to 2 is closed) */
int tgv_loop_create(struct tgv_loop **out,
                    const struct tgv_loop_config *config);
/* Run what was posted and wait for work in flight, then join the thread and
 * free. Sockets, timers and work must have been closed before or be closed by
 * the functions posted. Not from the loop's own thread, if it has one. NULL
 * is fine. */
void tgv_loop_destroy(struct tgv_loop *l);

/* The clock, read now. Any thread. */
tgv_time tgv_loop_now(const struct tgv_loop *l);

/* The calling thread is the loop's own / is running a function of any loop:
 * then nothing may wait for a loop. */
bool tgv_loop_inside(const struct tgv_loop *l);
bool tgv_loop_inside_any(void);

/* A function to run on the loop, in the caller's storage, which must live
 * until it has run. May be posted again once it runs. */
struct tgv_post {
    void (*fn)(void *ctx);
    void *ctx;
    struct tgv_post *next; /* private */
};

/* Run p->fn(p->ctx) on the loop soon, in order of posting. Any thread. */
void tgv_loop_post(struct tgv_loop *l, struct tgv_post *p);

/* Forget p if it has not run yet. Loop thread, not from a posted function. */
void tgv_loop_cancel(struct tgv_loop *l, struct tgv_post *p);

/* Run fn(ctx) on the loop and return when it has run; at once if the caller
 * is the loop's thread. Any thread; from another loop's thread it may
 * deadlock. */
void tgv_loop_run(struct tgv_loop *l, void (*fn)(void *ctx), void *ctx);

/* A loop without thread belongs to the calling thread from now on. */
void tgv_loop_adopt(struct tgv_loop *l);

/* For a loop without thread: a descriptor that is readable when there is
 * something to do, longest sleep [us] (-1 = until then), and doing it. */
int tgv_loop_fd(const struct tgv_loop *l);
int64_t tgv_loop_timeout_us(struct tgv_loop *l);
void tgv_loop_step(struct tgv_loop *l);

#endif
