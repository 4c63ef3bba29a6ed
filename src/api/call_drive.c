/* SPDX-License-Identifier: MIT */
#include "api/call.h"

#include "io/sync.h"

#include <string.h>

/* What is done may make the core want more; after so many turns the rest
 * waits. */
#define PERFORM_MAX 8

/* -- events --------------------------------------------------------------- */

static void leave_engine(struct tgvoip_call *call)
{
    if (call->counted)
        tgv_engine_count_call(call->member.engine, -1);
    call->counted = false;
}

/* FAILED is final: nothing is sent, played or recorded any more. */
static void end_of_call(struct tgvoip_call *call, tgv_time now)
{
    call->over = true;
    tgv_ucall_close_sockets(call);
    tgv_ucall_audio_stop(call);
    tgv_ucall_end_tapes(call);
    leave_engine(call);
    tgv_ucall_publish(call, now);
}

static void report_state(struct tgvoip_call *call, enum tgv_call_state state,
                         enum tgv_call_error error, tgv_time now)
{
    if (call->over)
        return;
    if (state == TGV_STATE_FAILED)
        end_of_call(call, now);
    else
        tgv_ucall_publish(call, now);
    if (call->callbacks.state && tgv_ucall_may_call_back(call))
        call->callbacks.state(call, call->user, (enum tgvoip_call_state)state,
                              (enum tgvoip_call_error)error);
}

static void report_route(struct tgvoip_call *call,
                         const struct tgv_call_event *ev)
{
    const struct tgvoip_route route = {.size = sizeof(route),
                                       .type =
                                           (enum tgvoip_endpoint_type)ev->path,
                                       .id = ev->relay_id,
                                       .reason = ev->reason ? ev->reason : ""};

    if (call->callbacks.route && tgv_ucall_may_call_back(call))
        call->callbacks.route(call, call->user, &route);
}

static void report_events(struct tgvoip_call *call, tgv_time now)
{
    struct tgv_call_event ev;

    while (tgv_call_next_event(call->core, &ev)) {
        switch (ev.kind) {
        case TGV_EVENT_STATE:
            report_state(call, ev.state, ev.error, now);
            break;
        case TGV_EVENT_SIGNAL_BARS:
            if (call->callbacks.signal_bars && !call->over &&
                tgv_ucall_may_call_back(call))
                call->callbacks.signal_bars(call, call->user, ev.bars);
            break;
        case TGV_EVENT_ROUTE:
            if (!call->over)
                report_route(call, &ev);
            break;
        }
    }
}

/* -- orders --------------------------------------------------------------- */

/* The core could not even begin (memory, random source). */
static void fail_call(struct tgvoip_call *call, int error, tgv_time now)
{
    tgv_log(&call->log, TGV_LOG_ERROR, "api", now, "call cannot begin: %s",
            tgvoip_error_str(error));
    tgv_call_stop(call->core, now);
    call->failed = true;
    report_state(call, TGV_STATE_FAILED, TGV_CALL_ERROR_UNKNOWN, now);
}

static void begin(struct tgvoip_call *call, const struct tgv_call_orders *o,
                  tgv_time now)
{
    int err = 0;

    if (o->start) {
        err = tgv_call_start(call->core, now);
        tgv_ucall_tell_interfaces(call, now);
    }
    if (!err && o->connect && !call->over) {
        err = tgv_call_connect(call->core, now);
        if (!err) {
            call->counted = true;
            tgv_engine_count_call(call->member.engine, 1);
            tgv_ucall_audio_start(call, now);
        }
    }
    if (err)
        fail_call(call, err, now);
}

static void take_settings(struct tgvoip_call *call,
                          const struct tgv_call_orders *o, tgv_time now)
{
    if (o->set_network)
        call->network = o->network;
    if (o->set_saving)
        call->data_saving = o->saving;
    if (o->set_network || o->set_saving)
        tgv_call_set_network_type(
            call->core, (int)call->network,
            tgv_ucall_saves_data(call->data_saving, call->network), now);
    if (o->set_timeouts)
        tgv_call_set_timeouts(call->core, TGV_MS(o->init_ms),
                              TGV_MS(o->receive_ms), now);
    if (o->set_bitrate)
        tgv_call_debug_bitrate(call->core, o->bitrate_bps);
    if (o->set_loss)
        tgv_call_debug_loss(call->core, o->loss_percent);
    if (o->set_p2p)
        tgv_call_set_p2p(call->core, o->p2p, now);
}

