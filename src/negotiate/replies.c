/* SPDX-License-Identifier: MIT */
/* Answers of the server, to the table that asked.
 * Source: call signalling 8.2 */
#include "negotiate/account.h"
#include "negotiate/errors.h"

#include <string.h>

/* The call still waits for this answer. */
static bool matters(const struct tgvoip_negotiation *n,
                    enum tgvoip_request_type type)
{
    switch (type) {
    case TGVOIP_REQUEST_GET_DH_CONFIG:
        return n->state == TGVOIP_SIGNAL_REQUESTING ||
               n->state == TGVOIP_SIGNAL_WAITING_INCOMING ||
               n->state == TGVOIP_SIGNAL_EXCHANGING_KEYS;
    case TGVOIP_REQUEST_REQUEST_CALL:
        return n->state == TGVOIP_SIGNAL_REQUESTING;
    case TGVOIP_REQUEST_RECEIVED_CALL:
        return n->state == TGVOIP_SIGNAL_WAITING_INCOMING;
    case TGVOIP_REQUEST_ACCEPT_CALL:
    case TGVOIP_REQUEST_CONFIRM_CALL:
        return n->state == TGVOIP_SIGNAL_EXCHANGING_KEYS && !tgv_neg_holds(n);
    default:
        return true; /* discard, debug, rating: also when it is over */
    }
}

static void discard_done(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->state == TGVOIP_SIGNAL_HANGING_UP)
        tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, n->hang_up_outcome, now, "hung up");
}

/* requestCall came to nothing while the user waits for it to be over. */
static bool ends_hang_up(struct tgvoip_negotiation *n,
                         enum tgvoip_request_type type, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_HANGING_UP ||
        type != TGVOIP_REQUEST_REQUEST_CALL)
        return false;
    tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, n->hang_up_outcome, now,
                "given up before an answer");
    return true;
}

static void unexpected(struct tgvoip_negotiation *n,
                       enum tgvoip_request_type type, const char *what,
                       tgv_time now)
{
    if (!ends_hang_up(n, type, now) && matters(n, type))
        tgv_neg_fail(n, TGVOIP_OUTCOME_SERVER_ERROR, now,
                     "%s was answered by %s", tgvoip_request_type_str(type),
                     what);
}

void tgv_reply_phone_call(struct tgvoip_negotiation *n,
                          enum tgvoip_request_type type,
                          const struct tgvoip_phone_call *call, tgv_time now)
{
    bool over = n->state == TGVOIP_SIGNAL_HANGING_UP || tgv_neg_final(n);

    if (type == TGVOIP_REQUEST_REQUEST_CALL) {
        tgv_outgoing_requested(n, call, now);
        return;
    }
    if (type != TGVOIP_REQUEST_ACCEPT_CALL &&
        type != TGVOIP_REQUEST_CONFIRM_CALL) {
        tgv_reply_done(n, type, now);
        return;
    }
    if (over && call->type != TGVOIP_PHONE_CALL_DISCARDED)
        return;
    if (type == TGVOIP_REQUEST_ACCEPT_CALL)
        tgv_incoming_accepted(n, call, now);
    else
        tgv_outgoing_confirmed(n, call, now);
}

void tgv_reply_dh(struct tgvoip_negotiation *n,
                  const struct tgvoip_dh_config *dh, tgv_time now)
{
    if (!matters(n, TGVOIP_REQUEST_GET_DH_CONFIG) ||
        !tgv_keys_parameters(n, dh, now))
        return;
    if (n->outgoing)
        tgv_outgoing_pair_ready(n, now);
    else
        tgv_incoming_pair_ready(n, now);
}

void tgv_reply_done(struct tgvoip_negotiation *n, enum tgvoip_request_type type,
                    tgv_time now)
{
    switch (type) {
    case TGVOIP_REQUEST_DISCARD_CALL:
        discard_done(n, now);
        break;
    case TGVOIP_REQUEST_RECEIVED_CALL:
    case TGVOIP_REQUEST_SAVE_DEBUG:
    case TGVOIP_REQUEST_SET_RATING:
        break;
    default:
        unexpected(n, type, "something else", now);
    }
}

static void again(struct tgvoip_negotiation *n, enum tgvoip_request_type type,
                  tgv_time due)
{
    if (type != TGVOIP_REQUEST_DISCARD_CALL || !n->discarded)
        tgv_rpc_pause(&n->rpc[type], due);
}

