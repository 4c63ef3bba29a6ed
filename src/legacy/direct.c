/* SPDX-License-Identifier: MIT */
/*
 * Direct roads: the peer's public address through a relay, its address in the
 * same network, and IPv6; and what a changed network does to all roads.
 *
 * Relays' messages are not authenticated, and an authenticated peer may name
 * any address: nothing but pings goes to an address before it has answered one.
 * Source: wire specification 1.4, 6.6, 7.4..7.7, 9.3; ENG-23, 24, 31, 64
 */
#include "legacy/internal.h"

#include <string.h>

#define ROUNDS_MAX 10
#define ROUND_LAST TGV_S(5)
#define ROUND_LEAST TGV_MS(500) /* a relay answers ten a second */
#define LAN_RETRY TGV_MS(500)
#define LAN_TIMEOUT TGV_S(10)
#define STRANGERS_EACH 50u /* trials a second, of a source */
#define STRANGERS_ALL 500u
#define DERIVED_ID(a, b, c, d)                                                 \
    ((int64_t)((uint64_t)(a) << 56 | (uint64_t)(b) << 48 |                     \
               (uint64_t)(c) << 40 | (uint64_t)(d) << 32))

/* From one request for peer info to the next; the last value repeats. */
static const tgv_time round_gaps[] = {TGV_MS(500), TGV_S(1), TGV_S(2),
                                      ROUND_LAST};
#define ROUND_GAPS (sizeof(round_gaps) / sizeof(round_gaps[0]))

void tgv_direct_init(struct tgv_call *c)
{
    c->direct.ask_at = TGV_NEVER;
    c->direct.asked_at = -1;
}

/* -- addresses -------------------------------------------------------------- */

static bool link_local(const struct tgv_addr *a)
{
    return a->ip[0] == 169 && a->ip[1] == 254;
}

/* Wire specification 7.7: what is left of IPv6 without these is global. */
static bool global_ipv6(const struct tgv_addr *a)
{
    return a->family == TGV_AF_IPV6 && (a->ip[0] & 0xe0) == 0x20;
}

static bool own_address(const struct tgv_call *c, const struct tgv_addr *a)
{
    for (unsigned i = 0; i < c->direct.local_count; i++)
        if (tgv_addr_same_ip(&c->direct.local[i], a))
            return true;
    return false;
}

/* Our own socket, or a relay: nobody's direct address. */
static bool not_a_peer(const struct tgv_call *c, const struct tgv_addr *a)
{
    if (a->port == c->udp.local.port && own_address(c, a))
        return true;
    for (unsigned i = 0; i < c->paths.count; i++)
        if (tgv_path_is_relay(&c->paths.list[i]) &&
            (tgv_addr_equal(&c->paths.list[i].addr, a) ||
             tgv_addr_equal(&c->paths.list[i].ipv6, a)))
            return true;
    return false;
}

/* The last one; family NONE if there is none. */
static struct tgv_addr own_lan(const struct tgv_call *c)
{
    struct tgv_addr found = {.family = TGV_AF_NONE};

    for (unsigned i = 0; i < c->direct.local_count; i++) {
        const struct tgv_addr *a = &c->direct.local[i];
        if (a->family == TGV_AF_IPV4 && !link_local(a) &&
            !tgv_addr_is_loopback(a))
            found = *a;
    }
    found.port = c->udp.local.port;
    return found;
}

static bool own_global_ipv6(const struct tgv_call *c)
{
    for (unsigned i = 0; i < c->direct.local_count; i++)
        if (global_ipv6(&c->direct.local[i]))
            return true;
    return false;
}

bool tgv_direct_reaches(const struct tgv_call *c, const struct tgv_addr *to)
{
    if (to->family != TGV_AF_IPV4 || tgv_addr_is_loopback(to) || c->nat64.on ||
        tgv_proxy_on(c)) /* that has addresses of its own */
        return true;
    return own_lan(c).family == TGV_AF_IPV4 || !own_global_ipv6(c);
}

/* -- roads ------------------------------------------------------------------ */

