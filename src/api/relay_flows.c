/* SPDX-License-Identifier: MIT */
#include "api/relay_flows.h"

#include <stdlib.h>

#include <tgvoip/error.h>

int tgv_flows_init(struct tgv_flows *f, size_t cap)
{
    size_t buckets = 16;

    while (buckets < cap)
        buckets *= 2;
    f->buckets = calloc(buckets, sizeof(struct tgv_flow *));
    f->mask = buckets - 1;
    f->cap = cap;
    return f->buckets ? 0 : TGVOIP_ERR_NOMEM;
}

static void free_flow(struct tgv_flow *flow)
{
    tgv_timer_fini(&flow->timer);
    tgv_link_destroy(flow->link);
    free(flow);
}

static void free_flows(struct tgv_flows *f, bool all)
{
    for (size_t i = 0; f->buckets && i <= f->mask; i++) {
        struct tgv_flow **at = &f->buckets[i];
        while (*at) {
            struct tgv_flow *flow = *at;
            if (!all && f->alive(f->ctx, flow->id)) {
                at = &flow->chain;
                continue;
            }
            *at = flow->chain;
            free_flow(flow);
            f->count--;
        }
    }
}

void tgv_flows_fini(struct tgv_flows *f)
{
    free_flows(f, true);
    free(f->buckets);
    f->buckets = NULL;
}

void tgv_flows_sweep(struct tgv_flows *f)
{
    if (f->count > 0)
        free_flows(f, false);
}

/* Numbers of flows are the relay's own, so a plain hash will do. */
static struct tgv_flow **bucket(const struct tgv_flows *f, uint64_t id)
{
    return &f->buckets[(id * 0x9E3779B97F4A7C15u >> 32) & f->mask];
}

static struct tgv_flow *make_flow(struct tgv_flows *f, uint64_t id)
{
    struct tgv_flow *flow;

    if (f->count == f->cap)
        tgv_flows_sweep(f);
    if (f->count == f->cap)
        return NULL;
    flow = calloc(1, sizeof(*flow));
    if (!flow)
        return NULL;
    flow->id = id;
    flow->flows = f;
    if (tgv_link_create(&flow->link, &f->imp, id) ||
        tgv_timer_init(&flow->timer, f->loop, f->due, flow)) {
        free_flow(flow);
        return NULL;
    }
    flow->chain = *bucket(f, id);
    *bucket(f, id) = flow;
    f->count++;
    return flow;
}

static void add_stats(struct tgv_flows *f, struct tgv_flow *flow)
{
    struct tgv_link_stats s, *seen = &flow->seen;

    tgv_link_stats(flow->link, &s);
    f->lost += s.lost - seen->lost + s.overflowed - seen->overflowed;
    f->duplicated += s.duplicated - seen->duplicated;
    f->corrupted += s.corrupted - seen->corrupted;
    *seen = s;
}

void tgv_flows_send(struct tgv_flows *f, uint64_t id, const uint8_t *pkt,
                    size_t len, tgv_time now)
{
    struct tgv_flow *flow = *bucket(f, id);

    while (flow && flow->id != id)
        flow = flow->chain;
    if (!flow)
        flow = make_flow(f, id);
    if (!flow || tgv_link_send(flow->link, pkt, len, 0, now)) {
        f->lost++;
        return;
    }
    add_stats(f, flow);
    tgv_flow_drain(flow, now);
}

void tgv_flow_drain(struct tgv_flow *flow, tgv_time now)
{
    struct tgv_flows *f = flow->flows;
    uint8_t pkt[1500];
    uint64_t tag;
    size_t len;

    while (tgv_link_deadline(flow->link) <= now) {
        tgv_link_receive(flow->link, pkt, sizeof(pkt), &len, &tag, now);
        if (len)
            f->deliver(f->ctx, flow->id, pkt, len);
    }
    tgv_timer_arm(&flow->timer, tgv_link_deadline(flow->link));
}
