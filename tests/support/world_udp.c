/* SPDX-License-Identifier: MIT */
/*
 * The way of a datagram: out through a NAT box or a firewall, along a path,
 * in again. What is refused on the way is dropped without a word.
 */
#include "support/world_impl.h"

#include <stdio.h>
#include <string.h>

#define LAN_DELAY TGV_MS(1)
#define JITTER_US 3000

/* -- addresses ------------------------------------------------------------------ */

struct tgv_addr world_relay_addr(unsigned relay, uint8_t family)
{
    char text[TGV_ADDR_TEXT];

    snprintf(text, sizeof(text),
             family == TGV_AF_IPV6 ? "[2001:db8:100::%u]:%u"
                                   : "198.51.100.%u:%u",
             relay + 1, WORLD_RELAY_PORT);
    return world_parse(text);
}

int world_relay_at(const struct tgv_world *w, const struct tgv_addr *a)
{
    for (unsigned r = 0; r < w->plan.relay_count; r++) {
        struct tgv_addr addr = world_relay_addr(r, a->family);
        if ((a->family == TGV_AF_IPV4 || w->plan.relay[r].ipv6) &&
            tgv_addr_equal(&addr, a))
            return (int)r;
    }
    return -1;
}

struct tgv_addr world_proxy_addr(unsigned n, uint8_t family, uint16_t port)
{
    char text[TGV_ADDR_TEXT];

    snprintf(text, sizeof(text),
             family == TGV_AF_IPV6 ? "[2001:db8:80::%u]:%u" : "192.0.2.%u:%u",
             80 + n, port);
    return world_parse(text);
}

bool world_is_proxy(unsigned n, const struct tgv_addr *a)
{
    struct tgv_addr addr = world_proxy_addr(n, a->family, a->port);

    return tgv_addr_same_ip(&addr, a);
}

static bool is_private(const struct tgv_addr *a)
{
    return a->family == TGV_AF_IPV4 && a->ip[0] == 192 && a->ip[1] == 168;
}

/* -- NAT boxes -------------------------------------------------------------------- */

static bool alive(const struct tgv_world *w, const struct world_nat *nat,
                  const struct world_map *m)
{
    return w->now - m->used < nat->timeout;
}

static struct world_map *new_map(struct world_nat *nat)
{
    struct world_map *oldest = &nat->maps[0];

    if (nat->count < WORLD_MAPS)
        return &nat->maps[nat->count++];
    for (unsigned i = 1; i < WORLD_MAPS; i++)
        if (nat->maps[i].used < oldest->used)
            oldest = &nat->maps[i];
    return oldest;
}

static uint16_t map_port(const struct tgv_world *w, struct world_nat *nat,
                         const struct tgv_addr *in)
{
    if (nat->firewall)
        return in->port;
    if (nat->kind != TGV_NAT_SYMMETRIC)
        for (unsigned i = 0; i < nat->count; i++)
            if (alive(w, nat, &nat->maps[i]) &&
                tgv_addr_equal(&nat->maps[i].in, in))
                return nat->maps[i].port;
    nat->next_port = (uint16_t)(nat->next_port + 7);
    return nat->next_port;
}

static struct tgv_addr nat_out(struct tgv_world *w, struct world_nat *nat,
                               const struct tgv_addr *in,
                               const struct tgv_addr *to)
{
    struct tgv_addr outside = nat->firewall ? *in : nat->outside;
    struct world_map *m = NULL;

    for (unsigned i = 0; i < nat->count && !m; i++)
        if (alive(w, nat, &nat->maps[i]) &&
            tgv_addr_equal(&nat->maps[i].in, in) &&
            tgv_addr_equal(&nat->maps[i].to, to))
            m = &nat->maps[i];
    if (!m) {
        uint16_t port = map_port(w, nat, in);
        m = new_map(nat);
        *m = (struct world_map){.in = *in, .to = *to, .port = port};
    }
    m->used = w->now;
    outside.port = m->port;
    return outside;
}

