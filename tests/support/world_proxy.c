/* SPDX-License-Identifier: MIT */
/*
 * The SOCKS5 proxy of a host (RFC 1928, 1929): both address families towards
 * the client, IPv4 towards the world. Written for the tests, from the RFCs:
 * it shares nothing with the client's codec.
 */
#include "support/world_impl.h"

#include <string.h>

#define FIRST_PORT 30000 /* of associations, two each */

enum step { GREETING, LOGIN, COMMAND, CONNECTING, PIPED, ASSOCIATED, BROKEN };

static const struct tgv_host_plan *plan_of(const struct tgv_world *w,
                                           const struct world_conn *c)
{
    return w->side[c->owner].plan;
}

static void answer(struct tgv_world *w, unsigned i, const uint8_t *data,
                   size_t len)
{
    world_tcp_down(w, i, data, len);
}

static void give_up(struct tgv_world *w, unsigned i)
{
    w->conn[i].step = BROKEN;
    world_tcp_end(w, i);
}

/* -- each step takes what it understands: how much, 0 for more --------------------- */

static size_t greeting(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = &w->conn[i];
    uint8_t want = plan_of(w, c)->proxy_login ? 2 : 0;

    if (c->talk_len < 2 || c->talk_len < 2u + c->talk[1])
        return 0;
    if (c->talk[0] != 5 || !memchr(c->talk + 2, want, c->talk[1])) {
        answer(w, i, (const uint8_t[]){5, 0xff}, 2);
        give_up(w, i);
        return 0;
    }
    answer(w, i, (const uint8_t[]){5, want}, 2);
    c->step = want ? LOGIN : COMMAND;
    return 2u + c->talk[1];
}

static size_t login(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = &w->conn[i];
    static const uint8_t good[] = "\1\4user\10password";
    size_t len = sizeof(good) - 1;
    bool right;

    if (c->talk_len < len)
        return 0;
    right = memcmp(c->talk, good, len) == 0 &&
            plan_of(w, c)->proxy != TGV_PROXY_BAD_LOGIN;
    answer(w, i, (const uint8_t[]){1, right ? 0 : 1}, 2);
    c->step = COMMAND;
    if (!right)
        give_up(w, i);
    return len;
}

static void reply(struct tgv_world *w, unsigned i, uint8_t code, uint16_t port)
{
    struct world_conn *c = &w->conn[i];
    struct tgv_addr a = world_proxy_addr(c->owner, c->to.family, port);
    size_t ip = a.family == TGV_AF_IPV6 ? 16 : 4;
    uint8_t out[22] = {5, code, 0, ip == 16 ? 4 : 1};

    memcpy(out + 4, a.ip, ip);
    out[4 + ip] = (uint8_t)(port >> 8);
    out[5 + ip] = (uint8_t)port;
    answer(w, i, out, 6 + ip);
    if (code)
        give_up(w, i);
}

static void associate(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = &w->conn[i];
    enum tgv_proxy_kind kind = plan_of(w, c)->proxy;
    int a = 0;

    while (a < WORLD_ASSOCIATIONS && w->association[a].used)
        a++;
    if (kind == TGV_PROXY_TCP || a == WORLD_ASSOCIATIONS) {
        reply(w, i, 7, 0);
        return;
    }
    w->association[a] =
        (struct world_association){.used = true,
                                   .owner = c->owner,
                                   .inner = (uint16_t)(FIRST_PORT + 2 * a),
                                   .outer = (uint16_t)(FIRST_PORT + 2 * a + 1),
                                   .host = c->from};
    c->association = a;
    c->step = ASSOCIATED;
    reply(w, i, 0, w->association[a].inner);
}

static size_t command(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = &w->conn[i];
    const uint8_t *t = c->talk;
    size_t ip = c->talk_len > 3 && t[3] == 4 ? 16 : 4;
    struct tgv_addr to;

    if (c->talk_len < 6 + ip)
        return 0;
    if (t[0] != 5 || t[2] != 0 || (t[3] != 1 && t[3] != 4)) {
        reply(w, i, 8, 0);
    } else if (t[1] == 3) {
        associate(w, i);
    } else if (t[1] != 1) {
        reply(w, i, 7, 0);
    } else if (ip == 16) {
        reply(w, i, 4, 0); /* the proxy has no IPv6 beyond */
    } else {
        to = tgv_addr_ipv4(t + 4, (uint16_t)(t[8] << 8 | t[9]));
        c->step = CONNECTING;
        c->pipe = world_tcp_connect_out(w, i, &to);
    }
    return 6 + ip;
}

