/* SPDX-License-Identifier: MIT */
#include "negotiate/rpc.h"

void tgv_rpc_queue(struct tgv_rpc *rpc, uint64_t order)
{
    rpc->state = TGV_RPC_QUEUED;
    rpc->order = order;
    rpc->due = TGV_NEVER;
}

void tgv_rpc_pause(struct tgv_rpc *rpc, tgv_time due)
{
    rpc->state = TGV_RPC_PAUSED;
    rpc->due = due;
}

void tgv_rpc_cancel(struct tgv_rpc *rpc)
{
    if (rpc->state == TGV_RPC_QUEUED || rpc->state == TGV_RPC_PAUSED)
        rpc->state = TGV_RPC_DONE;
}

bool tgv_rpc_alive(const struct tgv_rpc *rpc)
{
    return rpc->state == TGV_RPC_QUEUED || rpc->state == TGV_RPC_SENT ||
           rpc->state == TGV_RPC_PAUSED;
}
