/* SPDX-License-Identifier: MIT */
/*
 * Between the voice pipeline and packets: time stamps, redundancy, mute.
 *
 * Going out, pts counts milliseconds of capture time from the first frame
 * sent, always in whole frames of 60 (ENG-54). Coming in, it is unwrapped to
 * 64 bits (ENG-44).
 * Source: wire specification 4.4.4, 4.4.9, 6.7; ENG-12, 53, 54
 */
#include "legacy/internal.h"

#define GRID_SAMPLES (TGV_FRAME_MS * TGV_SAMPLES_PER_MS)
#define PAUSE_MIN (120 * TGV_SAMPLES_PER_MS)
#define PAUSE_PACKETS_MAX 500 /* remembered by the window */
#define STATE_RETRY TGV_MS(500)
#define STATE_TIMEOUT TGV_S(20)
/* Play-out delay between two of ours; our choice. */
#define OWN_DELAY_MIN TGV_MS(20)
#define OWN_DELAY_MAX TGV_S(1)

/* -- out ---------------------------------------------------------------------- */

bool tgv_call_wants_capture(const struct tgv_call *c)
{
    return c->connected && tgv_call_live(c);
}

bool tgv_call_sends_audio(const struct tgv_call *c)
{
    return tgv_call_wants_capture(c) && c->hs.ready && !c->audio.muted;
}

bool tgv_call_wants_playout(const struct tgv_call *c)
{
    return c->audio.media_seen && tgv_call_live(c);
}

static uint32_t pts_of(struct tgv_call *c, int64_t ts)
{
    if (!c->audio.pts_base_set) {
        c->audio.pts_base_set = true;
        c->audio.pts_base = ts - ts % GRID_SAMPLES;
    }
    return (uint32_t)((ts - c->audio.pts_base) / TGV_SAMPLES_PER_MS);
}

static void send_frame(struct tgv_call *c, const struct tgv_voice_frame *f,
                       tgv_time now)
{
    tgv_rate_spoken(c, now);
    if (tgv_packer_frame(c, f, pts_of(c, f->primary.ts), now))
        c->audio.sent = f->primary;
}

bool tgv_call_sent_frame(const struct tgv_call *c,
                         struct tgv_voice_block *frame)
{
    *frame = c->audio.sent;
    return frame->len > 0;
}

void tgv_call_capture(struct tgv_call *c, const int16_t *pcm, tgv_time now)
{
    struct tgv_voice_frame f;

    c->audio.sent.len = 0;
    if (!tgv_call_wants_capture(c))
        return;
    tgv_capture_put(c->capture, pcm, now);
    while (tgv_capture_next(c->capture, &f))
        if (tgv_call_sends_audio(c)) /* ENG-12 */
            send_frame(c, &f, now);
    tgv_packer_run(c, now);
}

void tgv_audio_tell_flags(struct tgv_call *c, tgv_time now)
{
    uint8_t body[5];
    bool on = !c->audio.muted;
    uint32_t flags = (on ? TGV_STREAM_ENABLED : 0) |
                     (c->rate.extra_ec ? TGV_STREAM_EXTRA_EC : 0);

    if (c->hs.peer_version == 0)
        return; /* told when the version is known */
    if (c->hs.peer_version >= TGV_PV_EXTRAS)
        tgv_extras_set(
            &c->extras, TGV_EXTRA_STREAM_FLAGS, body,
            tgv_stream_flags_encode(TGV_STREAM_AUDIO_ID, flags, body), false);
    else
        tgv_reliable_send(
            c, TGV_PKT_STREAM_STATE, body,
            tgv_stream_state_encode(TGV_STREAM_AUDIO_ID, on, body), STATE_RETRY,
            STATE_TIMEOUT, now);
}

void tgv_call_set_mute(struct tgv_call *c, bool muted, tgv_time now)
{
    if (c->audio.muted == muted)
        return;
    c->audio.muted = muted;
    tgv_capture_set_mute(c->capture, muted);
    if (!tgv_call_live(c))
        return;
    if (muted) {
        tgv_packer_drop(c);
        tgv_send_drop_media(c);
    }
    tgv_audio_tell_flags(c, now);
    if (c->hs.ready && tgv_send_possible(c)) /* carries it at once */
        tgv_send_packet(c, TGV_PATH_CURRENT, TGV_PKT_NOP, NULL, 0);
}

