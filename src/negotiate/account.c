/* SPDX-License-Identifier: MIT */
/* The calls of one account, and what its user does with them.
 * Source: call signalling SIG-09 */
#include "negotiate/account.h"

#include "base/failure.h"
#include "crypto/secret.h"

#include <stdlib.h>
#include <string.h>

static const char *const library_versions[] = {TGVOIP_PROTOCOL_LIBRARY_VERSION};

int tgv_account_create(struct tgvoip_account **out,
                       const struct tgv_account_config *config)
{
    struct tgvoip_account *a = calloc(1, sizeof(*a));

    *out = a;
    if (!a)
        return TGVOIP_ERR_NOMEM;
    a->config = *config;
    tgv_dh_cache_init(&a->own_cache);
    a->cache = config->dh_cache ? config->dh_cache : &a->own_cache;
    tgvoip_phone_config_default(&a->values);
    a->last_random_id = -1;
    a->protocol = (struct tgvoip_phone_protocol){
        .udp_p2p = !config->forbid_p2p,
        .udp_reflector = true,
        .min_layer = TGVOIP_MIN_LAYER,
        .max_layer = TGVOIP_MAX_LAYER,
        .library_versions = library_versions,
        .library_version_count = 1,
    };
    return 0;
}

static void free_call(struct tgvoip_negotiation *n)
{
    free(n->debug_log);
    tgv_wipe(n, sizeof(*n));
    free(n);
}

void tgv_account_destroy(struct tgvoip_account *a)
{
    struct tgvoip_negotiation *n, *next;

    if (!a)
        return;
    for (n = a->calls; n; n = next) {
        next = n->next;
        free_call(n);
    }
    tgv_account_drop_early(a);
    free(a->call_config);
    free(a);
}

uint64_t tgv_account_order(struct tgvoip_account *a)
{
    return ++a->next_order;
}

void tgv_account_set_server_time(struct tgvoip_account *a, int64_t unix_s,
                                 tgv_time now)
{
    a->server_time_known = true;
    a->server_time_s = unix_s;
    a->server_time_at = now;
}

/* ---- the calls ---- */

/* What leaves even when nobody holds the call any more. */
static bool unfinished(const struct tgvoip_negotiation *n)
{
    if (!tgv_neg_final(n))
        return true;
    if (n->lingered)
        return false;
    for (int i = 0; i < TGV_RPC_COUNT; i++)
        if (tgv_rpc_alive(&n->rpc[i]))
            return true;
    return false;
}

void tgv_account_forget_finished(struct tgvoip_account *a)
{
    struct tgvoip_negotiation **at = &a->calls, *n;

    while ((n = *at)) {
        if (!n->released || n->event_count || unfinished(n)) {
            at = &n->next;
            continue;
        }
        *at = n->next;
        a->call_count--;
        free_call(n);
    }
}

struct tgvoip_negotiation *tgv_account_new_call(struct tgvoip_account *a)
{
    struct tgvoip_negotiation *n, **at;

    if (a->call_count >= TGV_CALLS_KEPT)
        return NULL;
    n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    n->account = a;
    tgv_timers_stop_all(n);
    for (at = &a->calls; *at; at = &(*at)->next)
        ;
    *at = n;
    a->call_count++;
    return n;
}

struct tgvoip_negotiation *tgv_account_find(const struct tgvoip_account *a,
                                            int64_t id)
{
    for (struct tgvoip_negotiation *n = a->calls; n; n = n->next)
        if (n->has_id && n->id == id)
            return n;
    return NULL;
}

/* A call other than `self` that keeps the account from another one. Where
 * several may ring, one that merely rings does not. */
bool tgv_account_busy(const struct tgvoip_account *a,
                      const struct tgvoip_negotiation *self)
{
    for (const struct tgvoip_negotiation *n = a->calls; n; n = n->next) {
        if (n == self || tgv_neg_final(n) ||
            n->state == TGVOIP_SIGNAL_HANGING_UP)
            continue;
        if (n->state != TGVOIP_SIGNAL_WAITING_INCOMING ||
            !a->config.ring_when_busy)
            return true;
    }
    return false;
}

void tgv_account_remember_ended(struct tgvoip_account *a, int64_t id)
{
    a->ended[a->ended_next] = id;
    a->ended_next = (a->ended_next + 1) % TGV_ENDED_IDS;
    if (a->ended_count < TGV_ENDED_IDS)
        a->ended_count++;
}

bool tgv_account_has_ended(const struct tgvoip_account *a, int64_t id)
{
    for (size_t i = 0; i < a->ended_count; i++)
        if (a->ended[i] == id)
            return true;
    return false;
}

/* ---- what the user does ---- */

int tgv_account_call(struct tgvoip_account *a, struct tgvoip_negotiation **out,
                     int64_t user_id, unsigned ring_limit_ms, tgv_time now,
                     struct tgvoip_failure *failure)
{
    struct tgvoip_negotiation *n;

    *out = NULL;
    if (!user_id || user_id == a->config.self_id)
        return tgv_fail(failure, TGVOIP_ERR_INVALID, "user_id",
                        user_id ? "is the account itself" : "is 0");
    if (!a->values.phonecalls_enabled)
        return tgv_fail(failure, TGVOIP_ERR_ACCESS, "account",
                        "cannot call, says the server");
    if (tgv_account_busy(a, NULL))
        return tgv_fail(failure, TGVOIP_ERR_IN_USE, "account",
                        "another call is active");
    tgv_account_forget_finished(a);
    n = tgv_account_new_call(a);
    if (!n)
        return tgv_fail(failure, TGVOIP_ERR_NOMEM, "call",
                        "no memory, or too many calls that are not released");
    n->outgoing = true;
    n->admin_id = a->config.self_id;
    n->participant_id = user_id;
    n->ring_limit_ms = ring_limit_ms;
    tgv_outgoing_start(n, now);
    *out = n;
    return 0;
}

int tgv_negotiation_answer(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_WAITING_INCOMING)
        return TGVOIP_ERR_STATE;
    if (tgv_account_busy(n->account, n))
        return TGVOIP_ERR_IN_USE;
    tgv_incoming_answer(n, now);
    return 0;
}

int tgv_negotiation_decline(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_WAITING_INCOMING)
        return TGVOIP_ERR_STATE;
    tgv_incoming_decline(n, now);
    return 0;
}

int tgv_negotiation_ignore(struct tgvoip_negotiation *n, tgv_time now)
{
    if (n->state != TGVOIP_SIGNAL_WAITING_INCOMING)
        return TGVOIP_ERR_STATE;
    tgv_neg_end(n, TGVOIP_SIGNAL_ENDED, TGVOIP_OUTCOME_IGNORED, now, "ignored");
    return 0;
}

void tgv_negotiation_hang_up(struct tgvoip_negotiation *n, tgv_time now)
{
    tgv_neg_hang_up(n, now);
}

void tgv_negotiation_release(struct tgvoip_negotiation *n, tgv_time now)
{
    struct tgvoip_account *a = n->account;

    if (!tgv_neg_final(n))
        tgv_neg_hang_up(n, now);
    n->released = true;
    n->event_count = 0;
    tgv_account_forget_finished(a);
}
