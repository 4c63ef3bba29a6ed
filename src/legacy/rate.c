/* SPDX-License-Identifier: MIT */
/*
 * How much is sent, and how it is divided: what the path carries is measured
 * (net/congestion), how losses come too (net/burst), the plan made of both
 * (plan.c) is applied to encoder and packer. The server's limits hold always;
 * they bound the bitrate and how fast it climbs.
 * Source: behaviour notes 8.1, 8.4, 9; ENG-32, ENG-49, ENG-52
 */
#include "legacy/internal.h"

#include <math.h>

#define NET_GPRS 1
#define NET_EDGE 2
#define STEP_INTERVAL TGV_S(1)
#define WORTH_A_STEP 200 /* [bit/s] */
#define LOSS_PERCENT_MAX 25u
#define SMOOTHING 0.1 /* weight of a new loss value, every 0.1 s */
#define SPEAKING TGV_MS(300)
#define IDLE_AFTER TGV_MS(400)
#define OVERHEAD_START 84.0 /* relay tag, envelope, header, padding */
#define OVERHEAD_SMOOTHING 0.05
#define COPIES_FOR_ORIGINALS 2 /* they hold four frames, but not at once */
/* Nothing was acknowledged for so long: who knows what becomes of our packets,
 * some may still be of use. */
#define NO_NEWS TGV_S(1)
/* Longer than from any packet of the peer to its next. */
#define ACK_GAP TGV_MS(200)
#define RATE_WITHOUT_NEWS 0.5
/* Unused rate is kept for so long, and so much may be owed. */
#define CREDIT TGV_MS(300)
/* The rate control may go down to this: three frames a packet, half of them
 * left out. */
#define RATE_LEAST 6000.0

struct limits {
    unsigned initial, min, max;
};

static bool saves_data(const struct tgv_call *c)
{
    return c->data_saving || c->hs.peer_saves_data;
}

static bool slow_network(const struct tgv_call *c)
{
    return c->network_type == NET_GPRS || c->network_type == NET_EDGE;
}

static struct limits limits_of(const struct tgv_call *c)
{
    const struct tgv_server_config *s = &c->config;
    unsigned initial = (unsigned)s->audio_init_bitrate;
    unsigned min = (unsigned)s->audio_min_bitrate;
    unsigned max = (unsigned)s->audio_max_bitrate;

    if (saves_data(c)) {
        initial = (unsigned)s->audio_init_bitrate_saving;
        max = (unsigned)s->audio_max_bitrate_saving;
    } else if (c->network_type == NET_GPRS) {
        initial = (unsigned)s->audio_init_bitrate_gprs;
        max = (unsigned)s->audio_max_bitrate_gprs;
    } else if (c->network_type == NET_EDGE) {
        initial = (unsigned)s->audio_init_bitrate_edge;
        max = (unsigned)s->audio_max_bitrate_edge;
    }
    return (struct limits){.initial = initial < max ? initial : max,
                           .min = min < max ? min : max,
                           .max = max};
}

/* Frames shorter than 60 ms only when both said so (design 4.3), and where
 * neither data nor the processor are short. */
static unsigned shortest_frame(const struct tgv_call *c)
{
    unsigned ms = c->hs.peer_min_frame_ms;

    if (!c->hs.peer_is_ours || slow_network(c) || c->effort.long_frames ||
        c->rate.encoder.complexity < c->effort.most)
        return TGV_FRAME_MS;
    if (ms < c->min_frame_ms)
        ms = c->min_frame_ms;
    if (ms <= 20)
        return 20;
    return ms <= 40 ? 40 : TGV_FRAME_MS;
}

static struct tgv_plan_input input_of(const struct tgv_call *c)
{
    struct limits l = limits_of(c);

    return (struct tgv_plan_input){
        .rate = tgv_congestion_rate(&c->rate.path),
        .overhead_bytes = c->rate.overhead,
        .min_bps = l.min,
        .max_bps = l.max,
        .shortest_ms = shortest_frame(c),
        .bundles = c->hs.peer_version >= TGV_PV_EXTRAS,
        /* older peers have no packet for copies */
        .copies = c->hs.ready && c->hs.peer_version >= TGV_PV_EXTRAS &&
                  !slow_network(c),
        .copies_max =
            c->hs.peer_is_ours ? TGV_COPIES_MAX : COPIES_FOR_ORIGINALS,
        .sparing = saves_data(c),
        .loss = tgv_burst_loss(&c->rate.burst),
        .again = tgv_burst_again(&c->rate.burst),
        .loss_for_copies = c->config.packet_loss_for_extra_ec,
    };
}

