/* SPDX-License-Identifier: MIT */
#include "api/call.h"

#include "base/failure.h"
#include "io/file_atomic.h"
#include "io/sync.h"

#include <stdlib.h>
#include <string.h>

/* -- what is read: a copy that the loop refreshes -------------------------- */

static void copy_playout(struct tgvoip_call_stats *out,
                         const struct tgv_playout_stats *p)
{
    out->jitter_ms = p->jitter_ms;
    out->playout_delay_ms = p->delay_ms;
    out->level_in = p->level;
    out->frames_played = p->frames_played;
    out->frames_recovered = p->frames_recovered;
    out->frames_concealed = p->frames_concealed;
    out->frames_late = p->frames_late;
    out->blocks_silence = p->blocks_silence;
}

static void copy_stats(struct tgvoip_call_stats *out,
                       const struct tgv_call_stats *s)
{
    out->state = (enum tgvoip_call_state)s->state;
    out->error = (enum tgvoip_call_error)s->error;
    out->route.type = (enum tgvoip_endpoint_type)s->path;
    out->route.id = s->path_id;
    out->route.reason = s->path_reason ? s->path_reason : "";
    out->rtt_ms = s->rtt_ms;
    out->loss_out = s->loss_out;
    out->loss_in = s->loss_in;
    out->bitrate_bps = s->bitrate_bps;
    out->level_out = s->level_out;
    out->bytes_out = s->bytes_out;
    out->bytes_in = s->bytes_in;
    out->packets_out = s->packets_out;
    out->packets_in = s->packets_in;
    out->packets_lost_out = s->packets_lost_out;
    out->packets_lost_in = s->packets_lost_in;
    out->packets_bad = s->packets_bad;
    out->packets_duplicate = s->packets_duplicate;
    out->packets_unknown = s->packets_unknown_source;
    out->packets_dropped = s->packets_dropped;
    out->bytes_out_mobile = s->bytes_out_mobile;
    out->bytes_in_mobile = s->bytes_in_mobile;
    out->bytes_out_wifi = s->bytes_out - s->bytes_out_mobile;
    out->bytes_in_wifi = s->bytes_in - s->bytes_in_mobile;
    out->signal_bars = s->signal_bars;
    out->connected_us = s->connected;
    out->established_us = s->established;
    out->first_audio_us = s->first_audio;
    out->peer_version = s->peer_version;
    out->peer_min_version = s->peer_min_version;
    out->peer_capabilities = s->peer_capabilities;
    out->frame_ms = s->frame_ms;
    out->peer_is_ours = s->peer_is_ours;
    out->peer_muted = s->peer_muted;
    out->encryption_v1 = s->encryption_v1;
    copy_playout(out, &s->playout);
}

void tgv_ucall_publish(struct tgvoip_call *call, tgv_time now)
{
    struct tgv_call_stats s;

    tgv_call_stats(call->core, &s, now);
    if (call->failed) {
        s.state = TGV_STATE_FAILED;
        s.error = TGV_CALL_ERROR_UNKNOWN;
    }
    int64_t relay = tgv_call_preferred_relay(call->core);
    bool need_rate = tgv_call_need_rate(call->core);
    tgv_lock_enter(call->lock);
    copy_stats(&call->stats, &s);
    call->preferred_relay = relay;
    call->need_rate = need_rate;
    tgv_lock_leave(call->lock);
}

void tgvoip_call_stats_default(struct tgvoip_call_stats *stats)
{
    if (!stats)
        return;
    memset(stats, 0, sizeof(*stats));
    stats->size = sizeof(*stats);
    stats->state = TGVOIP_STATE_WAIT_INIT;
    stats->route.size = sizeof(stats->route);
    stats->route.type = TGVOIP_ENDPOINT_UDP_RELAY;
    stats->route.reason = "";
    stats->established_us = stats->first_audio_us = -1;
}

int tgvoip_call_get_stats(const tgvoip_call *call,
                          struct tgvoip_call_stats *stats)
{
    if (!call || !stats || stats->size < sizeof(*stats))
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(call->lock);
    *stats = call->stats;
    tgv_lock_leave(call->lock);
    stats->source_underruns = atomic_load(&call->source_underruns);
    stats->sink_overruns = atomic_load(&call->sink_overruns);
    return 0;
}

int64_t tgvoip_call_preferred_relay(const tgvoip_call *call)
{
    if (!call)
        return 0;
    tgv_lock_enter(call->lock);
    int64_t id = call->preferred_relay;
    tgv_lock_leave(call->lock);
    return id;
}