/* -- in ----------------------------------------------------------------------- */

static void enable(struct tgv_call *c, bool enabled)
{
    if (c->audio.peer_muted == !enabled)
        return;
    c->audio.peer_muted = !enabled;
    if (!enabled && c->audio.pts_in_set)
        c->audio.copies_from = (c->audio.pts_in + 1) * TGV_SAMPLES_PER_MS;
    tgv_playout_set_enabled(c->playout, enabled);
}

void tgv_audio_peer_stream(struct tgv_call *c, uint8_t stream, bool enabled)
{
    if (!c->hs.ready) { /* its stream is not known yet */
        c->audio.early_flags_set = true;
        c->audio.early_stream = stream;
        c->audio.early_enabled = enabled;
    } else if (stream == c->hs.peer_stream) {
        enable(c, enabled);
    }
}

void tgv_audio_stream_state(struct tgv_call *c, uint32_t seq, uint8_t stream,
                            bool enabled)
{
    struct tgv_audio *a = &c->audio;

    if (a->state_seen && !tgv_seq_gt(seq, a->state_seq))
        return;
    a->state_seen = true;
    a->state_seq = seq;
    tgv_audio_peer_stream(c, stream, enabled);
}

void tgv_audio_ready(struct tgv_call *c, const struct tgv_stream_desc *desc)
{
    bool enabled = desc->enabled;

    if (c->audio.early_flags_set && c->audio.early_stream == desc->id)
        enabled = c->audio.early_enabled;
    enable(c, enabled);
    tgv_audio_delay_bounds(c);
}

void tgv_audio_delay_bounds(struct tgv_call *c)
{
    const struct tgv_server_config *config = &c->config;
    tgv_time frame = TGV_MS(TGV_FRAME_MS);

    if (c->hs.peer_is_ours)
        tgv_playout_set_delay(c->playout, OWN_DELAY_MIN, OWN_DELAY_MAX);
    else /* the original's minimum counts frames held; ours measures */
        tgv_playout_set_delay(c->playout,
                              config->jitter_min_delay_60 * frame / 2,
                              config->jitter_max_delay_60 * frame);
}

static int64_t unwrap(struct tgv_call *c, uint32_t pts)
{
    struct tgv_audio *a = &c->audio;
    int64_t t = a->pts_in_set ? tgv_seq_unwrap(pts, a->pts_in) : pts;

    if (!a->pts_in_set || t > a->pts_in)
        a->pts_in = t;
    a->pts_in_set = true;
    return t;
}

static unsigned duration_of(const struct tgv_call *c, const struct tgv_blob *b)
{
    int n = b->len > 0 ? c->codec->duration(b->data, b->len) : -1;

    return n > 0 ? (unsigned)n : 0;
}

/* Entry j of n belongs to pts - (n-1-j) frames; the last is the primary's
 * own place and says nothing new. */
static void take_redundancy(struct tgv_voice_frame *f, int64_t ts,
                            unsigned step, const struct tgv_blob *entries,
                            unsigned n)
{
    for (unsigned j = 0; j + 1 < n; j++) {
        int64_t at = ts - (int64_t)(n - 1 - j) * step;
        if (entries[j].len == 0 || at < 0 ||
            f->redundancy_count == TGV_REDUNDANCY_MAX)
            continue;
        f->redundancy[f->redundancy_count++] =
            (struct tgv_voice_block){.ts = at,
                                     .duration = step,
                                     .data = entries[j].data,
                                     .len = entries[j].len};
    }
}

/* After a mute peers still send copies of what was played before it, and the
 * play-out has forgotten that. */
static void drop_old_copies(const struct tgv_call *c, struct tgv_voice_frame *f)
{
    unsigned old = 0;

    while (old < f->redundancy_count &&
           f->redundancy[old].ts < c->audio.copies_from)
        old++;
    f->redundancy_count -= old;
    for (unsigned i = 0; i < f->redundancy_count; i++)
        f->redundancy[i] = f->redundancy[i + old];
}

