/* SPDX-License-Identifier: MIT */
/*
 * Every timer of a negotiation.               Source: call signalling 8.1
 *
 *   ANSWER    an outgoing call starts   connect_timeout   fail (our choice)
 *   RECEIVE   requestCall answered      receive_timeout   discard Missed
 *   RING      it rings there            ring_timeout      discard Missed
 *   RING      it rings here             ring_timeout      discard Busy
 *   CONNECT   answered; acceptCall      connect_timeout   discard Disconnect
 *             answered; confirmCall
 *   HOLD      key agreed                3 s               READY anyway
 *   HANG_UP   hung up                   5 s               it is over
 *   LINGER    it is over                120 s             may be forgotten
 *
 * The engine's own two time-outs are the engine's.
 */
#include "negotiate/account.h"

void tgv_timer_start(struct tgvoip_negotiation *n, enum tgv_timer timer,
                     int64_t ms, tgv_time now)
{
    n->timers[timer] = now + TGV_MS(ms);
}

void tgv_timer_stop(struct tgvoip_negotiation *n, enum tgv_timer timer)
{
    n->timers[timer] = TGV_NEVER;
}

void tgv_timers_stop_all(struct tgvoip_negotiation *n)
{
    for (int i = 0; i < TGV_TIMER_COUNT; i++)
        n->timers[i] = TGV_NEVER;
}

tgv_time tgv_timers_deadline(const struct tgvoip_negotiation *n)
{
    tgv_time due = TGV_NEVER;

    for (int i = 0; i < TGV_TIMER_COUNT; i++)
        due = tgv_time_min(due, n->timers[i]);
    for (int i = 0; i < TGV_RPC_COUNT; i++)
        if (n->rpc[i].state == TGV_RPC_PAUSED)
            due = tgv_time_min(due, n->rpc[i].due);
    return due;
}

static void no_answer(struct tgvoip_negotiation *n, tgv_time now,
                      const char *why)
{
    tgv_neg_discard(n, TGVOIP_DISCARD_MISSED, now);
    tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_NO_ANSWER, now, "%s",
                why);
}

static void ring_over(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->outgoing) {
        no_answer(n, now, "nobody answered in time");
        return;
    }
    tgv_neg_discard(n, TGVOIP_DISCARD_BUSY, now);
    tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_MISSED, now,
                "not answered in time");
}

static void connect_over(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->accept_doubtful) {
        /* Perhaps another device took it: then it is not ours to end. */
        tgv_neg_end(n, TGVOIP_SIGNAL_FAILED, TGVOIP_OUTCOME_DROPPED, now,
                    "the server did not say whether the answer arrived");
        return;
    }
    tgv_neg_fail(n, TGVOIP_OUTCOME_DROPPED, now,
                 "the other side did not finish the key exchange in time");
}

static void expired(struct tgvoip_negotiation *n, enum tgv_timer timer,
                    tgv_time now)
{
    switch (timer) {
    case TGV_TIMER_ANSWER:
        tgv_neg_fail(n, TGVOIP_OUTCOME_NETWORK, now,
                     "the server did not answer in time");
        break;
    case TGV_TIMER_RECEIVE:
        no_answer(n, now, "no device of the callee was reached in time");
        break;
    case TGV_TIMER_RING:
        ring_over(n, now);
        break;
    case TGV_TIMER_CONNECT:
        connect_over(n, now);
        break;
    case TGV_TIMER_HOLD:
        n->timers[timer] = now; /* what ready() looks at */
        tgv_neg_ready(n, now);
        break;
    case TGV_TIMER_HANG_UP:
        tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, n->hang_up_outcome, now, "hung up");
        break;
    default:
        break; /* LINGER: the account looks at what is left */
    }
}

void tgv_timers_expire(struct tgvoip_negotiation *n, tgv_time now)
{
    for (int i = 0; i < TGV_TIMER_COUNT; i++) {
        if (n->timers[i] > now)
            continue;
        n->timers[i] = TGV_NEVER;
        if (i == TGV_TIMER_LINGER)
            n->lingered = true;
        else
            expired(n, (enum tgv_timer)i, now);
    }
    for (int i = 0; i < TGV_RPC_COUNT; i++)
        if (n->rpc[i].state == TGV_RPC_PAUSED && n->rpc[i].due <= now)
            tgv_rpc_queue(&n->rpc[i], tgv_account_order(n->account));
}
