/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_RELAY_IMPL_H
#define TGV_API_RELAY_IMPL_H
/*
 * Inside of a relay on an engine: what its UDP side (relay.c), its TCP side
 * (relay_tcp.c) and its configuration share. All but that runs on the loop's thread. The core is
 * guarded by a lock, held for one packet at a time, so that sessions and
 * counters need not wait for the loop.
 */
#include "api/engine.h"
#include "api/relay_flows.h"
#include "io/sync.h"
#include "io/timer.h"
#include "io/udp.h"
#include "relay/relay.h"

#include <tgvoip/relay.h>

#define TGV_RELAY_BATCH 64

struct tgv_conn;
struct tgv_listener;

/* A connection of the driver, by the core's number. */
struct tgv_stream {
    struct tgvoip_relay *relay;
    struct tgv_conn *conn;
    uint32_t number;
};

struct tgvoip_relay {
    struct tgv_member member; /* first: the engine knows only this */
    struct tgv_lock *lock; /* guards core, counters of flows, dropped_queue */
    struct tgv_relay *core;
    struct tgv_udp *udp;
    struct tgv_timer expiry;
    tgv_time expiry_at; /* TGV_NEVER: not armed */
    bool impaired;
    struct tgv_flows flows;
    uint16_t port;
    bool in_batch;
    tgv_time now; /* of the batch */
    size_t out_count;
    struct tgv_udp_out out[TGV_RELAY_BATCH];
    uint8_t data[TGV_RELAY_BATCH][1500];

    struct tgv_listener *listener; /* NULL: UDP only */
    uint16_t tcp_port;
    struct tgv_stream **streams; /* [cap + 1], by number */
    unsigned cap; /* of streams */
    size_t queue_max; /* bytes that may wait for a slow reader */
    uint64_t dropped_queue;
};

struct tgv_relay_bind {
    struct tgv_addr udp, tcp; /* tcp: family NONE if there is none */
};

/* @return 0, TGVOIP_ERR_INVALID */
int tgv_relay_config_check(const struct tgvoip_relay_config *c,
                           struct tgv_relay_bind *bind,
                           struct tgvoip_failure *failure);

/* What the core has said about a packet. Under the lock. */
void tgv_relay_dispatch(struct tgvoip_relay *r, const struct tgv_relay_out *out,
                        tgv_time now);
/* Send the datagrams that have gathered. */
void tgv_relay_flush(struct tgvoip_relay *r);
/* See to it that what expires is noticed, at `earliest` or later. */
void tgv_relay_arm(struct tgvoip_relay *r, tgv_time earliest);

/* Listen; port 0 is that of UDP, or any if it is taken.
 * @return as tgv_listener_open() */
int tgv_relay_tcp_open(struct tgvoip_relay *r, const struct tgv_addr *bind);
/* Close all. */
void tgv_relay_tcp_close(struct tgvoip_relay *r);
/* Send a packet as a frame, or drop it. Under the lock. */
void tgv_relay_tcp_send(struct tgvoip_relay *r, uint32_t number,
                        const uint8_t *pkt, size_t len);
/* Close the connections that have been silent for too long. Under the lock. */
void tgv_relay_tcp_expire(struct tgvoip_relay *r, tgv_time now);

#endif
