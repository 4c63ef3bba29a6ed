/* SPDX-License-Identifier: MIT */
/*
 * The roads to the peer: relays, their probing, and which one is used.
 *
 * `current` takes what has no explicit path, `preferred` is the best relay.
 * Source: wire specification 1.4, 2.2, 7.2, 7.3; ENG-22, 29, 31
 */
#include "legacy/internal.h"

#include "wire/control.h"

#include <string.h>

#include <tgvoip/error.h>

#define PROBES_FIRST 4
#define PROBES_BAD 10
#define PROBES_LOW 3.0 /* mean answers below which UDP is bad */
#define PROBES_LOW_BAD 7.0 /* after ten, below which it is not available */
#define PING_INTERVAL TGV_S(10)
#define PING_INTERVAL_CURRENT TGV_S(2)
#define DEAD_AFTER TGV_S(1) /* and one and a half round trips */
#define RESCUE_INTERVAL TGV_MS(500)
#define UNACKED_MAX 32

/* -- the set ------------------------------------------------------------------ */

static bool usable(const struct tgv_addr *a)
{
    static const uint8_t zero[16];

    if (a->family != TGV_AF_IPV4 && a->family != TGV_AF_IPV6)
        return false;
    if (a->port == 0 || memcmp(a->ip, zero, sizeof(zero)) == 0)
        return false;
    if (a->family == TGV_AF_IPV4)
        return a->ip[0] < 224;
    return a->ip[0] != 0xff;
}

static struct tgv_path *by_id(struct tgv_paths *paths, int64_t id)
{
    for (unsigned i = 0; i < paths->count; i++)
        if (paths->list[i].id == id)
            return &paths->list[i];
    return NULL;
}

static int add_relay(struct tgv_paths *paths, const struct tgv_relay_entry *r)
{
    const struct tgv_addr *addr =
        r->ipv4.family != TGV_AF_NONE ? &r->ipv4 : &r->ipv6;
    struct tgv_path *p;

    if (!usable(addr))
        return TGVOIP_ERR_INVALID;
    if (r->ipv6.family != TGV_AF_NONE && !usable(&r->ipv6))
        return TGVOIP_ERR_INVALID;
    if (r->tcp) /* a road that is not built yet; the address is checked */
        return 0;
    p = by_id(paths, r->id); /* the later one wins */
    if (!p)
        p = &paths->list[paths->count++];
    *p = (struct tgv_path){.type = TGV_PATH_UDP_RELAY,
                           .id = r->id,
                           .addr = *addr,
                           .last_ping = -1,
                           .waiting_since = TGV_NEVER};
    memcpy(p->tag, r->tag, sizeof(p->tag));
    tgv_rtt_clear(&p->rtt);
    return 0;
}

int tgv_paths_init(struct tgv_call *c, const struct tgv_relay_entry *relays,
                   size_t count)
{
    c->paths.suspect_since = TGV_NEVER;
    for (size_t i = 0; i < count; i++) {
        int err = add_relay(&c->paths, &relays[i]);
        if (err)
            return err;
    }
    return c->paths.count ? 0 : TGVOIP_ERR_INVALID;
}

static bool matches(const struct tgv_path *p, const struct tgv_addr *from,
                    const uint8_t *pkt, size_t len, bool *tag_wrong)
{
    if (!tgv_addr_equal(&p->addr, from))
        return false;
    if (len >= TGV_TAG_BYTES && memcmp(pkt, p->tag, TGV_TAG_BYTES) == 0)
        return true;
    *tag_wrong = true;
    return false;
}

int tgv_paths_find(const struct tgv_call *c, const struct tgv_addr *from,
                   const uint8_t *pkt, size_t len, bool *tag_wrong)
{
    const struct tgv_paths *paths = &c->paths;

    *tag_wrong = false;
    if (matches(&paths->list[paths->current], from, pkt, len, tag_wrong))
        return (int)paths->current;
    for (unsigned i = 0; i < paths->count; i++)
        if (matches(&paths->list[i], from, pkt, len, tag_wrong))
            return (int)i;
    return -1;
}

