/* SPDX-License-Identifier: MIT */
#include "io/loop.h"

#include "io/loop_uv.h"
#include "io/system.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <tgvoip/error.h>

/* Its address tells threads apart; unlike a thread id it can be compared and
 * stored atomically everywhere. */
static _Thread_local char self_mark;
static _Thread_local const struct tgv_loop *running;

static uintptr_t self(void)
{
    return (uintptr_t)&self_mark;
}

int tgv_uv_error(int error)
{
    switch (error) {
    case 0:
        return 0;
    case UV_ENOMEM:
        return TGVOIP_ERR_NOMEM;
    case UV_EADDRINUSE:
        return TGVOIP_ERR_IN_USE;
    case UV_EACCES:
    case UV_EPERM:
    case UV_EROFS:
        return TGVOIP_ERR_ACCESS;
    case UV_ENOENT:
    case UV_ENOTDIR:
    case UV_EADDRNOTAVAIL: /* no interface has it */
        return TGVOIP_ERR_NOT_FOUND;
    case UV_ENOSPC:
    case UV_EFBIG:
        return TGVOIP_ERR_NO_SPACE;
    case UV_EAGAIN:
        return TGVOIP_ERR_AGAIN;
    default:
        return TGVOIP_ERR_IO;
    }
}

tgv_time tgv_loop_now(const struct tgv_loop *l)
{
    return l->clock ? l->clock(l->clock_ctx) : tgv_system_now();
}

bool tgv_loop_inside(const struct tgv_loop *l)
{
    return atomic_load(&l->owner) == self();
}

bool tgv_loop_inside_any(void)
{
    return running != NULL;
}

static struct tgv_post *take_posts(struct tgv_loop *l)
{
    uv_mutex_lock(&l->lock);
    struct tgv_post *first = l->first;
    l->first = l->last = NULL;
    uv_mutex_unlock(&l->lock);
    return first;
}

static void on_wake(uv_async_t *handle)
{
    struct tgv_loop *l = handle->data;
    struct tgv_post *p = take_posts(l);

    while (p) {
        struct tgv_post *next = p->next;
        p->fn(p->ctx); /* may post p again, or free it */
        p = next;
    }
}

void tgv_loop_post(struct tgv_loop *l, struct tgv_post *p)
{
    p->next = NULL;
    uv_mutex_lock(&l->lock);
    if (l->last)
        l->last->next = p;
    else
        l->first = p;
    l->last = p;
    /* Inside the lock: after it the loop may be gone. */
    uv_async_send(&l->wake);
    uv_mutex_unlock(&l->lock);
}

void tgv_loop_cancel(struct tgv_loop *l, struct tgv_post *p)
{
    struct tgv_post *last = NULL;

    uv_mutex_lock(&l->lock);
    for (struct tgv_post **at = &l->first; *at;) {
        if (*at == p) {
            *at = p->next;
        } else {
            last = *at;
            at = &(*at)->next;
        }
    }
    l->last = last;
    uv_mutex_unlock(&l->lock);
}

struct waited {
    void (*fn)(void *ctx);
    void *ctx;
    uv_mutex_t lock;
    uv_cond_t cond;
    bool done;
};

static void run_waited(void *ctx)
{
    struct waited *w = ctx;

    w->fn(w->ctx);
    uv_mutex_lock(&w->lock);
    w->done = true;
    uv_cond_signal(&w->cond);
    uv_mutex_unlock(&w->lock);
}

void tgv_loop_run(struct tgv_loop *l, void (*fn)(void *ctx), void *ctx)
{
    if (tgv_loop_inside(l)) {
        fn(ctx);
        if (!running) /* outside of a step: have what it opened watched */
            uv_async_send(&l->wake);
        return;
    }
    struct waited w = {.fn = fn, .ctx = ctx};
    struct tgv_post p = {.fn = run_waited, .ctx = &w};
    if (uv_mutex_init(&w.lock) != 0 || uv_cond_init(&w.cond) != 0)
        abort(); /* out of kernel objects; nothing sane is left to do */
    tgv_loop_post(l, &p);
    uv_mutex_lock(&w.lock);
    while (!w.done)
        uv_cond_wait(&w.cond, &w.lock);
    uv_mutex_unlock(&w.lock);
    uv_cond_destroy(&w.cond);
    uv_mutex_destroy(&w.lock);
}

static void on_alarm(uv_timer_t *handle)
{
    tgv_timers_run(handle->loop->data);
}

/* Before each sleep: how long may it be? The library rounds down the present
 * time, so the alarm is never early. */
static void on_prepare(uv_prepare_t *handle)
{
    struct tgv_loop *l = handle->data;
    tgv_time at = tgv_timers_next(l);

    if (at == TGV_NEVER) {
        uv_timer_stop(&l->alarm);
        return;
    }
    tgv_time left = at - tgv_loop_now(l);
    uint64_t ms = left <= 0 ? 0 : (uint64_t)(left + 999) / 1000;
    uv_update_time(&l->uv);
    uv_timer_start(&l->alarm, on_alarm, ms, 0);
}

