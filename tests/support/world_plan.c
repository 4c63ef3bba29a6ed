/* SPDX-License-Identifier: MIT */
#include "support/world_plan.h"

#include "base/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RTT_MIN_MS 20
#define RTT_MAX_MS 400
#define LOSS_MAX 0.10
/* When a mishap may come; where a direct road may be all that is left, not
 * before that can be found. */
#define SOONEST TGV_MS(500)
#define FOUND_AFTER TGV_S(5)
#define LATEST TGV_S(8)

static bool chance(struct tgv_prng *g, unsigned percent)
{
    return tgv_prng_below(g, 100) < percent;
}

static tgv_time between(struct tgv_prng *g, tgv_time low, tgv_time high)
{
    return low + (tgv_time)(tgv_prng_unit(g) * (double)(high - low));
}

static enum tgv_nat_kind draw_nat(struct tgv_prng *g)
{
    unsigned n = tgv_prng_below(g, 100);

    if (n < 15)
        return TGV_NAT_NONE;
    if (n < 40)
        return TGV_NAT_CONE;
    return n < 75 ? TGV_NAT_RESTRICTED : TGV_NAT_SYMMETRIC;
}

static void draw_proxy(struct tgv_prng *g, struct tgv_host_plan *h)
{
    static const struct {
        unsigned below;
        enum tgv_proxy_kind kind;
    } kinds[] = {{46, TGV_PROXY_FULL},
                 {74, TGV_PROXY_TCP},
                 {88, TGV_PROXY_UDP_SILENT},
                 {94, TGV_PROXY_BAD_LOGIN},
                 {100, TGV_PROXY_DEAD}};
    unsigned n = tgv_prng_below(g, 100), i = 0;

    while (n >= kinds[i].below)
        i++;
    h->proxy = kinds[i].kind;
    h->proxy_named = chance(g, 50);
    h->proxy_login = chance(g, 50) || h->proxy == TGV_PROXY_BAD_LOGIN;
    h->proxy_delay = between(g, TGV_MS(1), TGV_MS(20));
}

static void draw_host(struct tgv_prng *g, struct tgv_host_plan *h)
{
    unsigned n;

    h->ipv4 = chance(g, 88);
    h->ipv6 = chance(g, 45);
    if (!h->ipv4 && !h->ipv6)
        h->ipv4 = true;
    h->nat = draw_nat(g);
    n = tgv_prng_below(g, 100);
    h->udp = n < 60 ? TGV_UDP_OPEN : n < 85 ? TGV_UDP_LOSSY : TGV_UDP_BLOCKED;
    if (h->udp == TGV_UDP_LOSSY)
        h->loss = LOSS_MAX * tgv_prng_unit(g);
    h->tcp = chance(g, 85);
    h->tcp_reset = chance(g, 50);
    if (chance(g, 12))
        draw_proxy(g, h);
    h->allow_p2p = chance(g, 80);
    h->nat_timeout = between(g, TGV_S(15), TGV_S(60));
}

static void draw_relay(struct tgv_prng *g, struct tgv_relay_plan *r)
{
    tgv_time rtt = between(g, TGV_MS(RTT_MIN_MS), TGV_MS(RTT_MAX_MS));
    unsigned n = tgv_prng_below(g, 100);

    r->udp = n >= 24;
    r->tcp = n >= 18 && n < 90;
    r->reset = chance(g, 50);
    r->ipv6 = chance(g, 50);
    r->delay[0] = rtt / 2 * (20 + tgv_prng_below(g, 61)) / 100;
    r->delay[1] = rtt / 2 - r->delay[0];
}

static void draw_mishap(struct tgv_prng *g, struct tgv_plan *p)
{
    const struct tgv_host_plan *h;

    p->mishap = (enum tgv_mishap)tgv_prng_below(g, TGV_MISHAP_COUNT);
    p->mishap_side = tgv_prng_below(g, 2);
    p->mishap_relay = tgv_prng_below(g, p->relay_count);
    p->mishap_after = between(g, FOUND_AFTER, LATEST);
    if (p->mishap == TGV_MISHAP_ADDRESS ||
        (p->mishap == TGV_MISHAP_UDP_BLOCKED && !p->same_lan))
        p->mishap_after = between(g, SOONEST, LATEST);
    p->mishap_length = between(g, TGV_S(3), TGV_S(5));
    p->mishap_reset = chance(g, 50);
    p->change = (enum tgv_address_change)tgv_prng_below(g, 3);
    h = &p->host[p->mishap_side];
    if (!h->ipv4 || h->nat == TGV_NAT_NONE)
        p->change = TGV_CHANGE_INTERFACE; /* there is no box to change */
}

/* One way for each host to one relay, and nothing beside it. */
static void narrow(struct tgv_prng *g, struct tgv_plan *p)
{
    struct tgv_relay_plan *r = &p->relay[0];

    p->host[tgv_prng_below(g, 2)].allow_p2p = false;
    for (unsigned i = 1; i < p->relay_count; i++)
        p->relay[i].udp = p->relay[i].tcp = false;
    p->mishap_relay = tgv_prng_below(g, p->relay_count);
    r->udp = r->tcp = true;
    for (int n = 0; n < 2; n++) {
        struct tgv_host_plan *h = &p->host[n];
        if (h->proxy == TGV_PROXY_NONE && h->ipv4)
            h->ipv6 = h->ipv6 && !r->ipv6;
        if (h->proxy == TGV_PROXY_NONE && !h->ipv4)
            r->ipv6 = true; /* the other has lost IPv6, or is like this one */
        if (h->udp == TGV_UDP_BLOCKED || h->proxy > TGV_PROXY_FULL)
            h->tcp = true;
        else if (h->proxy == TGV_PROXY_FULL || chance(g, 30))
            h->udp = TGV_UDP_BLOCKED, h->tcp = true;
        else
            h->tcp = false;
    }
}