static bool nat_in(const struct tgv_world *w, const struct world_nat *nat,
                   uint16_t port, const struct tgv_addr *from,
                   struct tgv_addr *in)
{
    for (unsigned i = 0; i < nat->count; i++) {
        const struct world_map *m = &nat->maps[i];
        if (m->port != port || !alive(w, nat, m))
            continue;
        if (nat->kind != TGV_NAT_CONE && !tgv_addr_equal(&m->to, from))
            continue;
        *in = m->in;
        return true;
    }
    return false;
}

static bool behind_nat(const struct world_side *d)
{
    return d->plan->nat != TGV_NAT_NONE;
}

struct tgv_addr world_outside(const struct tgv_world *w, unsigned n,
                              uint8_t family)
{
    const struct world_side *d = &w->side[n];

    if (family == TGV_AF_IPV6)
        return d->ip6;
    return behind_nat(d) && d->plan->ipv4 ? d->nat->outside : d->ip4;
}

static void init_nat(struct tgv_world *w, unsigned i)
{
    const struct tgv_host_plan *h = &w->plan.host[i % 2];
    char text[TGV_ADDR_TEXT];

    snprintf(text, sizeof(text), "203.0.113.%u:0", 20 + 10 * i);
    w->nat[i] = (struct world_nat){.kind = h->nat,
                                   .timeout = h->nat_timeout,
                                   .outside = world_parse(text)};
    w->nat[i].next_port = (uint16_t)(40000 + 2000 * i);
}

static void set_addresses(struct tgv_world *w, unsigned n)
{
    struct world_side *d = &w->side[n];
    const struct tgv_host_plan *h = d->plan;
    unsigned net = d->moved ? n + 2 : n;
    unsigned lan = w->plan.same_lan && !d->moved ? 0 : net;
    char text[TGV_ADDR_TEXT];

    d->nat = &w->nat[lan];
    memset(&d->ip4, 0, sizeof(d->ip4));
    memset(&d->ip6, 0, sizeof(d->ip6));
    if (h->nat == TGV_NAT_NONE)
        snprintf(text, sizeof(text), "203.0.113.%u:0", 5 + net);
    else
        snprintf(text, sizeof(text), "192.168.%u.%u:0", 10 + lan, 2 + n);
    if (h->ipv4)
        d->ip4 = world_parse(text);
    snprintf(text, sizeof(text), "[2001:db8:a%u::2]:0", net);
    if (h->ipv6)
        d->ip6 = world_parse(text);
    d->firewall = (struct world_nat){.kind = TGV_NAT_RESTRICTED,
                                     .firewall = true,
                                     .timeout = h->nat_timeout};
}

void world_udp_init(struct tgv_world *w)
{
    for (unsigned i = 0; i < 4; i++)
        init_nat(w, i);
    for (unsigned n = 0; n < 2; n++)
        set_addresses(w, n);
}

void world_udp_change(struct tgv_world *w, unsigned n)
{
    struct world_nat *nat = w->side[n].nat;

    if (w->plan.change == TGV_CHANGE_INTERFACE) {
        w->side[n].moved = true;
        set_addresses(w, n);
        return;
    }
    nat->count = 0;
    nat->next_port = (uint16_t)(nat->next_port + 500);
    if (w->plan.change == TGV_CHANGE_PUBLIC)
        nat->outside.ip[3]++;
}

/* -- paths ------------------------------------------------------------------------ */

bool world_lose(struct tgv_world *w, double loss)
{
    return loss > 0 && tgv_prng_unit(&w->prng) < loss;
}

bool world_is_cut(const struct tgv_world *w, unsigned n, unsigned relay,
                  uint8_t leg)
{
    return w->cut_made && w->cut.leg == leg && w->cut.host == n &&
           w->cut.relay == relay;
}

static uint8_t udp_leg(const struct tgv_addr *a)
{
    return a->family == TGV_AF_IPV6 ? TGV_LEG_UDP6 : TGV_LEG_UDP4;
}

/* Nothing passes the gateway, or the datagram gets lost there. */
static bool stopped(struct tgv_world *w, unsigned n)
{
    const struct world_side *d = &w->side[n];

    return d->udp_blocked || d->plan->udp == TGV_UDP_BLOCKED ||
           world_lose(w, d->plan->loss);
}

