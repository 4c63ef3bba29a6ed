/* SPDX-License-Identifier: MIT */
/* What leaves, in which order; answers to who asked; events. */
#include "negotiate/account.h"

#include <string.h>

static void fill_peer(const struct tgvoip_negotiation *n,
                      struct tgvoip_request *r)
{
    r->call_id = n->id;
    r->access_hash = n->access_hash;
}

static void fill_bytes(struct tgvoip_request *r, const uint8_t *data,
                       size_t len)
{
    memcpy(r->bytes, data, len);
    r->bytes_len = len;
}

static void fill(const struct tgvoip_negotiation *n, struct tgvoip_request *r)
{
    const struct tgvoip_account *a = n->account;

    switch (r->type) {
    case TGVOIP_REQUEST_REQUEST_CALL:
        r->user_id = n->participant_id;
        r->random_id = n->random_id;
        fill_bytes(r, n->commitment, sizeof(n->commitment));
        r->protocol = a->protocol;
        return;
    case TGVOIP_REQUEST_ACCEPT_CALL:
        fill_bytes(r, n->public_value, sizeof(n->public_value));
        r->protocol = a->protocol;
        break;
    case TGVOIP_REQUEST_CONFIRM_CALL:
        fill_bytes(r, n->public_value, sizeof(n->public_value));
        r->key_fingerprint = n->fingerprint;
        r->protocol = a->protocol;
        break;
    case TGVOIP_REQUEST_DISCARD_CALL:
        r->duration = n->duration_s;
        r->reason = n->discard_reason;
        r->connection_id = n->preferred_relay;
        break;
    case TGVOIP_REQUEST_SAVE_DEBUG:
        r->text = n->debug_log;
        break;
    case TGVOIP_REQUEST_SET_RATING:
        r->rating = n->stars;
        r->user_initiative = n->user_initiative;
        r->text = n->comment;
        break;
    case TGVOIP_REQUEST_GET_DH_CONFIG:
        r->dh_version = tgv_dh_cache_version(a->cache);
        r->random_length = TGV_DH_RANDOM_BYTES;
        return;
    default:
        break; /* receivedCall: only the peer */
    }
    fill_peer(n, r);
}

/* The first in order among these and *best. */
static void look(struct tgv_rpc *rpc, struct tgv_rpc **best)
{
    for (int i = 0; i < TGV_RPC_COUNT; i++)
        if (rpc[i].state == TGV_RPC_QUEUED &&
            (!*best || rpc[i].order < (*best)->order))
            *best = &rpc[i];
}

static bool is_of(const struct tgv_rpc *table, const struct tgv_rpc *rpc)
{
    for (int i = 0; i < TGV_RPC_COUNT; i++)
        if (rpc == &table[i])
            return true;
    return false;
}

/* Where the slot lies says what it is. */
static struct tgvoip_negotiation *owner(struct tgvoip_account *a,
                                        const struct tgv_rpc *rpc,
                                        enum tgvoip_request_type *type)
{
    struct tgvoip_negotiation *n = NULL;

    if (is_of(a->rpc, rpc)) {
        *type = (enum tgvoip_request_type)(rpc - a->rpc);
        return NULL;
    }
    for (n = a->calls; n && !is_of(n->rpc, rpc); n = n->next)
        ;
    *type = n ? (enum tgvoip_request_type)(rpc - n->rpc) : 0;
    return n;
}

bool tgv_account_next_request(struct tgvoip_account *a,
                              struct tgvoip_request *r)
{
    struct tgv_rpc *best = NULL;
    struct tgvoip_negotiation *n;
    size_t size = r->size;

    memset(r, 0, size);
    r->size = size;
    look(a->rpc, &best);
    for (n = a->calls; n; n = n->next)
        look(n->rpc, &best);
    if (!best)
        return false;
    n = owner(a, best, &r->type);
    best->state = TGV_RPC_SENT;
    best->id = r->id = ++a->next_id;
    if (!n)
        return true;
    if (!n->released)
        r->negotiation = n;
    if (r->type == TGVOIP_REQUEST_ACCEPT_CALL)
        n->accept_sent = true;
    fill(n, r);
    return true;
}

static struct tgv_rpc *find_sent(struct tgv_rpc *table, uint64_t id)
{
    for (int i = 0; i < TGV_RPC_COUNT; i++)
        if (table[i].state == TGV_RPC_SENT && table[i].id == id)
            return &table[i];
    return NULL;
}

static void call_answer(struct tgvoip_negotiation *n,
                        enum tgvoip_request_type type,
                        const struct tgv_answer *answer, tgv_time now)
{
    switch (answer->kind) {
    case TGV_ANSWER_PHONE_CALL:
        tgv_reply_phone_call(n, type, answer->call, now);
        break;
    case TGV_ANSWER_ERROR:
        tgv_reply_error(n, type, answer->code, answer->name, now);
        break;
    case TGV_ANSWER_NETWORK:
        tgv_reply_network(n, type, now);
        break;
    case TGV_ANSWER_DH:
        if (type == TGVOIP_REQUEST_GET_DH_CONFIG) {
            tgv_reply_dh(n, answer->dh, now);
            break;
        }
        /* fall through */
    default:
        tgv_reply_done(n, type, now);
    }
}

int tgv_account_answer(struct tgvoip_account *a, uint64_t id,
                       const struct tgv_answer *answer, tgv_time now)
{
    struct tgv_rpc *rpc = find_sent(a->rpc, id);
    struct tgvoip_negotiation *n = a->calls;
    enum tgvoip_request_type type;

    for (; !rpc && n; n = n->next)
        rpc = find_sent(n->rpc, id);
    if (!rpc)
        return TGVOIP_ERR_NOT_FOUND;
    rpc->state = TGV_RPC_DONE;
    n = owner(a, rpc, &type);
    if (n)
        call_answer(n, type, answer, now);
    else
        tgv_account_config_answer(a, type, answer, now);
    if (!tgv_account_expects_id(a))
        tgv_account_drop_early(a);
    tgv_account_forget_finished(a);
    return 0;
}

/* ---- events and time ---- */

bool tgv_account_next_event(struct tgvoip_account *a,
                            struct tgvoip_signal_event *event)
{
    struct tgvoip_negotiation *n, *first = NULL;
    size_t size = event->size;

    memset(event, 0, size);
    tgvoip_signal_event_default(event);
    event->size = size;
    for (n = a->calls; n; n = n->next)
        if (n->event_count &&
            (!first || n->events[0].order < first->events[0].order))
            first = n;
    if (!first)
        return false;
    event->type = first->events[0].type;
    event->state = first->events[0].state;
    event->negotiation = first->refused ? NULL : first;
    tgv_negotiation_info(first, &event->info, 0);
    first->event_count--;
    memmove(&first->events[0], &first->events[1],
            first->event_count * sizeof(first->events[0]));
    tgv_account_forget_finished(a);
    return true;
}

tgv_time tgv_account_deadline(const struct tgvoip_account *a)
{
    tgv_time due = TGV_NEVER;

    for (const struct tgvoip_negotiation *n = a->calls; n; n = n->next)
        due = tgv_time_min(due, tgv_timers_deadline(n));
    return due;
}

void tgv_account_expire(struct tgvoip_account *a, tgv_time now)
{
    for (struct tgvoip_negotiation *n = a->calls; n; n = n->next)
        tgv_timers_expire(n, now);
    tgv_account_forget_finished(a);
}
