/* SPDX-License-Identifier: MIT */
/* The server's settings: help.getConfig and phone.getCallConfig.
 * Source: call signalling 4, SIG-11, SIG-12 */
#include "negotiate/account.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static void take_ms(int *to, int ms)
{
    if (ms >= 1 && ms <= TGV_TIMEOUT_MAX_MS)
        *to = ms;
}

void tgv_account_set_values(struct tgvoip_account *a,
                            const struct tgvoip_phone_config *values,
                            tgv_time now)
{
    take_ms(&a->values.receive_timeout_ms, values->receive_timeout_ms);
    take_ms(&a->values.ring_timeout_ms, values->ring_timeout_ms);
    take_ms(&a->values.connect_timeout_ms, values->connect_timeout_ms);
    take_ms(&a->values.packet_timeout_ms, values->packet_timeout_ms);
    a->values.phonecalls_enabled = values->phonecalls_enabled;
    a->values_known = true;
    a->values_at = now;
}

int tgv_account_set_call_config(struct tgvoip_account *a, const char *json,
                                size_t len, tgv_time now)
{
    char why[128], *copy;
    struct tgv_json *j = tgv_json_parse(json, len, why, sizeof(why));
    bool object = j && tgv_json_is_object(j);

    tgv_json_free(j);
    if (!object)
        return TGVOIP_ERR_FORMAT;
    copy = malloc(len + 1);
    if (!copy)
        return TGVOIP_ERR_NOMEM;
    memcpy(copy, json, len);
    copy[len] = '\0';
    free(a->call_config);
    a->call_config = copy;
    a->call_config_at = now;
    return 0;
}

static void ask(struct tgvoip_account *a, enum tgvoip_request_type type)
{
    if (!tgv_rpc_alive(&a->rpc[type]))
        tgv_rpc_queue(&a->rpc[type], tgv_account_order(a));
}

void tgv_account_refresh(struct tgvoip_account *a, tgv_time now)
{
    if (a->config.no_config_requests)
        return;
    if (!a->values_known || now - a->values_at >= TGV_CONFIG_AGE)
        ask(a, TGVOIP_REQUEST_GET_CONFIG);
    if (!a->call_config || now - a->call_config_at >= TGV_CALL_CONFIG_AGE)
        ask(a, TGVOIP_REQUEST_GET_CALL_CONFIG);
}

bool tgv_account_waits(const struct tgvoip_account *a)
{
    return tgv_rpc_alive(&a->rpc[TGVOIP_REQUEST_GET_CONFIG]) ||
           tgv_rpc_alive(&a->rpc[TGVOIP_REQUEST_GET_CALL_CONFIG]);
}

static void not_taken(struct tgvoip_account *a, enum tgvoip_request_type type,
                      tgv_time now)
{
    /* No error: what is known stays, or the defaults. */
    tgv_log(&a->config.log, TGV_LOG_WARNING, "negotiate", now,
            "%s gave nothing that can be used", tgvoip_request_type_str(type));
}

/* This account has no calls, says a server of old layers. */
static void forbid_calls(struct tgvoip_account *a, tgv_time now)
{
    for (struct tgvoip_negotiation *n = a->calls; n; n = n->next)
        if (n->outgoing && n->state == TGVOIP_SIGNAL_REQUESTING &&
            n->rpc[TGVOIP_REQUEST_REQUEST_CALL].state != TGV_RPC_SENT)
            tgv_neg_fail(n, TGVOIP_OUTCOME_PRIVACY, now,
                         "this account cannot call");
}

void tgv_account_config_answer(struct tgvoip_account *a,
                               enum tgvoip_request_type type,
                               const struct tgv_answer *answer, tgv_time now)
{
    bool is_config = type == TGVOIP_REQUEST_GET_CONFIG;

    if (is_config && answer->kind == TGV_ANSWER_CONFIG)
        tgv_account_set_values(a, answer->values, now);
    else if (is_config || answer->kind != TGV_ANSWER_CALL_CONFIG ||
             tgv_account_set_call_config(a, answer->json, answer->json_len,
                                         now))
        not_taken(a, type, now);
    if (!a->values.phonecalls_enabled)
        forbid_calls(a, now);
    if (tgv_account_waits(a))
        return;
    for (struct tgvoip_negotiation *n = a->calls; n; n = n->next)
        tgv_neg_ready(n, now);
}
