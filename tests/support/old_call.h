/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_OLD_CALL_H
#define TGV_TEST_OLD_CALL_H
/*
 * One call of ours with one old peer, through a relay and directly, over links
 * with impairments. Virtual time.
 */
#include "legacy/call.h"
#include "link/link.h"
#include "relay/relay.h"
#include "support/old_peer.h"
#include "support/sim_ear.h"

struct old_call {
    struct tgv_call *call;
    struct old_peer peer;
    struct tgv_link *link[4]; /* 0: what we send; 2, 3: directly */
    struct tgv_relay *relay;
    struct tgv_addr relay_addr, addr[2];
    struct tgv_addr direct[2]; /* where the direct road is */
    unsigned sock;
    struct tgv_prng prng;
    tgv_time now, next_tick, next_step;
    uint32_t captured;
    tgv_time last_voice; /* heard */
    enum tgv_call_state state;
    struct tgv_sim_ear ear;
    int lose; /* our n-th datagram from now on is lost; 0: none */
    bool hold; /* the peer's next datagram stays on the way */
    uint8_t held[1500];
    size_t held_len;
};

/* What a test varies. */
struct old_scene {
    unsigned version;
    int layer;
    bool caller; /* we are the caller */
    bool mask_a, copies, muted, data_saving, peer_saves_data;
    bool p2p, same_network;
    struct tgv_impairment imp; /* of the relay's road; the other has 10 ms */
    uint64_t seed;
    unsigned lose_in[3], lose_out[3]; /* INIT, INIT_ACK: the first so many
                                         that the peer should get, or sends */
};

/* We are the caller, 40 ms away; the seed is TGV_SEED's. */
void old_scene_init(struct old_scene *s, unsigned version, int layer);

void old_call_begin(struct old_call *w, const struct old_scene *s);
void old_call_end(struct old_call *w);
/* Until a time since the start. */
void old_call_run_to(struct old_call *w, tgv_time until);
/* Send what the call wants to after an input made directly. */
void old_call_settle(struct old_call *w);
/* The datagram that was held arrives. */
void old_call_let_go(struct old_call *w);
struct tgv_call_stats old_call_stats(const struct old_call *w);

#endif
