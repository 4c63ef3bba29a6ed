/* SPDX-License-Identifier: MIT */
#include "api/call.h"

#include "base/failure.h"
#include "io/sync.h"

#include <string.h>

/* -- reports, loop thread ------------------------------------------------- */

void tgv_ucall_file_failed(struct tgvoip_call *call,
                           const struct tgvoip_failure *failure)
{
    tgv_log(&call->log, TGV_LOG_WARNING, "api", tgv_loop_now(call->member.loop),
            "%s: %s", failure->what, failure->why);
    if (call->callbacks.file_error && tgv_ucall_may_call_back(call))
        call->callbacks.file_error(call, call->user, failure);
}

static void on_file_failed(void *ctx, const struct tgvoip_failure *failure)
{
    tgv_ucall_file_failed(ctx, failure);
}

void tgv_ucall_note_stopped(struct tgvoip_call *call)
{
    call->stopped =
        call->released && call->tapes_open == 0 && call->reports_open == 0;
    tgv_lock_wake(call->lock);
}

static void on_tape_finished(void *ctx, struct tgv_tape *tape)
{
    struct tgvoip_call *call = ctx;

    for (size_t i = 0; i < TGV_CALL_TAPES; i++) {
        if (call->tapes[i] == tape)
            call->tapes[i] = NULL;
    }
    tgv_lock_enter(call->lock);
    call->tapes_open--;
    tgv_ucall_note_stopped(call);
    tgv_lock_leave(call->lock);
}

/* -- feeds ---------------------------------------------------------------- */

int tgv_ucall_files_init(struct tgvoip_call *call)
{
    struct tgv_feed_config config = {
        .loop = call->member.loop, .failed = on_file_failed, .ctx = call};
    int err = tgv_feed_create(&call->play, &config);

    config.repeat = true;
    if (!err)
        err = tgv_feed_create(&call->hold, &config);
    if (err)
        tgv_feed_close(call->play);
    return err;
}

void tgv_ucall_files_fini(struct tgvoip_call *call)
{
    tgv_feed_close(call->play);
    tgv_feed_close(call->hold);
}

/* Has stop() been called? Else have the loop look at what has changed. */
static int wake_or_refuse(struct tgvoip_call *call)
{
    tgv_lock_enter(call->lock);
    bool stopped = atomic_load(&call->stop_wanted);
    if (!stopped)
        tgv_ucall_wake(call);
    tgv_lock_leave(call->lock);
    return stopped ? TGVOIP_ERR_STATE : 0;
}

static int refuse(struct tgvoip_call *call, const char *path,
                  struct tgvoip_failure *failure)
{
    if (!call || !path)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, call ? "path" : "call",
                        "is NULL");
    if (atomic_load(&call->stop_wanted))
        return tgv_fail(failure, TGVOIP_ERR_STATE, path,
                        "the call has been stopped");
    return 0;
}

static int add_file(struct tgvoip_call *call, bool hold, const char *path,
                    struct tgvoip_failure *failure)
{
    int err = refuse(call, path, failure);
    if (err)
        return err;
    struct tgv_feed *feed = hold ? call->hold : call->play;
    err = tgv_feed_add(feed, path, failure);
    if (err)
        return err;
    err = wake_or_refuse(call);
    if (err) { /* stopped while the file was opened */
        tgv_feed_clear(feed);
        return refuse(call, path, failure);
    }
    return 0;
}

int tgvoip_call_play(tgvoip_call *call, const char *path,
                     struct tgvoip_failure *failure)
{
    return add_file(call, false, path, failure);
}

int tgvoip_call_play_on_hold(tgvoip_call *call, const char *path,
                             struct tgvoip_failure *failure)
{
    return add_file(call, true, path, failure);
}

int tgvoip_call_clear_play_queue(tgvoip_call *call)
{
    if (!call)
        return TGVOIP_ERR_INVALID;
    tgv_feed_clear(call->play);
    return wake_or_refuse(call);
}

int tgvoip_call_clear_hold_queue(tgvoip_call *call)
{
    if (!call)
        return TGVOIP_ERR_INVALID;
    tgv_feed_clear(call->hold);
    return wake_or_refuse(call);
}

/* -- recording ------------------------------------------------------------ */

/* What is left of the last frame. */
static void end_sent(struct tgvoip_call *call, struct tgv_tape *tape)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];

    while (tgv_ear_left(call->ear) > 0 && tgv_ear_take(call->ear, pcm))
        tgv_tape_put(tape, pcm);
}

void tgv_ucall_change_tape(struct tgvoip_call *call, enum tgv_track track,
                           struct tgv_tape *tape)
{
    struct tgv_tape *old = call->tape[track];

    if (track == TGV_TRACK_SENT && old)
        end_sent(call, old);
    if (track == TGV_TRACK_SENT && tape)
        tgv_ear_reset(call->ear);
    call->tape[track] = tape;
    if (!old)
        return;
    for (size_t i = 0; i < TGV_CALL_TAPES; i++) {
        if (!call->tapes[i]) {
            call->tapes[i] = old;
            tgv_tape_finish(old);
            return;
        }
    }
    tgv_tape_finish_now(old); /* record() keeps it from coming to this */
}

void tgv_ucall_end_tapes(struct tgvoip_call *call)
{
    for (int i = 0; i < TGV_TRACKS; i++)
        tgv_ucall_change_tape(call, (enum tgv_track)i, NULL);
}

