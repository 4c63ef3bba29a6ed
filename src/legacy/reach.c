/* SPDX-License-Identifier: MIT */
/*
 * Do UDP datagrams come through? Pings to the UDP relays, their verdict, and
 * the change to TCP and back.
 * Source: wire specification 7.3; behaviour notes 5.6; ENG-21, 22, 34
 */
#include "legacy/internal.h"

#include <string.h>

#define PROBES_FIRST 4
#define PROBES_BAD 10
#define PROBES_LOW 3.0 /* mean answers below which UDP is bad */
#define PROBES_LOW_BAD 7.0 /* after ten, below which it is not available */

void tgv_reach_init(struct tgv_call *c)
{
    c->reach.udp = false;
    for (unsigned i = 0; i < c->paths.count; i++) {
        if (c->paths.list[i].type == TGV_PATH_UDP_RELAY)
            c->reach.udp = true;
        else
            c->reach.relays_given_tcp = true;
    }
    c->reach.tcp = !c->reach.udp;
}

void tgv_reach_restart(struct tgv_call *c, tgv_time now)
{
    c->reach.probes_sent = 0;
    c->reach.probes_wanted = PROBES_FIRST;
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
    for (unsigned i = 0; i < c->paths.count; i++) {
        struct tgv_item item = {.kind = TGV_ITEM_PROBE, .path = (uint8_t)i};
        const struct tgv_path *p = &c->paths.list[i];
        if (!p->gone && p->type == TGV_PATH_UDP_RELAY && c->udp.open &&
            !c->udp.blocked)
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

void tgv_reach_verdict(struct tgv_call *c, tgv_time now)
{
    struct tgv_reach *r = &c->reach;
    double mean = mean_answers(&c->paths);
    bool again = r->probes_wanted == PROBES_BAD;

    /* ENG-22: whether TCP is allowed does not enter here */
    if (mean <= 0.0 || (again && mean < PROBES_LOW_BAD)) {
        r->verdict = TGV_UDP_NOT_AVAILABLE;
        tgv_stats_rate_reason(c, TGV_RATE_UDP_NOT_AVAILABLE);
    } else if (mean < PROBES_LOW) {
        r->verdict = TGV_UDP_BAD;
        tgv_stats_rate_reason(c, TGV_RATE_UDP_BAD);
        r->probes_wanted = PROBES_BAD;
        tgv_timers_probe_bad(c, now);
    } else {
        r->verdict = TGV_UDP_AVAILABLE;
    }
    tgv_log(c->log,
            r->verdict == TGV_UDP_AVAILABLE ? TGV_LOG_DEBUG : TGV_LOG_WARNING,
            ROOM, now, "relays answered %.1f of %u pings", mean,
            r->probes_sent);
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
        tgv_direct_self_info(c, path, m, now);
        return;
    }
    c->counters.unsolicited++;
}

void tgv_reach_tick(struct tgv_call *c, tgv_time now)
{
    (void)c;
    (void)now;
}