void tgv_rate_init(struct tgv_call *c)
{
    struct tgv_rate *r = &c->rate;
    struct limits l = limits_of(c);
    struct tgv_plan_input in;

    r->encoder.bitrate_bps = r->highest = l.initial;
    r->encoder.loss_percent = 1;
    r->encoder.inband_fec = true;
    r->encoder.dtx = saves_data(c);
    r->overhead = OVERHEAD_START;
    tgv_burst_init(&r->burst);
    tgv_planner_init(&r->planner, l.initial);
    in = input_of(c);
    tgv_congestion_init(&r->path, tgv_plan_cost(&in, &r->planner.plan));
    r->path.least = RATE_LEAST;
}

/* -- what is measured --------------------------------------------------------- */

void tgv_rate_spoken(struct tgv_call *c, tgv_time now)
{
    /* in a pause frames are sent now and then; that is no speaking */
    if (now - c->rate.frame_at < SPEAKING)
        c->rate.spoken = now;
    c->rate.frame_at = now;
}

/* Mute, or a pause: what is sent is no load, and a peer that is silent too
 * acknowledges it so seldom that the wait looks like a queue. */
static bool idle(const struct tgv_call *c, tgv_time now)
{
    return c->rate.spoken && now - c->rate.spoken > IDLE_AFTER;
}

void tgv_rate_sent(struct tgv_call *c, unsigned path, uint8_t type, size_t len,
                   size_t payload_len, tgv_time now)
{
    struct tgv_rate *r = &c->rate;

    if (path != c->paths.current)
        return;
    tgv_congestion_sent(&r->path, len, now);
    if (type == TGV_PKT_STREAM_DATA)
        r->overhead +=
            ((double)(len - payload_len) - r->overhead) * OVERHEAD_SMOOTHING;
}

void tgv_rate_heard(struct tgv_call *c, tgv_time now)
{
    c->rate.gap = now - c->rate.heard;
    c->rate.heard = now;
}

void tgv_rate_acked(struct tgv_call *c, const struct tgv_acked *acked,
                    tgv_time now)
{
    for (unsigned i = 0; i < acked->count; i++)
        if (acked->packets[i].path == c->paths.current &&
            acked->packets[i].judged)
            tgv_congestion_acked(&c->rate.path, acked->packets[i].bytes,
                                 acked->packets[i].at, now);
    c->rate.sampled = false;
    if (!acked->newest || acked->packets[0].path != c->paths.current ||
        acked->packets[0].bytes == 0)
        return;
    c->rate.sample = now - acked->packets[0].at;
    c->rate.sample_bytes = acked->packets[0].bytes;
    tgv_congestion_least(&c->rate.path, c->rate.sample, now);
    /* after a hole in the peer's packets old news come as if they were new */
    c->rate.sampled = c->rate.gap <= ACK_GAP && !idle(c, now);
}

void tgv_rate_received(struct tgv_call *c, tgv_time now)
{
    struct tgv_rate *r = &c->rate;

    if (r->sampled)
        tgv_congestion_round_trip(&r->path, r->sample, r->sample_bytes,
                                  r->offset_known ? &r->offset : NULL, now);
    r->sampled = false;
    r->offset_known = false;
}

void tgv_rate_packet_of(struct tgv_call *c, unsigned frames)
{
    c->rate.peer_frames = frames;
}

void tgv_rate_arrived(struct tgv_call *c, unsigned duration, int64_t end_ts,
                      tgv_time now)
{
    unsigned ms = duration / TGV_SAMPLES_PER_MS;

    c->rate.peer_ms = ms;
    c->rate.offset = now - end_ts * TGV_US_PER_MS / TGV_SAMPLES_PER_MS;
    c->rate.offset_known = true;
    tgv_congestion_arrived(&c->rate.path, c->rate.offset, now);
}

