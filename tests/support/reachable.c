/* SPDX-License-Identifier: MIT */
#include "support/reachable.h"

#include <string.h>

#define LAN_RTT TGV_MS(2)

static bool proxied(const struct tgv_host_plan *h)
{
    return h->proxy != TGV_PROXY_NONE;
}

/* Through a proxy, which has both families towards its clients and IPv4
 * beyond. Its control connection is TCP, whatever is asked of it. */
static unsigned legs_by_proxy(const struct tgv_host_plan *h,
                              const struct tgv_relay_plan *r)
{
    unsigned legs = 0;

    if (!h->tcp || h->proxy == TGV_PROXY_BAD_LOGIN ||
        h->proxy == TGV_PROXY_DEAD)
        return 0;
    if (r->tcp)
        legs |= TGV_LEG_TCP4;
    if (h->proxy == TGV_PROXY_FULL && h->udp != TGV_UDP_BLOCKED && r->udp)
        legs |= TGV_LEG_UDP4;
    return legs;
}

static unsigned legs_of(const struct tgv_host_plan *h,
                        const struct tgv_relay_plan *r)
{
    unsigned legs = 0;

    if (proxied(h))
        return legs_by_proxy(h, r);
    if (r->udp && h->udp != TGV_UDP_BLOCKED)
        legs |= (h->ipv4 ? TGV_LEG_UDP4 : 0) |
                (h->ipv6 && r->ipv6 ? TGV_LEG_UDP6 : 0);
    if (r->tcp && h->tcp)
        legs |= (h->ipv4 ? TGV_LEG_TCP4 : 0) |
                (h->ipv6 && r->ipv6 ? TGV_LEG_TCP6 : 0);
    return legs;
}

/* Does punching holes work? One box must be reachable at an address that the
 * other learns from the relay: a symmetric one is reachable at none but the
 * ports that it chose itself, so the other must answer to an unknown port. */
static bool nats_let_through(enum tgv_nat_kind a, enum tgv_nat_kind b)
{
    if (a == TGV_NAT_SYMMETRIC)
        return b == TGV_NAT_NONE || b == TGV_NAT_CONE;
    if (b == TGV_NAT_SYMMETRIC)
        return a == TGV_NAT_NONE || a == TGV_NAT_CONE;
    return true;
}

static bool both_have(const struct tgv_roads *roads, unsigned leg)
{
    for (unsigned r = 0; r < TGV_PLAN_RELAYS; r++)
        if (roads->leg[0][r] & roads->leg[1][r] & leg)
            return true;
    return false;
}

static bool has(const struct tgv_roads *roads, int host, unsigned leg)
{
    for (unsigned r = 0; r < TGV_PLAN_RELAYS; r++)
        if (roads->leg[host][r] & leg)
            return true;
    return false;
}

/* IPv4 addresses are learned from a relay that both reach by it; one's own
 * IPv6 address is announced when a relay has confirmed it. */
static unsigned direct_of(const struct tgv_plan *p,
                          const struct tgv_roads *roads)
{
    const struct tgv_host_plan *a = &p->host[0], *b = &p->host[1];
    unsigned direct = 0;

    if (!a->allow_p2p || !b->allow_p2p || proxied(a) || proxied(b))
        return 0;
    if (both_have(roads, TGV_LEG_UDP4)) {
        if (p->same_lan)
            direct |= TGV_DIRECT_LAN;
        else if (nats_let_through(a->nat, b->nat))
            direct |= TGV_DIRECT_P2P4;
    }
    if (a->ipv6 && b->ipv6 && has(roads, 0, TGV_LEG_UDP6) &&
        has(roads, 1, TGV_LEG_UDP6))
        direct |= TGV_DIRECT_P2P6;
    return direct;
}

static void legs(const struct tgv_plan *p, struct tgv_roads *roads)
{
    memset(roads, 0, sizeof(*roads));
    for (unsigned n = 0; n < 2; n++)
        for (unsigned r = 0; r < p->relay_count; r++)
            roads->leg[n][r] = (uint8_t)legs_of(&p->host[n], &p->relay[r]);
}

