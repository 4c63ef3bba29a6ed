/* SPDX-License-Identifier: MIT */
#ifndef TGV_API_RELAY_FLOWS_H
#define TGV_API_RELAY_FLOWS_H
/*
 * The bad network that a relay plays: one link for each flow (session and
 * direction), made with its first datagram, gone with its session. Loop thread
 * only. Which losses a flow sees depends on the seed and the flow's number.
 */
#include "io/timer.h"
#include "link/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_flows;

struct tgv_flow {
    uint64_t id;
    struct tgv_flows *flows;
    struct tgv_flow *chain;
    struct tgv_link *link;
    struct tgv_link_stats seen; /* what the totals include */
    struct tgv_timer timer;
};

struct tgv_flows {
    struct tgv_impairment imp;
    struct tgv_loop *loop;
    /* A link has something due; ctx is the tgv_flow. The user drains it. */
    void (*due)(void *ctx, tgv_time now);
    /* A datagram leaves the link. */
    void (*deliver)(void *ctx, uint64_t flow, const uint8_t *pkt, size_t len);
    bool (*alive)(void *ctx, uint64_t flow);
    void *ctx;
    struct tgv_flow **buckets; /* private from here */
    size_t mask, count, cap;
    uint64_t lost, duplicated, corrupted;
};

/* The fields above `buckets` are set. Room for cap flows.
 * @return 0, TGVOIP_ERR_NOMEM */
int tgv_flows_init(struct tgv_flows *f, size_t cap);
void tgv_flows_fini(struct tgv_flows *f);
/* Put a datagram into its link and deliver what is due. Short of memory, it
 * is lost and counted so. */
void tgv_flows_send(struct tgv_flows *f, uint64_t id, const uint8_t *pkt,
                    size_t len, tgv_time now);
/* Deliver what is due, and arm the timer for what is not. */
void tgv_flow_drain(struct tgv_flow *flow, tgv_time now);
/* Free the links of flows that are not alive. */
void tgv_flows_sweep(struct tgv_flows *f);

#endif
