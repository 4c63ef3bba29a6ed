/* SPDX-License-Identifier: MIT */
#include "inspect/flows.h"

#include "wire/control.h"

#include <string.h>

static const struct tgv_flow *find(const struct tgv_flows *f,
                                   const struct tgv_addr *src,
                                   const struct tgv_addr *dst)
{
    for (unsigned i = 0; i < f->count; i++) {
        const struct tgv_flow *flow = &f->list[i];

        if (tgv_addr_equal(&flow->src, src) && tgv_addr_equal(&flow->dst, dst))
            return flow;
    }
    return NULL;
}

static struct tgv_flow *need(struct tgv_flows *f, const struct tgv_sighting *s)
{
    struct tgv_flow *flow = (struct tgv_flow *)find(f, &s->src, &s->dst);

    if (flow)
        return flow;
    if (f->count < TGV_FLOWS_MAX) {
        flow = &f->list[f->count++];
    } else {
        flow = &f->list[f->oldest];
        f->oldest = (f->oldest + 1) % TGV_FLOWS_MAX;
    }
    *flow = (struct tgv_flow){.src = s->src, .dst = s->dst};
    return flow;
}

void tgv_flows_opened(struct tgv_flows *f, const struct tgv_sighting *s)
{
    struct tgv_flow *flow = need(f, s);

    flow->from = s->from;
    flow->prefix = s->prefix;
}

void tgv_flows_control(struct tgv_flows *f, const struct tgv_sighting *s)
{
    struct tgv_flow *flow = need(f, s);

    flow->has_tag = true;
    memcpy(flow->tag, s->wire, sizeof flow->tag);
}

static enum tgv_trace_from opposite(enum tgv_trace_from from)
{
    return from == TGV_TRACE_CALLER   ? TGV_TRACE_CALLEE
           : from == TGV_TRACE_CALLEE ? TGV_TRACE_CALLER
                                      : TGV_TRACE_UNKNOWN;
}

/* Only relays send these. */
static bool is_answer(const struct tgv_sighting *s)
{
    struct tgv_control m;

    tgv_control_decode(&m, s->wire, s->len);
    return m.kind == TGV_CONTROL_SELF_INFO || m.kind == TGV_CONTROL_PEER_INFO ||
           m.kind == TGV_CONTROL_PEER_INFO_IPV6;
}

bool tgv_flows_attribute(const struct tgv_flows *f, struct tgv_sighting *s,
                         bool control)
{
    const struct tgv_flow *there = find(f, &s->src, &s->dst);
    const struct tgv_flow *back = find(f, &s->dst, &s->src);
    enum tgv_trace_from from = TGV_TRACE_UNKNOWN;

    if (there && there->from != TGV_TRACE_UNKNOWN) {
        from = there->from;
        s->prefix = there->prefix;
    } else if (back && back->from != TGV_TRACE_UNKNOWN) {
        from = opposite(back->from);
        s->prefix = back->prefix;
    }
    if (control)
        s->prefix = TGV_PREFIX_TAG;
    s->from = from;
    s->to = TGV_TRACE_UNKNOWN;
    if (control && is_answer(s)) {
        s->from = TGV_TRACE_RELAY;
        s->to = opposite(from);
    }
    return from != TGV_TRACE_UNKNOWN;
}

bool tgv_flows_has_tag(const struct tgv_flows *f, const struct tgv_sighting *s)
{
    const struct tgv_flow *there = find(f, &s->src, &s->dst);
    const struct tgv_flow *back = find(f, &s->dst, &s->src);

    if (s->len < TGV_TAG_BYTES)
        return false;
    return (there && there->has_tag &&
            !memcmp(there->tag, s->wire, TGV_TAG_BYTES)) ||
           (back && back->has_tag &&
            !memcmp(back->tag, s->wire, TGV_TAG_BYTES));
}