/* -- leaving out -------------------------------------------------------------- */

/* So much may be sent since, by a steady rate. */
static void earn(struct tgv_call *c, double rate, tgv_time now)
{
    struct tgv_packer *p = &c->packer;
    double per_us = rate / 8.0 / TGV_US_PER_S;
    double most = per_us * CREDIT;

    p->credit += per_us * (double)(now - p->credit_at);
    p->credit_at = now;
    if (p->credit > most)
        p->credit = most;
}

static bool spend(struct tgv_call *c, double rate, size_t bytes, tgv_time now)
{
    earn(c, rate, now);
    if (c->packer.credit < 0)
        return false;
    c->packer.credit -= (double)bytes;
    return true;
}

size_t tgv_rate_window(const struct tgv_call *c, tgv_time now)
{
    return tgv_congestion_window(&c->rate.path,
                                 (size_t)c->config.audio_congestion_window,
                                 now - c->rate.heard);
}

bool tgv_rate_may_send(struct tgv_call *c, size_t bytes, tgv_time now)
{
    struct tgv_rate *r = &c->rate;

    if (tgv_congestion_stalled(&r->path, now))
        return now - r->path.last_ack < NO_NEWS ||
               spend(c, tgv_congestion_rate(&r->path) * RATE_WITHOUT_NEWS,
                     bytes, now);
    if (tgv_ack_in_flight(&c->ack, (uint8_t)c->paths.current) >
        tgv_rate_window(c, now)) {
        tgv_congestion_refused(&r->path);
        return false;
    }
    if (r->planner.plan.leave_out && r->planner.plan.frames > 1)
        c->packer.credit -= r->overhead; /* its frames are paid already */
    return r->planner.plan.frames > 1 || tgv_rate_may_add(c, bytes, now);
}

bool tgv_rate_may_add(struct tgv_call *c, size_t bytes, tgv_time now)
{
    return !c->rate.planner.plan.leave_out ||
           spend(c, tgv_congestion_rate(&c->rate.path), bytes, now);
}

/* -- what follows ------------------------------------------------------------- */

static void apply_encoder(struct tgv_call *c,
                          const struct tgv_encoder_settings *e)
{
    const struct tgv_encoder_settings *old = &c->rate.encoder;

    if (e->bitrate_bps == old->bitrate_bps &&
        e->loss_percent == old->loss_percent &&
        e->inband_fec == old->inband_fec && e->dtx == old->dtx)
        return;
    c->rate.encoder = *e;
    if (e->bitrate_bps > c->rate.highest)
        c->rate.highest = e->bitrate_bps;
    tgv_capture_set_encoder(c->capture, e);
}

/* Down at once, to a whole number of the server's steps above the floor; up
 * by one of its steps a second, but back to what it was at once. */
static unsigned stepped(struct tgv_call *c, unsigned wanted, tgv_time now)
{
    unsigned up = (unsigned)c->config.audio_bitrate_step_incr;
    unsigned down = (unsigned)c->config.audio_bitrate_step_decr;
    unsigned have = c->rate.encoder.bitrate_bps;
    struct limits l = limits_of(c);

    if (wanted < have) {
        c->rate.next_step = now + STEP_INTERVAL;
        if (down > 0 && wanted > l.min && have < l.max)
            wanted = l.min + (wanted - l.min) / down * down;
        return wanted;
    }
    if (tgv_congestion_returns(&c->rate.path, now) && have < c->rate.highest)
        return wanted < c->rate.highest ? wanted : c->rate.highest;
    if (now < c->rate.next_step ||
        (wanted - have < WORTH_A_STEP && wanted < l.max))
        return have;
    c->rate.next_step = now + STEP_INTERVAL;
    return have + up < wanted ? have + up : wanted;
}

static unsigned percent(double loss)
{
    unsigned p = (unsigned)ceil(100.0 * loss);

    if (p < 1)
        return 1;
    return p < LOSS_PERCENT_MAX ? p : LOSS_PERCENT_MAX;
}

static void apply_copies(struct tgv_call *c, unsigned copies, tgv_time now)
{
    tgv_capture_set_redundancy(c->capture, copies);
    if (c->rate.extra_ec == (copies > 0))
        return;
    c->rate.extra_ec = copies > 0;
    if (copies > 0)
        tgv_stats_rate_reason(c, TGV_RATE_EXTRA_EC);
    tgv_audio_tell_flags(c, now);
}

