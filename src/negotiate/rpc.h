/* SPDX-License-Identifier: MIT */
#ifndef TGV_NEGOTIATE_RPC_H
#define TGV_NEGOTIATE_RPC_H
/*
 * The life of a request. Every kind has its place in the negotiation (or the
 * account) that asks for it, so asking never allocates and never fails:
 *
 *   IDLE -> QUEUED -> SENT -> DONE
 *             ^        |
 *             +- PAUSED (to be sent again)
 */
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#include <tgvoip/signaling.h>

enum tgv_rpc_state {
    TGV_RPC_IDLE = 0,
    TGV_RPC_QUEUED,
    TGV_RPC_SENT,
    TGV_RPC_PAUSED,
    TGV_RPC_DONE
};

struct tgv_rpc {
    enum tgv_rpc_state state;
    uint64_t id; /* of the latest sending */
    uint64_t order; /* among all of the account */
    unsigned tries; /* that failed for want of a network */
    tgv_time due; /* PAUSED: when to queue it again */
};

/* One place for each type, and the unused 0. */
#define TGV_RPC_COUNT (TGVOIP_REQUEST_SET_RATING + 1)

/* Ask for it now, `order` before everything larger. */
void tgv_rpc_queue(struct tgv_rpc *rpc, uint64_t order);
void tgv_rpc_pause(struct tgv_rpc *rpc, tgv_time due);
/* Drop it unless it is on its way. */
void tgv_rpc_cancel(struct tgv_rpc *rpc);
/* Something is still to be sent or answered. */
bool tgv_rpc_alive(const struct tgv_rpc *rpc);

#endif
