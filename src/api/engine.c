/* SPDX-License-Identifier: MIT */
#include "api/engine.h"

#include "base/failure.h"
#include "io/loop.h"
#include "io/sync.h"
#include "io/system.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LOOPS_MAX 64

struct engine_loop {
    struct tgv_loop *loop;
    unsigned members;
    struct tgv_phases phases;
};

struct tgvoip_engine {
    struct tgvoip_engine_config config;
    struct tgv_log log;
    struct engine_loop loops[LOOPS_MAX];
    unsigned loop_count;
    struct tgv_lock *lock; /* guards the members and their number per loop */
    struct tgv_member *first;
    atomic_int calls;
    atomic_uint_least64_t ticks, ticks_late;
    atomic_int_least64_t worst_late;
    /* Since the last line of the log about late ticks: */
    atomic_uint_least64_t told_ticks, told_late;
    atomic_int_least64_t told_worst, told_at;
};

void tgvoip_engine_config_default(struct tgvoip_engine_config *config)
{
    if (!config)
        return;
    memset(config, 0, sizeof(*config));
    config->size = sizeof(*config);
    config->log_level = TGVOIP_LOG_INFO;
}

static void write_log(void *ctx, enum tgv_log_level level, const char *room,
                      tgv_time now, const char *text)
{
    const struct tgvoip_engine *e = ctx;

    e->config.log(e->config.log_ctx, (enum tgvoip_log_level)level, room, now,
                  text);
}

static int check_config(const struct tgvoip_engine_config *c,
                        struct tgvoip_failure *failure)
{
    if (c->size < sizeof(*c))
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "size",
                        "tgvoip_engine_config_default() was not called");
    if (c->loops > LOOPS_MAX)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "loops",
                        "%u is out of range 0..%d", c->loops, LOOPS_MAX);
    if (c->own_loop && c->loops > 1)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "loops",
                        "must be 0 or 1 with own_loop, got %u", c->loops);
    if (c->log_level < TGVOIP_LOG_ERROR || c->log_level > TGVOIP_LOG_DEBUG)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "log_level",
                        "%d is out of range 1..4", (int)c->log_level);
    return 0;
}

static unsigned count_loops(const struct tgvoip_engine_config *c)
{
    unsigned n = c->own_loop ? 1 : c->loops;

    if (n == 0)
        n = tgv_system_cores();
    return n < LOOPS_MAX ? n : LOOPS_MAX;
}

static void free_engine(struct tgvoip_engine *e)
{
    for (unsigned i = 0; i < e->loop_count; i++)
        tgv_loop_destroy(e->loops[i].loop);
    tgv_lock_destroy(e->lock);
    free(e);
}

static int start_loops(struct tgvoip_engine *e, unsigned count)
{
    const struct tgv_loop_config config = {.own_thread = !e->config.own_loop,
                                           .clock = e->config.clock,
                                           .clock_ctx = e->config.clock_ctx};

    for (; e->loop_count < count; e->loop_count++) {
        int err = tgv_loop_create(&e->loops[e->loop_count].loop, &config);
        if (err)
            return err;
    }
    return 0;
}

static const char *why_no_loop(int err)
{
    switch (err) {
    case TGVOIP_ERR_NOMEM:
        return "out of memory";
    case TGVOIP_ERR_STATE:
        return "descriptors 0 to 2 must be open, if only to /dev/null";
    default:
        return "cannot start a loop: no descriptor or thread is left";
    }
}

int tgvoip_engine_create(tgvoip_engine **out,
                         const struct tgvoip_engine_config *config,
                         struct tgvoip_failure *failure)
{
    struct tgvoip_engine_config defaults;

    if (!out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "out", "is NULL");
    *out = NULL;
    tgvoip_engine_config_default(&defaults);
    if (!config)
        config = &defaults;
    int err = check_config(config, failure);
    if (err)
        return err;
    struct tgvoip_engine *e = calloc(1, sizeof(*e));
    if (!e || !(e->lock = tgv_lock_create())) {
        free(e);
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "engine", "out of memory");
    }
    e->config = *config;
    e->log = (struct tgv_log){config->log ? write_log : NULL, e,
                              (enum tgv_log_level)config->log_level};
    err = start_loops(e, count_loops(config));
    if (err) {
        free_engine(e);
        return tgv_fail(failure, err, "loops", "%s", why_no_loop(err));
    }
    *out = e;
    return 0;
}

void tgvoip_engine_destroy(tgvoip_engine *e)
{
    struct tgv_member *m;

    /* From a callback nothing could be waited for. */
    if (!e || tgv_loop_inside_any())
        return;
    for (unsigned i = 0; i < e->loop_count; i++)
        tgv_loop_adopt(e->loops[i].loop);
    do {
        tgv_lock_enter(e->lock);
        m = e->first;
        tgv_lock_leave(e->lock);
        if (m)
            m->destroy(m);
    } while (m);
    free_engine(e);
}

