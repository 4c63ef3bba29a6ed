/* SPDX-License-Identifier: MIT */
/* The caller's table. Source: call signalling 7.1, 9.3 */
#include "negotiate/account.h"

#include <string.h>

static unsigned shorter(unsigned ms, unsigned limit_ms)
{
    return limit_ms && limit_ms < ms ? limit_ms : ms;
}

int tgv_outgoing_draw_random_id(struct tgvoip_negotiation *n)
{
    struct tgvoip_account *a = n->account;
    uint32_t v = 0;

    /* 31 bits, as the guide has it; never the same twice in a row. */
    for (int i = 0; i < 100; i++) {
        if (a->config.random.fill(a->config.random.ctx, (uint8_t *)&v,
                                  sizeof(v)))
            return TGVOIP_ERR_RANDOM;
        v &= 0x7fffffffu;
        if (v != 0x7fffffffu && (int32_t)v != a->last_random_id) {
            n->random_id = a->last_random_id = (int32_t)v;
            return 0;
        }
    }
    return TGVOIP_ERR_RANDOM;
}

void tgv_outgoing_start(struct tgvoip_negotiation *n, tgv_time now)
{
    tgv_account_refresh(n->account, now);
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_GET_DH_CONFIG],
                  tgv_account_order(n->account));
    tgv_timer_start(n, TGV_TIMER_ANSWER, n->account->values.connect_timeout_ms,
                    now);
    tgv_neg_set_state(n, TGVOIP_SIGNAL_REQUESTING, now);
}

void tgv_outgoing_pair_ready(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_REQUESTING)
        return;
    if (tgv_dh_commitment(n->public_value, sizeof(n->public_value),
                          n->commitment) ||
        tgv_outgoing_draw_random_id(n)) {
        tgv_neg_fail(n, TGVOIP_OUTCOME_INTERNAL, now,
                     "no memory or no random numbers");
        return;
    }
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_REQUEST_CALL],
                  tgv_account_order(n->account));
}

/* Its device rings, says the server. */
static void ringing(struct tgvoip_negotiation *n,
                    const struct tgvoip_phone_call *call, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_WAITING || !call->receive_date)
        return;
    tgv_timer_stop(n, TGV_TIMER_RECEIVE);
    tgv_timer_start(
        n, TGV_TIMER_RING,
        shorter((unsigned)n->account->values.ring_timeout_ms, n->ring_limit_ms),
        now);
    tgv_neg_set_state(n, TGVOIP_SIGNAL_RINGING, now);
}

/* The id came too late: end the call at the server too. */
static void late_id(struct tgvoip_negotiation *n, tgv_time now)
{
    bool cancelled = n->state == TGVOIP_SIGNAL_HANGING_UP ||
                     n->outcome == TGVOIP_OUTCOME_CANCELLED;

    tgv_account_replay(n->account, n, now);
    tgv_neg_discard(
        n, cancelled ? TGVOIP_DISCARD_MISSED : TGVOIP_DISCARD_DISCONNECT, now);
    if (tgv_neg_final(n))
        tgv_account_remember_ended(n->account, n->id);
    else
        tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, n->hang_up_outcome, now,
                    "given up before an answer");
}

void tgv_outgoing_requested(struct tgvoip_negotiation *n,
                            const struct tgvoip_phone_call *call, tgv_time now)
{
    bool waits = n->state == TGVOIP_SIGNAL_REQUESTING;

    if (call->type != TGVOIP_PHONE_CALL_WAITING &&
        n->state == TGVOIP_SIGNAL_HANGING_UP) {
        tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, n->hang_up_outcome, now,
                    "given up before an answer");
        return;
    }
    if (call->type != TGVOIP_PHONE_CALL_WAITING) {
        tgv_neg_fail(n, TGVOIP_OUTCOME_SERVER_ERROR, now,
                     "phone.requestCall was answered by %s",
                     tgvoip_phone_call_type_str(call->type));
        return;
    }
    n->has_id = true;
    n->id = call->id;
    n->access_hash = call->access_hash;
    if (!waits) {
        late_id(n, now);
        return;
    }
    if (!tgv_neg_check_ids(n, call, now))
        return;
    tgv_timer_stop(n, TGV_TIMER_ANSWER);
    tgv_timer_start(n, TGV_TIMER_RECEIVE,
                    shorter((unsigned)n->account->values.receive_timeout_ms,
                            n->ring_limit_ms),
                    now);
    tgv_neg_set_state(n, TGVOIP_SIGNAL_WAITING, now);
    ringing(n, call, now);
    tgv_account_replay(n->account, n, now);
}

static void accepted(struct tgvoip_negotiation *n,
                     const struct tgvoip_phone_call *call, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_WAITING && n->state != TGVOIP_SIGNAL_RINGING)
        return; /* once only */
    if (!tgv_neg_check_protocol(n, call, now) ||
        !tgv_keys_from_g_b(n, call->bytes, call->bytes_len, now))
        return;
    tgv_timer_stop(n, TGV_TIMER_RECEIVE);
    tgv_timer_stop(n, TGV_TIMER_RING);
    tgv_timer_start(n, TGV_TIMER_CONNECT, n->account->values.connect_timeout_ms,
                    now);
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_CONFIRM_CALL],
                  tgv_account_order(n->account));
    tgv_neg_set_state(n, TGVOIP_SIGNAL_EXCHANGING_KEYS, now);
}

void tgv_outgoing_confirmed(struct tgvoip_negotiation *n,
                            const struct tgvoip_phone_call *call, tgv_time now)
{
    if (call->type == TGVOIP_PHONE_CALL_DISCARDED && call->id == n->id) {
        tgv_neg_discarded(n, call, now);
        return;
    }
    if (call->type != TGVOIP_PHONE_CALL_ACTIVE) {
        if (n->state == TGVOIP_SIGNAL_EXCHANGING_KEYS)
            tgv_neg_fail(n, TGVOIP_OUTCOME_SERVER_ERROR, now,
                         "phone.confirmCall was answered by %s",
                         tgvoip_phone_call_type_str(call->type));
        return;
    }
    if (!tgv_neg_check_ids(n, call, now) ||
        n->state != TGVOIP_SIGNAL_EXCHANGING_KEYS || tgv_neg_holds(n) ||
        !tgv_keys_check_fingerprint(n, call->key_fingerprint, now))
        return;
    tgv_rpc_cancel(&n->rpc[TGVOIP_REQUEST_CONFIRM_CALL]);
    tgv_neg_agreed(n, call, now);
}

void tgv_outgoing_update(struct tgvoip_negotiation *n,
                         const struct tgvoip_phone_call *call, tgv_time now)
{
    switch (call->type) {
    case TGVOIP_PHONE_CALL_WAITING:
        ringing(n, call, now);
        break;
    case TGVOIP_PHONE_CALL_ACCEPTED:
        accepted(n, call, now);
        break;
    case TGVOIP_PHONE_CALL_ACTIVE:
        /* The answer to confirmCall counts. It was lost if it has to be sent
         * again: then this is as good, with the same checks. */
        if (n->rpc[TGVOIP_REQUEST_CONFIRM_CALL].tries)
            tgv_outgoing_confirmed(n, call, now);
        break;
    default:
        break;
    }
}