static bool may(const struct tgv_call *c)
{
    return c->allow_p2p && c->hs.ready && tgv_call_live(c);
}

static int64_t id_of(enum tgv_path_type type, uint8_t family)
{
    if (type == TGV_PATH_P2P_LAN)
        return DERIVED_ID('L', 'A', 'N', '4');
    return family == TGV_AF_IPV4 ? DERIVED_ID('P', '2', 'P', '4')
                                 : DERIVED_ID('P', '2', 'P', '6');
}

static void drop_road(struct tgv_call *c, enum tgv_path_type type,
                      uint8_t family, tgv_time now)
{
    const struct tgv_path *p = tgv_paths_direct(c, type, family);

    if (p)
        tgv_paths_remove(c, tgv_paths_index(c, p), "network", now);
}

/* Make it, or replace it if its address is another one; measure it. */
static void set_road(struct tgv_call *c, enum tgv_path_type type,
                     const struct tgv_addr *addr, tgv_time now)
{
    struct tgv_path *p = tgv_paths_direct(c, type, addr->family);

    if (p && !tgv_addr_equal(&p->addr, addr)) {
        drop_road(c, type, addr->family, now);
        p = NULL;
    }
    if (!p) {
        p = tgv_paths_add(c, type, TGV_ORIGIN_PEER);
        if (!p)
            return;
        p->id = id_of(type, addr->family);
        p->addr = *addr;
    }
    tgv_choice_measure(c, tgv_paths_index(c, p), now);
}

/* The roads that the peer told of, as far as they may be used. */
static void use_what_is_known(struct tgv_call *c, tgv_time now)
{
    const struct tgv_direct *d = &c->direct;

    if (may(c) && d->same_nat && d->lan.family != TGV_AF_NONE)
        set_road(c, TGV_PATH_P2P_LAN, &d->lan, now);
    else
        drop_road(c, TGV_PATH_P2P_LAN, TGV_AF_IPV4, now);
    if (may(c) && d->ipv6.family != TGV_AF_NONE &&
        (!d->local_known || own_global_ipv6(c)))
        set_road(c, TGV_PATH_P2P_INET, &d->ipv6, now);
    else
        drop_road(c, TGV_PATH_P2P_INET, TGV_AF_IPV6, now);
}

static void measure_again(struct tgv_call *c, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        if (!c->paths.list[i].gone && !tgv_path_is_relay(&c->paths.list[i]))
            tgv_choice_measure(c, i, now);
}

static void leave_direct(struct tgv_call *c, const char *reason, tgv_time now)
{
    if (!tgv_path_is_relay(&c->paths.list[c->paths.current]))
        tgv_paths_leave(c, c->paths.current, reason, now);
}

/* -- peer info ----------------------------------------------------------------- */

static bool ask_relays(struct tgv_call *c)
{
    bool any = false;

    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        struct tgv_item item = {.kind = TGV_ITEM_PEER_REQUEST,
                                .path = (uint8_t)i};
        if (p->type != TGV_PATH_UDP_RELAY || p->addr.family != TGV_AF_IPV4 ||
            !tgv_path_open(c, i))
            continue;
        tgv_send_item(c, &item);
        any = true;
    }
    return any;
}

/* While UDP cannot be used the round waits. */
static void ask_round(struct tgv_call *c, tgv_time now)
{
    struct tgv_direct *d = &c->direct;

    if (d->asked == ROUNDS_MAX) {
        d->ask_at = TGV_NEVER; /* nobody answered */
        d->asked = 0;
        return;
    }
    if (!ask_relays(c))
        return;
    d->ask_at =
        now + round_gaps[d->asked < ROUND_GAPS ? d->asked : ROUND_GAPS - 1];
    d->asked++;
    d->asked_at = now;
}

void tgv_direct_ask(struct tgv_call *c, tgv_time now)
{
    struct tgv_direct *d = &c->direct;

    if (!may(c))
        return;
    d->asked = 0;
    d->ask_at = now;
    if (d->asked_at >= 0 && now - d->asked_at < ROUND_LEAST)
        d->ask_at = d->asked_at + ROUND_LEAST;
    else
        ask_round(c, now);
}

