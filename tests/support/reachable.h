/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_REACHABLE_H
#define TGV_TEST_REACHABLE_H
/*
 * Which roads a plan leaves, from the plan alone: it shares no code with the
 * engine, nor with the simulated network.
 *
 * A call can be set up only over a relay: direct roads are found through one.
 * Once found, they live without it.
 */
#include "support/world_plan.h"

/* Ways of a host to a relay. */
#define TGV_LEG_UDP4 1u
#define TGV_LEG_UDP6 2u
#define TGV_LEG_TCP4 4u
#define TGV_LEG_TCP6 8u
#define TGV_LEGS_UDP (TGV_LEG_UDP4 | TGV_LEG_UDP6)
#define TGV_LEGS_TCP (TGV_LEG_TCP4 | TGV_LEG_TCP6)

/* Ways past the relays. */
#define TGV_DIRECT_P2P4 1u
#define TGV_DIRECT_P2P6 2u
#define TGV_DIRECT_LAN 4u

struct tgv_roads {
    uint8_t leg[2][TGV_PLAN_RELAYS]; /* TGV_LEG_* */
    uint8_t direct; /* TGV_DIRECT_* */
};

/* The road that TGV_MISHAP_ROAD_DIES has cut; all 0: none. */
struct tgv_cut {
    uint8_t direct; /* TGV_DIRECT_* */
    uint8_t leg; /* TGV_LEG_* of host and relay */
    unsigned host, relay;
};

void tgv_roads_before(const struct tgv_plan *p, struct tgv_roads *roads);
/* While UDP is blocked, or after the other mishaps. */
void tgv_roads_after(const struct tgv_plan *p, const struct tgv_cut *cut,
                     struct tgv_roads *roads);
/* May a call be set up, and go on? */
bool tgv_roads_meet(const struct tgv_roads *roads);
bool tgv_roads_any(const struct tgv_roads *roads);
/* Pairs of legs, and direct ones. */
unsigned tgv_roads_count(const struct tgv_roads *roads);
/* Both reach one relay by UDP. */
bool tgv_roads_udp(const struct tgv_roads *roads);
/* Round trip of the fastest one, 0 if there is none. udp: of those only. */
tgv_time tgv_roads_rtt(const struct tgv_plan *p, const struct tgv_roads *roads,
                       bool udp);

#endif
