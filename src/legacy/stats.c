/* SPDX-License-Identifier: MIT */
/*
 * What a call tells about itself. Nothing here changes how it runs (ENG-63).
 * The texts made of it: debug.c.
 * Source: behaviour notes 13, 14, 17.1
 */
#include "legacy/internal.h"

#include <string.h>

#define DELAY_SMOOTHING (1.0 / 10) /* of values every 0.1 s */
/* Nothing of what we send is acknowledged: nobody hears us. */
#define UNHEARD_AFTER TGV_S(2)

bool tgv_network_mobile(int type)
{
    return (type >= 1 && type <= 5) || type == 11; /* GPRS..LTE, other */
}

/* -- what happens ---------------------------------------------------------- */

void tgv_stats_rate_reason(struct tgv_call *c, uint32_t reason)
{
    if (reason & TGV_RATE_EXTRA_EC)
        c->measures.extra_ec = true;
    if (c->config.rate_flags & reason) /* ENG-60: all 32 bits */
        c->measures.rate_reasons |= reason;
}

void tgv_stats_network(struct tgv_call *c, int type)
{
    struct tgv_traffic *t = &c->measures.traffic;
    bool was = tgv_network_mobile(c->network_type);

    if (was == tgv_network_mobile(type))
        return;
    if (was) {
        t->out_mobile += c->counters.bytes_out - t->out_mark;
        t->in_mobile += c->counters.bytes_in - t->in_mark;
    }
    t->out_mark = c->counters.bytes_out;
    t->in_mark = c->counters.bytes_in;
}

static void trace(const struct tgv_call *c, bool out, unsigned path,
                  const struct tgv_header *h, size_t len, tgv_time now)
{
    const struct tgv_packet_note note = {.at = now - c->connect_time,
                                         .out = out,
                                         .type = h->type,
                                         .seq = h->seq,
                                         .ack = h->ack,
                                         .mask = h->mask,
                                         .len = len,
                                         .path_id = c->paths.list[path].id};

    c->trace.packet(c->trace.ctx, &note);
}

void tgv_stats_sent(struct tgv_call *c, unsigned path,
                    const struct tgv_header *h, size_t len, tgv_time now)
{
    c->measures.size[h->seq % TGV_SENT_MAX] = (uint16_t)len;
    if (c->trace.packet)
        trace(c, true, path, h, len, now);
}

void tgv_stats_received(struct tgv_call *c, unsigned path,
                        const struct tgv_header *h, size_t len, tgv_time now)
{
    if (c->trace.packet)
        trace(c, false, path, h, len, now);
}

void tgv_call_set_trace(struct tgv_call *c, const struct tgv_trace *t)
{
    c->trace = *t;
}

static void watch_playout(struct tgv_call *c)
{
    struct tgv_measures *m = &c->measures;
    bool first = m->delay_ms <= 0.0;
    struct tgv_playout_stats p;

    tgv_playout_stats(c->playout, &p);
    m->late[m->late_next] = (uint16_t)(p.frames_late - m->late_seen);
    m->late_next = (m->late_next + 1) % TGV_LATE_TICKS;
    m->late_seen = p.frames_late;
    if (p.delay_ms < 0.0) /* for a moment, where time was stretched */
        p.delay_ms = 0.0;
    m->delay_ms += (p.delay_ms - m->delay_ms) * (first ? 1.0 : DELAY_SMOOTHING);
}

void tgv_stats_tick(struct tgv_call *c)
{
    struct tgv_measures *m = &c->measures;

    if (c->rate.encoder.complexity < m->complexity)
        m->encoder_lag = true;
    else
        m->complexity = c->rate.encoder.complexity;
    if (c->audio.media_seen)
        watch_playout(c);
}

double tgv_stats_late(const struct tgv_call *c, unsigned ticks)
{
    const struct tgv_measures *m = &c->measures;
    unsigned sum = 0;

    for (unsigned i = 1; i <= ticks; i++)
        sum += m->late[(m->late_next + TGV_LATE_TICKS - i) % TGV_LATE_TICKS];
    return (double)sum / ticks;
}

uint32_t tgv_stats_in_flight(const struct tgv_call *c)
{
    uint32_t bytes = 0;

    for (uint32_t seq = c->ack.undecided; seq != c->ack.next; seq++) {
        const struct tgv_sent *s = &c->ack.sent[seq % TGV_SENT_MAX];
        if (s->used && s->seq == seq && s->fate == TGV_SENT_OPEN)
            bytes += c->measures.size[seq % TGV_SENT_MAX];
    }
    return bytes;
}

/* -- signal bars ----------------------------------------------------------- */

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static bool unheard(const struct tgv_call *c, tgv_time now)
{
    tgv_time since = c->paths.list[c->paths.current].waiting_since;

    return since != TGV_NEVER && now - since >= UNHEARD_AFTER;
}

static int bars_now(const struct tgv_call *c, tgv_time now)
{
    double loss = tgv_loss_ratio(&c->measures.loss_out, now);
    double late = tgv_stats_late(c, TGV_LATE_TICKS);
    int value = 4;

    if (c->state == TGV_STATE_RECONNECTING || unheard(c, now) || loss > 0.1 ||
        late >= 0.2)
        return 1;
    if (c->paths.list[c->paths.current].type == TGV_PATH_TCP_RELAY)
        value = at_most(value, 3);
    if (loss > 0.0625 || late >= 0.1)
        value = at_most(value, 2);
    else if (loss > 0.025)
        value = at_most(value, 3);
    return value;
}