static void thread_main(void *ctx)
{
    struct tgv_loop *l = ctx;

    atomic_store(&l->owner, self());
    running = l;
    uv_run(&l->uv, UV_RUN_DEFAULT);
    running = NULL;
}

static void close_handles(void *ctx)
{
    struct tgv_loop *l = ctx;

    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->alarm, NULL);
}

static void free_loop(struct tgv_loop *l)
{
    uv_mutex_destroy(&l->lock);
    free(l->heap);
    free(l->chunks);
    free(l);
}

/* The library ends the process if it finds no two descriptors for its first
 * loop, or if it has to close one that a standard stream left free. */
static int try_descriptors(void)
{
    int fds[2];

    if (pipe(fds) != 0)
        return uv_translate_sys_error(errno);
    close(fds[0]);
    close(fds[1]);
    return fds[0] > STDERR_FILENO ? 0 : UV_EBADF;
}

static int init_handles(struct tgv_loop *l)
{
    int err = try_descriptors();
    if (!err)
        err = uv_loop_init(&l->uv);
    if (err)
        return err;
    err = uv_async_init(&l->uv, &l->wake, on_wake);
    if (err) {
        uv_loop_close(&l->uv);
        return err;
    }
    uv_prepare_init(&l->uv, &l->prepare);
    uv_timer_init(&l->uv, &l->alarm);
    l->uv.data = l->wake.data = l->prepare.data = l;
    return 0;
}

static int start(struct tgv_loop *l)
{
    if (!l->own_thread) {
        atomic_store(&l->owner, self());
        uv_run(&l->uv, UV_RUN_NOWAIT); /* watch `wake` from now on */
        return 0;
    }
    uv_prepare_start(&l->prepare, on_prepare);
    return uv_thread_create(&l->thread, thread_main, l);
}

int tgv_loop_create(struct tgv_loop **out, const struct tgv_loop_config *config)
{
    *out = NULL;
    struct tgv_loop *l = calloc(1, sizeof(*l));
    if (!l)
        return TGVOIP_ERR_NOMEM;
    l->own_thread = config->own_thread;
    l->clock = config->clock;
    l->clock_ctx = config->clock_ctx;
    l->fired_at = INT64_MIN;
    atomic_init(&l->owner, 0);
    l->chunks = malloc((size_t)TGV_UDP_BATCH * TGV_UDP_CHUNK);
    if (!l->chunks || uv_mutex_init(&l->lock) != 0) {
        free(l->chunks);
        free(l);
        return TGVOIP_ERR_NOMEM;
    }
    int err = init_handles(l);
    if (err) {
        free_loop(l);
        return err == UV_EBADF ? TGVOIP_ERR_STATE : tgv_uv_error(err);
    }
    err = start(l);
    if (err) {
        close_handles(l);
        uv_run(&l->uv, UV_RUN_DEFAULT);
        uv_loop_close(&l->uv);
        free_loop(l);
        return tgv_uv_error(err);
    }
    *out = l;
    return 0;
}

void tgv_loop_destroy(struct tgv_loop *l)
{
    struct tgv_post p = {.fn = close_handles, .ctx = l};

    if (!l)
        return;
    tgv_loop_post(l, &p);
    if (l->own_thread) {
        uv_thread_join(&l->thread);
    } else {
        const struct tgv_loop *outer = running;
        atomic_store(&l->owner, self());
        running = l;
        uv_run(&l->uv, UV_RUN_DEFAULT);
        running = outer;
    }
    uv_loop_close(&l->uv);
    /* A sender of the last wake-up may still hold the lock. */
    uv_mutex_lock(&l->lock);
    uv_mutex_unlock(&l->lock);
    free_loop(l);
}

void tgv_loop_adopt(struct tgv_loop *l)
{
    if (!l->own_thread)
        atomic_store(&l->owner, self());
}

int tgv_loop_fd(const struct tgv_loop *l)
{
    return l->own_thread ? TGVOIP_ERR_STATE : uv_backend_fd(&l->uv);
}

int64_t tgv_loop_timeout_us(struct tgv_loop *l)
{
    if (l->fresh || uv_backend_timeout(&l->uv) == 0)
        return 0;
    tgv_time at = tgv_timers_next(l);
    if (at == TGV_NEVER)
        return -1;
    tgv_time left = at - tgv_loop_now(l);
    return left > 0 ? left : 0;
}

void tgv_loop_step(struct tgv_loop *l)
{
    /* A descriptor opened in one round is watched in the next; more rounds
     * than these are left to the next step. */
    const struct tgv_loop *outer = running;

    atomic_store(&l->owner, self());
    running = l;
    for (int round = 0; round < 4; round++) {
        l->fresh = false;
        uv_run(&l->uv, UV_RUN_NOWAIT);
        tgv_timers_run(l);
        if (!l->fresh && round > 0)
            break;
    }
    running = outer;
}
