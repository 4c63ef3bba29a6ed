/* SPDX-License-Identifier: MIT */
/* How a negotiation changes its state, and how it ends. */
#include "negotiate/account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool tgv_neg_final(const struct tgvoip_negotiation *n)
{
    return n->state == TGVOIP_SIGNAL_ENDED ||
           n->state == TGVOIP_SIGNAL_FAILED || n->state == TGVOIP_SIGNAL_BUSY;
}

bool tgv_neg_in_media(const struct tgvoip_negotiation *n)
{
    return n->state == TGVOIP_SIGNAL_WAIT_INIT ||
           n->state == TGVOIP_SIGNAL_WAIT_INIT_ACK ||
           n->state == TGVOIP_SIGNAL_ESTABLISHED ||
           n->state == TGVOIP_SIGNAL_RECONNECTING;
}

/* Full: the oldest change of state gives way, never anything else. There are
 * fewer of the others than places. */
static void make_room(struct tgvoip_negotiation *n)
{
    size_t i = 0;

    while (i < n->event_count - 1 &&
           n->events[i].type != TGVOIP_SIGNAL_EVENT_STATE)
        i++;
    n->event_count--;
    memmove(&n->events[i], &n->events[i + 1],
            (n->event_count - i) * sizeof(n->events[0]));
}

void tgv_neg_event(struct tgvoip_negotiation *n,
                   enum tgvoip_signal_event_type type)
{
    if (n->released && type != TGVOIP_SIGNAL_EVENT_REFUSED)
        return;
    if (n->event_count == TGV_EVENTS_KEPT)
        make_room(n);
    n->events[n->event_count++] =
        (struct tgv_neg_event){tgv_account_order(n->account), type, n->state};
}

void tgv_neg_set_state(struct tgvoip_negotiation *n,
                       enum tgvoip_signal_state state, tgv_time now)
{
    if (tgv_neg_final(n) || n->state == state)
        return;
    n->state = state;
    tgv_log(&n->account->config.log, TGV_LOG_INFO, "negotiate", now,
            "call %lld: %s", (long long)n->id, tgvoip_signal_state_str(state));
    if (state == TGVOIP_SIGNAL_WAITING_INCOMING)
        tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_INCOMING); /* nobody has it yet */
    tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_STATE);
}

int32_t tgv_neg_duration(const struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->duration_final)
        return n->duration_s;
    if (!n->had_media || now < n->established_at)
        return 0;
    return (int32_t)((now - n->established_at) / TGV_US_PER_S);
}

static void freeze_duration(struct tgvoip_negotiation *n, tgv_time now)
{
    n->duration_s = tgv_neg_duration(n, now);
    n->duration_final = true;
}

/* Requests that no longer make sense once it is over. */
static void cancel_requests(struct tgvoip_negotiation *n)
{
    for (int i = 0; i < TGV_RPC_COUNT; i++)
        if (i != TGVOIP_REQUEST_DISCARD_CALL)
            tgv_rpc_cancel(&n->rpc[i]);
}

static void end(struct tgvoip_negotiation *n, enum tgvoip_signal_state state,
                enum tgvoip_outcome outcome, tgv_time now, const char *why,
                va_list args)
{
    if (tgv_neg_final(n))
        return;
    n->outcome = outcome;
    vsnprintf(n->why, sizeof(n->why), why, args);
    freeze_duration(n, now);
    tgv_timers_stop_all(n);
    cancel_requests(n);
    tgv_keys_wipe(n);
    tgv_neg_set_state(n, state, now);
    tgv_log(&n->account->config.log,
            state == TGVOIP_SIGNAL_FAILED ? TGV_LOG_WARNING : TGV_LOG_INFO,
            "negotiate", now, "call %lld: %s: %s", (long long)n->id,
            tgvoip_outcome_str(outcome), n->why);
    if (n->has_id)
        tgv_account_remember_ended(n->account, n->id);
    tgv_timer_start(n, TGV_TIMER_LINGER, TGV_LINGER / TGV_US_PER_MS, now);
    tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_ENDED);
    tgv_neg_send_debug(n);
}

void tgv_neg_end(struct tgvoip_negotiation *n, enum tgvoip_signal_state state,
                 enum tgvoip_outcome outcome, tgv_time now, const char *why,
                 ...)
{
    va_list args;

    va_start(args, why);
    end(n, state, outcome, now, why, args);
    va_end(args);
}

