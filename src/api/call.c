/* SPDX-License-Identifier: MIT */
#include "api/call.h"

#include "base/failure.h"
#include "crypto/secret.h"
#include "io/sync.h"

#include <stdlib.h>
#include <string.h>

#define PCM_SAMPLES (TGV_CALL_PCM_MS * TGV_SAMPLES_PER_MS)

static void on_wake(void *ctx)
{
    struct tgvoip_call *call = ctx;

    tgv_lock_enter(call->lock);
    call->woken = false;
    tgv_lock_leave(call->lock);
    tgv_ucall_drive(call, tgv_loop_now(call->member.loop));
}

void tgv_ucall_wake(struct tgvoip_call *call)
{
    if (call->woken || call->stopped)
        return;
    call->woken = true;
    tgv_loop_post(call->member.loop, &call->post);
}

/* -- birth ---------------------------------------------------------------- */

static void free_call(struct tgvoip_call *call)
{
    tgv_call_destroy(call->core);
    tgv_ear_destroy(call->ear);
    tgv_ring_fini(&call->written);
    tgv_ring_fini(&call->heard);
    tgv_lock_destroy(call->lock);
    free(call);
}

static void destroy_member(struct tgv_member *m)
{
    /* `member` is the first field. */
    tgvoip_call_destroy((struct tgvoip_call *)m);
}

static int create_core(struct tgvoip_engine *engine, struct tgvoip_call *call,
                       const struct tgvoip_call_config *config,
                       struct tgvoip_failure *failure)
{
    struct tgv_call_config c;
    struct tgv_relay_entry *relays = malloc(TGV_RELAYS_MAX * sizeof(*relays));

    if (!relays)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "call", "out of memory");
    int err = tgv_ucall_check_config(config, &c, relays, failure);
    if (!err) {
        c.random = tgv_engine_random(engine);
        c.log = &call->log;
        err = tgv_call_create(&call->core, &c);
        if (err)
            tgv_fail(failure, err, "call", "%s", tgvoip_error_str(err));
    }
    tgv_wipe(&c, sizeof(c)); /* key, and password of the proxy */
    free(relays);
    return err;
}

static int init_call(struct tgvoip_call *call,
                     const struct tgvoip_call_config *config)
{
    call->callbacks = config->callbacks;
    call->user = config->user;
    call->data_saving = config->data_saving;
    call->network = config->network_type;
    call->next_tick = TGV_NEVER;
    call->batch_now = -1;
    call->post = (struct tgv_post){.fn = on_wake, .ctx = call};
    call->member.destroy = destroy_member;
    tgvoip_call_stats_default(&call->stats);
    call->lock = tgv_lock_create();
    if (!call->lock)
        return TGVOIP_ERR_NOMEM;
    return tgv_ring_init(&call->written, PCM_SAMPLES);
}

int tgvoip_call_create(tgvoip_engine *engine, tgvoip_call **out,
                       const struct tgvoip_call_config *config,
                       struct tgvoip_failure *failure)
{
    if (!out)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "out", "is NULL");
    *out = NULL;
    if (!engine || !config)
        return tgv_fail(failure, TGVOIP_ERR_INVALID,
                        engine ? "config" : "engine", "is NULL");
    struct tgvoip_call *call = calloc(1, sizeof(*call));
    if (!call)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "call", "out of memory");
    tgv_ucall_log_init(call, tgv_engine_log(engine));
    int err = create_core(engine, call, config, failure);
    if (err) {
        free(call);
        return err;
    }
    err = init_call(call, config);
    if (!err) {
        tgv_engine_add(engine, &call->member);
        err = tgv_ucall_files_init(call);
        if (err)
            tgv_engine_remove(&call->member);
    }
    if (err) {
        free_call(call);
        return tgv_fail(failure, err, "call", "%s", tgvoip_error_str(err));
    }
    *out = call;
    return 0;
}

/* -- life ----------------------------------------------------------------- */

int tgvoip_call_start(tgvoip_call *call)
{
    int err = 0;

    if (!call)
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(call->lock);
    if (call->started || atomic_load(&call->stop_wanted)) {
        err = TGVOIP_ERR_STATE;
    } else {
        call->started = call->orders.start = true;
        tgv_ucall_wake(call);
    }
    tgv_lock_leave(call->lock);
    return err;
}

int tgvoip_call_connect(tgvoip_call *call)
{
    int err = 0;

    if (!call)
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(call->lock);
    if (!call->started || call->connected || atomic_load(&call->stop_wanted) ||
        call->stats.state == TGVOIP_STATE_FAILED) {
        err = TGVOIP_ERR_STATE;
    } else {
        call->connected = call->orders.connect = true;
        tgv_ucall_wake(call);
    }
    tgv_lock_leave(call->lock);
    return err;
}

/* -- end ------------------------------------------------------------------ */

static void let_go_now(void *ctx)
{
    struct tgvoip_call *call = ctx;

    tgv_ucall_let_go(call, tgv_loop_now(call->member.loop), true);
}

void tgvoip_call_stop(tgvoip_call *call)
{
    if (!call)
        return;
    tgv_lock_enter(call->lock);
    atomic_store(&call->stop_wanted, true);
    tgv_ucall_wake(call);
    bool stopped = call->stopped;
    tgv_lock_leave(call->lock);
    if (stopped || tgv_loop_inside_any())
        return;
    if (tgv_loop_inside(call->member.loop)) {
        /* The user's own loop, and he is here: nobody else will step it. */
        let_go_now(call);
        return;
    }
    tgv_lock_enter(call->lock);
    while (!call->stopped)
        tgv_lock_wait(call->lock);
    tgv_lock_leave(call->lock);
}

static void leave_loop(void *ctx)
{
    struct tgvoip_call *call = ctx;

    tgv_loop_cancel(call->member.loop, &call->post);
    tgv_ucall_files_fini(call);
}

void tgvoip_call_destroy(tgvoip_call *call)
{
    if (!call)
        return;
    tgvoip_call_stop(call);
    /* In a callback the call is still in use; its engine frees it. */
    if (tgv_loop_inside_any())
        return;
    tgv_loop_run(call->member.loop, leave_loop, call);
    tgv_engine_remove(&call->member);
    free_call(call);
}
