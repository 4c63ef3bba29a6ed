/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_WAYS_H
#define TGV_RELAY_WAYS_H
/*
 * The ways to reach a side: its last UDP address of each family, since a
 * client that has both speaks from both, and its TCP connections, the one
 * heard last in front.
 *
 * A side is reached the way its last call data came. Control messages and
 * registrations choose only as long as it has sent no call data: a client
 * that has gone to TCP goes on asking whether UDP works again. When the
 * connection in use ends, the way that was heard last before it is taken.
 * Source: wire specification 2.4, rule 5
 */
#include "relay/conns.h"
#include "relay/sessions.h"

/* One way. conn TGV_CONN_NONE: by UDP to the address, else the address is the
 * connection's. */
struct tgv_way {
    struct tgv_addr to;
    uint32_t conn;
};

/* Index into tgv_relay_side.addr. */
static inline unsigned tgv_family_index(const struct tgv_addr *a)
{
    return a->family == TGV_AF_IPV6;
}

/* The side is known in this family, at another address. */
bool tgv_side_moves_udp(const struct tgv_relay_side *side,
                        const struct tgv_addr *from);
/* The side has a newer connection in the family of this one. */
bool tgv_side_moves_tcp(const struct tgv_conns *conns,
                        const struct tgv_relay_side *side, uint32_t conn);
/* A datagram has come; data: of a call. */
void tgv_side_heard_udp(struct tgv_relay_side *side,
                        const struct tgv_addr *from, bool data, tgv_time now);
/* A frame has come by one of its connections. */
void tgv_side_heard_tcp(const struct tgv_conns *conns,
                        struct tgv_relay_side *side, uint32_t conn, bool data);

/* Add a connection that belongs to no side, behind the others. */
void tgv_side_add_conn(const struct tgv_conns *conns,
                       struct tgv_session *session, unsigned side,
                       uint32_t conn);
/* Take it away from its side; nothing happens if it has none. */
void tgv_side_remove_conn(const struct tgv_conns *conns, uint32_t conn);

/* @return false if the side cannot be reached; then *way is zero */
bool tgv_side_way(const struct tgv_conns *conns,
                  const struct tgv_relay_side *side, struct tgv_way *way);

#endif
