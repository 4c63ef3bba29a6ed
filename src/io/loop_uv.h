/* SPDX-License-Identifier: MIT */
#ifndef TGV_IO_LOOP_UV_H
#define TGV_IO_LOOP_UV_H
/*
 * Inside of a loop; only for the files of this room. The heap of timers is
 * ours, because the library's timers know milliseconds and one clock only.
 */
#include "io/loop.h"
#include "io/timer.h"

#include <stdatomic.h>
#include <stddef.h>

#include <uv.h>

/* What the event library may put into one batch of datagrams. */
#define TGV_UDP_BATCH 20
#define TGV_UDP_CHUNK 65536

struct tgv_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare; /* with a thread: arms `alarm` before sleeping */
    uv_timer_t alarm;
    uv_thread_t thread;
    bool own_thread;
    bool fresh; /* a descriptor is not watched yet: step once more */
    int64_t (*clock)(void *ctx);
    void *clock_ctx;
    atomic_uintptr_t owner; /* mark of the thread that it belongs to */

    uv_mutex_t lock; /* guards the list of posts */
    struct tgv_post *first, *last;

    struct tgv_timer **heap; /* heap[1..armed] */
    size_t armed, timers, heap_cap;
    uint64_t order;
    tgv_time fired_at; /* when timers were run last */

    char *chunks; /* what is received now; sockets take turns */

    struct tgv_watcher *watcher; /* of interfaces; NULL: nobody watches */
};

/* Fire what is due, for a few milliseconds. */
void tgv_timers_run(struct tgv_loop *l);
/* Deadline of the first timer, TGV_NEVER if there is none. */
tgv_time tgv_timers_next(const struct tgv_loop *l);
/* Our code for an error of the event library (negative). */
int tgv_uv_error(int error);

#endif