int tgvoip_engine_get_stats(const tgvoip_engine *e,
                            struct tgvoip_engine_stats *stats)
{
    if (!e || !stats)
        return TGVOIP_ERR_INVALID;
    int calls = atomic_load(&e->calls);
    *stats = (struct tgvoip_engine_stats){
        .size = sizeof(*stats),
        .loops = e->loop_count,
        .calls = calls > 0 ? (unsigned)calls : 0,
        .ticks = atomic_load(&e->ticks),
        .ticks_late = atomic_load(&e->ticks_late),
        .worst_late_us = atomic_load(&e->worst_late)};
    return 0;
}

int tgvoip_engine_fd(const tgvoip_engine *e)
{
    if (!e)
        return TGVOIP_ERR_INVALID;
    return e->config.own_loop ? tgv_loop_fd(e->loops[0].loop)
                              : TGVOIP_ERR_STATE;
}

int64_t tgvoip_engine_timeout_us(const tgvoip_engine *e)
{
    return e && e->config.own_loop ? tgv_loop_timeout_us(e->loops[0].loop) : -1;
}

int tgvoip_engine_step(tgvoip_engine *e)
{
    if (!e)
        return TGVOIP_ERR_INVALID;
    if (!e->config.own_loop || tgv_loop_inside_any())
        return TGVOIP_ERR_STATE;
    tgv_loop_step(e->loops[0].loop);
    return 0;
}

/* -- members -------------------------------------------------------------- */

void tgv_engine_add(struct tgvoip_engine *e, struct tgv_member *m)
{
    unsigned best = 0;

    tgv_lock_enter(e->lock);
    for (unsigned i = 1; i < e->loop_count; i++) {
        if (e->loops[i].members < e->loops[best].members)
            best = i;
    }
    e->loops[best].members++;
    m->engine = e;
    m->index = best;
    m->loop = e->loops[best].loop;
    m->prev = NULL;
    m->next = e->first;
    if (m->next)
        m->next->prev = m;
    e->first = m;
    tgv_lock_leave(e->lock);
}

void tgv_engine_remove(struct tgv_member *m)
{
    struct tgvoip_engine *e = m->engine;

    tgv_lock_enter(e->lock);
    e->loops[m->index].members--;
    if (m->prev)
        m->prev->next = m->next;
    else
        e->first = m->next;
    if (m->next)
        m->next->prev = m->prev;
    tgv_lock_leave(e->lock);
}

const struct tgv_log *tgv_engine_log(const struct tgvoip_engine *e)
{
    return &e->log;
}

struct tgv_random tgv_engine_random(const struct tgvoip_engine *e)
{
    if (e->config.random)
        return (struct tgv_random){e->config.random, e->config.random_ctx};
    return tgv_os_random();
}

struct tgv_phases *tgv_member_phases(const struct tgv_member *m)
{
    return &m->engine->loops[m->index].phases;
}

/* A tick that starts this much after it was due counts as late. */
#define LATE_US TGV_MS(10)
#define TELL_LATE_EVERY TGV_S(60)

static void raise_to(atomic_int_least64_t *most, int_least64_t value)
{
    int_least64_t seen = atomic_load(most);

    while (value > seen && !atomic_compare_exchange_weak(most, &seen, value))
        ;
}

/* The first line comes at once, the next gather what happened meanwhile. */
static void tell_late(struct tgvoip_engine *e, const struct tgv_log *log,
                      tgv_time now)
{
    int_least64_t told_at = atomic_load(&e->told_at);

    if (told_at != 0 && now - told_at < TELL_LATE_EVERY)
        return;
    if (!atomic_compare_exchange_strong(&e->told_at, &told_at, now))
        return; /* another loop does it */
    uint_least64_t late = atomic_load(&e->ticks_late);
    uint_least64_t ticks = atomic_load(&e->ticks);
    tgv_log(
        log, TGV_LOG_WARNING, "api", now,
        "overload: %llu of %llu audio ticks were late, the latest by %lld "
        "ms",
        (unsigned long long)(late - atomic_exchange(&e->told_late, late)),
        (unsigned long long)(ticks - atomic_exchange(&e->told_ticks, ticks)),
        (long long)(atomic_exchange(&e->told_worst, 0) / TGV_US_PER_MS));
}

void tgv_engine_count_tick(struct tgvoip_engine *e, tgv_time late,
                           const struct tgv_log *log, tgv_time now)
{
    atomic_fetch_add(&e->ticks, 1);
    raise_to(&e->worst_late, late);
    if (late <= LATE_US)
        return;
    atomic_fetch_add(&e->ticks_late, 1);
    raise_to(&e->told_worst, late);
    tell_late(e, log, now);
}

void tgv_engine_count_call(struct tgvoip_engine *e, int change)
{
    atomic_fetch_add(&e->calls, change);
}
