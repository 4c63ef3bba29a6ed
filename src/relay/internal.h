/* SPDX-License-Identifier: MIT */
#ifndef TGV_RELAY_INTERNAL_H
#define TGV_RELAY_INTERNAL_H
/* What the files of the relay's core share. */
#include "relay/conns.h"
#include "relay/hash.h"
#include "relay/limit.h"
#include "relay/relay.h"
#include "relay/sessions.h"
#include "relay/sources.h"
#include "relay/ways.h"
#include "wire/control.h"

struct tgv_relay {
    struct tgv_relay_config config;
    struct tgv_sessions sessions;
    struct tgv_sources sources;
    struct tgv_conns conns;
    struct tgv_relay_stats stats;
    tgv_time packet_cost, control_cost, move_cost;
    uint8_t reply[TGV_CONTROL_MAX];
    uint8_t frame[TGV_DATAGRAM_MAX]; /* the packet of a frame */
};

/* A packet on its way through the functions below. */
struct tgv_arrival {
    const struct tgv_addr *from;
    uint8_t *pkt;
    size_t len;
    tgv_time now;
    bool is_data; /* of a call: neither bare registration nor control */
    struct tgv_session *session;
    unsigned side;
};

/* Fill all but the session. @return false if the length is out of range */
bool tgv_arrival_init(struct tgv_relay *r, struct tgv_arrival *a,
                      const struct tgv_addr *from, uint8_t *pkt, size_t len,
                      tgv_time now);
/* The session that the tag names, made if that is allowed, or NULL. A new one
 * must be touched. */
struct tgv_session *tgv_relay_find_session(struct tgv_relay *r,
                                           const uint8_t *tag);
/* Count a change of address. @return false if there were too many */
bool tgv_relay_take_move(struct tgv_relay *r, struct tgv_relay_side *side,
                         tgv_time now);
/* The session was heard of. */
void tgv_relay_touch(struct tgv_relay *r, const struct tgv_arrival *a);
void tgv_relay_forward(struct tgv_relay *r, const struct tgv_arrival *a,
                       struct tgv_relay_out *out);

#endif