/* The newest number before is remembered: if all since came, nothing of the
 * peer's was lost. Shorter gaps are frames left out for want of rate. */
static bool after_pause(struct tgv_call *c, int64_t ts, unsigned duration)
{
    struct tgv_audio *a = &c->audio;
    int64_t gap = ts - a->media_end;
    uint32_t since = a->media_seq;
    bool whole = true;

    if (gap < 0)
        return false;
    for (uint32_t seq = since + 1; whole && seq != c->window.last; seq++)
        whole = seq - since < PAUSE_PACKETS_MAX &&
                !tgv_window_check(&c->window, seq);
    a->media_end = ts + duration;
    a->media_seq = c->window.last;
    return whole && gap >= PAUSE_MIN;
}

static void put(struct tgv_call *c, uint32_t pts, const struct tgv_blob *data,
                const struct tgv_blob *entries, unsigned n, tgv_time now)
{
    struct tgv_voice_frame f = {.redundancy_count = 0};
    unsigned duration = duration_of(c, data);
    int64_t ts = unwrap(c, pts) * TGV_SAMPLES_PER_MS;

    if (ts < 0) {
        c->counters.ignored++;
        return;
    }
    f.primary = (struct tgv_voice_block){
        .ts = ts, .duration = duration, .data = data->data, .len = data->len};
    f.after_pause = after_pause(c, ts, duration);
    take_redundancy(&f, ts, duration ? duration : GRID_SAMPLES, entries, n);
    drop_old_copies(c, &f);
    if (duration)
        tgv_rate_arrived(c, duration, ts + duration, now);
    tgv_playout_put(c->playout, &f, now);
    c->audio.media_seen = true;
}

static void put_copies(struct tgv_call *c, const struct tgv_stream_ec *m,
                       tgv_time now)
{
    const struct tgv_blob *newest = &m->frames[m->count - 1];
    int64_t ts = unwrap(c, m->pts) * TGV_SAMPLES_PER_MS;
    struct tgv_voice_frame f = {.redundancy_count = 0};
    unsigned step = duration_of(c, newest);

    if (ts < 0) {
        c->counters.ignored++;
        return;
    }
    take_redundancy(&f, ts, step ? step : GRID_SAMPLES, m->frames, m->count);
    if (newest->len > 0 && f.redundancy_count < TGV_REDUNDANCY_MAX)
        f.redundancy[f.redundancy_count++] =
            (struct tgv_voice_block){.ts = ts,
                                     .duration = step,
                                     .data = newest->data,
                                     .len = newest->len};
    drop_old_copies(c, &f);
    tgv_playout_put(c->playout, &f, now);
    c->audio.media_seen = true;
}

void tgv_audio_stream_data(struct tgv_call *c, const struct tgv_stream_data *m,
                           tgv_time now)
{
    if (!c->hs.ready || m->stream_id != c->hs.peer_stream || m->fragmented) {
        c->counters.ignored++;
        return;
    }
    put(c, m->pts, &m->data, m->fec, m->fec_count, now);
    tgv_handshake_media(c, now); /* ENG-65 */
}

/* All entries are copies, the newest too: its frame comes, or came, in a
 * STREAM_DATA of its own. */
void tgv_audio_stream_ec(struct tgv_call *c, const struct tgv_stream_ec *m,
                         tgv_time now)
{
    if (!c->hs.ready || m->stream_id != c->hs.peer_stream || m->count == 0) {
        c->counters.ignored++;
        return;
    }
    put_copies(c, m, now);
}

void tgv_call_playout(struct tgv_call *c, int16_t *pcm, tgv_time now,
                      struct tgv_played *played)
{
    if (tgv_call_wants_playout(c)) {
        tgv_playout_get(c->playout, pcm, now, played);
        return;
    }
    for (size_t i = 0; i < TGV_BLOCK_SAMPLES; i++)
        pcm[i] = 0;
    *played = (struct tgv_played){.kind = TGV_PLAYED_SILENCE,
                                  .span = TGV_BLOCK_SAMPLES};
}