static void apply_plan(struct tgv_call *c, const struct tgv_plan *plan,
                       tgv_time now)
{
    struct tgv_encoder_settings e = c->rate.encoder;

    e.bitrate_bps = stepped(c, plan->bitrate_bps, now);
    e.loss_percent = percent(c->rate.loss);
    e.inband_fec = plan->inband_fec;
    /* pauses cost nothing where even the floor is too much (ENG-52) */
    e.dtx = saves_data(c) || plan->leave_out;
    apply_encoder(c, &e);
    apply_copies(c, plan->copies, now);
    tgv_capture_set_frame_ms(c->capture, plan->frame_ms);
}

/* Acknowledgements wait for the peer's next packet, but the newest packet it
 * has is no older than our next one. */
static tgv_time ack_wait(const struct tgv_rate *r)
{
    unsigned ours = r->planner.plan.frame_ms * r->planner.plan.frames;
    unsigned theirs = r->peer_ms * r->peer_frames;

    return TGV_MS(theirs && theirs < ours ? theirs : ours);
}

static void plan(struct tgv_call *c, const struct tgv_plan_input *in,
                 tgv_time now)
{
    struct tgv_planner *p = &c->rate.planner;

    tgv_planner_run(p, in, now);
    apply_plan(c, &p->plan, now);
}

void tgv_rate_limits(struct tgv_call *c)
{
    struct tgv_encoder_settings e = c->rate.encoder;
    struct limits l = limits_of(c);

    if (e.bitrate_bps > l.max)
        e.bitrate_bps = l.max;
    e.dtx = saves_data(c);
    apply_encoder(c, &e);
}

void tgv_rate_force(struct tgv_call *c, unsigned bps)
{
    struct tgv_encoder_settings e = c->rate.encoder;
    struct tgv_plan_input in = input_of(c);
    double cost;

    c->rate.planner.plan.bitrate_bps = bps;
    cost = tgv_plan_cost(&in, &c->rate.planner.plan);
    if (cost > c->rate.path.rate)
        c->rate.path.rate = cost;
    e.bitrate_bps = bps;
    apply_encoder(c, &e);
}

/* What exceeds a limit is lost, and looks like bad weather to the rest. */
static void look_for_limit(struct tgv_rate *r, tgv_time now)
{
    double limit = tgv_police_limit(&r->burst.police);

    if (limit <= 0.0)
        return;
    tgv_congestion_limited(&r->path, limit, now);
    tgv_police_forget(&r->burst.police);
}

/* What a full queue dropped says nothing about the time after it. */
static void look_for_comeback(struct tgv_rate *r)
{
    const struct tgv_comeback *m = &r->path.comeback;

    if (m->goal > 0.0 && !r->failed) {
        r->burst_before = r->burst;
        r->copies_before = r->planner.wanted;
    }
    if (m->climbing && !r->climbs && m->failures == 0 &&
        r->burst_before.packets > 0.0) {
        tgv_burst_restore(&r->burst, &r->burst_before);
        r->planner.wanted = r->copies_before;
    }
    r->failed = m->goal > 0.0;
    r->climbs = m->climbing;
}

void tgv_rate_run(struct tgv_call *c, tgv_time now)
{
    struct tgv_rate *r = &c->rate;
    double loss = tgv_loss_ratio(&c->measures.loss_out, now);
    struct tgv_plan_input in;

    r->loss += (loss - r->loss) * SMOOTHING;
    if (r->current != c->paths.current) {
        r->current = c->paths.current;
        tgv_congestion_new_path(&r->path);
        r->highest = r->encoder.bitrate_bps;
        tgv_police_forget(&r->burst.police);
    }
    look_for_limit(r, now);
    in = input_of(c);
    if (!idle(c, now))
        tgv_congestion_run(
            &r->path, loss, ack_wait(r),
            tgv_planner_useful(&r->planner, &in, r->encoder.bitrate_bps), now);
    look_for_comeback(r);
    in = input_of(c);
    in.returns = tgv_congestion_returns(&r->path, now);
    plan(c, &in, now);
}