static void tell_route(struct tgv_call *c, tgv_time now)
{
    const struct tgv_path *p = &c->paths.list[c->paths.current];

    tgv_log(c->log, TGV_LOG_INFO, ROOM, now, "route: udp relay %lld (%s)",
            (long long)p->id, c->paths.reason);
    tgv_event_push(c, &(struct tgv_call_event){.kind = TGV_EVENT_ROUTE,
                                               .state = c->state,
                                               .path = p->type,
                                               .relay_id = p->id,
                                               .reason = c->paths.reason});
}

/* With relays only, the current path is the preferred one. */
static void move_to(struct tgv_call *c, unsigned path, const char *reason,
                    tgv_time now)
{
    struct tgv_paths *paths = &c->paths;

    paths->current = path;
    paths->preferred = path;
    paths->reason = reason;
    paths->suspect_since = TGV_NEVER;
    paths->list[path].waiting_since = TGV_NEVER;
    tell_route(c, now);
}

void tgv_paths_handshake(struct tgv_call *c, unsigned path, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        c->paths.list[i].waiting_since = TGV_NEVER;
    if (!c->paths.reason) /* INIT, or INIT_ACK if that came first */
        move_to(c, path, "init", now);
}

/* -- UDP reachability --------------------------------------------------------- */

void tgv_paths_probe_restart(struct tgv_call *c, tgv_time now)
{
    struct tgv_paths *paths = &c->paths;

    paths->probes_sent = 0;
    paths->probes_wanted = PROBES_FIRST;
    for (unsigned i = 0; i < paths->count; i++) {
        paths->list[i].probes_answered = 0;
        memset(paths->list[i].probes, 0, sizeof(paths->list[i].probes));
    }
    tgv_timers_probing(c, now);
}

void tgv_paths_probe(struct tgv_call *c, tgv_time now)
{
    (void)now;
    c->paths.probes_sent++;
    if (!tgv_send_possible(c))
        return;
    for (unsigned i = 0; i < c->paths.count; i++) {
        struct tgv_item item = {.kind = TGV_ITEM_PROBE, .path = (uint8_t)i};
        tgv_send_item(c, &item);
    }
}

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

void tgv_paths_probe_verdict(struct tgv_call *c, tgv_time now)
{
    struct tgv_paths *paths = &c->paths;
    double mean = mean_answers(paths);
    bool again = paths->probes_wanted == PROBES_BAD;

    /* ENG-22: whether TCP is allowed does not enter here */
    if (mean <= 0.0 || (again && mean < PROBES_LOW_BAD)) {
        paths->verdict = TGV_UDP_NOT_AVAILABLE;
        tgv_stats_rate_reason(c, TGV_RATE_UDP_NOT_AVAILABLE);
    } else if (mean < PROBES_LOW) {
        paths->verdict = TGV_UDP_BAD;
        tgv_stats_rate_reason(c, TGV_RATE_UDP_BAD);
        paths->probes_wanted = PROBES_BAD;
        tgv_timers_probe_bad(c, now);
    } else {
        paths->verdict = TGV_UDP_AVAILABLE;
    }
    tgv_log(c->log,
            paths->verdict == TGV_UDP_AVAILABLE ? TGV_LOG_DEBUG
                                                : TGV_LOG_WARNING,
            ROOM, now, "relays answered %.1f of %u pings", mean,
            paths->probes_sent);
}

static void self_info(struct tgv_call *c, struct tgv_path *p, uint64_t id)
{
    for (size_t i = 0; i < TGV_PROBES_MAX; i++) {
        if (p->probes[i] != id || id == 0)
            continue;
        p->probes[i] = 0;
        p->probes_answered++;
        return;
    }
    c->counters.unsolicited++;
}

void tgv_paths_control(struct tgv_call *c, unsigned path, const uint8_t *pkt,
                       size_t len, tgv_time now)
{
    struct tgv_control m;

    (void)now;
    tgv_control_decode(&m, pkt, len);
    switch (m.kind) {
    case TGV_CONTROL_SELF_INFO:
        self_info(c, &c->paths.list[path], m.query_id);
        break;
    case TGV_CONTROL_PEER_INFO:
    case TGV_CONTROL_PEER_INFO_IPV6:
        c->counters.unsolicited++; /* we never ask without P2P */
        break;
    case TGV_CONTROL_MALFORMED:
        c->counters.bad++;
        break;
    case TGV_CONTROL_NONE:
    case TGV_CONTROL_REGISTER:
    case TGV_CONTROL_PING:
    case TGV_CONTROL_PEER_REQUEST:
    case TGV_CONTROL_UNKNOWN:
        c->counters.ignored++;
        break;
    }
}