bool tgvoip_call_need_rate(const tgvoip_call *call)
{
    if (!call)
        return false;
    tgv_lock_enter(call->lock);
    bool need = call->need_rate;
    tgv_lock_leave(call->lock);
    return need;
}

/* -- what is asked of the loop --------------------------------------------- */

struct question {
    const struct tgvoip_call *call;
    char *(*ask)(const struct tgv_call *core, tgv_time now);
    char *text;
};

static void answer(void *ctx)
{
    struct question *q = ctx;

    q->text = q->ask(q->call->core, tgv_loop_now(q->call->member.loop));
}

static int ask(const tgvoip_call *call, char **text,
               char *(*fn)(const struct tgv_call *core, tgv_time now))
{
    struct question q = {.call = call, .ask = fn};

    if (text)
        *text = NULL;
    if (!call || !text)
        return TGVOIP_ERR_INVALID;
    /* Two loops that wait for each other would wait for ever. */
    if (tgv_loop_inside_any() && !tgv_loop_inside(call->member.loop))
        return TGVOIP_ERR_STATE;
    tgv_loop_run(call->member.loop, answer, &q);
    *text = q.text;
    return q.text ? 0 : TGVOIP_ERR_NOMEM;
}

int tgvoip_call_debug_log(const tgvoip_call *call, char **text)
{
    return ask(call, text, tgv_call_debug_log);
}

int tgvoip_call_debug_string(const tgvoip_call *call, char **text)
{
    return ask(call, text, tgv_call_debug_string);
}

static char *state_text(const struct tgv_call *core, tgv_time now)
{
    (void)now;
    return tgv_call_persistent_state(core);
}

int tgvoip_call_persistent_state(const tgvoip_call *call, char **text)
{
    return ask(call, text, state_text);
}

int tgvoip_call_save_state(const tgvoip_call *call, const char *path,
                           struct tgvoip_failure *failure)
{
    char *text;

    if (!call || !path)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, call ? "path" : "call",
                        "is NULL");
    int err = tgvoip_call_persistent_state(call, &text);
    if (err)
        return tgv_fail(failure, err, path, "%s", tgvoip_error_str(err));
    err = tgv_file_atomic_write(path, text, strlen(text), failure);
    free(text);
    return err;
}

void tgvoip_free(void *memory)
{
    free(memory);
}

int tgvoip_call_receive_signaling(tgvoip_call *call, const uint8_t *data,
                                  size_t len)
{
    (void)data;
    (void)len;
    return call ? TGVOIP_ERR_UNSUPPORTED : TGVOIP_ERR_INVALID;
}

/* -- PCM through rings ----------------------------------------------------- */

int tgvoip_call_write(tgvoip_call *call, const int16_t *pcm, size_t samples)
{
    const size_t most = TGV_CALL_PCM_MS * TGV_SAMPLES_PER_MS;
    int n = TGVOIP_ERR_STATE;

    if (!call || (!pcm && samples > 0))
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(call->lock);
    if (!atomic_load(&call->stop_wanted)) {
        size_t used = tgv_ring_used(&call->written);
        if (samples > most - used)
            samples = most - used;
        n = (int)tgv_ring_put(&call->written, pcm, samples);
    }
    tgv_lock_leave(call->lock);
    return n;
}

int tgvoip_call_clear(tgvoip_call *call)
{
    if (!call)
        return TGVOIP_ERR_INVALID;
    tgv_lock_enter(call->lock);
    tgv_ring_get(&call->written, NULL, tgv_ring_used(&call->written));
    call->written_stale = 0;
    tgv_lock_leave(call->lock);
    return 0;
}

int tgvoip_call_read(tgvoip_call *call, int16_t *pcm, size_t samples)
{
    int err = 0;

    if (!call || (!pcm && samples > 0))
        return TGVOIP_ERR_INVALID;
    if (samples > INT32_MAX)
        samples = INT32_MAX;
    tgv_lock_enter(call->lock);
    if (!call->heard.data) {
        err = tgv_ring_init(&call->heard, TGV_CALL_PCM_MS * TGV_SAMPLES_PER_MS +
                                              TGV_BLOCK_SAMPLES);
        samples = 0;
    }
    size_t n = samples ? tgv_ring_get(&call->heard, pcm, samples) : 0;
    tgv_lock_leave(call->lock);
    return err ? err : (int)n;
}