static size_t talk(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = &w->conn[i];
    size_t len = c->talk_len;

    switch (c->step) {
    case GREETING:
        return greeting(w, i);
    case LOGIN:
        return login(w, i);
    case COMMAND:
        return command(w, i);
    case PIPED:
        if (c->pipe >= 0 && len)
            world_tcp_up(w, (unsigned)c->pipe, c->talk, len);
        return len;
    default:
        return 0;
    }
}

static void chew(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = &w->conn[i];
    size_t used;

    while ((used = talk(w, i)) > 0) {
        c->talk_len -= used;
        memmove(c->talk, c->talk + used, c->talk_len);
    }
}

void world_proxy_data(struct tgv_world *w, unsigned i, const uint8_t *data,
                      size_t len)
{
    struct world_conn *c = &w->conn[i];

    while (len > 0) {
        size_t room = sizeof(c->talk) - c->talk_len;
        size_t piece = len < room ? len : room;
        if (piece == 0)
            return; /* more than a client may say before it is answered */
        memcpy(c->talk + c->talk_len, data, piece);
        c->talk_len += piece;
        data += piece;
        len -= piece;
        chew(w, i);
    }
}

void world_proxy_closed(struct tgv_world *w, unsigned i)
{
    struct world_conn *c = &w->conn[i];

    if (c->association >= 0)
        w->association[c->association].used = false;
    c->association = -1;
    if (c->pipe < 0)
        return;
    w->conn[c->pipe].pipe = -1;
    if (w->conn[c->pipe].relay_conn) {
        tgv_relay_conn_close(w->relay[w->conn[c->pipe].relay],
                             w->conn[c->pipe].relay_conn);
        w->conn[c->pipe].relay_conn = 0;
    }
    w->conn[c->pipe].used = false;
    w->generation[c->pipe]++;
    c->pipe = -1;
}

void world_proxy_opened(struct tgv_world *w, unsigned out, bool success)
{
    struct world_conn *o = &w->conn[out];
    unsigned i = (unsigned)o->pipe;

    if (o->pipe < 0)
        return;
    if (success) {
        w->conn[i].step = PIPED;
        reply(w, i, 0, o->from.port);
        chew(w, i); /* what came while it was opened */
        return;
    }
    w->conn[i].pipe = -1;
    reply(w, i, 5, 0);
}

/* -- datagrams ---------------------------------------------------------------------- */

static void from_client(struct tgv_world *w, struct world_association *a,
                        const struct world_event *ev)
{
    struct tgv_addr from = world_proxy_addr(a->owner, TGV_AF_IPV4, a->outer);
    const uint8_t *d = ev->data;
    struct tgv_addr to;
    int relay;

    if (!tgv_addr_same_ip(&a->host, &ev->from) || ev->len < 10 || d[2] != 0 ||
        d[3] != 1)
        return;
    a->client = ev->from;
    to = tgv_addr_ipv4(d + 4, (uint16_t)(d[8] << 8 | d[9]));
    relay = world_relay_at(w, &to);
    if (relay < 0 || w->side[a->owner].plan->proxy == TGV_PROXY_UDP_SILENT ||
        world_is_cut(w, a->owner, (unsigned)relay, TGV_LEG_UDP4))
        return;
    world_udp_post(w, &from, &to, d + 10, ev->len - 10,
                   w->plan.relay[relay].delay[a->owner]);
}

static void to_client(struct tgv_world *w, struct world_association *a,
                      const struct world_event *ev)
{
    struct tgv_addr from =
        world_proxy_addr(a->owner, a->client.family, a->inner);
    uint8_t out[TGV_CALL_TRANSMIT_MAX + 10] = {0, 0, 0, 1};
    int relay = world_relay_at(w, &ev->from);

    if (a->client.family == TGV_AF_NONE || relay < 0 ||
        world_is_cut(w, a->owner, (unsigned)relay, TGV_LEG_UDP4) ||
        ev->len + 10 > sizeof(out))
        return;
    memcpy(out + 4, ev->from.ip, 4);
    out[8] = (uint8_t)(ev->from.port >> 8);
    out[9] = (uint8_t)ev->from.port;
    memcpy(out + 10, ev->data, ev->len);
    world_udp_post(w, &from, &a->client, out, 10 + ev->len,
                   w->side[a->owner].plan->proxy_delay);
}

void world_proxy_datagram(struct tgv_world *w, unsigned n,
                          const struct world_event *ev)
{
    for (unsigned i = 0; i < WORLD_ASSOCIATIONS; i++) {
        struct world_association *a = &w->association[i];
        if (!a->used || a->owner != n)
            continue;
        if (ev->to.port == a->inner)
            from_client(w, a, ev);
        else if (ev->to.port == a->outer)
            to_client(w, a, ev);
    }
}
