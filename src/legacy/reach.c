/* SPDX-License-Identifier: MIT */
/*
 * Do UDP datagrams come through? Pings to the UDP relays, their verdict, and
 * when TCP is used besides UDP or instead of it.
 *
 * A series of pings ends with a verdict. Where UDP was found wanting, or where
 * the call runs over TCP, single pings go on: rarely while nothing answers,
 * twice a second as soon as something does; UDP is steady again when seven of
 * eight were answered. TCP is opened in parallel before the verdict if nothing
 * answers at once, and the current road moves here only where the one in use
 * is closed: which of two open ones is better is for choice.c.
 * Source: wire specification 7.3; behaviour notes 5.6; ENG-21, 22, 29, 34
 */
#include "legacy/internal.h"

#include <string.h>

#define PROBES_FIRST 4
#define PROBES_BAD 10
#define PROBES_LOW 3.0 /* mean answers below which UDP is bad */
#define PROBES_LOW_BAD 7.0 /* after ten, below which it is not available */
#define PATIENCE TGV_MS(700) /* without any answer: TCP in parallel */
#define PROBE_FAST TGV_MS(500)
#define PROBE_SLOW TGV_S(3)
#define ANSWER_FRESH TGV_S(2) /* there may be more */
#define UDP_FRESH TGV_S(3) /* it carried something */
#define HISTORY_SKIP 2 /* newest probes: answers may be under way */
#define HISTORY 8
#define STEADY 7 /* answers of these */
#define POOR 4
#define GONE 1

void tgv_reach_init(struct tgv_call *c)
{
    struct tgv_reach *r = &c->reach;

    for (unsigned i = 0; i < c->paths.count; i++) {
        if (c->paths.list[i].type == TGV_PATH_UDP_RELAY)
            r->relays_given_udp = true;
        else
            r->relays_given_tcp = true;
    }
    r->udp = r->relays_given_udp;
    r->tcp = !r->udp;
    r->tcp_used = r->tcp;
    r->answered = -1;
    r->heard = -1;
    r->silent_since = TGV_NEVER;
}

void tgv_reach_start(struct tgv_call *c, tgv_time now)
{
    c->reach.silent_since = now;
    tgv_timers_started(c, now);
    tgv_proxy_start(c, now);
    if (c->reach.tcp)
        tgv_tcp_want_all(c, now);
}

/* -- pings ------------------------------------------------------------------- */

void tgv_reach_restart(struct tgv_call *c, tgv_time now)
{
    struct tgv_reach *r = &c->reach;

    r->probes_sent = 0;
    r->probes_wanted = PROBES_FIRST;
    r->history = 0;
    if (r->answered >= r->silent_since)
        r->silent_since = now;
    for (unsigned i = 0; i < c->paths.count; i++) {
        struct tgv_path *p = &c->paths.list[i];
        p->probes_answered = 0;
        memset(p->probes, 0, sizeof(p->probes));
    }
    tgv_timers_probing(c, now);
}

void tgv_reach_probe(struct tgv_call *c, tgv_time now)
{
    (void)now;
    c->reach.probes_sent++;
    c->reach.history <<= 1;
    for (unsigned i = 0; i < c->paths.count; i++) {
        struct tgv_item item = {.kind = TGV_ITEM_PROBE, .path = (uint8_t)i};
        const struct tgv_path *p = &c->paths.list[i];
        if (!p->gone && p->type == TGV_PATH_UDP_RELAY && c->udp.open &&
            !c->udp.blocked && tgv_direct_reaches(c, &p->addr))
            tgv_send_item(c, &item);
    }
}

static void answered(struct tgv_call *c, size_t age, tgv_time now)
{
    struct tgv_reach *r = &c->reach;

    r->answered = now;
    r->history |= UINT32_C(1) << age;
    r->udp = true; /* ENG-21 */
    r->probe_at = tgv_time_min(r->probe_at, now + PROBE_FAST);
    if (tgv_proxy_on(c))
        tgv_proxy_passes(c, true);
}