/* Who can write to our socket in the relay's name can write this. */
static bool plausible(const struct tgv_call *c, const struct tgv_path *relay,
                      const struct tgv_control *m)
{
    if (!tgv_addr_usable(&m->self) || !tgv_addr_usable(&m->peer) ||
        tgv_addr_equal(&m->self, &m->peer))
        return false;
    if (tgv_addr_is_loopback(&m->peer) && !tgv_addr_is_loopback(&relay->addr))
        return false;
    return !not_a_peer(c, &m->peer);
}

static void tell_lan(struct tgv_call *c, tgv_time now)
{
    struct tgv_addr own = own_lan(c);
    uint8_t body[8];
    size_t len;

    if (own.family != TGV_AF_IPV4 || own.port == 0)
        return;
    len = tgv_lan_endpoint_encode(own.ip, own.port, body);
    if (c->hs.peer_version >= TGV_PV_EXTRAS)
        tgv_extras_set(&c->extras, TGV_EXTRA_LAN_ENDPOINT, body, len, false);
    else
        tgv_reliable_send(c, TGV_PKT_LAN_ENDPOINT, body, len, LAN_RETRY,
                          LAN_TIMEOUT, now);
}

void tgv_direct_peer_info(struct tgv_call *c, unsigned path,
                          const struct tgv_control *m, tgv_time now)
{
    struct tgv_direct *d = &c->direct;
    const struct tgv_path *relay = &c->paths.list[path];

    if (!may(c) || d->asked == 0 || relay->type != TGV_PATH_UDP_RELAY) {
        c->counters.unsolicited++;
        return;
    }
    if (m->kind != TGV_CONTROL_PEER_INFO || !plausible(c, relay, m)) {
        c->counters.ignored++;
        return;
    }
    d->ask_at = TGV_NEVER; /* the first answer is the one that counts */
    d->asked = 0;
    d->same_nat = tgv_addr_same_ip(&m->self, &m->peer);
    set_road(c, TGV_PATH_P2P_INET, &m->peer, now);
    if (d->same_nat)
        tell_lan(c, now);
    use_what_is_known(c, now);
}

/* -- the same network, and IPv6 ------------------------------------------------- */

void tgv_direct_lan(struct tgv_call *c, const uint8_t ip[4], uint16_t port,
                    tgv_time now)
{
    struct tgv_addr a = tgv_addr_ipv4(ip, port);

    if (!c->allow_p2p || !tgv_addr_usable(&a) || tgv_addr_is_loopback(&a) ||
        link_local(&a) || not_a_peer(c, &a)) {
        c->counters.ignored++;
        return;
    }
    c->direct.lan = a; /* waits for the peer info that says: same network */
    use_what_is_known(c, now);
}

void tgv_direct_ipv6(struct tgv_call *c, const uint8_t ip[16], uint16_t port,
                     tgv_time now)
{
    struct tgv_addr a = tgv_addr_ipv6(ip, port);

    if (!c->allow_p2p || !global_ipv6(&a) || port == 0 || not_a_peer(c, &a)) {
        c->counters.ignored++;
        return;
    }
    c->direct.ipv6 = a;
    use_what_is_known(c, now);
}

static void tell_ipv6(struct tgv_call *c)
{
    struct tgv_direct *d = &c->direct;
    uint8_t body[18];
    size_t len;

    if (d->ipv6_told || d->own_ipv6.family == TGV_AF_NONE || !may(c) ||
        c->udp.local.port == 0 || c->hs.peer_version < TGV_PV_EXTRAS)
        return;
    len = tgv_ipv6_endpoint_encode(d->own_ipv6.ip, c->udp.local.port, body);
    tgv_extras_set(&c->extras, TGV_EXTRA_IPV6_ENDPOINT, body, len, false);
    d->ipv6_told = true;
}