void tgv_roads_before(const struct tgv_plan *p, struct tgv_roads *roads)
{
    legs(p, roads);
    roads->direct = (uint8_t)direct_of(p, roads);
}

void tgv_roads_after(const struct tgv_plan *p, const struct tgv_cut *cut,
                     struct tgv_roads *roads)
{
    struct tgv_plan after = *p;
    struct tgv_roads before;

    tgv_roads_before(p, &before);
    switch (p->mishap) {
    case TGV_MISHAP_ROAD_DIES:
        *roads = before;
        roads->direct &= (uint8_t)~cut->direct;
        roads->leg[cut->host][cut->relay] &= (uint8_t)~cut->leg;
        break;
    case TGV_MISHAP_ADDRESS: /* moved away, a new search finds what there is */
        if (p->change == TGV_CHANGE_INTERFACE)
            after.same_lan = false;
        tgv_roads_before(&after, roads);
        break;
    case TGV_MISHAP_RELAY:
        after.relay[p->mishap_relay].udp = false;
        after.relay[p->mishap_relay].tcp = false;
        legs(&after, roads);
        roads->direct = before.direct;
        break;
    case TGV_MISHAP_UDP_BLOCKED: /* at the gateway: a LAN goes on */
        after.host[p->mishap_side].udp = TGV_UDP_BLOCKED;
        legs(&after, roads);
        roads->direct = before.direct & TGV_DIRECT_LAN;
        break;
    case TGV_MISHAP_COUNT:
        break;
    }
}

bool tgv_roads_meet(const struct tgv_roads *roads)
{
    for (unsigned r = 0; r < TGV_PLAN_RELAYS; r++)
        if (roads->leg[0][r] && roads->leg[1][r])
            return true;
    return false;
}

bool tgv_roads_any(const struct tgv_roads *roads)
{
    return roads->direct || tgv_roads_meet(roads);
}

static unsigned bits(unsigned v)
{
    unsigned n = 0;

    for (; v; v &= v - 1)
        n++;
    return n;
}

unsigned tgv_roads_count(const struct tgv_roads *roads)
{
    unsigned n = bits(roads->direct);

    for (unsigned r = 0; r < TGV_PLAN_RELAYS; r++)
        n += bits(roads->leg[0][r]) * bits(roads->leg[1][r]);
    return n;
}

bool tgv_roads_udp(const struct tgv_roads *roads)
{
    for (unsigned r = 0; r < TGV_PLAN_RELAYS; r++)
        if ((roads->leg[0][r] & TGV_LEGS_UDP) &&
            (roads->leg[1][r] & TGV_LEGS_UDP))
            return true;
    return false;
}

static tgv_time least(tgv_time a, tgv_time b)
{
    return a == 0 || b < a ? b : a;
}

tgv_time tgv_roads_rtt(const struct tgv_plan *p, const struct tgv_roads *roads,
                       bool udp)
{
    unsigned which = udp ? TGV_LEGS_UDP : TGV_LEGS_UDP | TGV_LEGS_TCP;
    tgv_time best = 0;

    for (unsigned r = 0; r < p->relay_count; r++) {
        tgv_time way = 0;
        if (!(roads->leg[0][r] & which) || !(roads->leg[1][r] & which))
            continue;
        for (unsigned n = 0; n < 2; n++)
            way += p->relay[r].delay[n] +
                   (proxied(&p->host[n]) ? p->host[n].proxy_delay : 0);
        best = least(best, 2 * way);
    }
    if (roads->direct & (TGV_DIRECT_P2P4 | TGV_DIRECT_P2P6))
        best = least(best, 2 * p->direct_delay);
    if (roads->direct & TGV_DIRECT_LAN)
        best = least(best, LAN_RTT);
    return best;
}