void world_udp_post(struct tgv_world *w, const struct tgv_addr *from,
                    const struct tgv_addr *to, const uint8_t *pkt, size_t len,
                    tgv_time delay)
{
    tgv_time jitter = (tgv_time)tgv_prng_below(&w->prng, JITTER_US);
    struct world_event *ev =
        world_post(w, w->now + delay + jitter, WORLD_DATAGRAM, 0, pkt, len);

    ev->from = *from;
    ev->to = *to;
}

/* How long it takes from the edge of a side's network to an address; -1 if
 * that is nowhere. */
static tgv_time delay_to(const struct tgv_world *w, unsigned n,
                         const struct tgv_addr *to)
{
    int relay = world_relay_at(w, to);
    struct tgv_addr outside = world_outside(w, 1 - n, to->family);
    struct tgv_addr own = world_outside(w, n, to->family);

    if (relay >= 0)
        return w->plan.relay[relay].delay[n];
    if (world_is_proxy(n, to))
        return w->plan.host[n].proxy_delay;
    if (tgv_addr_same_ip(&own, to))
        return -1; /* no hairpin */
    return tgv_addr_same_ip(&outside, to) ? w->plan.direct_delay : -1;
}

static uint8_t direct_kind(const struct tgv_addr *a)
{
    if (a->family == TGV_AF_IPV6)
        return TGV_DIRECT_P2P6;
    return is_private(a) ? TGV_DIRECT_LAN : TGV_DIRECT_P2P4;
}

/* The relay that a proxied datagram is for. */
static int inner_relay(const struct tgv_world *w, const uint8_t *pkt,
                       size_t len)
{
    struct tgv_addr to;

    if (len < 10 || pkt[3] != 1)
        return -1;
    to = tgv_addr_ipv4(pkt + 4, (uint16_t)(pkt[8] << 8 | pkt[9]));
    return world_relay_at(w, &to);
}

static void note_way(struct tgv_world *w, unsigned n, const struct tgv_addr *to,
                     const uint8_t *pkt, size_t len)
{
    bool proxy = world_is_proxy(n, to);
    int relay = proxy ? inner_relay(w, pkt, len) : world_relay_at(w, to);
    struct tgv_cut *way = &w->side[n].last_way;

    *way = (struct tgv_cut){.host = n};
    if (relay >= 0) {
        way->relay = (unsigned)relay;
        way->leg = proxy ? TGV_LEG_UDP4 : udp_leg(to);
    } else {
        way->direct = direct_kind(to);
    }
}

/* Cut anywhere on the way between a side and that address? */
static bool way_cut(const struct tgv_world *w, unsigned n,
                    const struct tgv_addr *far_end)
{
    int relay = world_relay_at(w, far_end);

    if (!w->cut_made || world_is_proxy(n, far_end))
        return false;
    if (relay >= 0)
        return world_is_cut(w, n, (unsigned)relay, udp_leg(far_end));
    return w->cut.direct == direct_kind(far_end);
}

static bool route_lan(struct tgv_world *w, unsigned n,
                      const struct tgv_addr *to, const uint8_t *pkt, size_t len)
{
    const struct world_side *d = &w->side[n], *other = &w->side[1 - n];
    struct tgv_addr from = d->ip4;

    if (d->nat != other->nat || !tgv_addr_same_ip(&other->ip4, to))
        return false;
    from.port = d->port;
    if (!way_cut(w, n, to))
        world_udp_post(w, &from, to, pkt, len, LAN_DELAY);
    return true;
}

static void route(struct tgv_world *w, unsigned n, const struct tgv_addr *to,
                  const uint8_t *pkt, size_t len)
{
    struct world_side *d = &w->side[n];
    struct tgv_addr from = to->family == TGV_AF_IPV6 ? d->ip6 : d->ip4;
    tgv_time delay;

    if (from.family == TGV_AF_NONE)
        return; /* no route */
    from.port = d->port;
    if (is_private(to) && behind_nat(d)) {
        route_lan(w, n, to, pkt, len);
        return;
    }
    if (stopped(w, n))
        return;
    if (to->family == TGV_AF_IPV6)
        from = nat_out(w, &d->firewall, &from, to);
    else if (behind_nat(d))
        from = nat_out(w, d->nat, &from, to);
    delay = delay_to(w, n, to);
    if (delay >= 0 && !way_cut(w, n, to))
        world_udp_post(w, &from, to, pkt, len, delay);
}