static void lan(struct tgv_prng *g, struct tgv_plan *p)
{
    for (int n = 0; n < 2; n++) {
        p->host[n].ipv4 = true;
        if (p->host[n].nat == TGV_NAT_NONE)
            p->host[n].nat = (enum tgv_nat_kind)(1 + tgv_prng_below(g, 3));
    }
    p->host[1].nat = p->host[0].nat;
    p->host[1].nat_timeout = p->host[0].nat_timeout;
    p->same_lan = true;
}

void tgv_plan_draw(struct tgv_plan *p, uint64_t seed)
{
    struct tgv_prng g;

    memset(p, 0, sizeof(*p));
    tgv_prng_init(&g, seed ^ 0x20ad);
    p->seed = seed;
    draw_host(&g, &p->host[0]);
    draw_host(&g, &p->host[1]);
    if (chance(&g, 12))
        lan(&g, p);
    p->relay_count = 1 + tgv_prng_below(&g, TGV_PLAN_RELAYS);
    for (unsigned i = 0; i < p->relay_count; i++)
        draw_relay(&g, &p->relay[i]);
    for (unsigned i = 0; i < p->relay_count && p->same_lan; i++) {
        tgv_time *delay = p->relay[i].delay; /* it is one way for both */
        delay[0] = delay[1] = (delay[0] + delay[1]) / 2;
    }
    p->tcp_listed = chance(&g, 30);
    p->direct_delay = between(&g, TGV_MS(RTT_MIN_MS), TGV_MS(RTT_MAX_MS)) / 2;
    p->skew = between(&g, -TGV_MS(1500), TGV_MS(1500));
    draw_mishap(&g, p);
    if (chance(&g, 40))
        narrow(&g, p);
    for (int n = 0; n < 2; n++)
        p->host[n].long_frames = chance(&g, 25);
}

/* -- in words ---------------------------------------------------------------- */

const char *tgv_nat_kind_str(enum tgv_nat_kind kind)
{
    static const char *const names[] = {"public", "cone", "restricted",
                                        "symmetric"};

    return names[kind];
}

const char *tgv_udp_kind_str(enum tgv_udp_kind kind)
{
    static const char *const names[] = {"open", "lossy", "blocked"};

    return names[kind];
}

const char *tgv_proxy_kind_str(enum tgv_proxy_kind kind)
{
    static const char *const names[] = {"none",       "full",      "tcp",
                                        "udp-silent", "bad-login", "dead"};

    return names[kind];
}

const char *tgv_mishap_str(const struct tgv_plan *p)
{
    static const char *const changes[] = {"new ports", "new public address",
                                          "new interface"};

    switch (p->mishap) {
    case TGV_MISHAP_ROAD_DIES:
        return "road dies";
    case TGV_MISHAP_ADDRESS:
        return changes[p->change];
    case TGV_MISHAP_RELAY:
        return "relay killed";
    case TGV_MISHAP_UDP_BLOCKED:
        return "udp blocked";
    case TGV_MISHAP_COUNT:
        break;
    }
    return "?";
}

struct line {
    char *text;
    size_t cap, used;
};

/* What does not fit is cut. */
static void say(struct line *l, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct line *l, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(l->text + l->used, l->cap - l->used, format, args);
    va_end(args);
    if (n > 0)
        l->used += (size_t)n;
    if (l->used >= l->cap)
        l->used = l->cap - 1;
}

static void say_host(struct line *l, const struct tgv_host_plan *h)
{
    say(l, "%s%s%s nat %s, udp %s", h->ipv4 ? "4" : "", h->ipv6 ? "6" : "",
        h->allow_p2p ? " p2p" : "", tgv_nat_kind_str(h->nat),
        tgv_udp_kind_str(h->udp));
    if (h->long_frames)
        say(l, ", 60 ms");
    if (h->loss > 0)
        say(l, " %.1f%%", h->loss * 100);
    say(l, ", tcp %s", h->tcp ? "open" : h->tcp_reset ? "reset" : "silent");
    if (h->proxy != TGV_PROXY_NONE)
        say(l, ", proxy %s", tgv_proxy_kind_str(h->proxy));
}

static int ms(tgv_time us)
{
    return (int)(us / TGV_US_PER_MS);
}

static void say_relay(struct line *l, const struct tgv_relay_plan *r)
{
    say(l, "; relay%s%s%s%s %d ms", r->udp ? " udp" : "", r->tcp ? " tcp" : "",
        r->udp || r->tcp ? "" : " dead", r->ipv6 ? " 6" : "",
        ms(2 * (r->delay[0] + r->delay[1])));
}

const char *tgv_plan_describe(const struct tgv_plan *p, char *text, size_t cap)
{
    struct line l = {.text = text, .cap = cap};

    say(&l, "A ");
    say_host(&l, &p->host[0]);
    say(&l, "; B ");
    say_host(&l, &p->host[1]);
    if (p->same_lan)
        say(&l, "; same LAN");
    for (unsigned i = 0; i < p->relay_count; i++)
        say_relay(&l, &p->relay[i]);
    say(&l, "%s; direct %d ms; skew %d ms", p->tcp_listed ? "; tcp listed" : "",
        ms(2 * p->direct_delay), ms(p->skew));
    say(&l, "; %s at %c (relay %u) after %d ms%s", tgv_mishap_str(p),
        'A' + (int)p->mishap_side, p->mishap_relay, ms(p->mishap_after),
        p->mishap_reset ? ", resets" : "");
    return text;
}
