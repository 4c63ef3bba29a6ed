/* SPDX-License-Identifier: MIT */
#include "api/call.h"

#include "io/sync.h"
#include "io/system.h"
#include "io/udp.h"

#include <string.h>

/*
 * The clock is absolute: tick n is due at start + n * 20 ms, however late the
 * ones before it ran (ENG-13). After a hold-up a few blocks run back to back
 * as if nothing had been; those before them pass as silence, without
 * callbacks; and a hold-up of seconds begins the clock anew.
 */
#define CATCH_UP_BLOCKS 5
#define SKIP_BLOCKS_MAX 250

/* -- outgoing: where the next block comes from ----------------------------- */

/* Less than a block is only taken when the writer seems to have ended. */
static bool take_written(struct tgvoip_call *call, int16_t *pcm)
{
    size_t n = 0;

    tgv_lock_enter(call->lock);
    size_t used = tgv_ring_used(&call->written);
    if (used >= TGV_BLOCK_SAMPLES || (used > 0 && used == call->written_stale))
        n = tgv_ring_get(&call->written, pcm, TGV_BLOCK_SAMPLES);
    call->written_stale = n ? 0 : used;
    tgv_lock_leave(call->lock);
    if (n == 0)
        return false;
    memset(pcm + n, 0, (TGV_BLOCK_SAMPLES - n) * sizeof(*pcm));
    return true;
}

static bool take_files(struct tgvoip_call *call, int16_t *pcm,
                       int64_t *position, bool *finished)
{
    bool repeated;
    enum tgv_feed_verdict v =
        tgv_feed_take(call->play, pcm, position, finished);

    if (v == TGV_FEED_EMPTY)
        v = tgv_feed_take(call->hold, pcm, position, &repeated);
    if (v == TGV_FEED_LATE)
        atomic_fetch_add(&call->source_underruns, 1);
    return v == TGV_FEED_BLOCK;
}

static bool take_callback(struct tgvoip_call *call, int16_t *pcm)
{
    return call->callbacks.audio_out && tgv_ucall_may_call_back(call) &&
           call->callbacks.audio_out(call, call->user, pcm, TGV_BLOCK_SAMPLES);
}

static void trace(struct tgvoip_call *call, char direction, uint64_t number,
                  int64_t position)
{
    if (call->callbacks.block_trace && tgv_ucall_may_call_back(call))
        call->callbacks.block_trace(call, call->user, direction, number,
                                    position, tgv_system_now());
}

/* @return where in the file it begins */
static int64_t put_tape(struct tgvoip_call *call, enum tgv_track track,
                        const int16_t *pcm)
{
    int64_t position = tgv_tape_position(call->tape[track]);

    if (!tgv_tape_put(call->tape[track], pcm))
        atomic_fetch_add(&call->sink_overruns, 1);
    return position;
}

/* Decoded only when somebody wants it (ENG-55). */
static void record_sent(struct tgvoip_call *call)
{
    struct tgv_voice_block frame;
    int16_t pcm[TGV_BLOCK_SAMPLES];

    if (!call->tape[TGV_TRACK_SENT])
        return;
    if (tgv_call_sent_frame(call->core, &frame))
        tgv_ear_hear(call->ear, frame.data, frame.len);
    if (tgv_ear_take(call->ear, pcm))
        put_tape(call, TGV_TRACK_SENT, pcm);
}

static void capture(struct tgvoip_call *call, tgv_time due, bool quiet)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    int64_t position = -1;
    bool finished = false, have = false;

    if (!tgv_call_wants_capture(call->core))
        return;
    if (quiet || !tgv_call_sends_audio(call->core)) {
        tgv_call_capture(call->core, NULL, due);
        record_sent(call);
        return;
    }
    have = take_callback(call, pcm) || take_written(call, pcm) ||
           take_files(call, pcm, &position, &finished);
    trace(call, 'i', call->blocks_in++, position);
    tgv_call_capture(call->core, have ? pcm : NULL, due);
    record_sent(call);
    if (finished && call->callbacks.play_done && tgv_ucall_may_call_back(call))
        call->callbacks.play_done(call, call->user);
}

/* -- incoming: everybody gets every block ---------------------------------- */

/* The newest half second stays. */
static void put_heard(struct tgvoip_call *call, const int16_t *pcm)
{
    const size_t most = TGV_CALL_PCM_MS * TGV_SAMPLES_PER_MS;

    tgv_lock_enter(call->lock);
    if (call->heard.data) {
        size_t used = tgv_ring_used(&call->heard);
        if (used + TGV_BLOCK_SAMPLES > most) {
            tgv_ring_get(&call->heard, NULL, used + TGV_BLOCK_SAMPLES - most);
            atomic_fetch_add(&call->sink_overruns, 1);
        }
        tgv_ring_put(&call->heard, pcm, TGV_BLOCK_SAMPLES);
    }
    tgv_lock_leave(call->lock);
}

static void playout(struct tgvoip_call *call, tgv_time due, bool quiet)
{
    int16_t pcm[TGV_BLOCK_SAMPLES];
    struct tgv_played played;
    int64_t position = -1;

    if (!tgv_call_wants_playout(call->core))
        return;
    tgv_call_playout(call->core, pcm, due, &played);
    if (call->tape[TGV_TRACK_HEARD])
        position = put_tape(call, TGV_TRACK_HEARD, pcm);
    put_heard(call, pcm);
    if (quiet)
        return;
    trace(call, 'o', call->blocks_out++, position);
    if (call->callbacks.audio_in && tgv_ucall_may_call_back(call))
        call->callbacks.audio_in(call, call->user, pcm, TGV_BLOCK_SAMPLES);
}

/* -- the clock ------------------------------------------------------------ */

void tgv_ucall_audio_start(struct tgvoip_call *call, tgv_time now)
{
    call->next_tick =
        tgv_phase_take(tgv_member_phases(&call->member), now, &call->phase);
    tgv_timer_arm(&call->audio_timer, call->next_tick);
}

void tgv_ucall_audio_stop(struct tgvoip_call *call)
{
    if (call->next_tick == TGV_NEVER)
        return;
    tgv_phase_release(tgv_member_phases(&call->member), call->phase);
    call->next_tick = TGV_NEVER;
    tgv_timer_arm(&call->audio_timer, TGV_NEVER);
}

static void tick(struct tgvoip_call *call, tgv_time now, bool quiet)
{
    tgv_time due = call->next_tick;

    call->next_tick += TGV_BLOCK_US;
    tgv_engine_count_tick(call->member.engine, now - due, &call->log, now);
    tgv_call_tick_late(call->core, now - due, now);
    capture(call, due, quiet);
    playout(call, due, quiet);
}

void tgv_ucall_audio_timer(void *ctx, tgv_time now)
{
    struct tgvoip_call *call = ctx;
    tgv_time behind = (now - call->next_tick) / TGV_BLOCK_US;

    if (behind > SKIP_BLOCKS_MAX)
        call->next_tick += (behind - SKIP_BLOCKS_MAX) * TGV_BLOCK_US;
    /* The drive may end the call, and with it the clock. */
    while (call->next_tick <= now) {
        bool quiet = now - call->next_tick >= CATCH_UP_BLOCKS * TGV_BLOCK_US;
        tick(call, now, quiet);
        tgv_ucall_drive(call, now);
    }
    if (call->next_tick != TGV_NEVER)
        tgv_timer_arm(&call->audio_timer, call->next_tick);
}
