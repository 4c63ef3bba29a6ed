/* SPDX-License-Identifier: MIT */
/*
 * The set of roads to the peer, which one a datagram came on, and which one is
 * in use.
 *
 * `current` takes what has no explicit path, `preferred` is the best relay; as
 * long as a relay is current, they are the same.
 *
 * Why the current road is another one: init (the handshake came there), rtt
 * (it is faster), p2p or lan (a direct one is), dead (the one before carries
 * nothing any more), roam (the same road to another address), network (own or
 * peer's network has changed), closed (the connection was, or UDP is given up).
 * Source: wire specification 1.1, 1.4, 7.1; ENG-29, 31
 */
#include "legacy/internal.h"

#include <stdlib.h>
#include <string.h>

#include <tgvoip/error.h>

/* -- the set ------------------------------------------------------------------ */

bool tgv_addr_usable(const struct tgv_addr *a)
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

bool tgv_path_is_relay(const struct tgv_path *p)
{
    return p->type == TGV_PATH_UDP_RELAY || p->type == TGV_PATH_TCP_RELAY;
}

unsigned tgv_paths_index(const struct tgv_call *c, const struct tgv_path *p)
{
    return (unsigned)(p - c->paths.list);
}

static struct tgv_path *server_relay(struct tgv_paths *paths, int64_t id)
{
    for (unsigned i = 0; i < paths->count; i++)
        if (paths->list[i].id == id)
            return &paths->list[i];
    return NULL;
}

static struct tgv_path *free_place(struct tgv_paths *paths)
{
    for (unsigned i = 0; i < paths->count; i++)
        if (paths->list[i].gone)
            return &paths->list[i];
    return paths->count < TGV_PATHS_MAX ? &paths->list[paths->count++] : NULL;
}

static int init_path(struct tgv_path *p, enum tgv_path_type type,
                     enum tgv_path_origin origin)
{
    struct tgv_stream *stream = NULL;

    if (type == TGV_PATH_TCP_RELAY) {
        stream = calloc(1, sizeof(*stream));
        if (!stream)
            return TGVOIP_ERR_NOMEM;
    }
    *p = (struct tgv_path){.type = type,
                           .origin = origin,
                           .stream = stream,
                           .last_ping = -1,
                           .waiting_since = TGV_NEVER,
                           .unanswered_since = TGV_NEVER,
                           .proved = -1,
                           .burst_at = TGV_NEVER};
    tgv_rtt_clear(&p->rtt);
    return 0;
}

bool tgv_paths_relay_fits(const struct tgv_call *c)
{
    unsigned relays = 0;

    for (unsigned i = 0; i < c->paths.count; i++)
        relays +=
            !c->paths.list[i].gone && tgv_path_is_relay(&c->paths.list[i]);
    return relays < TGV_PATHS_MAX - TGV_DIRECT_MAX;
}

struct tgv_path *tgv_paths_add(struct tgv_call *c, enum tgv_path_type type,
                               enum tgv_path_origin origin)
{
    struct tgv_path *p = free_place(&c->paths);

    if (!p)
        return NULL;
    if (init_path(p, type, origin) != 0) {
        p->gone = true;
        return NULL;
    }
    return p;
}

struct tgv_path *tgv_paths_direct(struct tgv_call *c, enum tgv_path_type type,
                                  uint8_t family)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        struct tgv_path *p = &c->paths.list[i];
        if (!p->gone && p->type == type && p->addr.family == family)
            return p;
    }
    return NULL;
}

