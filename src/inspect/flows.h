/* SPDX-License-Identifier: MIT */
#ifndef TGV_INSPECT_FLOWS_H
#define TGV_INSPECT_FLOWS_H
/*
 * Which way datagrams of the call went, as far as those that opened have told.
 * A flow is a pair of addresses in one direction. When the table is full the
 * oldest flow makes room.
 */
#include "inspect/inspect.h"

#define TGV_FLOWS_MAX 128

struct tgv_flow {
    struct tgv_addr src, dst;
    enum tgv_trace_from from; /* whose packets open; UNKNOWN not yet */
    enum tgv_prefix prefix;
    bool has_tag; /* of a message with a relay */
    uint8_t tag[16];
};

struct tgv_flows {
    struct tgv_flow list[TGV_FLOWS_MAX];
    unsigned count, oldest;
};

/* A datagram has opened. */
void tgv_flows_opened(struct tgv_flows *f, const struct tgv_sighting *s);
/* A message with a relay has been seen. */
void tgv_flows_control(struct tgv_flows *f, const struct tgv_sighting *s);

/* Write from, to and prefix as the flow, or that in the other direction, says.
 * @param control a message with a relay. @return false if neither is known */
bool tgv_flows_attribute(const struct tgv_flows *f, struct tgv_sighting *s,
                         bool control);
/* Does it begin with the tag that messages of its flow carry? */
bool tgv_flows_has_tag(const struct tgv_flows *f, const struct tgv_sighting *s);

#endif