void tgv_reach_self_info(struct tgv_call *c, unsigned path,
                         const struct tgv_control *m, tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    for (size_t i = 0; i < TGV_PROBES_MAX; i++) {
        if (p->probes[i] != m->query_id || m->query_id == 0)
            continue;
        p->probes[i] = 0;
        p->probes_answered++;
        answered(c, i, now);
        tgv_direct_self_info(c, path, m, now);
        return;
    }
    c->counters.unsolicited++;
}

void tgv_reach_heard(struct tgv_call *c, unsigned path, tgv_time now)
{
    if (c->paths.list[path].type != TGV_PATH_UDP_RELAY)
        return;
    c->reach.heard = now;
    c->reach.udp = true;
}

static bool fresh(tgv_time at, tgv_time age, tgv_time now)
{
    return at >= 0 && now - at <= age;
}

static bool udp_carries(const struct tgv_reach *r, tgv_time now)
{
    return fresh(r->answered, UDP_FRESH, now) ||
           fresh(r->heard, UDP_FRESH, now);
}

/* -- the verdict -------------------------------------------------------------- */

/* Mean number of answers of the relays that answered at all. */
static double mean_answers(const struct tgv_paths *paths)
{
    unsigned sum = 0, relays = 0;

    for (unsigned i = 0; i < paths->count; i++) {
        sum += paths->list[i].probes_answered;
        relays += paths->list[i].probes_answered > 0;
    }
    return relays ? (double)sum / relays : 0.0;
}

static void udp_fails(struct tgv_call *c, enum tgv_udp_verdict verdict,
                      tgv_time now)
{
    bool bad = verdict == TGV_UDP_BAD;

    c->reach.verdict = verdict;
    tgv_stats_rate_reason(c,
                          bad ? TGV_RATE_UDP_BAD : TGV_RATE_UDP_NOT_AVAILABLE);
    if (tgv_reach_use_tcp(c, bad ? "UDP is bad" : "UDP is not available",
                          now) &&
        !bad)
        c->reach.tcp_used = true;
}

void tgv_reach_verdict(struct tgv_call *c, tgv_time now)
{
    struct tgv_reach *r = &c->reach;
    double mean = mean_answers(&c->paths);
    bool again = r->probes_wanted == PROBES_BAD;

    /* ENG-22: whether TCP is allowed does not enter here */
    if (mean <= 0.0 || (again && mean < PROBES_LOW_BAD)) {
        udp_fails(c, TGV_UDP_NOT_AVAILABLE, now);
    } else if (mean < PROBES_LOW) {
        udp_fails(c, TGV_UDP_BAD, now);
        r->probes_wanted = PROBES_BAD;
        tgv_timers_probe_bad(c, now);
    } else {
        r->verdict = TGV_UDP_AVAILABLE;
        r->history = UINT32_MAX; /* four answers are enough for a beginning */
    }
    r->probe_at = now + PROBE_FAST;
    tgv_log(c->log,
            r->verdict == TGV_UDP_AVAILABLE ? TGV_LOG_DEBUG : TGV_LOG_WARNING,
            ROOM, now, "relays answered %.1f of %u pings", mean,
            r->probes_sent);
}

bool tgv_reach_udp_steady(const struct tgv_call *c)
{
    return c->reach.udp && c->reach.verdict == TGV_UDP_AVAILABLE;
}

static unsigned count_answers(uint32_t history)
{
    unsigned n = 0;

    history >>= HISTORY_SKIP;
    for (unsigned i = 0; i < HISTORY; i++)
        n += history >> i & 1;
    return n;
}

/* The call may go back: how long it takes there now decides. */
static void udp_again(struct tgv_call *c, tgv_time now)
{
    c->reach.verdict = TGV_UDP_AVAILABLE;
    tgv_log(c->log, TGV_LOG_INFO, ROOM, now, "UDP is available again");
    for (unsigned i = 0; i < c->paths.count; i++)
        if (c->paths.list[i].type == TGV_PATH_UDP_RELAY &&
            !c->paths.list[i].gone)
            tgv_choice_ping(c, i, now);
}