static void take_orders(struct tgvoip_call *call, tgv_time now)
{
    tgv_lock_enter(call->lock);
    struct tgv_call_orders o = call->orders;
    memset(&call->orders, 0, sizeof(call->orders));
    tgv_lock_leave(call->lock);

    for (int i = 0; i < TGV_CALL_REPORTS; i++) {
        if (o.change_report[i])
            tgv_ucall_change_report(call, (enum tgvoip_report)i, o.report[i]);
    }
    for (int i = 0; i < TGV_TRACKS; i++) {
        if (o.change_tape[i])
            tgv_ucall_change_tape(call, (enum tgv_track)i,
                                  call->over ? NULL : o.tape[i]);
    }
    if (o.set_mute)
        tgv_call_set_mute(call->core, o.mute, now);
    take_settings(call, &o, now);
    if (o.start || o.connect)
        begin(call, &o, now);
}

/* -- the driver ----------------------------------------------------------- */

static void on_core_timer(void *ctx, tgv_time now)
{
    struct tgvoip_call *call = ctx;

    tgv_call_expire(call->core, now);
    tgv_ucall_drive(call, now);
}

static int init_timers(struct tgvoip_call *call)
{
    int err = tgv_timer_init(&call->core_timer, call->member.loop,
                             on_core_timer, call);

    if (!err)
        err = tgv_timer_init(&call->audio_timer, call->member.loop,
                             tgv_ucall_audio_timer, call);
    call->timers_ready = !err;
    if (err)
        tgv_timer_fini(&call->core_timer);
    return err;
}

/* @return everything has been done and sent */
static bool serve_core(struct tgvoip_call *call, tgv_time now)
{
    bool all = false;

    for (int i = 0; i < PERFORM_MAX; i++) {
        if (!tgv_ucall_perform(call, now) && i > 0)
            return all;
        all = tgv_ucall_transmit(call, now);
    }
    return false;
}

void tgv_ucall_drive(struct tgvoip_call *call, tgv_time now)
{
    call->batch_now = -1;
    if (atomic_load(&call->stop_wanted)) {
        tgv_ucall_let_go(call, now, false);
        return;
    }
    if (!call->timers_ready && init_timers(call) != 0) {
        fail_call(call, TGVOIP_ERR_NOMEM, now);
        return;
    }
    take_orders(call, now);
    if (call->over)
        return;
    tgv_feed_kick(call->play);
    tgv_feed_kick(call->hold);
    bool all = serve_core(call, now);
    report_events(call, now);
    tgv_ucall_write_rows(call, now);
    if (atomic_load(&call->stop_wanted)) { /* by a callback */
        tgv_ucall_let_go(call, now, false);
        return;
    }
    tgv_timer_arm(&call->core_timer, call->over ? TGV_NEVER
                                     : all      ? tgv_call_deadline(call->core)
                                                : now);
    tgv_ucall_publish(call, now);
}

/* Orders that nobody takes any more. */
static void drop_orders(struct tgvoip_call *call)
{
    struct tgv_tape *tape[TGV_TRACKS];
    struct tgv_scribe *report[TGV_CALL_REPORTS];

    tgv_lock_enter(call->lock);
    memcpy(report, call->orders.report, sizeof(report));
    memset(call->orders.report, 0, sizeof(call->orders.report));
    memset(call->orders.change_report, 0, sizeof(call->orders.change_report));
    memcpy(tape, call->orders.tape, sizeof(tape));
    memset(call->orders.tape, 0, sizeof(call->orders.tape));
    memset(call->orders.change_tape, 0, sizeof(call->orders.change_tape));
    tgv_lock_leave(call->lock);
    for (int i = 0; i < TGV_TRACKS; i++) {
        if (tape[i])
            tgv_ucall_change_tape(call, (enum tgv_track)i, tape[i]);
    }
    for (int i = 0; i < TGV_CALL_REPORTS; i++) {
        if (report[i])
            tgv_ucall_change_report(call, (enum tgvoip_report)i, report[i]);
    }
    tgv_ucall_end_tapes(call);
    tgv_feed_clear(call->play);
    tgv_feed_clear(call->hold);
    tgv_feed_kick(call->play);
    tgv_feed_kick(call->hold);
}

void tgv_ucall_let_go(struct tgvoip_call *call, tgv_time now, bool at_once)
{
    if (!call->over)
        tgv_call_stop(call->core, now);
    call->over = true;
    leave_engine(call);
    tgv_ucall_close_sockets(call);
    if (call->timers_ready) {
        tgv_ucall_audio_stop(call);
        tgv_timer_fini(&call->core_timer);
        tgv_timer_fini(&call->audio_timer);
        call->timers_ready = false;
        tgv_ucall_publish(call, now);
        tgv_ucall_log_end(call, now);
    }
    drop_orders(call);
    if (at_once)
        tgv_ucall_finish_tapes(call);
    tgv_ucall_end_reports(call, at_once); /* last: they may tell of the rest */
    tgv_lock_enter(call->lock);
    call->released = true;
    tgv_ucall_note_stopped(call);
    tgv_lock_leave(call->lock);
}
