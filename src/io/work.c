/* SPDX-License-Identifier: MIT */
#include "io/work.h"

#include "io/loop_uv.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <tgvoip/error.h>

struct tgv_work {
    uv_work_t request;
    struct tgv_loop *loop;
    void (*work)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
    bool in_flight;
    bool dropped; /* free it when it comes back */
    uv_mutex_t lock;
    uv_cond_t idle;
    bool busy; /* submitted, and work has not returned; under the lock */
};

/* The process whose pool has been used; 0: none has. */
static atomic_int pool_owner;

/*
 * At the exit of a process the library joins the pool's threads. In the child
 * of a fork they do not exist, and joining them would crash; it forgets them
 * as soon as it starts a pool for the child. So one is started, and joined.
 */
static void nothing(uv_work_t *request)
{
    (void)request;
}

__attribute__((destructor)) static void leave_forked_child(void)
{
    int owner = atomic_load(&pool_owner);
    uv_work_t request;
    uv_loop_t loop;

    if (owner == 0 || owner == (int)uv_os_getpid() || uv_loop_init(&loop) != 0)
        return;
    uv_queue_work(&loop, &request, nothing, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

/*
 * Loops may run until the very end of a process, but the library's pool is
 * taken apart before that, and to submit then would abort. Our destructor comes
 * earlier, as a library's come after those of its users: from there on nothing
 * is submitted. Whoever waits for the work waits in vain, and not for long. In
 * the child of a fork the number may be that of threads which are not there.
 */
#define EXIT_ROUNDS 1000

static atomic_bool pool_closed;
static atomic_uint submitting;

__attribute__((destructor)) static void close_pool(void)
{
    atomic_store(&pool_closed, true);
    for (int i = 0; i < EXIT_ROUNDS && atomic_load(&submitting) > 0; i++)
        sched_yield();
}

static void free_work(struct tgv_work *w)
{
    uv_cond_destroy(&w->idle);
    uv_mutex_destroy(&w->lock);
    free(w);
}

static bool is_pending(int number)
{
    sigset_t pending;

    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, number) == 1;
}

/* What a write raises goes to the thread that writes. */
static void take_own(int number, bool others)
{
    sigset_t set;
    int taken;

    if (others || !is_pending(number))
        return;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigwait(&set, &taken);
}

void tgv_work_run(void (*work)(void *ctx), void *ctx)
{
    sigset_t writes, before;
    bool pipe = is_pending(SIGPIPE), size = is_pending(SIGXFSZ);

    sigemptyset(&writes);
    sigaddset(&writes, SIGPIPE);
    sigaddset(&writes, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &writes, &before);
    work(ctx);
    take_own(SIGPIPE, pipe);
    take_own(SIGXFSZ, size);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void on_work(uv_work_t *request)
{
    struct tgv_work *w = request->data;

    tgv_work_run(w->work, w->ctx);
    uv_mutex_lock(&w->lock);
    w->busy = false;
    uv_cond_broadcast(&w->idle);
    uv_mutex_unlock(&w->lock);
}

static void on_done(uv_work_t *request, int status)
{
    struct tgv_work *w = request->data;

    (void)status;
    w->in_flight = false;
    if (w->dropped)
        free_work(w);
    else if (w->done)
        w->done(w->ctx);
}

int tgv_work_create(struct tgv_work **out, struct tgv_loop *l,
                    void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
    *out = NULL;
    struct tgv_work *w = calloc(1, sizeof(*w));
    if (!w)
        return TGVOIP_ERR_NOMEM;
    if (uv_mutex_init(&w->lock) != 0) {
        free(w);
        return TGVOIP_ERR_NOMEM;
    }
    if (uv_cond_init(&w->idle) != 0) {
        uv_mutex_destroy(&w->lock);
        free(w);
        return TGVOIP_ERR_NOMEM;
    }
    w->loop = l;
    w->work = work;
    w->done = done;
    w->ctx = ctx;
    w->request.data = w;
    *out = w;
    return 0;
}

void tgv_work_submit(struct tgv_work *w)
{
    w->in_flight = true;
    atomic_store(&pool_owner, (int)uv_os_getpid());
    uv_mutex_lock(&w->lock);
    w->busy = true;
    uv_mutex_unlock(&w->lock);
    atomic_fetch_add(&submitting, 1);
    if (!atomic_load(&pool_closed))
        uv_queue_work(&w->loop->uv, &w->request, on_work, on_done);
    atomic_fetch_sub(&submitting, 1);
}

bool tgv_work_in_flight(const struct tgv_work *w)
{
    return w->in_flight;
}

void tgv_work_wait(struct tgv_work *w)
{
    uv_mutex_lock(&w->lock);
    while (w->busy)
        uv_cond_wait(&w->idle, &w->lock);
    uv_mutex_unlock(&w->lock);
}

void tgv_work_destroy(struct tgv_work *w)
{
    if (!w)
        return;
    if (w->in_flight)
        w->dropped = true;
    else
        free_work(w);
}
