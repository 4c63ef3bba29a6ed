/* SPDX-License-Identifier: MIT */
/* Who is concerned by an update. Source: call signalling 7.4, SIG-03, SIG-04 */
#include "negotiate/account.h"

#include "negotiate/copy.h"

#include <stdlib.h>
#include <string.h>

void tgv_account_drop_early(struct tgvoip_account *a)
{
    for (size_t i = 0; i < a->early_count; i++)
        free(a->early[i]);
    a->early_count = 0;
}

bool tgv_account_expects_id(const struct tgvoip_account *a)
{
    for (const struct tgvoip_negotiation *n = a->calls; n; n = n->next)
        if (n->outgoing && !n->has_id &&
            n->rpc[TGVOIP_REQUEST_REQUEST_CALL].state == TGV_RPC_SENT)
            return true;
    return false;
}

static void keep_early(struct tgvoip_account *a,
                       const struct tgvoip_phone_call *call, tgv_time now)
{
    struct tgvoip_phone_call *copy = NULL;

    if (a->early_count < TGV_EARLY_UPDATES)
        copy = tgv_phone_call_copy(call);
    if (copy)
        a->early[a->early_count++] = copy;
    else
        tgv_log(&a->config.log, TGV_LOG_WARNING, "negotiate", now,
                "an update that came too early was dropped");
}

void tgv_account_replay(struct tgvoip_account *a, struct tgvoip_negotiation *n,
                        tgv_time now)
{
    struct tgvoip_phone_call *kept[TGV_EARLY_UPDATES];
    size_t count = a->early_count, left = 0;

    memcpy(kept, a->early, count * sizeof(kept[0]));
    a->early_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept[i]->id != n->id) {
            a->early[left++] = kept[i];
            continue;
        }
        tgv_neg_update(n, kept[i], now);
        free(kept[i]);
    }
    a->early_count = left;
    if (!tgv_account_expects_id(a))
        tgv_account_drop_early(a);
}

static bool too_old(const struct tgvoip_account *a,
                    const struct tgvoip_phone_call *call, tgv_time now)
{
    int64_t server_now;

    if (!a->server_time_known)
        return false;
    server_now = a->server_time_s + (now - a->server_time_at) / TGV_US_PER_S;
    return (int64_t)call->date + a->values.ring_timeout_ms / 1000 < server_now;
}

static void refuse(struct tgvoip_negotiation *n, tgv_time now)
{
    n->refused = n->released = true;
    tgv_neg_discard(n, TGVOIP_DISCARD_BUSY, now);
    tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_BUSY, now,
                "another call is active");
    tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_REFUSED);
}

static void requested(struct tgvoip_account *a,
                      const struct tgvoip_phone_call *call, tgv_time now)
{
    struct tgvoip_negotiation *n;
    bool is_busy = tgv_account_busy(a, NULL);

    if (call->participant_id != a->config.self_id || !call->admin_id ||
        call->admin_id == a->config.self_id || too_old(a, call, now))
        return;
    n = tgv_account_new_call(a);
    if (!n)
        return;
    n->has_id = true;
    n->id = call->id;
    n->access_hash = call->access_hash;
    n->admin_id = call->admin_id;
    n->participant_id = call->participant_id;
    n->video = call->video;
    if (is_busy) {
        refuse(n, now);
    } else if (!call->bytes || call->bytes_len != TGV_COMMITMENT_BYTES) {
        n->refused = n->released = true;
        tgv_neg_fail(n, TGVOIP_OUTCOME_VERIFICATION_FAILED, now,
                     "g_a_hash is not 32 bytes long");
        tgv_neg_event(n, TGVOIP_SIGNAL_EVENT_REFUSED);
    } else {
        tgv_incoming_start(n, call, now);
    }
}

void tgv_account_update(struct tgvoip_account *a,
                        const struct tgvoip_phone_call *call, tgv_time now)
{
    struct tgvoip_negotiation *n;

    if (call->type == TGVOIP_PHONE_CALL_UNKNOWN)
        return;
    n = tgv_account_find(a, call->id);
    if (n)
        tgv_neg_update(n, call, now);
    else if (tgv_account_has_ended(a, call->id))
        return;
    else if (call->type == TGVOIP_PHONE_CALL_REQUESTED)
        requested(a, call, now);
    else if (tgv_account_expects_id(a))
        keep_early(a, call, now);
    else if (call->type == TGVOIP_PHONE_CALL_DISCARDED)
        tgv_account_remember_ended(a, call->id); /* its request is late */
    tgv_account_forget_finished(a);
}
