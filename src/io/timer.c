/* SPDX-License-Identifier: MIT */
#include "io/timer.h"

#include "io/loop_uv.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

#define TURN_US 2000 /* then sockets and posts have their turn */

static bool before(const struct tgv_timer *a, const struct tgv_timer *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void place(struct tgv_loop *l, size_t pos, struct tgv_timer *t)
{
    l->heap[pos] = t;
    t->pos = pos;
}

static void sift_up(struct tgv_loop *l, struct tgv_timer *t, size_t pos)
{
    for (; pos > 1 && before(t, l->heap[pos / 2]); pos /= 2)
        place(l, pos, l->heap[pos / 2]);
    place(l, pos, t);
}

static void sift_down(struct tgv_loop *l, struct tgv_timer *t, size_t pos)
{
    size_t child;

    for (; (child = 2 * pos) <= l->armed; pos = child) {
        if (child < l->armed && before(l->heap[child + 1], l->heap[child]))
            child++;
        if (!before(l->heap[child], t))
            break;
        place(l, pos, l->heap[child]);
    }
    place(l, pos, t);
}

static void disarm(struct tgv_timer *t)
{
    struct tgv_loop *l = t->loop;
    size_t pos = t->pos;

    if (!pos)
        return;
    t->pos = 0;
    struct tgv_timer *moved = l->heap[l->armed--];
    if (moved == t)
        return;
    sift_down(l, moved, pos);
    sift_up(l, moved, moved->pos);
}

int tgv_timer_init(struct tgv_timer *t, struct tgv_loop *l,
                   void (*fn)(void *ctx, tgv_time now), void *ctx)
{
    memset(t, 0, sizeof(*t));
    if (l->timers + 2 > l->heap_cap) {
        size_t cap = l->heap_cap ? 2 * l->heap_cap : 64;
        struct tgv_timer **heap = realloc(l->heap, cap * sizeof(*heap));
        if (!heap)
            return TGVOIP_ERR_NOMEM;
        l->heap = heap;
        l->heap_cap = cap;
    }
    l->timers++;
    t->fn = fn;
    t->ctx = ctx;
    t->loop = l;
    return 0;
}

void tgv_timer_fini(struct tgv_timer *t)
{
    if (!t->loop)
        return;
    disarm(t);
    t->loop->timers--;
    t->loop = NULL;
}

void tgv_timer_arm(struct tgv_timer *t, tgv_time at)
{
    if (t->pos && t->at == at)
        return;
    disarm(t);
    if (at == TGV_NEVER)
        return;
    /* One that is armed for the past again and again waits behind those that
     * are due now. */
    t->at = at > t->loop->fired_at ? at : t->loop->fired_at;
    t->order = t->loop->order++;
    sift_up(t->loop, t, ++t->loop->armed);
}

tgv_time tgv_timers_next(const struct tgv_loop *l)
{
    return l->armed ? l->heap[1]->at : TGV_NEVER;
}

void tgv_timers_run(struct tgv_loop *l)
{
    tgv_time now = tgv_loop_now(l);
    /* Timers that are armed meanwhile wait for the next turn, so that one
     * which is always due cannot keep the sockets waiting. Nor can many that
     * take long: what a turn has no time for is done after the sockets. */
    uint64_t last = l->order;
    tgv_time end = now + TURN_US;

    l->fired_at = now;
    while (now < end && l->armed && l->heap[1]->at <= now &&
           l->heap[1]->order < last) {
        struct tgv_timer *t = l->heap[1];
        disarm(t);
        t->fn(t->ctx, now);
        now = tgv_loop_now(l);
    }
}
