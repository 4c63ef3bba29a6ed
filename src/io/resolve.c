/* SPDX-License-Identifier: MIT */
#include "io/resolve.h"

#include "io/loop.h"
#include "io/sockaddr.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netdb.h>

#include <tgvoip/error.h>

#define THREADS_MAX 4
#define NAME_MAX_BYTES 255

struct tgv_resolve {
    struct tgv_resolve *next; /* in the queue */
    struct tgv_loop *loop;
    void (*done)(void *ctx, const struct tgv_addr *addrs, unsigned count);
    void *ctx;
    struct tgv_post post; /* brings the answer to the loop */
    enum { QUEUED, RUNNING, POSTED } stage; /* these two under the lock */
    bool cancelled;
    char name[NAME_MAX_BYTES + 1];
    struct tgv_addr addrs[TGV_RESOLVE_MAX];
    unsigned count;
};

/* A fork waits no longer than this for a name server. */
#define FORK_WAIT_NS (TGV_MS(250) * 1000)

/* Of the process. Nobody waits for the threads; each ends when there is
 * nothing left to do. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* parked, threads or forking */
    struct tgv_resolve *first;
    unsigned threads;
    unsigned parked; /* of them, for a fork */
    bool forking;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER};
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* -- forks ------------------------------------------------------------------ */

/* The system's resolver has locks that a fork copies as they are: whoever
 * looks up in the child would wait for a thread that is not there. So no
 * thread is inside of it while the process forks, if it can be had. */
static void before_fork(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += FORK_WAIT_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&queue.lock);
    queue.forking = true;
    while (queue.parked < queue.threads &&
           pthread_cond_timedwait(&queue.changed, &queue.lock, &until) == 0)
        ;
}

static void after_fork(void)
{
    queue.forking = false;
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

/* The child has neither the threads nor whoever asked. */
static void in_child(void)
{
    pthread_mutex_init(&queue.lock, NULL);
    pthread_cond_init(&queue.changed, NULL);
    queue.first = NULL;
    queue.threads = queue.parked = 0;
    queue.forking = false;
}

static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork, in_child);
}

/* Inside the lock. */
static void park_for_fork(void)
{
    if (!queue.forking)
        return;
    queue.parked++;
    pthread_cond_broadcast(&queue.changed);
    while (queue.forking)
        pthread_cond_wait(&queue.changed, &queue.lock);
    queue.parked--;
}

/* -- threads ---------------------------------------------------------------- */

static void copy_addresses(struct tgv_resolve *r, const struct addrinfo *from)
{
    for (; from && r->count < TGV_RESOLVE_MAX; from = from->ai_next) {
        struct tgv_addr *a = &r->addrs[r->count];
        if (!from->ai_addr)
            continue;
        tgv_sockaddr_decode(from->ai_addr, a);
        a->port = 0;
        r->count += a->family != TGV_AF_NONE;
    }
}

static void look_up(struct tgv_resolve *r)
{
    /* One entry for each address, not one for each kind of socket. */
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;

    if (getaddrinfo(r->name, NULL, &hints, &found) != 0)
        return;
    copy_addresses(r, found);
    freeaddrinfo(found);
}

static void *serve(void *unused)
{
    struct tgv_resolve *r;

    (void)unused;
    pthread_mutex_lock(&queue.lock);
    for (;;) {
        park_for_fork();
        if (!(r = queue.first))
            break;
        queue.first = r->next;
        r->stage = RUNNING;
        pthread_mutex_unlock(&queue.lock);
        look_up(r);
        pthread_mutex_lock(&queue.lock);
        r->stage = POSTED;
        if (r->cancelled) /* its loop may be gone */
            free(r);
        else
            tgv_loop_post(r->loop, &r->post);
    }
    queue.threads--;
    pthread_mutex_unlock(&queue.lock);
    return NULL;
}

/* Inside the lock. Signals are for the user's threads. */
static bool start_thread(void)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;

    if (pthread_attr_init(&attr) != 0)
        return false;
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(&thread, &attr, serve, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    queue.threads += ok;
    return ok;
}

/* -- the loop's side -------------------------------------------------------- */

static void on_answer(void *ctx)
{
    struct tgv_resolve *r = ctx;

    if (!r->cancelled) /* set on this thread */
        r->done(r->ctx, r->addrs, r->count);
    free(r);
}

/* Inside the lock. */
static struct tgv_resolve **place_of(struct tgv_resolve *r)
{
    struct tgv_resolve **at = &queue.first;

    while (*at && *at != r)
        at = &(*at)->next;
    return at;
}

/* @return somebody will see to it */
static bool enqueue(struct tgv_resolve *r)
{
    pthread_mutex_lock(&queue.lock);
    struct tgv_resolve **last = place_of(NULL);
    *last = r;
    if (queue.threads < THREADS_MAX)
        (void)start_thread();
    bool ok = queue.threads > 0;
    if (!ok)
        *last = NULL;
    pthread_mutex_unlock(&queue.lock);
    return ok;
}

int tgv_resolve_start(struct tgv_loop *l, struct tgv_resolve **out,
                      const char *name,
                      void (*done)(void *ctx, const struct tgv_addr *addrs,
                                   unsigned count),
                      void *ctx)
{
    size_t len = strlen(name);
    struct tgv_resolve *r;

    *out = NULL;
    if (len > NAME_MAX_BYTES)
        return TGVOIP_ERR_IO;
    r = calloc(1, sizeof(*r));
    if (!r)
        return TGVOIP_ERR_NOMEM;
    r->loop = l;
    r->done = done;
    r->ctx = ctx;
    r->post = (struct tgv_post){.fn = on_answer, .ctx = r};
    memcpy(r->name, name, len + 1);
    pthread_once(&once, watch_forks);
    if (!enqueue(r)) {
        free(r);
        return TGVOIP_ERR_NOMEM;
    }
    *out = r;
    return 0;
}

void tgv_resolve_cancel(struct tgv_resolve *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&queue.lock);
    bool queued = r->stage == QUEUED;
    if (queued)
        *place_of(r) = r->next;
    r->cancelled = true; /* else whoever has it next frees it */
    pthread_mutex_unlock(&queue.lock);
    if (queued)
        free(r);
}