static void redraw(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->redrawn || tgv_outgoing_draw_random_id(n)) {
        tgv_neg_fail(n, TGVOIP_OUTCOME_SERVER_ERROR, now,
                     "RANDOM_ID_DUPLICATE, twice");
        return;
    }
    n->redrawn = true;
    tgv_rpc_queue(&n->rpc[TGVOIP_REQUEST_REQUEST_CALL],
                  tgv_account_order(n->account));
}

/* Our own first acceptCall may be what was accepted "already". */
static bool may_be_own_answer(const struct tgvoip_negotiation *n,
                              enum tgvoip_request_type type,
                              const struct tgv_verdict *v)
{
    return type == TGVOIP_REQUEST_ACCEPT_CALL && n->accept_doubtful &&
           v->outcome == TGVOIP_OUTCOME_ELSEWHERE;
}

static void obey(struct tgvoip_negotiation *n, enum tgvoip_request_type type,
                 const struct tgv_verdict *v, const char *text, tgv_time now)
{
    const char *method = tgvoip_request_type_str(type);

    switch (v->action) {
    case TGV_VERDICT_DONE:
        if (type == TGVOIP_REQUEST_DISCARD_CALL)
            discard_done(n, now);
        break;
    case TGV_VERDICT_RETRY:
        again(n, type, now + TGV_S(v->retry_after_s));
        break;
    case TGV_VERDICT_REDRAW:
        redraw(n, now);
        break;
    case TGV_VERDICT_QUIET:
        if (!may_be_own_answer(n, type, v))
            tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, v->outcome, now, "%s: %s",
                        method, text);
        break;
    case TGV_VERDICT_FAIL_MUTE:
        tgv_neg_end(n, TGVOIP_SIGNAL_FAILED, v->outcome, now, "%s: %s", method,
                    text);
        break;
    case TGV_VERDICT_FAIL:
        n->retry_after_s = v->retry_after_s;
        tgv_neg_fail(n, v->outcome, now, "%s: %s", method, text);
        break;
    }
}

void tgv_reply_error(struct tgvoip_negotiation *n,
                     enum tgvoip_request_type type, int code, const char *name,
                     tgv_time now)
{
    struct tgv_verdict v = tgv_error_verdict(type, n->outgoing, code, name);
    char text[64];

    if (!name)
        name = "error without a name";
    tgv_log_escape(name, strlen(name), text, sizeof(text));
    tgv_log(&n->account->config.log, TGV_LOG_INFO, "negotiate", now,
            "call %lld: %s: %s (%d)", (long long)n->id,
            tgvoip_request_type_str(type), text, code);
    if (!ends_hang_up(n, type, now) && matters(n, type))
        obey(n, type, &v, text, now);
}

/* 1, 2, 4, ... seconds, then it is given up. */
static void again_in_background(struct tgvoip_negotiation *n,
                                enum tgvoip_request_type type, tgv_time now)
{
    unsigned tries = ++n->rpc[type].tries;

    if (tries < TGV_BACKGROUND_TRIES)
        again(n, type, now + TGV_RETRY_AFTER * (1 << (tries - 1)));
}

void tgv_reply_network(struct tgvoip_negotiation *n,
                       enum tgvoip_request_type type, tgv_time now)
{
    switch (type) {
    case TGVOIP_REQUEST_DISCARD_CALL:
    case TGVOIP_REQUEST_SAVE_DEBUG:
    case TGVOIP_REQUEST_SET_RATING:
        again_in_background(n, type, now);
        return;
    default:
        break;
    }
    if (ends_hang_up(n, type, now) || !matters(n, type))
        return;
    if (type == TGVOIP_REQUEST_REQUEST_CALL ||
        (n->outgoing && type == TGVOIP_REQUEST_GET_DH_CONFIG)) {
        tgv_neg_fail(n, TGVOIP_OUTCOME_NETWORK, now,
                     "%s: the server could not be reached",
                     tgvoip_request_type_str(type));
        return;
    }
    if (type == TGVOIP_REQUEST_ACCEPT_CALL)
        n->accept_doubtful = true;
    n->rpc[type].tries++;
    again(n, type, now + TGV_RETRY_AFTER);
}
