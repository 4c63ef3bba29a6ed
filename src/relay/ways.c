/* SPDX-License-Identifier: MIT */
#include "relay/ways.h"

bool tgv_side_moves_udp(const struct tgv_relay_side *side,
                        const struct tgv_addr *from)
{
    const struct tgv_addr *known = &side->addr[tgv_family_index(from)];

    return known->family != TGV_AF_NONE && !tgv_addr_equal(known, from);
}

bool tgv_side_moves_tcp(const struct tgv_conns *conns,
                        const struct tgv_relay_side *side, uint32_t conn)
{
    uint8_t family = conns->slots[conn].from.family;
    uint32_t n = side->conns;

    while (n && conns->slots[n].from.family != family)
        n = conns->slots[n].older;
    return n != TGV_CONN_NONE && n != conn;
}

void tgv_side_heard_udp(struct tgv_relay_side *side,
                        const struct tgv_addr *from, bool data, tgv_time now)
{
    unsigned family = tgv_family_index(from);

    side->addr[family] = *from;
    if (side->addr[side->last].family == TGV_AF_NONE)
        side->last = (uint8_t)family;
    if (!data && side->spoke)
        return;
    side->last = (uint8_t)family;
    side->tcp = false;
    side->spoke = data;
    side->heard_udp = now;
}

static uint32_t *link_to(const struct tgv_conns *conns,
                         struct tgv_relay_side *side, uint32_t conn)
{
    uint32_t *link = &side->conns;

    while (*link != conn)
        link = &conns->slots[*link].older;
    return link;
}

void tgv_side_heard_tcp(const struct tgv_conns *conns,
                        struct tgv_relay_side *side, uint32_t conn, bool data)
{
    if (!data && side->spoke)
        return;
    *link_to(conns, side, conn) = conns->slots[conn].older;
    conns->slots[conn].older = side->conns;
    side->conns = conn;
    side->tcp = true;
    side->spoke = data;
}

void tgv_side_add_conn(const struct tgv_conns *conns,
                       struct tgv_session *session, unsigned side,
                       uint32_t conn)
{
    struct tgv_relay_conn *c = &conns->slots[conn];
    struct tgv_relay_side *s = &session->side[side];

    c->session = session;
    c->side = side;
    c->older = TGV_CONN_NONE;
    *link_to(conns, s, TGV_CONN_NONE) = conn;
    s->conn_count++;
}

void tgv_side_remove_conn(const struct tgv_conns *conns, uint32_t conn)
{
    struct tgv_relay_conn *c = &conns->slots[conn];
    struct tgv_relay_side *side;
    uint32_t next;

    if (!c->session)
        return;
    side = &c->session->side[c->side];
    *link_to(conns, side, conn) = c->older;
    side->conn_count--;
    c->session = NULL;
    c->older = TGV_CONN_NONE;
    next = side->conns;
    if (side->tcp &&
        (next == TGV_CONN_NONE || conns->slots[next].heard < side->heard_udp))
        side->tcp = false;
}

bool tgv_side_way(const struct tgv_conns *conns,
                  const struct tgv_relay_side *side, struct tgv_way *way)
{
    const struct tgv_addr *udp = &side->addr[side->last];

    *way = (struct tgv_way){.conn = TGV_CONN_NONE};
    if (side->conns && (side->tcp || udp->family == TGV_AF_NONE)) {
        way->conn = side->conns;
        way->to = conns->slots[side->conns].from;
        return true;
    }
    way->to = *udp;
    return udp->family != TGV_AF_NONE;
}