void world_udp_send(struct tgv_world *w, unsigned n, const struct tgv_addr *to,
                    const uint8_t *pkt, size_t len)
{
    char text[TGV_ADDR_TEXT];

    if (w->trace)
        world_note(w, "%c udp -> %s %zu", 'A' + (int)n, world_addr(to, text),
                   len);
    if (w->side[n].plan->proxy != TGV_PROXY_NONE && !world_is_proxy(n, to))
        w->side[n].end.leaks++;
    if (w->side[n].media)
        note_way(w, n, to, pkt, len);
    route(w, n, to, pkt, len);
}

/* -- arrivals --------------------------------------------------------------------- */

void world_relay_out(struct tgv_world *w, unsigned relay,
                     const struct tgv_relay_out *out)
{
    struct tgv_addr from = world_relay_addr(relay, out->to.family);
    tgv_time delay = -1;

    if (out->verdict == TGV_RELAY_DROP)
        return;
    if (out->conn) {
        world_tcp_frame(w, relay, out->conn, out->pkt, out->len);
        return;
    }
    for (unsigned n = 0; n < 2; n++) {
        struct tgv_addr outside = world_outside(w, n, out->to.family);
        if (tgv_addr_same_ip(&outside, &out->to) ||
            (w->plan.host[n].proxy != TGV_PROXY_NONE &&
             world_is_proxy(n, &out->to)))
            delay = w->plan.relay[relay].delay[n];
    }
    if (delay >= 0)
        world_udp_post(w, &from, &out->to, out->pkt, out->len, delay);
}

static void at_relay(struct tgv_world *w, unsigned relay,
                     struct world_event *ev)
{
    struct tgv_relay_out out;

    if (!w->relay_udp[relay])
        return;
    tgv_relay_receive(w->relay[relay], &ev->from, ev->data, ev->len, w->now,
                      &out);
    world_relay_out(w, relay, &out);
}

/* Is the datagram let in, and for which port? */
static bool let_in(struct tgv_world *w, unsigned n,
                   const struct world_event *ev, struct tgv_addr *in)
{
    struct world_side *d = &w->side[n];
    struct tgv_addr outside = world_outside(w, n, ev->to.family);

    *in = ev->to;
    if (is_private(&ev->to)) /* from the LAN */
        return tgv_addr_same_ip(&d->ip4, &ev->to);
    if (!tgv_addr_same_ip(&outside, &ev->to))
        return false;
    if (ev->to.family == TGV_AF_IPV6)
        return nat_in(w, &d->firewall, ev->to.port, &ev->from, in);
    if (!behind_nat(d))
        return true;
    return nat_in(w, d->nat, ev->to.port, &ev->from, in) &&
           tgv_addr_same_ip(&d->ip4, in);
}

static void deliver(struct tgv_world *w, unsigned n,
                    const struct world_event *ev)
{
    struct world_side *d = &w->side[n];
    char text[TGV_ADDR_TEXT];

    if (w->trace)
        world_note(w, "%c udp <- %s %zu", 'A' + (int)n,
                   world_addr(&ev->from, text), ev->len);
    tgv_call_receive(d->call, d->sock, &ev->from, ev->data, ev->len, w->now);
    world_perform(w, n);
}

void world_udp_arrive(struct tgv_world *w, const struct world_event *ev)
{
    int relay = world_relay_at(w, &ev->to);

    if (relay >= 0) {
        at_relay(w, (unsigned)relay, (struct world_event *)ev);
        return;
    }
    for (unsigned n = 0; n < 2; n++) {
        struct world_side *d = &w->side[n];
        struct tgv_addr in;
        if (d->plan->proxy != TGV_PROXY_NONE && world_is_proxy(n, &ev->to)) {
            world_proxy_datagram(w, n, ev);
            return;
        }
        if (!let_in(w, n, ev, &in))
            continue;
        if (d->sock && in.port == d->port && !way_cut(w, n, &ev->from) &&
            (is_private(&ev->to) || !stopped(w, n)))
            deliver(w, n, ev);
        return;
    }
}