void tgv_ucall_finish_tapes(struct tgvoip_call *call)
{
    for (size_t i = 0; i < TGV_CALL_TAPES; i++) {
        if (call->tapes[i])
            tgv_tape_finish_now(call->tapes[i]);
    }
}

/* Inside the lock. The tape that is replaced before the loop saw it is the
 * caller's to discard. */
static struct tgv_tape *order_tape(struct tgvoip_call *call,
                                   enum tgv_track track, struct tgv_tape *tape)
{
    struct tgv_tape *unused = call->orders.tape[track];

    if (unused)
        call->tapes_open--;
    if (tape)
        call->tapes_open++;
    call->orders.tape[track] = tape;
    call->orders.change_tape[track] = true;
    tgv_ucall_wake(call);
    return unused;
}

/* Inside the lock. */
static int check_record(struct tgvoip_call *call, const char *path,
                        struct tgvoip_failure *failure)
{
    if (atomic_load(&call->stop_wanted) ||
        call->stats.state == TGVOIP_STATE_FAILED)
        return tgv_fail(failure, TGVOIP_ERR_STATE, path, "the call has ended");
    if (call->tapes_open >= TGV_CALL_TAPES)
        return tgv_fail(failure, TGVOIP_ERR_AGAIN, path,
                        "earlier recordings are still being finished");
    return 0;
}

/* Inside the lock. */
static int check_path(struct tgvoip_call *call, const char *path,
                      struct tgvoip_failure *failure)
{
    if (strlen(path) >= sizeof(call->recorded[0]))
        return tgv_fail(failure, TGVOIP_ERR_TOO_LARGE, "path",
                        "is longer than %zu bytes",
                        sizeof(call->recorded[0]) - 1);
    for (int i = 0; i < TGV_TRACKS; i++) {
        if (call->tapes_open > 0 && strcmp(call->recorded[i], path) == 0)
            return tgv_fail(failure, TGVOIP_ERR_IN_USE, path,
                            "is being recorded to already");
    }
    return 0;
}

/* Inside the lock. */
static int need_ear(struct tgvoip_call *call, const char *path,
                    struct tgvoip_failure *failure)
{
    if (call->ear || tgv_ear_create(&call->ear, tgv_codec_opus()) == 0)
        return 0;
    return tgv_fail(failure, TGVOIP_ERR_NOMEM, path, "out of memory");
}

static int record(struct tgvoip_call *call, enum tgv_track track,
                  const char *path, struct tgvoip_failure *failure)
{
    struct tgv_tape *tape, *unused = NULL;
    int err = refuse(call, path, failure);
    if (err)
        return err;
    const struct tgv_tape_config config = {.loop = call->member.loop,
                                           .failed = on_file_failed,
                                           .finished = on_tape_finished,
                                           .ctx = call};
    tgv_lock_enter(call->lock);
    err = check_record(call, path, failure);
    if (!err)
        err = check_path(call, path, failure);
    if (!err && track == TGV_TRACK_SENT)
        err = need_ear(call, path, failure);
    tgv_lock_leave(call->lock);
    if (!err)
        err = tgv_tape_open(&tape, &config, path, failure);
    if (err)
        return err;
    tgv_lock_enter(call->lock);
    err = check_record(call, path, failure);
    if (!err) {
        strcpy(call->recorded[track], path);
        unused = order_tape(call, track, tape);
    }
    tgv_lock_leave(call->lock);
    tgv_tape_discard(err ? tape : unused);
    return err;
}

int tgvoip_call_record(tgvoip_call *call, const char *path,
                       struct tgvoip_failure *failure)
{
    return record(call, TGV_TRACK_HEARD, path, failure);
}

int tgvoip_call_record_sent(tgvoip_call *call, const char *path,
                            struct tgvoip_failure *failure)
{
    return record(call, TGV_TRACK_SENT, path, failure);
}

/* On the user's own loop, which nobody else steps meanwhile. */
static void finish_here(struct tgvoip_call *call)
{
    tgv_lock_enter(call->lock);
    memset(call->orders.change_tape, 0, sizeof(call->orders.change_tape));
    tgv_lock_leave(call->lock);
    tgv_ucall_end_tapes(call);
    tgv_ucall_finish_tapes(call);
}

int tgvoip_call_stop_recording(tgvoip_call *call)
{
    struct tgv_tape *unused[TGV_TRACKS] = {NULL};

    if (!call)
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(call->lock);
    bool stopped = atomic_load(&call->stop_wanted);
    for (int i = 0; i < TGV_TRACKS && !stopped; i++)
        unused[i] = order_tape(call, (enum tgv_track)i, NULL);
    tgv_lock_leave(call->lock);
    for (int i = 0; i < TGV_TRACKS; i++)
        tgv_tape_discard(unused[i]);
    if (stopped)
        return TGVOIP_ERR_STATE;
    if (tgv_loop_inside_any())
        return 0;
    if (tgv_loop_inside(call->member.loop)) {
        finish_here(call);
        return 0;
    }
    tgv_lock_enter(call->lock);
    while (call->tapes_open > 0 && !call->stopped)
        tgv_lock_wait(call->lock);
    tgv_lock_leave(call->lock);
    return 0;
}
