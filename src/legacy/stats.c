/* SPDX-License-Identifier: MIT */
/*
 * What a call tells about itself. Nothing here changes how it runs (ENG-63).
 * Source: behaviour notes 13, 14, 17.6
 */
#include "legacy/internal.h"

#include "json/json.h"

#include <stdio.h>
#include <string.h>

#define LATE_SMOOTHING (1.0 / 32) /* of values every 0.1 s: some 6 s */

void tgv_stats_rate_reason(struct tgv_call *c, uint32_t reason)
{
    if (c->config.rate_flags & reason)
        c->measures.rate_reasons |= reason;
}

void tgv_stats_tick(struct tgv_call *c)
{
    struct tgv_playout_stats p;
    struct tgv_measures *m = &c->measures;

    if (!c->audio.media_seen)
        return;
    tgv_playout_stats(c->playout, &p);
    double late = (double)(p.frames_late - m->late_seen);
    m->late_seen = p.frames_late;
    m->late_mean += (late - m->late_mean) * LATE_SMOOTHING;
}

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static int bars_now(const struct tgv_call *c, tgv_time now)
{
    double loss = tgv_loss_ratio(&c->measures.loss_out, now);
    double late = c->measures.late_mean;
    int value = 4;

    if (c->state == TGV_STATE_RECONNECTING || loss > 0.1 || late >= 0.2)
        return 1;
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

/* Pongs measure the path; until the first, acknowledgements do. */
static tgv_time rtt_of(const struct tgv_call *c)
{
    tgv_time rtt = tgv_paths_rtt(c);

    return rtt ? rtt : tgv_rtt_smoothed(&c->ack_rtt);
}

static void fill_counters(const struct tgv_call *c, struct tgv_call_stats *s)
{
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

void tgv_call_stats(const struct tgv_call *c, struct tgv_call_stats *s,
                    tgv_time now)
{
    const struct tgv_path *p = &c->paths.list[c->paths.current];
    struct tgv_capture_stats capture;

    memset(s, 0, sizeof(*s));
    s->state = c->state;
    s->error = c->error;
    s->path = p->type;
    s->path_id = p->id;
    s->path_reason = c->paths.reason ? c->paths.reason : "";
    s->rtt_ms = (double)rtt_of(c) / TGV_US_PER_MS;
    s->loss_out = tgv_loss_ratio(&c->measures.loss_out, now);
    s->loss_in = tgv_loss_ratio(&c->measures.loss_in, now);
    s->bitrate_bps = c->rate.encoder.bitrate_bps;
    s->frame_ms = tgv_capture_frame_ms(c->capture);
    fill_counters(c, s);
    s->peer_version = c->hs.peer_version;
    s->peer_is_ours = c->hs.peer_is_ours;
    s->peer_muted = c->audio.peer_muted;
    s->encryption_v1 = !tgv_handshake_v2(c);
    s->established = c->established;
    s->connected = c->connected ? now - c->connect_time : 0;
    tgv_playout_stats(c->playout, &s->playout);
    s->first_audio = s->playout.first_voice < 0
                         ? -1
                         : s->playout.first_voice - c->connect_time;
    tgv_capture_stats(c->capture, &capture);
    s->level_out = capture.level;
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

/* -- debug log ---------------------------------------------------------------- */

static const char *network_str(int type)
{
    static const char *const names[] = {"unknown",
                                        "gprs",
                                        "edge",
                                        "3g",
                                        "hspa",
                                        "lte",
                                        "wifi",
                                        "ethernet",
                                        "other_high_speed",
                                        "other_low_speed",
                                        "dialup",
                                        "other_mobile"};

    if (type < 0 || (size_t)type >= sizeof(names) / sizeof(names[0]))
        return names[0];
    return names[type];
}

static struct tgv_json *network_json(const struct tgv_call *c)
{
    struct tgv_json *o = tgv_json_object();

    tgv_json_set(o, "type", tgv_json_new_str(network_str(c->network_type)));
    return o;
}

static struct tgv_json *packets_json(const struct tgv_call *c)
{
    struct tgv_json *o = tgv_json_object();

    tgv_json_set(o, "out", tgv_json_new_int(c->ack.next));
    tgv_json_set(o, "in", tgv_json_new_int((int64_t)c->counters.packets_in));
    tgv_json_set(
        o, "lost_out",
        tgv_json_new_int((int64_t)tgv_loss_count(&c->measures.loss_out)));
    tgv_json_set(
        o, "lost_in",
        tgv_json_new_int((int64_t)tgv_loss_count(&c->measures.loss_in)));
    return o;
}

static void append_if(struct tgv_json *array, bool condition, const char *text)
{
    if (condition)
        tgv_json_append(array, tgv_json_new_str(text));
}

static struct tgv_json *problems_json(const struct tgv_call *c)
{
    struct tgv_json *a = tgv_json_array();

    append_if(a, c->measures.timed_out, "timeout");
    append_if(a, c->measures.was_reconnecting, "reconnecting");
    append_if(a, c->connected && !c->hs.ready, "not_inited");
    append_if(a, c->measures.handed_over, "network_handover");
    return a;
}

static int64_t mean_ms(const struct tgv_path *p)
{
    return tgv_rtt_mean(&p->rtt) / TGV_US_PER_MS;
}

char *tgv_call_debug_log(const struct tgv_call *c, tgv_time now)
{
    const struct tgv_paths *paths = &c->paths;
    struct tgv_json *o = tgv_json_object();
    char id[24];
    char *text;

    (void)now;
    snprintf(id, sizeof(id), "%lld", (long long)tgv_call_preferred_relay(c));
    tgv_json_set(o, "log_type", tgv_json_new_str("call_stats"));
    tgv_json_set(o, "libtgvoip_version", tgv_json_new_str("2.4.4"));
    tgv_json_set(o, "network", network_json(c));
    tgv_json_set(o, "protocol_version", tgv_json_new_int(c->hs.peer_version));
    tgv_json_set(o, "udp_avail",
                 tgv_json_new_bool(paths->verdict == TGV_UDP_AVAILABLE));
    tgv_json_set(o, "tcp_used", tgv_json_new_bool(false));
    tgv_json_set(o, "relay_rtt",
                 tgv_json_new_int(mean_ms(&paths->list[paths->preferred])));
    tgv_json_set(o, "p2p_type", tgv_json_new_str("none"));
    tgv_json_set(o, "rtt",
                 tgv_json_new_int(mean_ms(&paths->list[paths->current])));
    tgv_json_set(o, "packet_stats", packets_json(c));
    tgv_json_set(o, "problems", problems_json(c));
    tgv_json_set(o, "pref_relay", tgv_json_new_str(id));
    text = tgv_json_dump(o);
    tgv_json_free(o);
    return text;
}