void tgv_neg_fail(struct tgvoip_negotiation *n, enum tgvoip_outcome outcome,
                  tgv_time now, const char *why, ...)
{
    va_list args;

    if (tgv_neg_final(n))
        return;
    tgv_neg_discard(n, TGVOIP_DISCARD_DISCONNECT, now);
    va_start(args, why);
    end(n, TGVOIP_SIGNAL_FAILED, outcome, now, why, args);
    va_end(args);
}

void tgv_neg_discard(struct tgvoip_negotiation *n,
                     enum tgvoip_discard_reason reason, tgv_time now)
{
    if (!n->has_id || n->discarding || n->discarded)
        return;
    n->discarding = true;
    n->discard_reason = reason;
    freeze_duration(n, now);
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_DISCARD_CALL],
                  tgv_account_order(n->account));
}

/* Wait for the answer to the discard, but not for long. */
static void hanging_up(struct tgvoip_negotiation *n,
                       enum tgvoip_outcome outcome, tgv_time now)
{
    n->hang_up_outcome = outcome;
    tgv_timers_stop_all(n);
    cancel_requests(n);
    tgv_keys_wipe(n);
    tgv_timer_start(n, TGV_TIMER_HANG_UP, TGV_HANG_UP_TIMEOUT / TGV_US_PER_MS,
                    now);
    tgv_neg_set_state(n, TGVOIP_SIGNAL_HANGING_UP, now);
}

/* The server may be working on requestCall: its answer brings the id. */
static void cancel_requesting(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->rpc[TGVOIP_REQUEST_REQUEST_CALL].state == TGV_RPC_SENT)
        hanging_up(n, TGVOIP_OUTCOME_CANCELLED, now);
    else
        tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_CANCELLED, now,
                    "given up before it was requested");
}

void tgv_neg_hang_up(struct tgvoip_negotiation *n, tgv_time now)
{
    switch (n->state) {
    case TGVOIP_SIGNAL_REQUESTING:
        cancel_requesting(n, now);
        return;
    case TGVOIP_SIGNAL_WAITING:
    case TGVOIP_SIGNAL_RINGING:
        tgv_neg_discard(n, TGVOIP_DISCARD_MISSED, now);
        tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_CANCELLED, now,
                    "given up before an answer");
        return;
    case TGVOIP_SIGNAL_WAITING_INCOMING:
        tgv_incoming_decline(n, now);
        return;
    case TGVOIP_SIGNAL_EXCHANGING_KEYS:
        if (!n->outgoing && !n->accept_sent) {
            tgv_incoming_decline(n, now);
            return;
        }
        break;
    default:
        if (!tgv_neg_in_media(n))
            return;
    }
    tgv_neg_discard(n, TGVOIP_DISCARD_HANGUP, now);
    hanging_up(n, TGVOIP_OUTCOME_HUNG_UP, now);
}

bool tgv_neg_check_ids(struct tgvoip_negotiation *n,
                       const struct tgvoip_phone_call *call, tgv_time now)
{
    const char *what = NULL;

    if (call->id != n->id)
        what = "id";
    else if (call->access_hash != n->access_hash)
        what = "access_hash";
    else if (call->admin_id != n->admin_id)
        what = "admin_id";
    else if (call->participant_id != n->participant_id)
        what = "participant_id";
    if (!what)
        return true;
    tgv_neg_fail(n, TGVOIP_OUTCOME_VERIFICATION_FAILED, now,
                 "%s: %s is not that of the call",
                 tgvoip_phone_call_type_str(call->type), what);
    return false;
}

struct ending {
    enum tgvoip_signal_state state;
    enum tgvoip_outcome outcome;
    const char *why;
};

static struct ending before_answer(const struct tgvoip_negotiation *n,
                                   enum tgvoip_discard_reason reason)
{
    bool rang = n->state == TGVOIP_SIGNAL_RINGING;

    switch (reason) {
    case TGVOIP_DISCARD_BUSY:
        /* The wire has one reason for both; a busy callee never rings. */
        if (rang)
            return (struct ending){TGVOIP_SIGNAL_BUSY, TGVOIP_OUTCOME_DECLINED,
                                   "declined"};
        return (struct ending){TGVOIP_SIGNAL_BUSY, TGVOIP_OUTCOME_BUSY,
                               "the callee is busy"};
    case TGVOIP_DISCARD_NONE:
    case TGVOIP_DISCARD_MISSED:
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_NO_ANSWER,
                               "ended by the server before an answer"};
    case TGVOIP_DISCARD_HANGUP:
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DECLINED,
                               "hung up before an answer"};
    default:
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DROPPED,
                               "given up by the callee before an answer"};
    }
}