void tgv_direct_self_info(struct tgv_call *c, unsigned path,
                          const struct tgv_control *m, tgv_time now)
{
    const struct tgv_path *p = &c->paths.list[path];

    (void)now;
    if (p->addr.family != TGV_AF_IPV6 || !global_ipv6(&m->self) ||
        !own_address(c, &m->self))
        return;
    c->direct.own_ipv6 = m->self;
    tell_ipv6(c);
}

static bool has_copy(const struct tgv_call *c, const struct tgv_path *relay)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (!p->gone && p->origin == TGV_ORIGIN_IPV6_CLONE &&
            p->id == relay->id)
            return true;
    }
    return false;
}

static void copy_relay(struct tgv_call *c, const struct tgv_path *relay)
{
    struct tgv_path *p = tgv_paths_add(c, relay->type, TGV_ORIGIN_IPV6_CLONE);

    if (!p)
        return;
    p->id = relay->id;
    p->addr = relay->ipv6;
    memcpy(p->tag, relay->tag, sizeof(p->tag));
}

/* Relays with both addresses have a second road while we have IPv6. */
static void ipv6_copies(struct tgv_call *c, tgv_time now)
{
    bool wanted = own_global_ipv6(c);
    unsigned n = c->paths.count;

    for (unsigned i = 0; i < n; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (p->gone)
            continue;
        if (!wanted && p->origin == TGV_ORIGIN_IPV6_CLONE)
            tgv_paths_remove(c, i, "network", now);
        if (wanted && p->origin == TGV_ORIGIN_SERVER &&
            p->ipv6.family == TGV_AF_IPV6 && !has_copy(c, p))
            copy_relay(c, p);
    }
}

/* -- changes ------------------------------------------------------------------- */

void tgv_direct_ready(struct tgv_call *c, tgv_time now)
{
    tgv_direct_ask(c, now);
    tell_ipv6(c);
    use_what_is_known(c, now);
}

/* Wire specification 6.6 */
static void changed(struct tgv_call *c, tgv_time now)
{
    struct tgv_direct *d = &c->direct;

    tgv_log(c->log, TGV_LOG_INFO, ROOM, now, "the network has changed");
    d->same_nat = false;
    d->own_ipv6.family = TGV_AF_NONE;
    d->ipv6_told = false;
    tgv_reach_moved(c, now);
    if (c->paths.list[c->paths.current].type != TGV_PATH_UDP_RELAY)
        tgv_paths_leave(c, c->paths.current, "network", now);
    tgv_paths_forget_rtt(c);
    tgv_direct_ask(c, now);
    use_what_is_known(c, now);
    measure_again(c, now);
    if (tgv_state_talking(c))
        c->measures.handed_over = true;
    tgv_call_tell_network(c, now);
}

static bool same_addresses(const struct tgv_call *c,
                           const struct tgv_addr *addrs, unsigned count)
{
    if (c->direct.local_count != count)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (!own_address(c, &addrs[i]))
            return false;
    return true;
}

void tgv_direct_interfaces(struct tgv_call *c, const struct tgv_io_event *ev,
                           tgv_time now)
{
    bool first = !c->direct.local_known;
    unsigned count =
        ev->addr_count < TGV_IO_ADDRS ? ev->addr_count : TGV_IO_ADDRS;

    if (!first && same_addresses(c, ev->addrs, count))
        return;
    c->direct.local_known = true;
    c->direct.local_count = count;
    memcpy(c->direct.local, ev->addrs, sizeof(c->direct.local));
    if (!tgv_proxy_on(c)) /* ENG-64 */
        ipv6_copies(c, now);
    if (!first)
        tgv_nat64_forget(c);
    tgv_nat64_network(c, now);
    if (!first && tgv_call_live(c))
        changed(c, now);
}

void tgv_direct_network_changed(struct tgv_call *c, tgv_time now)
{
    leave_direct(c, "network", now);
    tgv_paths_forget_rtt(c);
    tgv_direct_ask(c, now);
    measure_again(c, now);
}