void tgv_stats_bars(struct tgv_call *c, tgv_time now)
{
    struct tgv_measures *m = &c->measures;
    unsigned n = sizeof(m->bars) / sizeof(m->bars[0]);
    int sum = 0;

    if (c->state == TGV_STATE_ESTABLISHED &&
        tgv_loss_ratio(&m->loss_out, now) > c->config.rate_min_send_loss)
        m->rate_always = true;
    memmove(m->bars + 1, m->bars, (n - 1) * sizeof(m->bars[0]));
    m->bars[0] = bars_now(c, now);
    if (m->bars_len < n)
        m->bars_len++;
    for (unsigned i = 0; i < m->bars_len; i++)
        sum += m->bars[i];
    int mean = sum / (int)m->bars_len;
    if (mean == m->bars_told)
        return;
    m->bars_told = mean;
    tgv_event_push(c, &(struct tgv_call_event){.kind = TGV_EVENT_SIGNAL_BARS,
                                               .state = c->state,
                                               .bars = mean});
}

/* -- reading --------------------------------------------------------------- */

/* Pongs measure the path; until the first, acknowledgements do. */
tgv_time tgv_stats_rtt(const struct tgv_call *c)
{
    tgv_time rtt = tgv_paths_rtt(c);

    return rtt ? rtt : tgv_rtt_smoothed(&c->ack_rtt);
}

static void fill_counters(const struct tgv_call *c, struct tgv_call_stats *s)
{
    const struct tgv_traffic *t = &c->measures.traffic;
    bool mobile = tgv_network_mobile(c->network_type);

    s->bytes_out_mobile =
        t->out_mobile + (mobile ? c->counters.bytes_out - t->out_mark : 0);
    s->bytes_in_mobile =
        t->in_mobile + (mobile ? c->counters.bytes_in - t->in_mark : 0);
    s->bytes_out = c->counters.bytes_out;
    s->bytes_in = c->counters.bytes_in;
    s->packets_out = c->counters.packets_out;
    s->packets_in = c->counters.packets_in;
    s->packets_lost_out = tgv_loss_count(&c->measures.loss_out);
    s->packets_lost_in = tgv_loss_count(&c->measures.loss_in);
    s->packets_bad = c->counters.bad;
    s->packets_duplicate = c->counters.duplicate;
    s->packets_unknown_source = c->counters.unknown_source;
    s->packets_dropped = c->counters.dropped;
}

static void fill_peer(const struct tgv_call *c, struct tgv_call_stats *s)
{
    s->peer_version = c->hs.peer_version;
    s->peer_min_version = c->hs.peer_min_version;
    if (c->hs.peer_flags & TGV_INIT_GROUP_CALLS)
        s->peer_capabilities |= TGV_CAPABILITY_GROUP_CALLS;
    if (c->hs.peer_flags & TGV_INIT_VIDEO_SEND)
        s->peer_capabilities |= TGV_CAPABILITY_VIDEO_CAPTURE;
    if (c->hs.peer_flags & TGV_INIT_VIDEO_RECV)
        s->peer_capabilities |= TGV_CAPABILITY_VIDEO_DISPLAY;
    s->peer_is_ours = c->hs.peer_is_ours;
    s->peer_muted = c->audio.peer_muted;
    s->encryption_v1 = !tgv_handshake_v2(c);
}

static void fill_voice(const struct tgv_call *c, struct tgv_call_stats *s)
{
    struct tgv_capture_stats capture;

    s->bitrate_bps = c->rate.encoder.bitrate_bps;
    s->frame_ms = tgv_capture_frame_ms(c->capture);
    tgv_playout_stats(c->playout, &s->playout);
    s->playout.delay_ms = c->measures.delay_ms;
    s->first_audio = s->playout.first_voice < 0
                         ? -1
                         : s->playout.first_voice - c->connect_time;
    tgv_capture_stats(c->capture, &capture);
    s->level_out = capture.level;
}

void tgv_call_stats(const struct tgv_call *c, struct tgv_call_stats *s,
                    tgv_time now)
{
    const struct tgv_path *p = &c->paths.list[c->paths.current];

    memset(s, 0, sizeof(*s));
    s->state = c->state;
    s->error = c->error;
    s->path = p->type;
    s->path_id = p->id;
    s->path_reason = c->paths.reason ? c->paths.reason : "";
    s->rtt_ms = (double)tgv_stats_rtt(c) / TGV_US_PER_MS;
    s->loss_out = tgv_loss_ratio(&c->measures.loss_out, now);
    s->loss_in = tgv_loss_ratio(&c->measures.loss_in, now);
    s->signal_bars = c->measures.bars_told;
    s->established = c->established;
    s->connected = c->connected ? now - c->connect_time : 0;
    fill_counters(c, s);
    fill_peer(c, s);
    fill_voice(c, s);
}

int64_t tgv_call_preferred_relay(const struct tgv_call *c)
{
    return c->paths.list[c->paths.preferred].id; /* ENG-29 */
}

bool tgv_call_need_rate(const struct tgv_call *c)
{
    return c->config.bad_call_rating &&
           (c->measures.rate_reasons != 0 || c->measures.rate_always);
}

char *tgv_call_persistent_state(const struct tgv_call *c)
{
    return tgv_persist_dump(&c->persist);
}