static struct ending while_ringing_here(enum tgvoip_discard_reason reason)
{
    switch (reason) {
    case TGVOIP_DISCARD_BUSY:
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DECLINED,
                               "declined on another device"};
    case TGVOIP_DISCARD_HANGUP:
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_ELSEWHERE,
                               "taken by another device"};
    default:
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_MISSED,
                               "the caller gave up"};
    }
}

static struct ending after_answer(const struct tgvoip_negotiation *n,
                                  enum tgvoip_discard_reason reason)
{
    switch (reason) {
    case TGVOIP_DISCARD_BUSY:
        if (n->had_media)
            break;
        if (!n->outgoing && !n->key_agreed)
            return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DECLINED,
                                   "declined on another device"};
        return (struct ending){TGVOIP_SIGNAL_BUSY, TGVOIP_OUTCOME_BUSY, "busy"};
    case TGVOIP_DISCARD_MISSED:
        if (n->outgoing || n->key_agreed)
            break;
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_MISSED,
                               "the caller gave up"};
    case TGVOIP_DISCARD_DISCONNECT:
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_DROPPED,
                               "the other side reports a failure"};
    default:
        break;
    }
    return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_PEER_HUNG_UP,
                           "hung up by the other side"};
}

static struct ending ending_of(const struct tgvoip_negotiation *n,
                               enum tgvoip_discard_reason reason)
{
    if (n->state == TGVOIP_SIGNAL_HANGING_UP)
        return (struct ending){TGVOIP_SIGNAL_ENDED, n->hang_up_outcome,
                               "hung up"};
    if (reason == TGVOIP_DISCARD_MIGRATE)
        return (struct ending){TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_MIGRATED,
                               "moved to a conference call"};
    if (n->state == TGVOIP_SIGNAL_WAITING_INCOMING)
        return while_ringing_here(reason);
    if (n->state == TGVOIP_SIGNAL_EXCHANGING_KEYS || tgv_neg_in_media(n))
        return after_answer(n, reason);
    return before_answer(n, reason);
}

void tgv_neg_discarded(struct tgvoip_negotiation *n,
                       const struct tgvoip_phone_call *call, tgv_time now)
{
    bool news = (call->need_rating && !n->asks_rating) ||
                (call->need_debug && !n->asks_debug);
    struct ending e;

    n->discarded = true;
    n->asks_rating = n->asks_rating || call->need_rating;
    n->asks_debug = n->asks_debug || call->need_debug;
    tgv_rpc_cancel(&n->rpc[TGVOIP_REQUEST_DISCARD_CALL]);
    if (call->slug && call->reason == TGVOIP_DISCARD_MIGRATE)
        tgv_log_escape(call->slug, strlen(call->slug), n->slug,
                       sizeof(n->slug));
    if (tgv_neg_final(n)) {
        if (news)
            tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_FEEDBACK);
        tgv_neg_send_debug(n);
        return;
    }
    e = ending_of(n, call->reason);
    tgv_neg_end(n, e.state, e.outcome, now, "%s", e.why);
}

void tgv_neg_update(struct tgvoip_negotiation *n,
                    const struct tgvoip_phone_call *call, tgv_time now)
{
    switch (call->type) {
    case TGVOIP_PHONE_CALL_DISCARDED:
        tgv_neg_discarded(n, call, now);
        return;
    case TGVOIP_PHONE_CALL_EMPTY:
        if (n->state == TGVOIP_SIGNAL_HANGING_UP)
            tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, n->hang_up_outcome, now,
                        "hung up");
        else
            tgv_neg_fail(n, TGVOIP_OUTCOME_SERVER_ERROR, now,
                         "the server knows the call no more");
        return;
    case TGVOIP_PHONE_CALL_WAITING:
    case TGVOIP_PHONE_CALL_ACCEPTED:
    case TGVOIP_PHONE_CALL_ACTIVE:
        break;
    default:
        return; /* an echo of phoneCallRequested */
    }
    if (tgv_neg_final(n) || n->state == TGVOIP_SIGNAL_HANGING_UP ||
        !tgv_neg_check_ids(n, call, now))
        return;
    if (n->outgoing)
        tgv_outgoing_update(n, call, now);
    else
        tgv_incoming_update(n, call, now);
}