bool tgv_direct_timeout(struct tgv_call *c, tgv_time now)
{
    if (tgv_path_is_relay(&c->paths.list[c->paths.current]))
        return false;
    leave_direct(c, "dead", now);
    for (unsigned i = 0; i < c->paths.count; i++)
        if (!tgv_path_is_relay(&c->paths.list[i]))
            tgv_rtt_clear(&c->paths.list[i].rtt);
    tgv_direct_ask(c, now);
    tgv_call_tell_network(c, now);
    return true;
}

/* What the peer has not got yet, it does not get. */
static void untell(struct tgv_call *c)
{
    tgv_extras_drop(&c->extras, TGV_EXTRA_LAN_ENDPOINT);
    tgv_extras_drop(&c->extras, TGV_EXTRA_IPV6_ENDPOINT);
    tgv_reliable_drop(c, TGV_PKT_LAN_ENDPOINT);
}

void tgv_call_set_p2p(struct tgv_call *c, bool allowed, tgv_time now)
{
    if (allowed == c->allow_p2p || tgv_proxy_on(c))
        return;
    c->allow_p2p = allowed;
    c->direct.ask_at = TGV_NEVER;
    c->direct.asked = 0;
    c->direct.same_nat = false;
    c->direct.lan.family = c->direct.ipv6.family = TGV_AF_NONE;
    c->direct.ipv6_told = false;
    if (!allowed)
        untell(c);
    if (!tgv_call_live(c))
        return;
    drop_road(c, TGV_PATH_P2P_INET, TGV_AF_IPV4, now);
    use_what_is_known(c, now);
    tgv_direct_ask(c, now);
    tell_ipv6(c);
    tgv_call_tell_network(c, now);
}

/* -- strangers ------------------------------------------------------------------ */

static bool within(struct tgv_stranger *s, unsigned limit, tgv_time now)
{
    if (now - s->since >= TGV_S(1)) {
        s->since = now;
        s->count = 0;
    }
    return s->count < limit;
}

/* The source's place; one that was silent for a second makes room. */
static struct tgv_stranger *stranger(struct tgv_call *c,
                                     const struct tgv_addr *from, tgv_time now)
{
    struct tgv_stranger *free_one = NULL;

    for (unsigned i = 0; i < TGV_STRANGERS_MAX; i++) {
        struct tgv_stranger *s = &c->direct.strangers[i];
        if (tgv_addr_same_ip(&s->from, from))
            return s;
        if (!free_one && now - s->since >= TGV_S(1))
            free_one = s;
    }
    if (free_one)
        *free_one = (struct tgv_stranger){.from = *from, .since = now};
    return free_one;
}

int tgv_direct_stranger(struct tgv_call *c, const struct tgv_addr *from,
                        tgv_time now)
{
    const struct tgv_path *p =
        tgv_paths_direct(c, TGV_PATH_P2P_INET, TGV_AF_IPV4);
    struct tgv_stranger *s;

    if (!c->allow_p2p || !p || from->family != TGV_AF_IPV4 ||
        !tgv_addr_usable(from) ||
        !within(&c->direct.all_strangers, STRANGERS_ALL, now))
        return -1;
    s = stranger(c, from, now);
    if (!s || !within(s, STRANGERS_EACH, now))
        return -1;
    s->count++;
    c->direct.all_strangers.count++;
    return (int)tgv_paths_index(c, p);
}

void tgv_direct_roam(struct tgv_call *c, unsigned path,
                     const struct tgv_addr *from, tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    if (p->type != TGV_PATH_P2P_INET || from->family != TGV_AF_IPV4 ||
        p->addr.family != TGV_AF_IPV4 || tgv_addr_equal(&p->addr, from))
        return;
    p->addr = *from;
    p->ping_count = 0; /* what is on its way went elsewhere */
    tgv_rtt_clear(&p->rtt);
    tgv_choice_measure(c, path, now);
    if (path == c->paths.current)
        tgv_paths_move(c, path, "roam", now);
}

void tgv_direct_tick(struct tgv_call *c, tgv_time now)
{
    if (may(c) && now >= c->direct.ask_at)
        ask_round(c, now);
}