static int add_relay(struct tgv_call *c, const struct tgv_relay_entry *r)
{
    const struct tgv_addr *addr =
        r->ipv4.family != TGV_AF_NONE ? &r->ipv4 : &r->ipv6;
    enum tgv_path_type type =
        r->tcp || c->config.force_tcp ? TGV_PATH_TCP_RELAY : TGV_PATH_UDP_RELAY;
    struct tgv_paths *paths = &c->paths;
    struct tgv_path *p;
    int err;

    if (!tgv_addr_usable(addr))
        return TGVOIP_ERR_INVALID;
    if (r->ipv6.family != TGV_AF_NONE && !tgv_addr_usable(&r->ipv6))
        return TGVOIP_ERR_INVALID;
    p = server_relay(paths, r->id); /* the later one wins */
    if (!p)
        p = &paths->list[paths->count++];
    free(p->stream);
    p->stream = NULL;
    err = init_path(p, type, TGV_ORIGIN_SERVER);
    p->id = r->id;
    p->addr = *addr;
    if (addr == &r->ipv4)
        p->ipv6 = r->ipv6;
    memcpy(p->tag, r->tag, sizeof(p->tag));
    return err;
}

int tgv_paths_init(struct tgv_call *c, const struct tgv_relay_entry *relays,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int err = add_relay(c, &relays[i]);
        if (err)
            return err;
    }
    return c->paths.count ? 0 : TGVOIP_ERR_INVALID;
}

void tgv_paths_fini(struct tgv_call *c)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        tgv_tcp_close(c, &c->paths.list[i]);
        free(c->paths.list[i].stream);
    }
}

/* -- what came on which ------------------------------------------------------- */

size_t tgv_path_prefix(const struct tgv_call *c, unsigned path,
                       const uint8_t **prefix)
{
    const struct tgv_path *p = &c->paths.list[path];

    if (tgv_path_is_relay(p)) {
        *prefix = p->tag;
        return TGV_TAG_BYTES;
    }
    *prefix = tgv_seal_call_id(c->seal);
    return c->hs.peer_version < TGV_PV_NO_PREFIX ? TGV_TAG_BYTES : 0;
}

static bool matches(const struct tgv_call *c, unsigned path,
                    const struct tgv_addr *from, const uint8_t *pkt, size_t len,
                    bool *tag_wrong)
{
    const struct tgv_path *p = &c->paths.list[path];
    const uint8_t *prefix;
    size_t prefix_len;

    if (p->gone || p->type == TGV_PATH_TCP_RELAY ||
        !tgv_addr_equal(&p->addr, from))
        return false;
    prefix_len = tgv_path_prefix(c, path, &prefix);
    if (len >= prefix_len && memcmp(pkt, prefix, prefix_len) == 0)
        return true;
    *tag_wrong = true;
    return false;
}

int tgv_paths_find(const struct tgv_call *c, const struct tgv_addr *from,
                   const uint8_t *pkt, size_t len, bool *tag_wrong)
{
    const struct tgv_paths *paths = &c->paths;

    *tag_wrong = false;
    if (matches(c, paths->current, from, pkt, len, tag_wrong))
        return (int)paths->current;
    for (unsigned i = 0; i < paths->count; i++)
        if (matches(c, i, from, pkt, len, tag_wrong))
            return (int)i;
    return -1;
}