/* Pings beyond the series, where it matters how UDP is doing. */
static void watch_udp(struct tgv_call *c, tgv_time now)
{
    struct tgv_reach *r = &c->reach;
    unsigned n = count_answers(r->history);

    if (!tgv_timers_series_over(c) || now < r->probe_at ||
        (r->verdict == TGV_UDP_AVAILABLE && !r->on_tcp))
        return;
    if (n >= STEADY && r->verdict != TGV_UDP_AVAILABLE) {
        udp_again(c, now);
    } else if (n <= POOR && r->verdict == TGV_UDP_AVAILABLE) {
        r->verdict = TGV_UDP_BAD;
    } else if (n <= GONE && r->verdict == TGV_UDP_BAD) {
        r->verdict = TGV_UDP_NOT_AVAILABLE;
    }
    tgv_reach_probe(c, now);
    r->probe_at =
        now + (fresh(r->answered, ANSWER_FRESH, now) ? PROBE_FAST : PROBE_SLOW);
}

/* -- TCP besides UDP ---------------------------------------------------------- */

static bool tcp_allowed(const struct tgv_call *c)
{
    return c->config.use_tcp || !c->reach.relays_given_udp;
}

static bool copy_to_tcp(struct tgv_call *c, unsigned relay)
{
    struct tgv_path *p =
        tgv_paths_add(c, TGV_PATH_TCP_RELAY, TGV_ORIGIN_TCP_CLONE);
    const struct tgv_path *from = &c->paths.list[relay];

    if (!p)
        return false;
    p->id = from->id; /* ENG-29 */
    p->addr = from->addr;
    memcpy(p->tag, from->tag, sizeof(p->tag));
    return true;
}

static bool has_copy(const struct tgv_call *c, const struct tgv_path *relay,
                     bool any_address)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (!p->gone && p->origin == TGV_ORIGIN_TCP_CLONE &&
            p->id == relay->id &&
            (any_address || tgv_addr_equal(&p->addr, &relay->addr)))
            return true;
    }
    return false;
}

/* There may be more than fit: each relay gets a copy at an address within
 * reach, then those without at any, then each second address. */
enum copy_round { WITHIN_REACH, ONE_OF_EACH, ALL, ROUNDS };

static bool wants_copy(const struct tgv_call *c, unsigned i,
                       enum copy_round round)
{
    const struct tgv_path *p = &c->paths.list[i];

    if (p->gone || p->type != TGV_PATH_UDP_RELAY ||
        has_copy(c, p, round != ALL))
        return false;
    return round != WITHIN_REACH || tgv_direct_reaches(c, &p->addr);
}

/* Once per call. What there is no room or no memory for is done without. */
static void copy_relays(struct tgv_call *c, tgv_time now)
{
    unsigned count = c->paths.count, copies = 0, left_out = 0;
    bool memory = true;

    if (c->reach.cloned || c->reach.relays_given_tcp)
        return;
    for (unsigned n = 0; n < ROUNDS * count && memory; n++) {
        if (!wants_copy(c, n % count, (enum copy_round)(n / count)))
            continue;
        bool fits = tgv_paths_relay_fits(c);
        memory = !fits || copy_to_tcp(c, n % count);
        copies += fits && memory;
        left_out += !fits && n / count == ALL;
    }
    if (!memory)
        tgv_log(c->log, TGV_LOG_WARNING, ROOM, now,
                "no memory for a TCP copy of each relay");
    if (left_out)
        tgv_log(c->log, TGV_LOG_INFO, ROOM, now,
                "so many relays: %u of their addresses are tried by UDP only",
                left_out);
    c->reach.cloned = copies > 0;
}

bool tgv_reach_use_tcp(struct tgv_call *c, const char *why, tgv_time now)
{
    struct tgv_reach *r = &c->reach;

    if (r->tcp || !tcp_allowed(c))
        return r->tcp;
    copy_relays(c, now);
    r->tcp = r->cloned || r->relays_given_tcp;
    if (!r->tcp)
        return false;
    tgv_log(c->log, TGV_LOG_INFO, ROOM, now, "TCP is used besides UDP: %s",
            why);
    tgv_tcp_want_all(c, now);
    return true;
}

void tgv_reach_urgent(struct tgv_call *c, tgv_time now)
{
    if (!tgv_reach_use_tcp(c, "nothing comes from the peer", now))
        return;
    tgv_tcp_urgent(c, now);
    tgv_tcp_want_all(c, now);
}

/* -- the current road is closed ----------------------------------------------- */

/* The open road of that type with the least round trip, unmeasured ones last;
 * -1 if there is none. */
