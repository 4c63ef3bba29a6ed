/* SPDX-License-Identifier: MIT */
/*
 * Pings, the best road, and the road that is dead.
 * Source: wire specification 7.2; behaviour notes 5.4, 5.5; ENG-24
 */
#include "legacy/internal.h"

#define PING_INTERVAL TGV_S(10)
#define PING_INTERVAL_CURRENT TGV_S(2)
#define DEAD_AFTER TGV_S(1) /* and one and a half round trips */
#define RESCUE_INTERVAL TGV_MS(500)
#define UNACKED_MAX 32

void tgv_choice_ping(struct tgv_call *c, unsigned path, tgv_time now)
{
    c->paths.list[path].last_ping = now;
    if (tgv_path_open(c, path))
        tgv_send_packet(c, path, TGV_PKT_PING, NULL, 0);
}

void tgv_choice_sent(struct tgv_call *c, unsigned path, uint8_t type,
                     uint32_t seq, tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    if (p->waiting_since == TGV_NEVER && c->hs.ready)
        p->waiting_since = now;
    if (type != TGV_PKT_PING)
        return;
    unsigned slot = p->ping_count++ % TGV_PINGS_KEPT;
    p->pings[slot].seq = seq;
    p->pings[slot].at = now;
}

void tgv_choice_acked(struct tgv_call *c, unsigned path)
{
    c->paths.list[path].waiting_since = TGV_NEVER;
    if (path == c->paths.current)
        c->choice.suspect_since = TGV_NEVER;
}

void tgv_choice_pong(struct tgv_call *c, unsigned path, uint32_t seq,
                     tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];
    bool suspect = c->choice.suspect_since != TGV_NEVER;
    unsigned kept =
        p->ping_count < TGV_PINGS_KEPT ? p->ping_count : TGV_PINGS_KEPT;

    for (unsigned i = 0; i < kept; i++) {
        if (p->pings[i].seq != seq || p->pings[i].at < 0)
            continue;
        bool rescue = suspect && p->pings[i].at >= c->choice.suspect_since;
        tgv_rtt_add(&p->rtt, now - p->pings[i].at, now);
        p->pings[i].at = -1; /* counts once */
        if ((double)tgv_rtt_mean(&p->rtt) >
            c->config.rate_min_rtt * TGV_US_PER_S)
            c->measures.rate_always = true;
        if (path == c->paths.current) {
            tgv_choice_acked(c, path);
        } else if (rescue) {
            tgv_rtt_clear(&c->paths.list[c->paths.current].rtt);
            tgv_paths_move(c, path, "dead", now);
        }
        return;
    }
}

/* The current path got nothing through for a while: ask the others; the first
 * whose answer comes takes over. */
void tgv_choice_watch(struct tgv_call *c, tgv_time now)
{
    struct tgv_choice *ch = &c->choice;
    const struct tgv_path *p = &c->paths.list[c->paths.current];
    tgv_time patience = DEAD_AFTER + tgv_rtt_smoothed(&c->ack_rtt) * 3 / 2;

    if (c->paths.count < 2 || !tgv_state_talking(c))
        return;
    if (p->waiting_since == TGV_NEVER || now - p->waiting_since < patience) {
        ch->suspect_since = TGV_NEVER;
        return;
    }
    if (ch->suspect_since == TGV_NEVER) {
        ch->suspect_since = now;
        ch->rescue_at = now;
    }
    if (now < ch->rescue_at)
        return;
    ch->rescue_at = now + RESCUE_INTERVAL;
    for (unsigned i = 0; i < c->paths.count; i++)
        if (!c->paths.list[i].gone)
            tgv_choice_ping(c, i, now);
}

static void ping_due(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        tgv_time interval =
            i == c->paths.current ? PING_INTERVAL_CURRENT : PING_INTERVAL;
        if (!p->gone && (p->last_ping < 0 || now - p->last_ping >= interval))
            tgv_choice_ping(c, i, now);
    }
}

void tgv_choice_run(struct tgv_call *c, tgv_time now)
{
    struct tgv_paths *paths = &c->paths;
    unsigned best = paths->preferred;
    double least = (double)tgv_rtt_mean(&paths->list[best].rtt);

    if (!tgv_state_talking(c))
        return;
    ping_due(c, now);
    if (least <= 0.0)
        least = (double)TGV_NEVER;
    for (unsigned i = 0; i < paths->count; i++) {
        double rtt = (double)tgv_rtt_mean(&paths->list[i].rtt);
        if (paths->list[i].gone || rtt <= 0.0 ||
            rtt >= least * c->config.relay_switch_threshold)
            continue;
        least = rtt;
        best = i;
    }
    if (best != paths->preferred)
        tgv_paths_move(c, best, "rtt", now);
}

/* Event-driven rule at the end of wire specification 7.2. */
void tgv_choice_accepted(struct tgv_call *c, unsigned path, tgv_time now)
{
    const struct tgv_paths *paths = &c->paths;

    if (path == paths->current || !paths->reason ||
        tgv_rtt_known(&paths->list[paths->current].rtt))
        return;
    if (tgv_ack_outstanding(&c->ack) > UNACKED_MAX)
        tgv_paths_move(c, path, "dead", now);
}

void tgv_choice_opened(struct tgv_call *c, unsigned path, tgv_time now)
{
    if (tgv_state_talking(c))
        tgv_choice_ping(c, path, now);
}