void tgv_paths_control(struct tgv_call *c, unsigned path, const uint8_t *pkt,
                       size_t len, tgv_time now)
{
    struct tgv_control m;

    tgv_control_decode(&m, pkt, len);
    switch (m.kind) {
    case TGV_CONTROL_SELF_INFO:
        tgv_reach_self_info(c, path, &m, now);
        break;
    case TGV_CONTROL_PEER_INFO:
    case TGV_CONTROL_PEER_INFO_IPV6:
        tgv_direct_peer_info(c, path, &m, now);
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

/* -- the one in use ------------------------------------------------------------ */

static const char *type_str(enum tgv_path_type type)
{
    switch (type) {
    case TGV_PATH_P2P_INET:
        return "p2p";
    case TGV_PATH_P2P_LAN:
        return "lan";
    case TGV_PATH_UDP_RELAY:
        return "udp relay";
    case TGV_PATH_TCP_RELAY:
        return "tcp relay";
    }
    return "?";
}

static void tell_route(struct tgv_call *c, tgv_time now)
{
    const struct tgv_path *p = &c->paths.list[c->paths.current];

    tgv_log(c->log, TGV_LOG_INFO, ROOM, now, "route: %s %lld (%s)",
            type_str(p->type), (long long)p->id, c->paths.reason);
    tgv_event_push(c, &(struct tgv_call_event){.kind = TGV_EVENT_ROUTE,
                                               .state = c->state,
                                               .path = p->type,
                                               .relay_id = p->id,
                                               .reason = c->paths.reason});
}

void tgv_paths_move(struct tgv_call *c, unsigned path, const char *reason,
                    tgv_time now)
{
    struct tgv_paths *paths = &c->paths;

    paths->current = path;
    if (tgv_path_is_relay(&paths->list[path]))
        paths->preferred = path;
    paths->reason = reason;
    tgv_choice_moved(c, now);
    tell_route(c, now);
}

void tgv_paths_prefer(struct tgv_call *c, unsigned relay)
{
    c->paths.preferred = relay;
}

/* A relay to turn to when `path` is left: the preferred one, if something can
 * be sent there; never `path` itself if it is gone. */
static unsigned other_relay(const struct tgv_call *c, unsigned path)
{
    unsigned best = c->paths.preferred;

    for (unsigned i = 0; i < c->paths.count; i++) {
        const struct tgv_path *p = &c->paths.list[i];
        if (best != path && tgv_path_open(c, best))
            break;
        if (i == path || p->gone || !tgv_path_is_relay(p))
            continue;
        if (tgv_path_open(c, i) || (best == path && c->paths.list[path].gone))
            best = i;
    }
    return best;
}

void tgv_paths_leave(struct tgv_call *c, unsigned path, const char *reason,
                     tgv_time now)
{
    unsigned other = other_relay(c, path);

    if (path == c->paths.current && path != other)
        tgv_paths_move(c, other, reason, now);
}

void tgv_paths_remove(struct tgv_call *c, unsigned path, const char *reason,
                      tgv_time now)
{
    struct tgv_path *p = &c->paths.list[path];

    p->gone = true;
    tgv_send_forget(c, path);
    tgv_paths_leave(c, path, reason, now);
    if (c->paths.preferred == path)
        tgv_paths_prefer(c, other_relay(c, path));
    tgv_tcp_close(c, p);
    free(p->stream);
    p->stream = NULL;
}

void tgv_paths_handshake(struct tgv_call *c, unsigned path, tgv_time now)
{
    for (unsigned i = 0; i < c->paths.count; i++)
        c->paths.list[i].waiting_since = TGV_NEVER;
    if (!c->paths.reason) /* INIT, or INIT_ACK if that came first */
        tgv_paths_move(c, path, "init", now);
}

bool tgv_path_open(const struct tgv_call *c, unsigned path)
{
    const struct tgv_path *p = &c->paths.list[path];

    if (!tgv_call_live(c) || p->gone)
        return false;
    if (p->type == TGV_PATH_TCP_RELAY)
        return c->reach.tcp && tgv_tcp_open(p);
    if (p->type == TGV_PATH_UDP_RELAY && !c->reach.udp)
        return false;
    return tgv_direct_reaches(c, &p->addr) && c->udp.open && !c->udp.blocked;
}

tgv_time tgv_paths_rtt(const struct tgv_call *c)
{
    return tgv_rtt_smoothed(&c->paths.list[c->paths.current].rtt);
}

void tgv_paths_forget_rtt(struct tgv_call *c)
{
    for (unsigned i = 0; i < c->paths.count; i++) {
        tgv_rtt_clear(&c->paths.list[i].rtt);
        c->paths.list[i].ping_count = 0;
        c->paths.list[i].last_ping = -1;
        c->paths.list[i].avoid_until = 0;
        c->paths.list[i].deaths = 0;
    }
}
