/* SPDX-License-Identifier: MIT */
/*
 * IPv4 relays from a network that has IPv6 only: its gateway translates
 * addresses under a prefix, which a well-known name betrays.
 * Source: wire specification 1.8; RFC 7050
 */
#include "legacy/internal.h"

#include <string.h>

#define NAME "ipv4only.arpa"
#define PREFIX 12

static bool speaks_ipv6(const struct tgv_call *c)
{
    for (unsigned i = 0; i < c->direct.local_count; i++) {
        const struct tgv_addr *a = &c->direct.local[i];
        bool link_local = a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
        if (a->family == TGV_AF_IPV6 && !link_local)
            return true;
    }
    return false;
}

/* No query where no gateway could be behind the answer, nor outside a proxy
 * (ENG-64). */
static bool wanted(const struct tgv_call *c)
{
    if (tgv_proxy_on(c) || !speaks_ipv6(c))
        return false;
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (!p->gone && p->addr.family == TGV_AF_IPV4 &&
            !tgv_addr_is_loopback(&p->addr))
            return true;
    }
    return false;
}

void tgv_nat64_network(struct tgv_call *c, tgv_time now)
{
    if (!tgv_call_live(c) || !c->direct.local_known || !wanted(c))
        return;
    for (unsigned i = 0; i < c->paths.count; i++)
        if (!tgv_direct_reaches(c, &c->paths.list[i].addr))
            tgv_nat64_resolve(c);
    tgv_timers_nat64(c, !c->nat64.lookup, now);
}

void tgv_nat64_resolve(struct tgv_call *c)
{
    if (!c->nat64.lookup && !c->nat64.on && wanted(c))
        c->nat64.lookup = tgv_socket_resolve(c, NAME);
}

void tgv_nat64_forget(struct tgv_call *c)
{
    c->nat64.on = false;
    tgv_socket_close(c, c->nat64.lookup);
    c->nat64.lookup = 0;
}

static bool ends_in(const struct tgv_addr *a, uint8_t last)
{
    const uint8_t known[4] = {192, 0, 0, last};

    return a->family == TGV_AF_IPV6 && memcmp(a->ip + PREFIX, known, 4) == 0;
}

static bool paired(const struct tgv_io_event *ev, unsigned i)
{
    for (unsigned k = 0; k < ev->addr_count; k++)
        if (ends_in(&ev->addrs[k], 171) &&
            memcmp(ev->addrs[k].ip, ev->addrs[i].ip, PREFIX) == 0)
            return true;
    return false;
}

bool tgv_nat64_event(struct tgv_call *c, const struct tgv_io_event *ev)
{
    struct tgv_nat64 *n = &c->nat64;

    if (n->lookup == 0 || ev->sock != n->lookup)
        return false;
    n->lookup = 0;
    for (unsigned i = 0; i < ev->addr_count && !n->on; i++) {
        if (!ends_in(&ev->addrs[i], 170) || !paired(ev, i))
            continue;
        memcpy(n->prefix, ev->addrs[i].ip, PREFIX);
        n->on = true;
    }
    return true;
}

struct tgv_addr tgv_nat64_out(const struct tgv_call *c,
                              const struct tgv_addr *to)
{
    uint8_t ip[16];

    if (!c->nat64.on || to->family != TGV_AF_IPV4 || tgv_addr_is_loopback(to))
        return *to;
    memcpy(ip, c->nat64.prefix, PREFIX);
    memcpy(ip + PREFIX, to->ip, 4);
    return tgv_addr_ipv6(ip, to->port);
}

void tgv_nat64_heard(struct tgv_call *c, const struct tgv_addr *from)
{
    if (from->family != TGV_AF_IPV4)
        return;
    tgv_timers_nat64(c, false, 0);
    c->nat64.on = false; /* IPv4 itself works */
}

struct tgv_addr tgv_nat64_in(const struct tgv_call *c,
                             const struct tgv_addr *from)
{
    if (!c->nat64.on || from->family != TGV_AF_IPV6 ||
        memcmp(from->ip, c->nat64.prefix, PREFIX) != 0)
        return *from;
    return tgv_addr_ipv4(from->ip + PREFIX, from->port);
}
