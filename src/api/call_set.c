/* SPDX-License-Identifier: MIT */
/*
 * Settings that may change during a call: each leaves an order for the loop.
 */
#include "api/call.h"

#include "io/sync.h"

#define BITRATE_MIN 500
#define BITRATE_MAX 510000

/* Enter the lock to leave orders, unless the call has been stopped. */
static int enter(struct tgvoip_call *call)
{
    tgv_lock_enter(call->lock);
    if (!atomic_load(&call->stop_wanted))
        return 0;
    tgv_lock_leave(call->lock);
    return TGVOIP_ERR_STATE;
}

static int leave(struct tgvoip_call *call)
{
    tgv_ucall_wake(call);
    tgv_lock_leave(call->lock);
    return 0;
}

int tgvoip_call_set_mute(tgvoip_call *call, bool muted)
{
    if (!call)
        return TGVOIP_ERR_INVALID;
    int err = enter(call);
    if (err)
        return err;
    call->orders.set_mute = true;
    call->orders.mute = muted;
    return leave(call);
}

int tgvoip_call_set_network_type(tgvoip_call *call,
                                 enum tgvoip_network_type type)
{
    if (!call || (int)type < TGVOIP_NET_UNKNOWN ||
        type > TGVOIP_NET_OTHER_MOBILE)
        return TGVOIP_ERR_INVALID;
    int err = enter(call);
    if (err)
        return err;
    call->orders.set_network = true;
    call->orders.network = type;
    return leave(call);
}

int tgvoip_call_set_data_saving(tgvoip_call *call, enum tgvoip_data_saving mode)
{
    if (!call || (int)mode < TGVOIP_DATA_SAVING_NEVER ||
        mode > TGVOIP_DATA_SAVING_ALWAYS)
        return TGVOIP_ERR_INVALID;
    int err = enter(call);
    if (err)
        return err;
    call->orders.set_saving = true;
    call->orders.saving = mode;
    return leave(call);
}

int tgvoip_call_set_timeouts(tgvoip_call *call, unsigned init_ms,
                             unsigned receive_ms)
{
    if (!call || init_ms < 1 || init_ms > TGV_UCALL_TIMEOUT_MAX_MS ||
        receive_ms < 1 || receive_ms > TGV_UCALL_TIMEOUT_MAX_MS)
        return TGVOIP_ERR_INVALID;
    int err = enter(call);
    if (err)
        return err;
    call->orders.set_timeouts = true;
    call->orders.init_ms = init_ms;
    call->orders.receive_ms = receive_ms;
    return leave(call);
}

/* Inside the lock. */
static int order_debug(struct tgv_call_orders *o, enum tgvoip_debug_ctl what,
                       int value)
{
    switch (what) {
    case TGVOIP_DEBUG_MAX_BITRATE:
        if (value < BITRATE_MIN || value > BITRATE_MAX)
            return TGVOIP_ERR_INVALID;
        o->set_bitrate = true;
        o->bitrate_bps = (unsigned)value;
        return 0;
    case TGVOIP_DEBUG_LOSS_PERCENT:
        if (value < -1 || value > 100)
            return TGVOIP_ERR_INVALID;
        o->set_loss = true;
        o->loss_percent = value < 0 ? TGV_DEBUG_LOSS_MEASURED : (unsigned)value;
        return 0;
    case TGVOIP_DEBUG_ALLOW_P2P:
        if (value != 0 && value != 1)
            return TGVOIP_ERR_INVALID;
        o->set_p2p = true;
        o->p2p = value == 1;
        return 0;
    case TGVOIP_DEBUG_ECHO_CANCELLING:
        return value == 0 || value == 1 ? TGVOIP_ERR_UNSUPPORTED
                                        : TGVOIP_ERR_INVALID;
    }
    return TGVOIP_ERR_INVALID;
}

int tgvoip_call_debug_ctl(tgvoip_call *call, enum tgvoip_debug_ctl what,
                          int value)
{
    if (!call)
        return TGVOIP_ERR_INVALID;
    int err = enter(call);
    if (err)
        return err;
    err = order_debug(&call->orders, what, value);
    (void)leave(call);
    return err;
}
