/* SPDX-License-Identifier: MIT */
/* The callee's table. Source: call signalling 7.2, 9.4 */
#include "negotiate/account.h"

#include <string.h>

void tgv_incoming_start(struct tgvoip_negotiation *n,
                        const struct tgvoip_phone_call *call, tgv_time now)
{
    struct tgvoip_account *a = n->account;

    memcpy(n->commitment, call->bytes, sizeof(n->commitment));
    tgv_account_refresh(a, now);
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_GET_DH_CONFIG], tgv_account_order(a));
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_RECEIVED_CALL], tgv_account_order(a));
    tgv_timer_start(n, TGV_TIMER_RING, a->values.ring_timeout_ms, now);
    tgv_neg_set_state(n, TGVOIP_SIGNAL_WAITING_INCOMING, now);
}

/* acceptCall, once the user has said yes and g_b is there. */
static void accept_if_ready(struct tgvoip_negotiation *n)
{
    struct tgv_rpc *rpc = &n->rpc[TGVOIP_REQUEST_ACCEPT_CALL];

    if (n->answered && n->pair_ready && rpc->state == TGV_RPC_IDLE)
        tgv_rpc_queue(rpc, tgv_account_order(n->account));
}

void tgv_incoming_pair_ready(struct tgvoip_negotiation *n, tgv_time now)
{
    (void)now;
    accept_if_ready(n);
}

static void expect_key(struct tgvoip_negotiation *n, tgv_time now)
{
    tgv_timer_stop(n, TGV_TIMER_RING);
    tgv_timer_start(n, TGV_TIMER_CONNECT, n->account->values.connect_timeout_ms,
                    now);
}

void tgv_incoming_answer(struct tgvoip_negotiation *n, tgv_time now)
{
    n->answered = true;
    expect_key(n, now);
    tgv_neg_set_state(n, TGVOIP_SIGNAL_EXCHANGING_KEYS, now);
    accept_if_ready(n);
}

void tgv_incoming_decline(struct tgvoip_negotiation *n, tgv_time now)
{
    tgv_neg_discard(n, TGVOIP_DISCARD_BUSY, now);
    tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DECLINED, now,
                "declined");
}

void tgv_incoming_accepted(struct tgvoip_negotiation *n,
                           const struct tgvoip_phone_call *call, tgv_time now)
{
    if (call->type == TGVOIP_PHONE_CALL_DISCARDED && call->id == n->id) {
        tgv_neg_discarded(n, call, now);
        return;
    }
    if (call->type != TGVOIP_PHONE_CALL_WAITING) {
        if (n->state == TGVOIP_SIGNAL_EXCHANGING_KEYS)
            tgv_neg_fail(n, TGVOIP_OUTCOME_SERVER_ERROR, now,
                         "phone.acceptCall was answered by %s",
                         tgvoip_phone_call_type_str(call->type));
        return;
    }
    if (!tgv_neg_check_ids(n, call, now))
        return;
    n->accept_doubtful = false;
    if (n->state == TGVOIP_SIGNAL_EXCHANGING_KEYS && !n->key_agreed &&
        tgv_neg_check_protocol(n, call, now))
        expect_key(n, now);
}

/* phoneCall: the caller has confirmed. */
static void confirmed(struct tgvoip_negotiation *n,
                      const struct tgvoip_phone_call *call, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_EXCHANGING_KEYS || !n->accept_sent ||
        n->key_agreed)
        return; /* not answered here, or once only */
    tgv_rpc_cancel(&n->rpc[TGVOIP_REQUEST_ACCEPT_CALL]);
    if (tgv_keys_from_g_a(n, call->bytes, call->bytes_len,
                          call->key_fingerprint, now))
        tgv_neg_agreed(n, call, now);
}

void tgv_incoming_update(struct tgvoip_negotiation *n,
                         const struct tgvoip_phone_call *call, tgv_time now)
{
    switch (call->type) {
    case TGVOIP_PHONE_CALL_ACCEPTED:
        tgv_neg_fail(n, TGVOIP_OUTCOME_SERVER_ERROR, now,
                     "phoneCallAccepted came for an incoming call");
        break;
    case TGVOIP_PHONE_CALL_ACTIVE:
        confirmed(n, call, now);
        break;
    default:
        break;
    }
}