static int best_open(const struct tgv_call *c, enum tgv_path_type type)
{
    tgv_time least = TGV_NEVER;
    int best = -1;

    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        tgv_time rtt = tgv_rtt_mean(&p->rtt);
        if (p->type != type || !tgv_path_open(c, i) ||
            (best >= 0 && (rtt == 0 || rtt >= least)))
            continue;
        best = (int)i;
        least = rtt ? rtt : TGV_NEVER;
    }
    return best;
}

static void leave_closed(struct tgv_call *c, tgv_time now)
{
    int to = -1;

    if (!c->paths.reason ||
        !tgv_path_is_relay(&c->paths.list[c->paths.current]))
        return;
    if (udp_carries(&c->reach, now))
        to = best_open(c, TGV_PATH_UDP_RELAY);
    if (to < 0)
        to = best_open(c, TGV_PATH_TCP_RELAY);
    if (to >= 0)
        tgv_paths_move(c, (unsigned)to, "closed", now);
}

void tgv_reach_stream_opened(struct tgv_call *c, unsigned path, tgv_time now)
{
    tgv_choice_opened(c, path, now);
    tgv_handshake_road(c, path, now);
}

void tgv_reach_stream_lost(struct tgv_call *c, unsigned path, tgv_time now)
{
    if (tgv_call_live(c) && path == c->paths.current)
        leave_closed(c, now);
}

void tgv_reach_moved(struct tgv_call *c, tgv_time now)
{
    struct tgv_reach *r = &c->reach;

    r->udp = r->relays_given_udp;
    r->silent_since = now;
    r->answered = -1;
    r->heard = -1;
    r->verdict = TGV_UDP_UNKNOWN;
    tgv_tcp_close_all(c);
    tgv_proxy_restart(c, now);
    tgv_reach_restart(c, now);
    if (r->tcp)
        tgv_tcp_want_all(c, now);
}

/* UDP relays are not in use while nothing comes from them and a stream is
 * there. */
static void judge_udp(struct tgv_call *c, tgv_time now)
{
    struct tgv_reach *r = &c->reach;

    if (!r->udp) {
        r->udp = r->relays_given_udp && !tgv_tcp_any(c);
        return;
    }
    if (r->verdict != TGV_UDP_NOT_AVAILABLE || udp_carries(r, now) ||
        !tgv_tcp_any(c))
        return;
    r->udp = false;
    if (c->paths.list[c->paths.current].type == TGV_PATH_UDP_RELAY)
        leave_closed(c, now);
}

/* A call that came to TCP from UDP goes back only when UDP has shown itself. */
static void note_transport(struct tgv_call *c)
{
    struct tgv_reach *r = &c->reach;
    bool on_tcp = c->paths.reason &&
                  c->paths.list[c->paths.current].type == TGV_PATH_TCP_RELAY;

    if (on_tcp && !r->on_tcp && strcmp(c->paths.reason, "init") != 0) {
        r->verdict = TGV_UDP_BAD;
        r->history = 0;
    }
    r->on_tcp = on_tcp;
    r->tcp_used = r->tcp_used || on_tcp;
}

/* Some relay does not answer by UDP; it may by TCP. */
static bool relay_is_mute(const struct tgv_call *c)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (p->type == TGV_PATH_UDP_RELAY && !p->gone &&
            p->probes_answered == 0)
            return true;
    }
    return false;
}

void tgv_reach_tick(struct tgv_call *c, tgv_time now)
{
    struct tgv_reach *r = &c->reach;

    tgv_proxy_tick(c, now);
    tgv_tcp_tick(c, now);
    if (!tgv_call_live(c))
        return;
    if (r->answered < r->silent_since && now - r->silent_since >= PATIENCE)
        tgv_reach_use_tcp(c, "no answer by UDP yet", now); /* ENG-34 */
    /* the peer may reach no relays but some that forward nothing to us before
     * we have spoken to them */
    if ((r->relays_given_tcp || relay_is_mute(c)) && c->connected &&
        !c->hs.ready && now - c->connect_time >= PATIENCE)
        tgv_reach_use_tcp(c, "nothing from the peer yet", now);
    note_transport(c);
    judge_udp(c, now);
    watch_udp(c, now);
}