/* -- pings and choice --------------------------------------------------------- */

static void ping(struct tgv_call *c, unsigned path, tgv_time now)
{
    c->paths.list[path].last_ping = now;
    if (tgv_send_possible(c))
        tgv_send_packet(c, path, TGV_PKT_PING, NULL, 0);
}

void tgv_paths_sent(struct tgv_call *c, unsigned path, uint8_t type,
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

void tgv_paths_acked(struct tgv_call *c, unsigned path)
{
    c->paths.list[path].waiting_since = TGV_NEVER;
    if (path == c->paths.current)
        c->paths.suspect_since = TGV_NEVER;
}

void tgv_paths_pong(struct tgv_call *c, unsigned path, uint32_t seq,
                    tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];
    bool suspect = c->paths.suspect_since != TGV_NEVER;
    unsigned kept =
        p->ping_count < TGV_PINGS_KEPT ? p->ping_count : TGV_PINGS_KEPT;

    for (unsigned i = 0; i < kept; i++) {
        if (p->pings[i].seq != seq || p->pings[i].at < 0)
            continue;
        bool rescue = suspect && p->pings[i].at >= c->paths.suspect_since;
        tgv_rtt_add(&p->rtt, now - p->pings[i].at, now);
        p->pings[i].at = -1; /* counts once */
        if ((double)tgv_rtt_mean(&p->rtt) >
            c->config.rate_min_rtt * TGV_US_PER_S)
            c->measures.rate_always = true;
        if (path == c->paths.current) {
            tgv_paths_acked(c, path);
        } else if (rescue) {
            tgv_rtt_clear(&c->paths.list[c->paths.current].rtt);
            move_to(c, path, "dead", now);
        }
        return;
    }
}

/* The current path got nothing through for a while: ask the others; the first
 * whose answer comes takes over. */
void tgv_paths_watch(struct tgv_call *c, tgv_time now)
{
    struct tgv_paths *paths = &c->paths;
    const struct tgv_path *p = &paths->list[paths->current];
    tgv_time patience = DEAD_AFTER + tgv_rtt_smoothed(&c->ack_rtt) * 3 / 2;

    if (paths->count < 2 || !tgv_state_talking(c))
        return;
    if (p->waiting_since == TGV_NEVER || now - p->waiting_since < patience) {
        paths->suspect_since = TGV_NEVER;
        return;
    }
    if (paths->suspect_since == TGV_NEVER) {
        paths->suspect_since = now;
        paths->rescue_at = now;
    }
    if (now < paths->rescue_at)
        return;
    paths->rescue_at = now + RESCUE_INTERVAL;
    for (unsigned i = 0; i < paths->count; i++)
        ping(c, i, now);
}

static void ping_due(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        tgv_time last = c->paths.list[i].last_ping;
        tgv_time interval =
            i == c->paths.current ? PING_INTERVAL_CURRENT : PING_INTERVAL;
        if (last < 0 || now - last >= interval)
            ping(c, i, now);
    }
}

void tgv_paths_choose(struct tgv_call *c, tgv_time now)
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
        if (rtt <= 0.0 || rtt >= least * c->config.relay_switch_threshold)
            continue;
        least = rtt;
        best = i;
    }
    if (best != paths->preferred)
        move_to(c, best, "rtt", now);
}

/* Event-driven rule at the end of wire specification 7.2. */
void tgv_paths_accepted(struct tgv_call *c, unsigned path, tgv_time now)
{
    const struct tgv_paths *paths = &c->paths;

    if (path == paths->current || !paths->reason ||
        tgv_rtt_known(&paths->list[paths->current].rtt))
        return;
    if (tgv_ack_outstanding(&c->ack) > UNACKED_MAX)
        move_to(c, path, "dead", now);
}

void tgv_paths_forget_rtt(struct tgv_call *c)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        tgv_rtt_clear(&c->paths.list[i].rtt);
        c->paths.list[i].ping_count = 0;
        c->paths.list[i].last_ping = -1;
    }
}

tgv_time tgv_paths_rtt(const struct tgv_call *c)
{
    return tgv_rtt_smoothed(&c->paths.list[c->paths.current].rtt);
}
